// @ts-check
/** Moving, scaling and turning a layer with the pointer: corners scale, the knob above turns, the rest moves. */

import { middle, moved, turn } from "./arrangement.js";

/** @typedef {import("./compositor.js").Compositor} Compositor */
/** @typedef {import("./arrangement.js").Pose} Pose */
/** @typedef {import("./types.js").Layer} Layer */
/** @typedef {import("./stage.js").Stage} Stage */
/** @typedef {import("./stage.js").Point} Point */
/** @typedef {import("./stage.js").Tool} Tool */

/**
 * @typedef {object} Hand what the tool works on.
 * @property {() => number | null} selected
 * @property {(id: number | null) => void} choose
 * @property {(id: number, pose: Pose, final: boolean) => void} put
 * @property {() => void} drop the gesture came to nothing.
 */

const REACH = 11;
const KNOB = 26;

/**
 * @param {Stage} stage
 * @param {Compositor} compositor
 * @param {Hand} hand
 * @returns {Tool}
 */
export function layerTool(stage, compositor, hand) {
  /** @type {{kind: "move" | "scale" | "rotate", id: number, from: Point, pose: Pose} | null} */
  let grip = null;
  stage.painters.push((context) => {
    const found = frame(stage, compositor, hand.selected());
    if (found) draw(context, stage, found);
  });

  /** @param {Point} point */
  const pick = (point) => {
    const id = hand.selected();
    const kind = id === null ? null : handleAt(stage, compositor, id, point);
    return kind && id !== null ? { kind, id } : null;
  };

  /** Leave the layer where it was. */
  const letGo = () => {
    if (!grip) return;
    hand.put(grip.id, grip.pose, false);
    grip = null;
    compositor.release();
    hand.drop();
  };

  return {
    down: (point) => {
      const handle = pick(point);
      const id = handle?.id ?? compositor.at(point);
      if (id !== hand.selected()) hand.choose(id);
      if (id === null) return;
      grip = { kind: handle?.kind ?? "move", id, from: point, pose: { ...compositor.arrangement().pose(id) } };
      compositor.hold(id);
    },
    move: (point) => {
      if (grip) hand.put(grip.id, dragged(compositor, grip, point), false);
    },
    up: (point) => {
      if (!grip) return;
      const { id, from } = grip;
      if (Math.hypot(point.x - from.x, point.y - from.y) * stage.scale <= 2) return letGo(); // a click
      const pose = dragged(compositor, grip, point);
      grip = null;
      compositor.release();
      hand.put(id, pose, true);
    },
    cancel: letGo,
    hover: (point) => {
      const kind = pick(point)?.kind;
      stage.canvas.style.cursor =
        kind === "scale"
          ? "nwse-resize"
          : kind === "rotate"
            ? "grab"
            : compositor.at(point) === null
              ? "default"
              : "move";
    },
  };
}

/**
 * @param {Compositor} compositor
 * @param {{kind: string, id: number, from: Point, pose: Pose}} grip
 * @param {Point} point
 * @returns {Pose}
 */
function dragged(compositor, { kind, id, from, pose }, point) {
  const layer = compositor.arrangement().layer(id);
  if (!layer) return pose;
  if (kind === "move")
    return { ...pose, dx: Math.round(pose.dx + point.x - from.x), dy: Math.round(pose.dy + point.y - from.y) };
  const centre = moved(layer, pose, middle(layer));
  const [one, other] = [from, point].map((spot) => ({ x: spot.x + 0.5 - centre.x, y: spot.y + 0.5 - centre.y }));
  if (kind === "scale") {
    const factor = Math.hypot(other.x, other.y) / Math.max(1, Math.hypot(one.x, one.y));
    return { ...pose, scale: Math.min(20, Math.max(0.05, Number((pose.scale * factor).toFixed(3)))) };
  }
  const by = ((Math.atan2(one.y, one.x) - Math.atan2(other.y, other.x)) * 180) / Math.PI;
  return { ...pose, rotate: turn(pose.rotate + by) };
}

/** @typedef {{corners: Point[], top: Point, knob: Point}} Frame edge coordinates of the photo */

/**
 * @param {Stage} stage
 * @param {Compositor} compositor
 * @param {number | null} id
 * @returns {Frame | null}
 */
function frame(stage, compositor, id) {
  const arrangement = compositor.arrangement();
  const layer = id === null ? null : arrangement.layer(id);
  if (!layer || id === null || compositor.before !== null) return null;
  const pose = arrangement.pose(id);
  if (pose.hidden) return null;
  const [x0, y0, x1, y1] = layer.box;
  const at = (/** @type {number} */ x, /** @type {number} */ y) => moved(layer, pose, { x, y });
  const up = KNOB / stage.scale / pose.scale;
  return {
    corners: [at(x0, y0), at(x1, y0), at(x1, y1), at(x0, y1)],
    top: at((x0 + x1) / 2, y0),
    knob: at((x0 + x1) / 2, y0 - up),
  };
}

/**
 * @param {Stage} stage
 * @param {Compositor} compositor
 * @param {number} id
 * @param {Point} point
 * @returns {"scale" | "rotate" | null}
 */
function handleAt(stage, compositor, id, point) {
  const found = frame(stage, compositor, id);
  if (!found) return null;
  const near = (/** @type {Point} */ spot) =>
    Math.hypot(spot.x - point.x - 0.5, spot.y - point.y - 0.5) * stage.scale < REACH;
  if (near(found.knob)) return "rotate";
  return found.corners.some(near) ? "scale" : null;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Stage} stage
 * @param {Frame} frame
 */
function draw(context, stage, { corners, top, knob }) {
  const unit = 1 / stage.scale;
  const path = () => {
    context.beginPath();
    corners.forEach(({ x, y }, place) => (place ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.moveTo(top.x, top.y);
    context.lineTo(knob.x, knob.y);
    context.stroke();
  };
  for (const [width, ink] of /** @type {[number, string][]} */ ([
    [3.5, "rgb(0 0 0 / .55)"],
    [1.5, "#fff"],
  ])) {
    context.lineWidth = width * unit;
    context.strokeStyle = ink;
    path();
  }
  context.lineWidth = 1.5 * unit;
  context.strokeStyle = "rgb(0 0 0 / .7)";
  context.fillStyle = "#fff";
  for (const { x, y } of [...corners, knob]) {
    context.beginPath();
    context.arc(x, y, 5.5 * unit, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}
