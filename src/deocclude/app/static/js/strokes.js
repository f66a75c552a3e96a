// @ts-check
/** Tools that draw: a box, or a line that is shown while it grows and handed over when it ends. */

import { trace } from "./mask_canvas.js";

/** @typedef {import("./stage.js").Point} Point */
/** @typedef {import("./stage.js").Stage} Stage */
/** @typedef {import("./stage.js").Tool} Tool */
/** @typedef {import("./types.js").Box} Box */

/**
 * A freehand line. It stays on the screen as long as what `done` returns is not settled.
 * @param {Stage} stage
 * @param {{ink: string, radius: () => number, done: (points: Point[]) => void | Promise<unknown>, thin?: boolean}} options
 * @returns {Tool}
 */
export function line(stage, { ink, radius, done, thin = false }) {
  /** @type {Point[]} */
  let points = [];
  /** @type {Set<{points: Point[], radius: number}>} lines that are being stored */
  const leaving = new Set();
  const width = () => (thin ? Math.max(1, 2.5 / stage.scale) : radius());
  stage.painters.push((context) => {
    context.translate(0.5, 0.5);
    context.globalAlpha = thin ? 1 : 0.65;
    for (const line of leaving) trace(context, line.points, line.radius, ink);
    if (points.length) trace(context, points, width(), ink);
  });
  return {
    cursor: "crosshair",
    radius: thin ? undefined : radius,
    down: (point) => (points = [point]),
    move: (point) => {
      points.push(point);
      stage.invalidate();
    },
    up: () => {
      const drawn = points;
      points = [];
      stage.invalidate();
      if (!drawn.length) return;
      const line = { points: thinned(drawn, 0.4 / stage.scale), radius: width() };
      leaving.add(line);
      void Promise.resolve(done(line.points)).finally(() => {
        leaving.delete(line);
        stage.invalidate();
      });
    },
    cancel: () => {
      points = [];
      stage.invalidate();
    },
  };
}

/**
 * A rectangle from corner to corner.
 * @param {Stage} stage
 * @param {(box: Box) => void} done
 * @returns {Tool}
 */
export function box(stage, done) {
  /** @type {Point | null} */
  let from = null;
  /** @type {Point | null} */
  let to = null;
  stage.painters.push((context) => {
    if (from && to) dashed(context, stage, [from.x + 0.5, from.y + 0.5, to.x + 0.5, to.y + 0.5]);
  });
  const stop = () => {
    from = to = null;
    stage.invalidate();
  };
  return {
    cursor: "crosshair",
    down: (point) => (from = to = point),
    move: (point) => {
      to = point;
      stage.invalidate();
    },
    up: (point) => {
      const found = from ? between(from, point, stage) : null;
      stop();
      if (found) done(found);
    },
    cancel: stop,
  };
}

/**
 * Draw a box with a line that is seen on any photo.
 * @param {CanvasRenderingContext2D} context
 * @param {Stage} stage
 * @param {Box} box
 */
export function dashed(context, stage, [x0, y0, x1, y1]) {
  for (const [ink, dash] of /** @type {[string, number[]][]} */ ([
    ["rgb(0 0 0 / .75)", []],
    ["#fff", [6, 4]],
  ])) {
    context.setLineDash(dash.map((part) => part / stage.scale));
    context.lineWidth = 2 / stage.scale;
    context.strokeStyle = ink;
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
}

/**
 * The box round two corners inside the photo, or null if it is too small to mean anything.
 * @param {Point} one
 * @param {Point} other
 * @param {{width: number, height: number}} photo
 * @returns {Box | null}
 */
export function between(one, other, photo) {
  const x0 = Math.max(0, Math.round(Math.min(one.x, other.x)));
  const y0 = Math.max(0, Math.round(Math.min(one.y, other.y)));
  const x1 = Math.min(photo.width, Math.round(Math.max(one.x, other.x)) + 1);
  const y1 = Math.min(photo.height, Math.round(Math.max(one.y, other.y)) + 1);
  return x1 - x0 >= 4 && y1 - y0 >= 4 ? [x0, y0, x1, y1] : null;
}

/**
 * Leave out points closer than `gap` to the one before.
 * @param {Point[]} points
 * @param {number} gap
 */
function thinned(points, gap) {
  const kept = [points[0]];
  for (const point of points) {
    const last = kept[kept.length - 1];
    if (Math.hypot(point.x - last.x, point.y - last.y) > gap) kept.push(point);
  }
  return kept.slice(0, 4000);
}
