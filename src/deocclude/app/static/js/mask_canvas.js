// @ts-check
/** A mask that is being painted, at the photo's own resolution, as large as what has been painted. */

import { busy } from "./busy.js";
import { blank } from "./pictures.js";

/** @typedef {import("./types.js").Box} Box */
/** @typedef {import("./types.js").PngMask} PngMask */
/** @typedef {import("./stage.js").Point} Point */

export class MaskCanvas {
  /** @param {{width: number, height: number}} photo */
  constructor(photo) {
    this.photo = photo;
    /** @type {Box} */
    this.box = [0, 0, 0, 0];
    this.canvas = blank(1, 1).canvas;
  }

  /**
   * A mask as the server sent it.
   * @param {{width: number, height: number}} photo
   * @param {PngMask} mask
   */
  static async read(photo, mask) {
    const bytes = Uint8Array.from(atob(mask.png), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const result = new MaskCanvas(photo);
    result.grow(mask.box);
    const context = result.context();
    context.drawImage(bitmap, 0, 0, result.canvas.width, result.canvas.height);
    // A grey picture has no alpha: its black must become clear.
    const pixels = context.getImageData(0, 0, result.canvas.width, result.canvas.height);
    const { data } = pixels;
    const whole = new Uint32Array(data.buffer);
    for (let at = 0; at < whole.length; at += 1)
      whole[at] = data[4 * at + 3] > 127 && data[4 * at] > 0 ? 0xffffffff : 0;
    context.putImageData(pixels, 0, 0);
    return result;
  }

  copy() {
    const result = new MaskCanvas(this.photo);
    result.grow(this.box);
    if (!this.empty) result.context().drawImage(this.canvas, 0, 0);
    return result;
  }

  get empty() {
    return this.box[2] <= this.box[0];
  }

  context() {
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("This browser gives no canvas.");
    return context;
  }

  /**
   * Draw a line with a round brush.
   * @param {Point[]} points pixel centres
   * @param {number} radius in pixels
   * @param {"add" | "erase"} mode
   */
  paint(points, radius, mode) {
    if (mode === "add") this.grow(this.reach(points, radius));
    if (this.empty) return;
    const context = this.context();
    context.save();
    context.translate(0.5 - this.box[0], 0.5 - this.box[1]);
    context.globalCompositeOperation = mode === "add" ? "source-over" : "destination-out";
    trace(context, points, radius, "#fff");
    context.restore();
  }

  /**
   * Enlarge the canvas so that it holds a box too.
   * @param {Box} box
   */
  grow(box) {
    const wanted = this.empty
      ? box
      : /** @type {Box} */ ([
          Math.min(this.box[0], box[0]),
          Math.min(this.box[1], box[1]),
          Math.max(this.box[2], box[2]),
          Math.max(this.box[3], box[3]),
        ]);
    if (wanted[2] <= wanted[0] || wanted[3] <= wanted[1]) return;
    if (wanted.every((side, place) => side === this.box[place])) return;
    const { canvas, context } = blank(wanted[2] - wanted[0], wanted[3] - wanted[1]);
    if (!this.empty) context.drawImage(this.canvas, this.box[0] - wanted[0], this.box[1] - wanted[1]);
    this.canvas = canvas;
    this.box = wanted;
  }

  /**
   * Pixels that a stroke can touch, inside the photo.
   * @param {Point[]} points
   * @param {number} radius
   * @returns {Box}
   */
  reach(points, radius) {
    const xs = points.map((point) => point.x);
    const ys = points.map((point) => point.y);
    return [
      Math.max(0, Math.floor(Math.min(...xs) - radius)),
      Math.max(0, Math.floor(Math.min(...ys) - radius)),
      Math.min(this.photo.width, Math.ceil(Math.max(...xs) + radius) + 1),
      Math.min(this.photo.height, Math.ceil(Math.max(...ys) + radius) + 1),
    ];
  }

  /** The form in which the server takes masks; pixels are set where alpha is above one half. */
  toMask() {
    return busy(this.encode());
  }

  async encode() {
    const blob = await this.canvas.convertToBlob({ type: "image/png" });
    const bytes = new Uint8Array(await blob.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return /** @type {PngMask} */ ({ png: btoa(text), box: this.box });
  }
}

/**
 * Draw a round-ended line through points in the current coordinates.
 * @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context
 * @param {Point[]} points
 * @param {number} radius
 * @param {string} ink
 */
export function trace(context, points, radius, ink) {
  context.lineCap = "round";
  context.lineJoin = "round";
  context.lineWidth = Math.max(1, 2 * radius);
  context.strokeStyle = ink;
  context.beginPath();
  context.moveTo(points[0].x, points[0].y);
  for (const point of points.slice(1)) context.lineTo(point.x, point.y);
  if (points.length === 1) context.lineTo(points[0].x + 0.01, points[0].y);
  context.stroke();
}
