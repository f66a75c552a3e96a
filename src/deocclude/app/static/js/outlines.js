// @ts-check
/** The objects drawn over the photo: tints of what is visible, outlines of whole shapes. */

import { COARSE, colour, contour, load, outlined, rim, sized, tinted } from "./pictures.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./work.js").Desk} Desk */
/** @typedef {import("./types.js").Item} Item */
/** @typedef {import("./types.js").Box} Box */

/** @typedef {{url: string | null, box: Box | null}} Source */
/** @typedef {{box: Box, ink: string, mask: OffscreenCanvas, edge: (wide: number) => OffscreenCanvas, path: () => Path2D}} Drawn */

/**
 * What can be seen of an object.
 * @param {Item} item
 * @returns {Source}
 */
export const visible = (item) => ({ url: item.mask_url, box: item.visible_box });

/**
 * All of an object; where nothing of it is hidden, that is the mask that is here already.
 * @param {Item} item
 * @returns {Source}
 */
export function whole(item) {
  const { box, hidden_pixels: hidden, mask_url: url } = item.whole;
  return box && !hidden ? visible(item) : { url, box };
}

/** Tinted masks of all objects, loaded again when their address changes. */
export class Outlines {
  /**
   * @param {Desk} desk
   * @param {(item: Item) => Source} source which mask of an object to draw.
   * @param {(item: Item) => Source} [without] what to leave out of the tint; the outline stays that of the whole.
   */
  constructor(desk, source, without) {
    this.desk = desk;
    this.source = source;
    this.without = without;
    /** @type {Map<string, Drawn>} */
    this.drawn = new Map();
    /** @type {Map<number, Drawn>} by object: what is shown until the newest is there */
    this.latest = new Map();
    /** @type {Promise<void>} settled when what the state says is drawn */
    this.ready = Promise.resolve();
    this.visit = 0;
    /** @type {(item: Item) => {fill: number, line: number}} how strongly, 0..1 */
    this.style = () => ({ fill: 0.35, line: 1 });
    desk.stage.painters.push((context) => this.paint(context));
  }

  /** Draw what the state says now. */
  update() {
    return (this.ready = this.load());
  }

  async load() {
    const { objects } = this.desk.session.state;
    const visit = (this.visit += 1);
    const wanted = new Set();
    const jobs = objects.map(async (item, position) => {
      const { url, box } = this.source(item);
      if (!url || !box || box[2] <= box[0]) return;
      const key = this.key(item, position);
      wanted.add(key);
      if (this.drawn.has(key)) return;
      const drawn = this.make(await load(sized(url, "screen")), box, colour(position));
      await this.cut(drawn, item);
      this.drawn.set(key, drawn);
    });
    await Promise.allSettled(jobs);
    if (visit !== this.visit) return; // the state has changed since
    for (const key of this.drawn.keys()) if (!wanted.has(key)) this.drawn.delete(key);
    this.latest.clear();
    objects.forEach((item, position) => {
      const found = this.drawn.get(this.key(item, position));
      if (found) this.latest.set(item.id, found);
    });
    this.desk.stage.invalidate();
  }

  /**
   * @param {ImageBitmap} mask
   * @param {Box} box
   * @param {string} ink
   * @returns {Drawn}
   */
  make(mask, box, ink) {
    const { scale } = this.desk.session.state.preview;
    const width = (box[2] - box[0]) * scale;
    const height = (box[3] - box[1]) * scale;
    /** @type {[number, OffscreenCanvas] | null} */
    let known = null;
    const edge = (/** @type {number} */ wide) => {
      if (known?.[0] !== wide) known = [wide, rim(mask, width, height, ink, wide)];
      return known[1];
    };
    /** @type {Path2D | null} */
    let line = null;
    const path = () => (line ??= contour(tinted(mask, width, height, ink)));
    return { box, ink, mask: tinted(mask, width, height, ink), edge, path };
  }

  /**
   * @param {Item} item
   * @param {number} position
   */
  key(item, position) {
    return `${this.source(item).url} ${this.without?.(item).url} ${position}`;
  }

  /**
   * @param {Item} item
   * @param {number} position
   */
  shown(item, position) {
    return this.drawn.get(this.key(item, position)) ?? this.latest.get(item.id);
  }

  /**
   * Take what is not to be tinted out of a tint.
   * @param {Drawn} drawn
   * @param {Item} item
   */
  async cut(drawn, item) {
    const out = this.without?.(item);
    const context = drawn.mask.getContext("2d");
    if (!out?.url || !out.box || !context) return;
    const { scale } = this.desk.session.state.preview;
    const [x0, y0, x1, y1] = out.box;
    context.globalCompositeOperation = "destination-out";
    context.drawImage(
      await load(sized(out.url, "screen")),
      (x0 - drawn.box[0]) * scale,
      (y0 - drawn.box[1]) * scale,
      (x1 - x0) * scale,
      (y1 - y0) * scale,
    );
    hatch(context, drawn.mask);
  }

  /** @param {CanvasRenderingContext2D} context */
  paint(context) {
    if (this.desk.bare) return;
    const { objects, preview } = this.desk.session.state;
    const wide = Math.min(6, Math.max(2, Math.round((1.5 * preview.scale) / this.desk.stage.scale)));
    const margin = wide / preview.scale; // the line is no hairline in a small window
    const near = this.desk.stage.scale > COARSE * preview.scale; // and none that covers the pixels beside the mask
    objects.forEach((item, position) => {
      const found = this.shown(item, position);
      if (!found) return;
      const [x0, y0, x1, y1] = found.box;
      const { fill, line } = this.style(item);
      context.globalAlpha = fill;
      if (fill) context.drawImage(found.mask, x0, y0, x1 - x0, y1 - y0);
      context.globalAlpha = line;
      if (line && near) outlined(context, found.path(), found.mask, found.box, this.desk.stage.scale, found.ink);
      else if (line)
        context.drawImage(found.edge(wide), x0 - margin, y0 - margin, x1 - x0 + 2 * margin, y1 - y0 + 2 * margin);
    });
    context.globalAlpha = 1;
  }

  /**
   * The object whose mask covers a point, the smallest first.
   * @param {{x: number, y: number}} point
   * @returns {Item | null}
   */
  at(point) {
    const { objects } = this.desk.session.state;
    const hits = objects.filter((item, position) => {
      const found = this.shown(item, position);
      return found ? covers(found, point) : false;
    });
    hits.sort((one, other) => one.visible_pixels - other.visible_pixels);
    return hits[0] ?? null;
  }
}

/**
 * Thin a tint out to slanted stripes, so that what lies below can be seen.
 * @param {OffscreenCanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 */
function hatch(context, { width, height }) {
  context.globalCompositeOperation = "destination-out";
  context.lineWidth = 3.5;
  context.strokeStyle = "rgb(0 0 0 / .72)";
  context.beginPath();
  for (let at = -height; at < width; at += 8) {
    context.moveTo(at, height);
    context.lineTo(at + height, 0);
  }
  context.stroke();
}

/**
 * @param {Drawn} drawn
 * @param {{x: number, y: number}} point
 */
function covers(drawn, point) {
  const [x0, y0, x1, y1] = drawn.box;
  if (point.x < x0 || point.y < y0 || point.x >= x1 || point.y >= y1) return false;
  const context = drawn.mask.getContext("2d");
  const x = ((point.x + 0.5 - x0) / (x1 - x0)) * drawn.mask.width;
  const y = ((point.y + 0.5 - y0) / (y1 - y0)) * drawn.mask.height;
  return (context?.getImageData(Math.floor(x), Math.floor(y), 1, 1).data[3] ?? 0) > 127;
}
