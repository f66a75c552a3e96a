// @ts-check
/**
 * A mask in the making: a box and scribbles that the server cuts out, then brush and eraser; not stored until taken.
 */

import { complain } from "./notices.js";
import { MaskCanvas } from "./mask_canvas.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./stage.js").Point} Point */
/** @typedef {import("./types.js").Box} Box */

/**
 * @typedef {object} Given what the server is asked to cut out.
 * @property {Box | null} box
 * @property {number | null} object whose mask is the start.
 * @property {Point[][]} foreground
 * @property {Point[][]} background
 * @property {[number, number, 0 | 1][]} clicks
 */

/** @returns {Given} */
const nothing = () => ({ box: null, object: null, foreground: [], background: [], clicks: [] });

export class Draft {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.given = nothing();
    /** @type {MaskCanvas | null} */
    this.mask = null;
    this.busy = false;
    /** @type {{given: Given, mask: MaskCanvas | null}[]} */
    this.past = [];
    /** @type {() => void} */
    this.changed = () => {};
    this.asking = new AbortController();
  }

  /** Whether there is anything to take or to throw away. */
  get open() {
    return this.busy || this.mask !== null;
  }

  remember() {
    this.past.push({ given: structuredClone(this.given), mask: this.mask?.copy() ?? null });
  }

  /** Take back the last stroke or box; whether there was one. */
  undo() {
    const last = this.past.pop();
    if (!last) return false;
    this.asking.abort();
    this.given = last.given;
    this.mask = last.mask;
    this.busy = false;
    this.changed();
    return true;
  }

  clear() {
    this.asking.abort();
    this.given = nothing();
    this.mask = null;
    this.busy = false;
    this.past = [];
    this.changed();
  }

  /** @param {Box} box */
  setBox(box) {
    this.remember();
    this.given = { ...nothing(), box };
    void this.cut();
  }

  /**
   * Say that a line lies on the object, or that it does not.
   * @param {Point[]} points
   * @param {"foreground" | "background"} kind
   * @param {number} radius
   * @param {number | null} object to start from, if nothing has been begun.
   */
  scribble(points, kind, radius, object) {
    this.remember();
    if (!this.given.box && this.given.object === null && !this.given.foreground.length) this.given.object = object;
    this.given[kind].push(points);
    void this.cut(radius);
  }

  /**
   * @param {Point} point
   * @param {boolean} on whether it is on the object.
   */
  click(point, on) {
    this.remember();
    this.given.clicks.push([point.x, point.y, on ? 1 : 0]);
    void this.request("click", { points: this.given.clicks, box: this.given.box });
  }

  /**
   * @param {Point[]} points
   * @param {number} radius
   * @param {"add" | "erase"} mode
   */
  paint(points, radius, mode) {
    this.remember();
    this.mask ??= new MaskCanvas(this.session.state.photo);
    this.mask.paint(points, radius, mode);
    this.changed();
  }

  /** @param {number} [radius] */
  cut(radius = 4) {
    const lines = (/** @type {Point[][]} */ strokes) => strokes.map((points) => points.map(({ x, y }) => [x, y]));
    const { box, object, foreground, background } = this.given;
    if (!box && object === null && !foreground.length) {
      complain("Draw a box or a line on the object first.");
      this.undo();
      return;
    }
    return this.request("segment", {
      box,
      object,
      radius: Math.max(1, Math.round(radius)),
      foreground: lines(foreground),
      background: lines(background),
    });
  }

  /**
   * @param {string} path
   * @param {unknown} body
   */
  async request(path, body) {
    this.asking.abort();
    const asking = (this.asking = new AbortController());
    this.busy = true;
    this.changed();
    try {
      const answer = await this.session.ask("POST", path, body, asking.signal);
      const mask = await MaskCanvas.read(this.session.state.photo, answer.mask);
      if (!asking.signal.aborted) this.mask = mask;
    } catch (error) {
      complain(error);
      if (!asking.signal.aborted) this.undo();
    }
    if (!asking.signal.aborted) this.busy = false;
    this.changed();
  }
}
