// @ts-check
/**
 * A mask in the making: a box, scribbles and clicks that the server cuts out, brush and eraser over that; not stored
 * until taken.
 */

import { complain, hide } from "./notices.js";
import { MaskCanvas } from "./mask_canvas.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./stage.js").Point} Point */
/** @typedef {import("./types.js").Box} Box */
/** @typedef {import("./types.js").PngMask} PngMask */

/**
 * @typedef {object} Given what the server is asked to cut out.
 * @property {Box | null} box
 * @property {number | null} object whose mask is the start.
 * @property {PngMask | null} start the mask from clicks, which scribbles go on from.
 * @property {Point[][]} foreground
 * @property {Point[][]} background
 * @property {[number, number, 0 | 1][]} clicks
 * @property {{points: Point[], radius: number, mode: "add" | "erase"}[]} painted holds, whatever is cut out later.
 */

/**
 * @typedef {{png: PngMask, mask: MaskCanvas | null}} Found what the server has cut out; nothing is painted on it. Far
 *   back, the mask is drawn again from its PNG when it is needed: at full size it is as large as a photo.
 */
/** @typedef {{given: Given, found: Found | null}} Step */

/** @returns {Given} */
const nothing = () => ({
  box: null,
  object: null,
  start: null,
  foreground: [],
  background: [],
  clicks: [],
  painted: [],
});

/** Steps back whose masks are at hand. */
const NEAR = 4;

export class Draft {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.given = nothing();
    /** What has been typed as its name. */
    this.name = "";
    /** @type {Found | null} */
    this.found = null;
    /** @type {MaskCanvas | null} what was found and what was painted on it */
    this.mask = null;
    this.busy = false;
    /** Whether it is being stored; a second Enter or click must not store it again. */
    this.taking = false;
    /** @type {Step[]} */
    this.past = [];
    /** @type {() => void} */
    this.changed = () => {};
    /** @type {() => void} keeps a copy of it */
    this.keep = () => {};
    /** @type {() => number[]} objects whose pixels it must leave to them */
    this.spare = () => [];
    this.asking = new AbortController();
  }

  /** Whether there is anything to take or to throw away. */
  get open() {
    return this.busy || this.mask !== null;
  }

  /** Whether there is a step to take back. */
  get undoable() {
    return this.past.length > 0;
  }

  tell() {
    this.keep();
    this.changed();
  }

  /** @param {string} name as far as it has been typed */
  rename(name) {
    this.name = name;
    this.keep();
  }

  remember() {
    this.past.push({ given: structuredClone(this.given), found: this.found });
    const near = new Set([this.found, ...this.past.slice(-NEAR).map((step) => step.found)]);
    for (const { found } of this.past) if (found && !near.has(found)) found.mask = null;
  }

  /** Take back the last stroke or box; whether there was one. */
  undo() {
    const last = this.past.pop();
    if (!last) return false;
    this.asking.abort();
    void this.restore(last, this.past, this.name);
    return true;
  }

  /**
   * @param {Step} step
   * @param {Step[]} past
   * @param {string} name
   */
  async restore({ given, found }, past, name) {
    Object.assign(this, { given, found, past, name, busy: false });
    if (found && !found.mask) found.mask = await MaskCanvas.read(this.session.state.photo, found.png);
    if (this.given !== given) return; // another step has been taken meanwhile
    this.mask = this.drawn();
    this.tell();
  }

  /** What was found with what was painted on it. */
  drawn() {
    const { painted } = this.given;
    if (!this.found && !painted.length) return null;
    const mask = this.found?.mask?.copy() ?? new MaskCanvas(this.session.state.photo);
    for (const { points, radius, mode } of painted) mask.paint(points, radius, mode);
    return mask;
  }

  clear() {
    this.asking.abort();
    this.given = nothing();
    this.name = "";
    this.found = null;
    this.mask = null;
    this.busy = false;
    this.past = [];
    this.tell();
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
  async scribble(points, kind, radius, object) {
    this.remember();
    const { given } = this;
    if (given.clicks.length && this.mask) {
      given.start = await this.mask.toMask();
      given.clicks = [];
    } else if (!given.box && !given.start && given.object === null && !given.foreground.length) given.object = object;
    given[kind].push(points);
    await this.cut(radius);
  }

  /**
   * @param {Point} point
   * @param {boolean} on whether it is on the object.
   */
  click(point, on) {
    this.remember();
    const { box, clicks, painted } = this.given;
    this.given = { ...nothing(), box, clicks, painted }; // the model knows nothing of scribbles
    this.given.clicks.push([point.x, point.y, on ? 1 : 0]);
    void this.request("click", { points: this.given.clicks, box: this.given.box, spare: this.spare() });
  }

  /**
   * @param {Point[]} points
   * @param {number} radius
   * @param {"add" | "erase"} mode
   */
  paint(points, radius, mode) {
    this.remember();
    this.given.painted.push({ points, radius, mode });
    this.mask ??= new MaskCanvas(this.session.state.photo);
    this.mask.paint(points, radius, mode);
    this.tell();
  }

  /** @param {number} [radius] */
  cut(radius = 4) {
    const lines = (/** @type {Point[][]} */ strokes) => strokes.map((points) => points.map(({ x, y }) => [x, y]));
    const { box, object, start, foreground, background } = this.given;
    if (!box && !start && object === null && !foreground.length) {
      complain("Draw a box or a line on the object first.");
      this.undo();
      return;
    }
    return this.request("segment", {
      box,
      object,
      start,
      radius: Math.max(1, Math.round(radius)),
      foreground: lines(foreground),
      background: lines(background),
      spare: this.spare(),
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
    this.tell();
    try {
      const answer = await this.session.ask("POST", path, body, asking.signal);
      const mask = await MaskCanvas.read(this.session.state.photo, answer.mask);
      if (!asking.signal.aborted) {
        this.found = { png: answer.mask, mask };
        this.mask = this.drawn();
      }
      hide();
    } catch (error) {
      complain(error);
      if (!asking.signal.aborted) this.undo();
    }
    if (!asking.signal.aborted) this.busy = false;
    this.tell();
  }
}
