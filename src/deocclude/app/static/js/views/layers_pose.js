// @ts-check
/** Place, size, turn and opacity of the chosen layer as numbers. */

import { fill, h } from "../dom.js";
import { still, turn } from "../arrangement.js";

/** @typedef {import("./layers.js").LayersView} LayersView */
/** @typedef {import("../arrangement.js").Pose} Pose */

/** @type {{key: "dx" | "dy" | "scale" | "rotate", label: string, min: number, max: number}[]} */
const NUMBERS = [
  { key: "dx", label: "Right, px", min: -1e6, max: 1e6 },
  { key: "dy", label: "Down, px", min: -1e6, max: 1e6 },
  { key: "scale", label: "Size, %", min: 5, max: 2000 },
  { key: "rotate", label: "Turn, °", min: -180, max: 180 },
];

/** @param {LayersView} view */
export function poseFields(view) {
  const layer = view.selected === null ? null : view.arrangement.layer(view.selected);
  view.pose.hidden = !layer;
  if (!layer) return fill(view.pose);
  const drawn = view.pose.dataset.layer === String(layer.id) && view.pose.hasChildNodes();
  view.pose.dataset.layer = String(layer.id);
  if (!drawn) {
    fill(
      view.pose,
      h(
        "div",
        { class: "row" },
        h("h2", { class: "grow label", title: layer.name }, layer.name),
        h(
          "button",
          { type: "button", id: "pose-reset", class: "small quiet", onclick: () => view.nudge(still()) },
          "Put back",
        ),
      ),
      h(
        "div",
        { class: "pose" },
        NUMBERS.map((number) => field(view, number)),
      ),
      opacity(view),
    );
  }
  showValues(view, view.arrangement.pose(layer.id));
}

/**
 * Write the numbers into the fields that are there; a field that is being used keeps what it holds.
 * @param {LayersView} view
 * @param {Pose} pose
 */
function showValues(view, pose) {
  const values = {
    dx: pose.dx,
    dy: pose.dy,
    scale: Math.round(1000 * pose.scale) / 10,
    rotate: pose.rotate,
    opacity: Math.round(100 * pose.opacity),
  };
  for (const [key, value] of Object.entries(values)) {
    const input = /** @type {HTMLInputElement | null} */ (view.pose.querySelector(`#pose-${key}`));
    if (input && document.activeElement !== input) input.value = String(value);
  }
}

/**
 * @param {LayersView} view
 * @param {typeof NUMBERS[number]} number
 */
function field(view, { key, label, min, max }) {
  const input = h("input", {
    type: "number",
    id: `pose-${key}`,
    min,
    max,
    step: "any",
    onchange: () => {
      const typed = Number(input.value);
      if (input.value === "" || !Number.isFinite(typed)) return;
      const kept = key === "rotate" ? turn(typed) : Math.min(max, Math.max(min, typed));
      input.value = String(kept);
      view.nudge({ [key]: key === "scale" ? kept / 100 : kept });
    },
  });
  return h("label", { class: "number" }, h("span", {}, label), input);
}

/** @param {LayersView} view */
function opacity(view) {
  const slider = h("input", {
    type: "range",
    id: "pose-opacity",
    min: 0,
    max: 100,
    oninput: () => view.nudge({ opacity: Number(slider.value) / 100 }),
  });
  return h("div", { class: "field" }, h("label", { for: "pose-opacity" }, "Opacity"), slider);
}
