// @ts-check
/** Pictures from the server, and masks in the colour of their object. */

import { busy } from "./busy.js";

/**
 * Addresses carry their version, so what is here never grows old; what was asked for last comes last.
 * @type {Map<string, Promise<ImageBitmap>>}
 */
const cache = new Map();
/** @type {Map<string, number>} pixels of those that are there */
const sizes = new Map();
/** Pixels that are kept: 200 MB, or the twentyfive largest pictures there are. */
const KEPT = 50e6;

/**
 * Load a picture; the same address is loaded once.
 * @param {string} url
 * @returns {Promise<ImageBitmap>}
 */
export function load(url) {
  const known = cache.get(url);
  if (known) forget(url);
  const loading = known ?? busy(fetchBitmap(url, () => forget(url)));
  cache.set(url, loading);
  loading.then(
    ({ width, height }) => {
      if (cache.has(url)) sizes.set(url, width * height);
      trim();
    },
    () => forget(url),
  );
  return loading;
}

/** @param {string} url */
function forget(url) {
  cache.delete(url);
  sizes.delete(url);
}

/** Forget what was not asked for for longest, where there is too much. */
function trim() {
  let pixels = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  for (const url of [...cache.keys()]) {
    if (pixels <= KEPT) return;
    pixels -= sizes.get(url) ?? 0;
    if (sizes.has(url)) forget(url);
  }
}

/**
 * @param {string} url
 * @param {() => void} newer called when the server has another version than the address says.
 */
async function fetchBitmap(url, newer) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error("A picture could not be loaded from the server.");
  if (answer.headers.get("Cache-Control") === "no-store") newer();
  return createImageBitmap(await answer.blob(), { premultiplyAlpha: "default" });
}

/**
 * Colour of the object at a place in the list; the same as in the order drawing and the report.
 * @param {number} position
 * @returns {string}
 */
export function colour(position) {
  const hue = ((position * 0.618034 + 0.07) % 1) * 6;
  const high = 0.98;
  const low = high * (1 - 0.72);
  const rising = low + (high - low) * (hue % 1);
  const falling = high - (high - low) * (hue % 1);
  const parts = [
    [high, rising, low],
    [falling, high, low],
    [low, high, rising],
    [low, falling, high],
    [rising, low, high],
    [high, low, falling],
  ][Math.floor(hue)];
  return `rgb(${parts.map((part) => Math.round(part * 255)).join(" ")})`;
}

/**
 * An empty canvas and its context.
 * @param {number} width
 * @param {number} height
 */
export function blank(width, height) {
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(width)), Math.max(1, Math.round(height)));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser gives no canvas.");
  return { canvas, context };
}

/**
 * A mask in one colour, at screen size.
 * @param {CanvasImageSource} mask white with alpha
 * @param {number} width of the result
 * @param {number} height
 * @param {string} ink
 */
export function tinted(mask, width, height, ink) {
  const { canvas, context } = blank(width, height);
  context.drawImage(mask, 0, 0, canvas.width, canvas.height);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = ink;
  context.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}

/**
 * The rim of a mask in one colour: the mask spread by `wide` pixels all round, less itself.
 * @param {CanvasImageSource} mask
 * @param {number} width of the mask on the screen
 * @param {number} height
 * @param {string} ink
 * @param {number} wide
 * @returns {OffscreenCanvas} `wide` pixels larger on each side.
 */
export function rim(mask, width, height, ink, wide) {
  const solid = tinted(mask, width, height, ink);
  const { canvas, context } = blank(solid.width + 2 * wide, solid.height + 2 * wide);
  const steps = 16;
  for (let step = 0; step < steps; step += 1) {
    const angle = (2 * Math.PI * step) / steps;
    context.drawImage(solid, wide + wide * Math.cos(angle), wide + wide * Math.sin(angle));
  }
  context.globalCompositeOperation = "destination-out";
  context.drawImage(solid, wide, wide);
  return canvas;
}

/** Times a mask's own size from which its rim, a picture, is coarser than the line that `outlined` draws. */
export const COARSE = 1.5;

/**
 * The outline of a picture's opaque part, along the edges of its pixels: it can be drawn as thin as one likes.
 * @param {OffscreenCanvas} mask
 */
export function contour(mask) {
  const { width, height } = mask;
  const path = new Path2D();
  const data = mask.getContext("2d")?.getImageData(0, 0, width, height).data;
  const set = (/** @type {number} */ x, /** @type {number} */ y) =>
    data !== undefined && x >= 0 && y >= 0 && x < width && y < height && data[4 * (y * width + x) + 3] > 127;
  for (let y = 0; y <= height; y += 1)
    for (const [from, to] of runs(width, (x) => set(x, y - 1) !== set(x, y))) {
      path.moveTo(from, y);
      path.lineTo(to, y);
    }
  for (let x = 0; x <= width; x += 1)
    for (const [from, to] of runs(height, (y) => set(x - 1, y) !== set(x, y))) {
      path.moveTo(x, from);
      path.lineTo(x, to);
    }
  return path;
}

/**
 * Where something is so, as begins and ends.
 * @param {number} length
 * @param {(place: number) => boolean} holds
 */
function runs(length, holds) {
  /** @type {[number, number][]} */
  const found = [];
  for (let place = 0; place < length; place += 1)
    if (holds(place)) {
      const last = found.at(-1);
      if (last?.[1] === place) last[1] = place + 1;
      else found.push([place, place + 1]);
    }
  return found;
}

/**
 * Draw the outline of a mask, in a box of the photo, as a line of two pixels of the screen.
 * @param {CanvasRenderingContext2D} context in photo coordinates
 * @param {Path2D} path what `contour` returned
 * @param {{width: number, height: number}} size of the picture that it is of
 * @param {import("./types.js").Box} box
 * @param {number} scale pixels of the screen a pixel of the photo
 * @param {string} ink
 */
export function outlined(context, path, size, [x0, y0, x1, y1], scale, ink) {
  context.save();
  context.translate(x0, y0);
  context.scale((x1 - x0) / size.width, (y1 - y0) / size.height);
  context.lineWidth = ((2 / scale) * size.width) / (x1 - x0);
  context.lineCap = "square";
  context.strokeStyle = ink;
  context.stroke(path);
  context.restore();
}

/**
 * The address of the same picture in another size.
 * @param {string} url
 * @param {"thumb" | "screen" | "full"} size
 */
export function sized(url, size) {
  const address = new URL(url, location.href);
  address.searchParams.set("size", size);
  return `${address.pathname}${address.search}`;
}
