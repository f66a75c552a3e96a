// @ts-check
/** The work place that most views share: a rail of tools, the picture, a panel. */

import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import { load } from "./pictures.js";
import { Stage } from "./stage.js";
import { steerByKeys } from "./stage_keys.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./stage.js").Tool} Tool */
/** @typedef {import("./keys.js").Shortcut} Shortcut */

/**
 * @typedef {object} Choice a tool as the rail shows it.
 * @property {string} name
 * @property {string} label
 * @property {string} icon
 * @property {string} key
 * @property {string} hint what to do with it, shown below the picture.
 * @property {Tool} tool
 */

/** The picture with its zoom buttons, a line of help, and the photo below everything else. */
export class Desk {
  /**
   * @param {Session} session
   * @param {string} name what screen readers call the picture.
   * @param {{steer?: boolean, marks?: boolean}} [options] `steer` lets arrow keys move a pointer over the picture;
   *   with `marks` there is a button that hides what is drawn over the photo.
   */
  constructor(session, name, options = {}) {
    const { photo } = session.state;
    this.session = session;
    this.stage = new Stage(photo, name);
    /** @type {ImageBitmap | OffscreenCanvas | null} */
    this.base = null;
    this.dim = 0;
    /** Whether the photo is shown without anything over it. */
    this.bare = false;
    this.eye = options.marks ? this.eyeButton() : null;
    this.hint = h("p", { class: "hint", id: "hint", hidden: true });
    this.percent = h("output", { "aria-label": "Zoom" });
    this.element = h("div", { class: "desk" }, this.stage.element, this.hint, this.zoomButtons());
    this.stage.canvas.setAttribute("aria-describedby", "hint");
    this.stage.painters.push((context) => this.paintBase(context));
    this.stage.watchers.push(() => (this.percent.textContent = `${Math.round(this.stage.scale * 100)} %`));
    this.stage.canvas.addEventListener("pointermove", (event) => this.showPlace(event));
    this.stage.canvas.addEventListener("pointerleave", () => (byId("place").textContent = ""));
    this.showEye();
    if (options.steer !== false) steerByKeys(this.stage);
    void this.show(session.state.preview.picture_url);
  }

  /**
   * Lay another picture below everything.
   * @param {string} url
   */
  async show(url) {
    this.base = await load(url);
    this.stage.invalidate();
  }

  /** @param {CanvasRenderingContext2D} context */
  paintBase(context) {
    const { width, height } = this.stage;
    if (this.base) context.drawImage(this.base, 0, 0, width, height);
    if (!this.dim || this.bare) return;
    context.fillStyle = `rgb(18 20 24 / ${this.dim})`;
    context.fillRect(0, 0, width, height);
  }

  /** @param {string} text */
  say(text) {
    this.hint.textContent = text;
    this.hint.hidden = !text;
  }

  /** @param {PointerEvent} event */
  showPlace(event) {
    const { x, y } = this.stage.toPhoto(event);
    const inside = x >= -0.5 && y >= -0.5 && x < this.stage.width - 0.5 && y < this.stage.height - 0.5;
    byId("place").textContent = inside ? `${Math.round(x)}, ${Math.round(y)} px` : "";
  }

  zoomButtons() {
    const button = (/** @type {string} */ name, /** @type {string} */ label, /** @type {() => void} */ run) =>
      h(
        "button",
        { type: "button", class: "quiet small", "aria-label": label, title: label, onclick: run },
        icon(name),
      );
    return h(
      "div",
      { class: "zoom", role: "group", "aria-label": "View" },
      this.eye,
      button("zoomOut", "Zoom out (−)", () => this.stage.zoom(1 / 1.25)),
      this.percent,
      button("zoomIn", "Zoom in (+)", () => this.stage.zoom(1.25)),
      button("fit", "Whole photo (0)", () => this.stage.fit()),
    );
  }

  eyeButton() {
    return h("button", { type: "button", id: "marks", class: "quiet small", onclick: () => this.toggleMarks() }, icon("eye"));
  }

  /** Hide what is drawn over the photo, or show it again. */
  toggleMarks() {
    this.bare = !this.bare;
    this.showEye();
    this.stage.element.classList.toggle("bare", this.bare);
    this.stage.invalidate();
  }

  showEye() {
    if (!this.eye) return;
    const label = this.bare ? "Show what is drawn over the photo (H)" : "Hide what is drawn over the photo (H)";
    this.eye.title = label;
    this.eye.setAttribute("aria-label", label);
    this.eye.setAttribute("aria-pressed", String(this.bare));
    this.eye.replaceChildren(icon(this.bare ? "eyeOff" : "eye"));
  }

