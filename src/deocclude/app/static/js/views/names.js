// @ts-check
/** How an object is named in lists: a dot in its colour and its name. */

import { h } from "../dom.js";
import { colour } from "../pictures.js";

/** @typedef {import("../types.js").Item} Item */

/**
 * @param {Item[]} objects
 * @param {number} id 0 is the background.
 */
export function named(objects, id) {
  const position = objects.findIndex((item) => item.id === id);
  const name = id === 0 ? "Background" : (objects[position]?.name ?? `object ${id}`);
  return h(
    "span",
    { class: "named" },
    h("i", {
      class: id === 0 ? "dot ground" : "dot",
      vars: { "--hue": id === 0 ? "transparent" : colour(Math.max(0, position)) },
    }),
    h("span", { class: "label", title: name }, name),
  );
}
