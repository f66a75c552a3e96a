// @ts-check
/** Export: each format is fetched, so that a refusal is shown as a message and not saved as a file. */

import { reach, Refused } from "../api.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { complain, remark, tell } from "../notices.js";

/** @typedef {import("./layers.js").LayersView} LayersView */

const NOTE = "In full size, as arranged.";
const NOT_YET = "Ready when the layers are up to date.";

/**
 * A button that opens the list of formats; it closes when one is taken, and when something else is done.
 * @param {HTMLElement} list
 */
export function exportMenu(list) {
  const summary = h("summary", { class: "button small", id: "export" }, icon("save"), "Export");
  const menu = h("details", { class: "menu" }, summary, h("div", { class: "sheet" }, list));
  const shut = () => {
    const inside = list.contains(document.activeElement);
    menu.open = false;
    if (inside) summary.focus({ preventScroll: true });
  };
  list.addEventListener("click", shut);
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    shut();
  });
  const outside = (/** @type {Event} */ event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  };
  menu.addEventListener("toggle", () => {
    for (const kind of ["pointerdown", "focusin"])
      if (menu.open) document.addEventListener(kind, outside);
      else document.removeEventListener(kind, outside);
  });
  return menu;
}

/**
 * The formats; none can be taken while the layers are those of before a change.
 * @param {LayersView} view
 */
export function exportButtons(view) {
  const ready = view.session.state.layers.length > 0 && view.session.fresh("layers");
  const buttons = view.app.exports.map(({ name, title, available, hint }) =>
    h(
      "button",
      {
        type: "button",
        class: "quiet",
        id: `export-${name}`,
        disabled: !ready || !available,
        title: hint ?? "",
        onclick: () => save(view, name),
      },
      title,
    ),
  );
  return [...buttons, h("small", {}, ready ? NOTE : NOT_YET)];
}

/**
 * @param {LayersView} view
 * @param {string} format
 */
async function save(view, format) {
  try {
    view.flush(); // a number that was typed a moment ago
    remark("The file is being made …");
    await view.session.queue;
    const answer = await reach(`/api/photos/${view.session.id}/export/${format}`);
    if (!answer.ok) throw new Refused(answer.status, (await answer.json().catch(() => null))?.error ?? {});
    const name = fileName(answer.headers.get("Content-Disposition") ?? "") ?? format;
    const url = URL.createObjectURL(await answer.blob());
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    tell(`Saved as ${name}.`);
  } catch (error) {
    complain(error);
  }
}

/**
 * The name of a download; one with letters beyond ASCII comes quoted as in addresses.
 * @param {string} disposition
 */
function fileName(disposition) {
  const quoted = /filename\*=utf-8''([^;]+)/i.exec(disposition)?.[1];
  return quoted ? decodeURIComponent(quoted) : /filename="?([^";]+)/.exec(disposition)?.[1];
}
