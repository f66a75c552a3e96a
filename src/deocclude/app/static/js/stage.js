// @ts-check
/**
 * The photo on the screen: fits, zooms, pans, and calls painters and a tool in photo coordinates.
 *
 * Two systems: "edge" coordinates, in which the photo spans 0..width, are what the canvas draws in; points handed to
 * tools have pixel centres at whole numbers, half a pixel less, as everywhere in deocclude.
 */

import { h } from "./dom.js";

/** @typedef {{x: number, y: number}} Point */
/**
 * What the pointer does; points are pixel centres of the photo.
 * @typedef {object} Tool
 * @property {string} [cursor] CSS cursor over the photo.
 * @property {boolean} [other] the right button means something of its own.
 * @property {() => number} [radius] of a round brush, in photo pixels, shown under the pointer.
 * @property {(point: Point, event: PointerEvent) => void} [down]
 * @property {(point: Point, event: PointerEvent) => void} [move] while pressed.
 * @property {(point: Point, event: PointerEvent) => void} [up]
 * @property {(point: Point, event: PointerEvent) => void} [hover] while not pressed.
 * @property {() => void} [cancel] the gesture was taken away.
 */
/** @typedef {(context: CanvasRenderingContext2D, stage: Stage) => void} Painter */

const MARGIN = 20;
/** A photo that is shown whole is enlarged so far; a tiny one is to be worked on as well. */
const LARGEST_FIT = 16;
/** Pixels below the photo, which the line of help and the zoom buttons take up. */
const FOOT = 56;

