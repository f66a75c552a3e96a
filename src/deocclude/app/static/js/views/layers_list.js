// @ts-check
/** The list of layers, front-most first: thumbnail, name, visible or not, order by dragging or by buttons. */

import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { sized } from "../pictures.js";

/** @typedef {import("./layers.js").LayersView} LayersView */
/** @typedef {import("../types.js").Layer} Layer */

/** @param {LayersView} view */
export function layerList(view) {
  const { arrangement, list } = view;
  const ids = [...arrangement.order].reverse();
  const layers = ids.map((id) => arrangement.layer(id)).filter((layer) => layer !== null);
  const ground = view.session.state.background_url;
  fill(
    list,
    layers.map((layer, place) => row(view, layer, place, layers.length)),
    ground
      ? h(
          "li",
          { class: "layer ground" },
          h("span", { class: "thumb" }, h("img", { src: sized(ground, "thumb"), alt: "" })),
          h("span", { class: "grow" }, "Background"),
        )
      : null,
    layers.length ? null : h("li", { class: "empty" }, icon("photo"), whyNone(view)),
  );
}

/** @param {LayersView} view */
function whyNone({ session }) {
  if (session.state.objects.length === 0) return "Mark an object first; layers follow from the masks.";
  return session.job ? "The layers are being made …" : "There are no layers yet.";
}

/**
 * @param {LayersView} view
 * @param {Layer} layer
 * @param {number} place from the front
 * @param {number} count
 */
function row(view, layer, place, count) {
  const { id, name } = layer;
  const chosen = id === view.selected;
  const { hidden } = view.arrangement.pose(id);
  const up = () => view.restack(id, count - place);
  const down = () => view.restack(id, count - 2 - place);
  const item = h(
    "li",
    { class: `layer${chosen ? " chosen" : ""}${hidden ? " off" : ""}`, draggable: "true", dataset: { layer: id } },
    h(
      "button",
      {
        type: "button",
        class: "quiet small eye",
        id: `eye-${id}`,
        "aria-pressed": String(!hidden),
        "aria-label": `Show ${name}`,
        title: hidden ? "Show (H)" : "Hide (H)",
        onclick: () => view.toggle(id),
      },
      icon(hidden ? "eyeOff" : "eye"),
    ),
    h(
      "button",
      {
        type: "button",
        class: "quiet choose grow",
        id: `layer-${id}`,
        "aria-pressed": String(chosen),
        onclick: () => view.choose(chosen ? null : id),
      },
      h("span", { class: "thumb" }, h("img", { src: layer.thumbnail_url, alt: "", draggable: "false" })),
      h("span", { class: "grow label", title: name }, name),
    ),
    h(
      "span",
      { class: "row tight" },
      h(
        "button",
        {
          type: "button",
          class: "quiet small",
          id: `up-${id}`,
          disabled: place === 0,
          "aria-label": `Bring ${name} forward`,
          title: "Forward (Alt+↑)",
          onclick: up,
        },
        icon("up"),
      ),
      h(
        "button",
        {
          type: "button",
          class: "quiet small",
          id: `down-${id}`,
          disabled: place === count - 1,
          "aria-label": `Send ${name} back`,
          title: "Back (Alt+↓)",
          onclick: down,
        },
        icon("down"),
      ),
    ),
  );
  draggable(view, item, id);
  return item;
}

/**
 * @param {LayersView} view
 * @param {HTMLLIElement} item
 * @param {number} id
 */
function draggable(view, item, id) {
  item.addEventListener("dragstart", (event) => {
    event.dataTransfer?.setData("text/x-layer", String(id));
    item.classList.add("lifted");
  });
  item.addEventListener("dragend", () => item.classList.remove("lifted"));
  item.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("text/x-layer")) return;
    event.preventDefault();
    item.classList.add("over");
  });
  item.addEventListener("dragleave", () => item.classList.remove("over"));
  item.addEventListener("drop", (event) => {
    event.preventDefault();
    item.classList.remove("over");
    const dropped = Number(event.dataTransfer?.getData("text/x-layer"));
    if (dropped && dropped !== id) view.restack(dropped, view.arrangement.order.indexOf(id));
  });
}
