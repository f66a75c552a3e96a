// @ts-check
/** What the app says: short notices above the status line, read out by screen readers as well. */

import { byId, fill, h } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {{label: string, run: () => void}} Offer what can be done about it, as a button. */

let timer = 0;

/**
 * Say that something went well; it goes by itself.
 * @param {string} text
 */
export function tell(text) {
  show(text, "polite", 5000);
}

/**
 * Say what should not be missed; it stays until it is closed.
 * @param {string} text
 * @param {Offer} [offer]
 */
export function remark(text, offer) {
  show(text, "polite", 0, offer);
}

/**
 * Say that something went wrong; it stays until it is closed, or until something else has been done.
 * @param {unknown} error
 */
export function complain(error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  show(error instanceof Error ? error.message : String(error), "bad", 0);
}

/**
 * @param {string} text
 * @param {"polite" | "bad"} kind
 * @param {number} lasts milliseconds; 0 for until it is closed.
 * @param {Offer} [offer]
 */
function show(text, kind, lasts, offer) {
  clearTimeout(timer);
  const box = byId("notice");
  box.className = `notice ${kind}`;
  if (kind === "bad") box.setAttribute("role", "alert");
  else box.removeAttribute("role"); // what is round it is read out in its turn
  fill(
    box,
    h("span", {}, text),
    offer ? h("button", { type: "button", class: "offer", onclick: () => (hide(), offer.run()) }, offer.label) : null,
    h("button", { type: "button", "aria-label": "Close message", onclick: hide }, icon("remove")),
  );
  box.hidden = false;
  if (lasts) timer = window.setTimeout(hide, lasts);
}

/** Take a complaint away; what was told stays. */
export function forgive() {
  if (byId("notice").classList.contains("bad")) hide();
}

/** Take the notice away. */
export function hide() {
  const box = byId("notice");
  if (box.contains(document.activeElement)) byId("view").focus({ preventScroll: true }); // its button goes
  box.hidden = true;
}
