// @ts-check
/** The panel of a mask in the making: name it and take it, put it in place of the chosen one, or throw it away. */

import { fill, h } from "../dom.js";
import { tell } from "../notices.js";

/** @typedef {import("./masks.js").MasksView} MasksView */

/** @param {MasksView} view */
export function draftPanel(view) {
  const { draft, draftBox } = view;
  const chosen = view.session.state.objects.find((item) => item.id === view.selected);
  const name = h("input", {
    type: "text",
    id: "new-name",
    value: draft.name,
    maxlength: "200",
    placeholder: nextName(view.session.state.objects),
    oninput: () => draft.rename(name.value),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") void take(view, name.value, null);
    },
  });
  const ready = draft.mask !== null && !draft.mask.empty && !draft.busy;
  fill(
    draftBox,
    h("h2", {}, draft.busy ? "Finding the outline …" : "New mask"),
    h("p", { class: "lead" }, "Not right yet? Draw lines with Object and Not it, or use brush and eraser."),
    h("div", { class: "field" }, h("label", { for: "new-name" }, "Name"), name),
    h(
      "div",
      { class: "row" },
      h(
        "button",
        { type: "button", class: "main", id: "take", disabled: !ready, onclick: () => take(view, name.value, null) },
        "Add object",
      ),
      chosen
        ? h(
            "button",
            { type: "button", id: "replace", disabled: !ready, onclick: () => take(view, "", chosen.id) },
            h("span", { class: "label" }, `Use for ${chosen.name}`),
          )
        : null,
      h("button", { type: "button", id: "discard", class: "quiet", onclick: () => draft.clear() }, "Discard"),
    ),
  );
}

/**
 * @param {MasksView} view
 * @param {string} typed
 * @param {number | null} into the object to give this mask, or null for a new one.
 */
async function take(view, typed, into) {
  const { draft, session } = view;
  if (!draft.mask || draft.busy || draft.taking) return;
  draft.taking = true;
  const mask = await draft.mask.toMask();
  const done = await session.act((state) => {
    const item = state.objects.find((other) => other.id === into);
    if (item) return { method: "PATCH", path: `objects/${into}`, body: { revision: item.revision, mask } };
    return {
      method: "POST",
      path: "objects",
      body: { mask, name: typed.trim() || nextName(state.objects), take: true },
    };
  });
  draft.taking = false;
  if (!done) return;
  draft.clear();
  if (into !== null) return;
  view.choose(Math.max(...session.state.objects.map((item) => item.id)));
  view.added = view.selected;
  tell("The mask is stored.");
}

/**
 * What a new object is called without a name of its own.
 * @param {import("../types.js").Item[]} objects
 */
function nextName(objects) {
  return `object ${Math.max(0, ...objects.map((item) => item.id)) + 1}`;
}
