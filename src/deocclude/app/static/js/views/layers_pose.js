// @ts-check
/** Place, size, turn and opacity of the chosen layer as numbers. */

import { fill, h } from "../dom.js";
import { still } from "../arrangement.js";

/** @typedef {import("./layers.js").LayersView} LayersView */
/** @typedef {import("../arrangement.js").Pose} Pose */

/** @param {LayersView} view */
export function poseFields(view) {
  const layer = view.selected === null ? null : view.arrangement.layer(view.selected);
  view.pose.hidden = !layer;
  if (!layer) return fill(view.pose);
  const pose = view.arrangement.pose(layer.id);
  /** @type {[keyof Pose, string, number, number, number, number][]} */
  const numbers = [
    ["dx", "Right, px", pose.dx, 1, -1e6, 1e6], ["dy", "Down, px", pose.dy, 1, -1e6, 1e6],
    ["scale", "Size, %", Math.round(1000 * pose.scale) / 10, 1, 5, 2000], ["rotate", "Turn, °", pose.rotate, 1, -360, 360],
  ];
  fill(view.pose,
    h("div", { class: "row" }, h("h2", { class: "grow" }, layer.name), h("button", { type: "button", id: "pose-reset", class: "small quiet", onclick: () => view.nudge(still()) }, "Put back")),
    h("div", { class: "pose" }, numbers.map(([key, label, value, step, min, max]) => field(view, key, label, value, { step, min, max }))),
    opacity(view, pose));
}

/**
 * @param {LayersView} view
 * @param {keyof Pose} key
 * @param {string} label
 * @param {number} value
 * @param {{step: number, min: number, max: number}} range
 */
function field(view, key, label, value, range) {
  const input = h("input", { type: "number", id: `pose-${key}`, value: String(value), ...range, step: "any", onchange: () => {
    const typed = Number(input.value);
    if (input.value === "" || !Number.isFinite(typed)) return;
    const kept = Math.min(range.max, Math.max(range.min, typed));
    view.nudge({ [key]: key === "scale" ? kept / 100 : kept });
  } });
  return h("label", { class: "number" }, h("span", {}, label), input);
}

/**
 * @param {LayersView} view
 * @param {Pose} pose
 */
function opacity(view, pose) {
  const slider = h("input", { type: "range", id: "pose-opacity", min: 0, max: 100, value: Math.round(100 * pose.opacity),
    oninput: () => view.nudge({ opacity: Number(slider.value) / 100 }) });
  return h("div", { class: "field" }, h("label", { for: "pose-opacity" }, "Opacity"), slider);
}
