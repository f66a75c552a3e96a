// @ts-check
/** Keyboard shortcuts: one table for what is in force, from which the help dialog is written too. */

import { byId, fill, h } from "./dom.js";

/**
 * @typedef {object} Shortcut
 * @property {string} key as "b", "?", "Ctrl+z", "Ctrl+Shift+z", "Alt+ArrowUp"; Ctrl is Command on a Mac, and Delete
 *   the key with that name there, which others call Backspace.
 * @property {string} does what it does, for the help dialog.
 * @property {(event: KeyboardEvent) => void} run
 * @property {string} [as] how the help dialog shows the key, where several share a line.
 * @property {boolean} [unlisted] left out of the help, being the second of a pair.
 * @property {() => boolean} [when] whether it does anything now; where not, the browser has the key.
 */

/** @type {Shortcut[]} */
let everywhere = [];
/** @type {Shortcut[]} */
let here = [];
let title = "";

/**
 * Name of the key that an event stands for, as in {@link Shortcut}.
 * @param {KeyboardEvent} event
 */
function nameOf(event) {
  const letter = /^[a-z]$/i.test(event.key);
  const shift = event.shiftKey && (letter || event.key.length > 1);
  const key = letter ? event.key.toLowerCase() : event.key === " " ? "Space" : event.key;
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${key}`;
}

/**
 * Whether a control wants the key for itself.
 * @param {KeyboardEvent} event
 */
function taken(event) {
  const { target } = event;
  if (!(target instanceof Element)) return false;
  const key = event.key === " " ? "Space" : event.key;
  const plain = !event.altKey && !event.ctrlKey && !event.metaKey;
  if (target.closest("dialog")) return true;
  if (target.matches("input[type=text], input[type=number], textarea")) return true;
  if (target.matches("input[type=range], input[type=radio]") && plain && /Arrow|Home|End|Page/.test(key)) return true;
  if (target.matches("select") && (/Arrow|Home|End|Page/.test(key) || (plain && key.length === 1))) return true;
  if (plain && !event.shiftKey && scrolls(target) && /^(Arrow(Up|Down)|Page(Up|Down))$/.test(key)) return true;
  return target.matches("button, a, summary, input, select, [role=button]") && /^(Enter|Space)$/.test(key);
}

/**
 * Whether an element has more to show than fits, so that keys scroll it.
 * @param {Element} target
 */
function scrolls(target) {
  return target.scrollHeight > target.clientHeight && /auto|scroll/.test(getComputedStyle(target).overflowY);
}

/** @param {Shortcut[]} shortcuts in force in every view. */
export function listen(shortcuts) {
  everywhere = shortcuts;
  document.addEventListener("keydown", (event) => {
    const name = nameOf(event);
    if (event.defaultPrevented || taken(event)) return;
    const found = [...here, ...everywhere].find((item) => item.key === (name === "Backspace" ? "Delete" : name));
    if (!found || found.when?.() === false) return;
    event.preventDefault();
    found.run(event);
  });
}

/**
 * Set the shortcuts of the view that is shown.
 * @param {string} view its name
 * @param {Shortcut[]} shortcuts
 */
export function inView(view, shortcuts) {
  title = view;
  here = shortcuts;
}

/** What the keys do while the picture has the focus, where they steer a pointer over it. */
const POINTER = [
  { key: "arrows", as: "← ↑ ↓ →", does: "Move a pointer over it; with Shift by one pixel of the screen", run: () => {} },
  { key: "Enter", does: "Press and release there, as the mouse does", run: () => {} },
];

/** Show what the keys do. */
export function showHelp() {
  const pointer = document.querySelector("canvas.steered") !== null;
  const dialog = /** @type {HTMLDialogElement} */ (byId("help"));
  fill(
    byId("help-keys"),
    here.length ? table(`In this view: ${title}`, here) : null,
    table("Everywhere", everywhere),
    table("On the picture", [
      ...(pointer ? POINTER : []),
      { key: "Space", as: "Space + drag", does: "Move the picture; the middle button does the same", run: () => {} },
      { key: "wheel", as: "Wheel", does: "Zoom; with Shift, move sideways", run: () => {} },
    ]),
  );
  if (!dialog.open) dialog.showModal();
}

/**
 * @param {string} caption
 * @param {Shortcut[]} shortcuts
 */
function table(caption, shortcuts) {
  const rows = shortcuts
    .filter((item) => !item.unlisted)
    .map((item) => h("div", { class: "key" }, h("dt", {}, ...keycaps(item.as ?? item.key)), h("dd", {}, item.does)));
  return h("section", {}, h("h3", {}, caption), h("dl", {}, rows));
}

const NAMES = new Map([
  ["ArrowUp", "↑"],
  ["ArrowDown", "↓"],
  ["ArrowLeft", "←"],
  ["ArrowRight", "→"],
  ["Escape", "Esc"],
]);

/**
 * @param {string} key
 * @returns {(string | HTMLElement)[]}
 */
function keycaps(key) {
  /** @type {(string | HTMLElement)[]} */
  const parts = [];
  for (const part of key.split(" ")) {
    if (/^(or|and|to|drag)$/.test(part) || (part === "+" && parts.length)) parts.push(` ${part} `);
    else for (const cap of part === "+" ? ["+"] : part.split("+")) parts.push(h("kbd", {}, NAMES.get(cap) ?? cap));
  }
  return parts;
}
