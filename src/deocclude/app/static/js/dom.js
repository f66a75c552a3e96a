// @ts-check
/** Elements by function call: no templates, no inline style or script, so the strictest content policy holds. */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, any>} Attributes */

/**
 * Make an element. Keys that start with "on" are listeners, `class` is the class list, `dataset` and `vars` (custom
 * properties) are objects, booleans switch an attribute, everything else becomes one.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Attributes} [attributes]
 * @param {...Child | Child[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  assign(element, attributes);
  append(element, children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an SVG element; attributes as in {@link h}.
 * @param {string} name
 * @param {Attributes} [attributes]
 * @param {...Child | Child[]} children
 * @returns {SVGElement}
 */
export function s(name, attributes = {}, ...children) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, name));
  assign(element, attributes);
  append(element, children);
  return element;
}

/**
 * @param {HTMLElement | SVGElement} element
 * @param {Attributes} attributes
 */
function assign(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "dataset") Object.assign(element.dataset, value);
    else if (key === "vars")
      for (const [name, text] of Object.entries(value)) element.style.setProperty(name, String(text));
    else element.setAttribute(key, value === true ? "" : String(value));
  }
}

/**
 * @param {Element} element
 * @param {(Child | Child[])[]} children
 */
function append(element, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

const CONTROLS = "a[href], button, input, select, summary";

/**
 * Replace what an element holds. The focus and the caret stay on the control with the same id; where that has gone or
 * is switched off, the focus goes to the control in its place, so whoever uses no mouse need not begin at the top.
 * @param {Element} element
 * @param {...Child | Child[]} children
 */
export function fill(element, ...children) {
  const active = document.activeElement;
  const focused = active && active !== element && element.contains(active) ? active : null;
  const place = focused ? [...element.querySelectorAll(CONTROLS)].indexOf(focused) : -1;
  const caret =
    focused instanceof HTMLInputElement && focused.type === "text"
      ? /** @type {const} */ ([focused.selectionStart, focused.selectionEnd])
      : null;
  element.replaceChildren();
  append(element, children);
  if (!focused) return;
  const same = focused.id ? document.getElementById(focused.id) : null;
  if (same instanceof HTMLInputElement && caret) same.setSelectionRange(...caret);
  focusOn(same, element, place);
}

/**
 * Focus a control, or the first one from a place on that is switched on, or what is round them.
 * @param {HTMLElement | null} wanted
 * @param {Element} element
 * @param {number} place
 */
function focusOn(wanted, element, place) {
  const controls = /** @type {HTMLElement[]} */ ([...element.querySelectorAll(CONTROLS)]);
  const from = wanted && controls.includes(wanted) ? controls.indexOf(wanted) : Math.max(0, place);
  const near = [...controls.slice(from), ...controls.slice(0, from).reverse()].find((one) => !one.matches(":disabled"));
  const next = wanted && !wanted.matches(":disabled") ? wanted : near;
  const round = /** @type {HTMLElement | null} */ (element.closest("[tabindex]"));
  (next ?? round)?.focus({ preventScroll: true });
}

/**
 * Scroll no more than is needed to see the line of a list that has been chosen.
 * @param {Element} list
 */
export function reveal(list) {
  list.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
}

/**
 * The element of a list so many places on, round its ends; from nowhere (-1) to its first or its last.
 * @template T
 * @param {T[]} list
 * @param {number} place
 * @param {number} by
 * @returns {T | undefined}
 */
export function along(list, place, by) {
  const from = place < 0 && by < 0 ? 0 : place;
  return list[(from + by + list.length) % list.length];
}

/**
 * The element with an id; its absence is a fault of index.html.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

/**
 * Text for the number of things.
 * @param {number} count
 * @param {string} word
 * @param {string} [many]
 */
export function plural(count, word, many = `${word}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? word : many}`;
}
