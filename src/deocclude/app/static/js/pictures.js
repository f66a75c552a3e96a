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
