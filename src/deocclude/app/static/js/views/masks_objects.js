// @ts-check
/** A line of the list of objects: colour, name to edit, size, remove. */

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { colour } from "../pictures.js";

/** @typedef {import("./masks.js").MasksView} MasksView */
/** @typedef {import("../types.js").Item} Item */

/**
 * @param {MasksView} view
 * @param {Item} item
 * @param {number} position
 */
export function objectRow(view, item, position) {
  const active = document.activeElement;
  const typed = active instanceof HTMLInputElement && active.id === `name-${item.id}` ? active.value : item.name;
  const name = h("input", {
    type: "text",
    class: "name",
    id: `name-${item.id}`,
    value: typed,
    maxlength: "200",
    "aria-label": `Name of object ${position + 1}`,
    onfocus: () => {
      if (view.selected !== item.id) view.choose(item.id);
    },
    onchange: () => rename(view, item, name.value),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") name.value = item.name;
      if (event.key === "Enter" || event.key === "Escape") name.blur();
    },
  });
  const row = h(
    "li",
    { class: "object", dataset: { object: item.id } },
    h("button", {
      type: "button",
      class: "swatch",
      id: `swatch-${item.id}`,
      "aria-pressed": "false",
      "aria-label": `Choose ${item.name}`,
      vars: { "--hue": colour(position) },
      onclick: () => view.choose(view.selected === item.id ? null : item.id),
    }),
    name,
    h("small", { onclick: () => view.choose(item.id) }, size(item.visible_pixels)),
    h(
      "button",
      {
        type: "button",
        class: "quiet small",
        "aria-label": `Remove ${item.name}`,
        title: "Remove",
        onclick: () => view.remove(item.id),
      },
      icon("trash"),
    ),
  );
  markChosen(row, view.selected);
  return row;
}

/**
 * Show whether a line is the chosen one, without drawing it again: its name may be being typed.
 * @param {HTMLElement} row
 * @param {number | null} id
 */
export function markChosen(row, id) {
  const chosen = id !== null && row.dataset.object === String(id);
  row.classList.toggle("chosen", chosen);
  row.querySelector(".swatch")?.setAttribute("aria-pressed", String(chosen));
}

/**
 * @param {MasksView} view
 * @param {Item} item
 * @param {string} name
 */
function rename(view, item, name) {
  void view.session
    .act((state) => {
      const now = state.objects.find((other) => other.id === item.id);
      return now && name.trim() && name !== now.name
        ? { method: "PATCH", path: `objects/${item.id}`, body: { revision: now.revision, name: name.trim() } }
        : null;
    })
    .then(() => view.update());
}

/** @param {number} pixels */
function size(pixels) {
  if (pixels < 1e4) return `${pixels.toLocaleString("en")} px`;
  return pixels < 1e6 ? `${Math.round(pixels / 1e3)} k px` : `${(pixels / 1e6).toFixed(1)} M px`;
}