export class Stage {
  /**
   * @param {{width: number, height: number}} photo size in pixels.
   * @param {string} name what screen readers call the picture.
   */
  constructor(photo, name) {
    this.width = photo.width;
    this.height = photo.height;
    this.scale = 1;
    this.offset = { x: 0, y: 0 };
    /** @type {Painter[]} */
    this.painters = [];
    /** @type {Tool | null} */
    this.tool = null;
    /** @type {(() => void)[]} */
    this.watchers = [];
    this.pointer = /** @type {Point | null} */ (null);
    this.canvas = h("canvas", { class: "picture", tabindex: "0", role: "img", "aria-label": name });
    this.overlay = h("div", { class: "overlay" });
    this.element = h("div", { class: "stage" }, this.canvas, this.overlay);
    this.fitted = true;
    this.pending = 0;
    /** @type {"idle" | "tool" | "pan" | "pinch"} */
    this.gesture = "idle";
    this.space = false;
    /** Whether the mouse has moved over the picture and not left it since. */
    this.hovered = false;
    /** @type {Map<number, Point>} fingers on the picture, by pointer */
    this.fingers = new Map();
    this.size = { width: 0, height: 0 };
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.element);
    this.listen();
  }

  /** Stop watching; the element may go. */
  close() {
    this.observer.disconnect();
    for (const kind of /** @type {const} */ (["keydown", "keyup"])) document.removeEventListener(kind, this.hold, true);
    window.removeEventListener("blur", this.letGo);
    cancelAnimationFrame(this.pending);
  }

  measure() {
    const { clientWidth, clientHeight } = this.element;
    if (!clientWidth || !clientHeight) return;
    this.size = { width: clientWidth, height: clientHeight };
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    if (this.fitted) this.fit();
    else this.changed();
  }

  /** Show the whole photo. */
  fit() {
    const room = { x: this.size.width - 2 * MARGIN, y: this.size.height - MARGIN - FOOT };
    this.scale = Math.max(0.01, Math.min(room.x / this.width, room.y / this.height, LARGEST_FIT));
    this.offset = {
      x: (this.size.width - this.width * this.scale) / 2,
      y: MARGIN + (room.y - this.height * this.scale) / 2,
    };
    this.fitted = true;
    this.changed();
  }

  /**
   * Zoom about a point of the element, its middle if none is given.
   * @param {number} factor
   * @param {Point} [at]
   */
  zoom(factor, at = { x: this.size.width / 2, y: this.size.height / 2 }) {
    const scale = Math.min(32, Math.max(0.02, this.scale * factor));
    const ratio = scale / this.scale;
    this.offset = { x: at.x - (at.x - this.offset.x) * ratio, y: at.y - (at.y - this.offset.y) * ratio };
    this.scale = scale;
    this.fitted = false;
    this.changed();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    this.offset = { x: this.offset.x + dx, y: this.offset.y + dy };
    this.fitted = false;
    this.changed();
  }

  /** @param {{clientX: number, clientY: number}} event */
  toPhoto(event) {
    const frame = this.element.getBoundingClientRect();
    return {
      x: (event.clientX - frame.left - this.offset.x) / this.scale - 0.5,
      y: (event.clientY - frame.top - this.offset.y) / this.scale - 0.5,
    };
  }

  /** @param {Point} point pixel centre of the photo; returns CSS pixels of the element. */
  toScreen(point) {
    return {
      x: (point.x + 0.5) * this.scale + this.offset.x,
      y: (point.y + 0.5) * this.scale + this.offset.y,
    };
  }

  /** Draw again with the next frame. */
  invalidate() {
    if (!this.pending) this.pending = requestAnimationFrame(() => this.draw());
  }

  changed() {
    for (const watcher of this.watchers) watcher();
    this.invalidate();
  }

  draw() {
    this.pending = 0;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const scale = this.scale * ratio;
    context.setTransform(scale, 0, 0, scale, this.offset.x * ratio, this.offset.y * ratio);
    context.imageSmoothingEnabled = this.scale < 3;
    context.imageSmoothingQuality = "medium";
    for (const painter of this.painters) {
      context.save();
      painter(context, this);
      context.restore();
    }
    this.drawBrush(context);
  }

  /** @param {CanvasRenderingContext2D} context */
  drawBrush(context) {
    if (!this.tool?.radius || !this.pointer) return;
    for (const [width, ink] of /** @type {[number, string][]} */ ([
      [3, "rgb(0 0 0 / .6)"],
      [1.5, "#fff"],
    ])) {
      context.beginPath();
      context.arc(this.pointer.x + 0.5, this.pointer.y + 0.5, Math.max(0.5, this.tool.radius()), 0, 2 * Math.PI);
      context.lineWidth = width / this.scale;
      context.strokeStyle = ink;
      context.stroke();
    }
  }

  /** @param {Tool | null} tool */
  use(tool) {
    this.tool = tool;
    this.canvas.style.cursor = tool?.cursor ?? "default";
    this.invalidate();
  }

  listen() {
    const canvas = this.canvas;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.follow(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("pointercancel", (event) => {
      if (this.gesture === "tool") this.tool?.cancel?.();
      this.fingers.delete(event.pointerId);
      this.gesture = "idle";
    });
    canvas.addEventListener("pointerleave", () => {
      this.pointer = null;
      this.hovered = false;
      this.invalidate();
    });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    this.element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    for (const kind of /** @type {const} */ (["keydown", "keyup"])) document.addEventListener(kind, this.hold, true);
    window.addEventListener("blur", this.letGo);
  }

  letGo = () => {
    this.space = false;
    this.canvas.style.cursor = this.tool?.cursor ?? "default";
  };

  /**
   * Space moves the picture while the mouse is over it; after Tab it is for the control that has the focus.
   * @param {KeyboardEvent} event
   */
  hold = (event) => {
    if (event.code === "Tab") this.hovered = false;
    if (event.code !== "Space") return;
    if (event.type === "keyup") {
      if (this.space) event.preventDefault(); // or the button that was clicked last is pressed
      return this.letGo();
    }
    const active = document.activeElement;
    const typing = active?.matches("input[type=text], input[type=number], dialog *");
    if (active !== this.canvas && (typing || !this.hovered)) return;
    event.preventDefault();
    this.space = true;
    this.canvas.style.cursor = "grab";
  };

  /** @param {PointerEvent} event */
  press(event) {
    this.canvas.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch" && this.touch(event)) return;
    if (event.button === 1 || this.space) {
      this.gesture = "pan";
      event.preventDefault();
      return;
    }
    if (this.gesture !== "idle" || !this.tool || (event.button !== 0 && !this.tool.other)) return;
    this.gesture = "tool";
    this.tool.down?.(this.toPhoto(event), event);
  }

  /** @param {PointerEvent} event */
  follow(event) {
    if (this.gesture === "pinch") return this.pinch(event);
    const point = this.toPhoto(event);
    this.pointer = point;
    this.hovered = true;
    if (this.gesture === "pan") this.pan(event.movementX, event.movementY);
    else if (this.gesture === "tool") this.tool?.move?.(point, event);
    else this.tool?.hover?.(point, event);
    if (this.tool?.radius) this.invalidate();
  }

  /** @param {PointerEvent} event */
  release(event) {
    const was = this.gesture;
    this.fingers.delete(event.pointerId);
    if (was === "pinch" && this.fingers.size) return; // the last finger draws nothing
    this.gesture = "idle";
    if (was === "tool") this.tool?.up?.(this.toPhoto(event), event);
  }

  /**
   * Count the fingers; a second one begins to move and zoom the picture instead of drawing.
   * @param {PointerEvent} event
   * @returns {boolean} whether there is nothing else to do.
   */
  touch(event) {
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.fingers.size < 2) return false;
    if (this.gesture === "tool") this.tool?.cancel?.();
    this.gesture = "pinch";
    this.pointer = null;
    return true;
  }

  /** @param {PointerEvent} event */
  pinch(event) {
    const was = [...this.fingers.values()];
    if (!this.fingers.has(event.pointerId)) return;
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const now = [...this.fingers.values()];
    if (now.length < 2) return;
    const [before, after] = [span(was), span(now)];
    const frame = this.element.getBoundingClientRect();
    this.pan(after.x - before.x, after.y - before.y);
    if (before.apart > 1) this.zoom(after.apart / before.apart, { x: after.x - frame.left, y: after.y - frame.top });
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const frame = this.element.getBoundingClientRect();
    const at = { x: event.clientX - frame.left, y: event.clientY - frame.top };
    if (event.shiftKey) this.pan(-event.deltaY - event.deltaX, 0);
    else this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), at);
  }
}

/**
 * The middle of two fingers, and how far they are apart.
 * @param {Point[]} fingers
 */
function span([one, other]) {
  return {
    x: (one.x + other.x) / 2,
    y: (one.y + other.y) / 2,
    apart: Math.hypot(one.x - other.x, one.y - other.y),
  };
}