  /** @returns {Shortcut[]} */
  get keys() {
    /** @type {Shortcut[]} */
    const marks = this.eye
      ? [{ key: "h", does: "Hide or show what is drawn over the photo", run: () => this.toggleMarks() }]
      : [];
    return [
      ...marks,
      { key: "+", does: "Zoom in", run: () => this.stage.zoom(1.25) },
      { key: "=", does: "", unlisted: true, run: () => this.stage.zoom(1.25) },
      { key: "-", does: "Zoom out", run: () => this.stage.zoom(1 / 1.25) },
      { key: "0", does: "Show the whole photo", run: () => this.stage.fit() },
    ];
  }

  close() {
    this.stage.close();
    byId("place").textContent = "";
  }
}

/** Tools of which one is in the hand. */
export class Rail {
  /**
   * @param {Desk} desk
   * @param {(Choice | null)[]} choices null draws a line.
   */
  constructor(desk, choices) {
    this.desk = desk;
    this.choices = /** @type {Choice[]} */ (choices.filter(Boolean));
    /** @type {Map<string, HTMLButtonElement>} */
    this.buttons = new Map();
    this.element = h(
      "div",
      { class: "rail", role: "radiogroup", "aria-label": "Tools" },
      choices.map((choice) => (choice ? this.button(choice) : h("hr", { "aria-hidden": "true" }))),
    );
    this.element.addEventListener("keydown", (event) => this.step(event));
    /** @type {(name: string) => void} */
    this.changed = () => {};
    this.current = this.choices[0];
    this.take(this.current.name);
  }

  /** @param {Choice} choice */
  button(choice) {
    const button = h(
      "button",
      {
        type: "button",
        role: "radio",
        "aria-checked": "false",
        title: `${choice.label} (${choice.key.toUpperCase()})`,
        dataset: { tool: choice.name },
        onclick: () => this.take(choice.name),
      },
      icon(choice.icon),
      choice.label,
    );
    this.buttons.set(choice.name, button);
    return button;
  }

  /** @param {string} name */
  take(name) {
    const found = this.choices.find((choice) => choice.name === name);
    if (!found) return;
    this.current = found;
    for (const [key, button] of this.buttons) {
      button.setAttribute("aria-checked", String(key === name));
      button.tabIndex = key === name ? 0 : -1;
    }
    this.desk.stage.use(found.tool);
    this.desk.say(found.hint);
    this.changed(name);
  }

  /** @param {KeyboardEvent} event */
  step(event) {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return; // those belong to the page
    event.preventDefault();
    const place = this.choices.indexOf(this.current) + by + this.choices.length;
    const next = this.choices[place % this.choices.length];
    this.take(next.name);
    this.buttons.get(next.name)?.focus();
  }

  /** @returns {Shortcut[]} */
  get keys() {
    return this.choices.map((choice) => ({ key: choice.key, does: choice.label, run: () => this.take(choice.name) }));
  }
}

/** Size of the brush, with its slider and keys. */
export class Brush {
  /** @param {{width: number, height: number}} photo */
  constructor(photo) {
    const longer = Math.max(photo.width, photo.height);
    this.radius = Math.max(2, Math.round(longer / 60));
    this.slider = h("input", {
      type: "range",
      id: "brush",
      min: 1,
      max: Math.max(20, Math.round(longer / 12)),
      value: this.radius,
      oninput: () => this.set(Number(this.slider.value)),
    });
    this.text = h("output", { for: "brush" });
    this.element = h(
      "div",
      { class: "field" },
      h("label", { for: "brush" }, "Brush size"),
      h("div", { class: "row" }, h("span", { class: "grow" }, this.slider), this.text),
    );
    /** @type {() => void} */
    this.changed = () => {};
    this.set(this.radius);
  }

  /** @param {number} radius */
  set(radius) {
    this.radius = Math.min(Number(this.slider.max), Math.max(1, Math.round(radius)));
    this.slider.value = String(this.radius);
    this.text.textContent = `${2 * this.radius} px`;
    this.changed?.();
  }

  /** @returns {Shortcut[]} */
  get keys() {
    return [
      {
        key: "[",
        as: "[ and ]",
        does: "Smaller, larger brush",
        run: () => this.set(Math.min(this.radius - 1, this.radius / 1.2)),
      },
      { key: "]", does: "", unlisted: true, run: () => this.set(Math.max(this.radius + 1, this.radius * 1.2)) },
    ];
  }
}
