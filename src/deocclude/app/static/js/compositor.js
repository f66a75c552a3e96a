// @ts-check
/**
 * Layers drawn as they are arranged, at screen size. While one is dragged, what lies below and above it is kept as
 * two pictures, so a frame costs three copies whatever the number of layers.
 */

import { middle, unmoved } from "./arrangement.js";
import { blank, load, sized } from "./pictures.js";

/** @typedef {import("./work.js").Desk} Desk */
/** @typedef {import("./arrangement.js").Arrangement} Arrangement */
/** @typedef {import("./stage.js").Stage} Stage */
/** @typedef {import("./types.js").Layer} Layer */
/** @typedef {{picture: ImageBitmap, alpha: ImageData}} Sheet */

export class Compositor {
  /**
   * @param {Desk} desk
   * @param {() => Arrangement} arrangement
   */
  constructor(desk, arrangement) {
    this.desk = desk;
    this.arrangement = arrangement;
    /** @type {Map<string, Sheet>} by address */
    this.sheets = new Map();
    /** @type {ImageBitmap | null} */
    this.ground = null;
    /** @type {{id: number, below: OffscreenCanvas, above: OffscreenCanvas} | null} */
    this.held = null;
    /** @type {number | null} share of the width that shows the photo, 0..1 */
    this.before = null;
    desk.stage.painters.push((context, stage) => this.paint(context, stage));
    desk.stage.watchers.push(() => (this.held = null));
  }

  /** Load what the state says; nothing is drawn until all of it is there. */
  async update() {
    const { layers, background_url: ground } = this.desk.session.state;
    const urls = layers.map((layer) => layer.picture_url);
    const sheets = await Promise.all(
      urls.map(async (url) => /** @type {[string, Sheet]} */ ([url, this.sheets.get(url) ?? (await read(url))])),
    );
    this.ground = ground ? await load(sized(ground, "screen")) : null;
    this.sheets = new Map(sheets);
    this.held = null;
    this.desk.stage.invalidate();
  }

  /**
   * Keep everything but one layer as two pictures, until {@link release}.
   * @param {number} id
   */
  hold(id) {
    const { stage } = this.desk;
    const { order } = this.arrangement();
    const place = order.indexOf(id);
    const part = (/** @type {number[]} */ ids, /** @type {boolean} */ withGround) => {
      const { canvas, context } = blank(stage.canvas.width, stage.canvas.height);
      const ratio = stage.canvas.width / stage.size.width;
      context.setTransform(
        stage.scale * ratio,
        0,
        0,
        stage.scale * ratio,
        stage.offset.x * ratio,
        stage.offset.y * ratio,
      );
      if (withGround) this.paintGround(context);
      for (const other of ids) this.paintLayer(context, other);
      return canvas;
    };
    this.held = { id, below: part(order.slice(0, place), true), above: part(order.slice(place + 1), false) };
  }

  release() {
    this.held = null;
    this.desk.stage.invalidate();
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Stage} stage
   */
  paint(context, stage) {
    if (!this.sheets.size) return;
    context.beginPath();
    context.rect(0, 0, stage.width, stage.height);
    context.clip();
    if (this.before !== null) {
      context.beginPath();
      context.rect(stage.width * this.before, 0, stage.width, stage.height);
      context.clip();
    }
    if (this.held) {
      screen(context, this.held.below);
      this.paintLayer(context, this.held.id);
      screen(context, this.held.above);
      return;
    }
    this.paintGround(context);
    for (const id of this.arrangement().order) this.paintLayer(context, id);
  }

  /** @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context */
  paintGround(context) {
    const { stage } = this.desk;
    if (this.ground) context.drawImage(this.ground, 0, 0, stage.width, stage.height);
  }

  /**
   * @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context
   * @param {number} id
   */
  paintLayer(context, id) {
    const arrangement = this.arrangement();
    const layer = arrangement.layer(id);
    const pose = arrangement.pose(id);
    const sheet = layer && this.sheets.get(layer.picture_url);
    if (!layer || !sheet || pose.hidden) return;
    const { x, y } = middle(layer);
    const [width, height] = [layer.box[2] - layer.box[0], layer.box[3] - layer.box[1]];
    context.save();
    context.globalAlpha = pose.opacity;
    context.translate(x + pose.dx, y + pose.dy);
    context.rotate((-pose.rotate * Math.PI) / 180);
    context.scale(pose.scale, pose.scale);
    context.drawImage(sheet.picture, -width / 2, -height / 2, width, height);
    context.restore();
  }

  /**
   * The front-most layer that shows at a point.
   * @param {{x: number, y: number}} point pixel centre of the photo
   * @returns {number | null}
   */
  at(point) {
    const arrangement = this.arrangement();
    return (
      [...arrangement.order].reverse().find((id) => {
        const layer = arrangement.layer(id);
        return (
          layer &&
          !arrangement.pose(id).hidden &&
          this.opaque(layer, unmoved(layer, arrangement.pose(id), { x: point.x + 0.5, y: point.y + 0.5 }))
        );
      }) ?? null
    );
  }

  /**
   * @param {Layer} layer
   * @param {{x: number, y: number}} spot edge coordinates of the layer before it is moved
   */
  opaque(layer, spot) {
    const alpha = this.sheets.get(layer.picture_url)?.alpha;
    const [x0, y0, x1, y1] = layer.box;
    if (!alpha || spot.x < x0 || spot.y < y0 || spot.x >= x1 || spot.y >= y1) return false;
    const x = Math.floor(((spot.x - x0) / (x1 - x0)) * alpha.width);
    const y = Math.floor(((spot.y - y0) / (y1 - y0)) * alpha.height);
    return alpha.data[4 * (y * alpha.width + x) + 3] > 60;
  }
}

/**
 * Copy a picture that has the canvas's own pixels.
 * @param {CanvasRenderingContext2D} context
 * @param {OffscreenCanvas} picture
 */
function screen(context, picture) {
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(picture, 0, 0);
  context.restore();
}

/** @param {string} url */
async function read(url) {
  const picture = await load(sized(url, "screen"));
  const { canvas, context } = blank(picture.width, picture.height);
  context.drawImage(picture, 0, 0);
  return { picture, alpha: context.getImageData(0, 0, canvas.width, canvas.height) };
}
