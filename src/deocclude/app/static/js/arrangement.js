// @ts-check
/** Where each layer is put: the moves, what is hidden, the order; as the server stores it, with defaults filled in. */

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").Layer} Layer */
/** @typedef {import("./types.js").Arrangement} Stored */
/** @typedef {{dx: number, dy: number, scale: number, rotate: number, opacity: number, hidden: boolean}} Pose */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {{poses: Map<number, Partial<Pose>>, order: number[] | null}} Changes `order` null: as it was */

/** @returns {Pose} */
export const still = () => ({ dx: 0, dy: 0, scale: 1, rotate: 0, opacity: 1, hidden: false });

/**
 * The same turn as an angle above -180 and up to 180 degrees.
 * @param {number} degrees
 */
export function turn(degrees) {
  const round = Number((degrees % 360).toFixed(1));
  return round > 180 ? round - 360 : round <= -180 ? round + 360 : round;
}

export class Arrangement {
  /** @param {State} state */
  constructor(state) {
    const { value } = state.arrangement;
    /** @type {Layer[]} bottom first, as the scene has them */
    this.layers = [...state.layers].sort((one, other) => one.z - other.z);
    const natural = this.layers.map((layer) => layer.id);
    const complete = value.order?.length === natural.length && natural.every((id) => value.order?.includes(id));
    /** @type {number[]} bottom first */
    this.order = complete && value.order ? [...value.order] : natural;
    /** @type {Map<number, Pose>} */
    this.poses = new Map(natural.map((id) => [id, { ...still(), ...posed(value, id) }]));
    this.background = value.background ?? true;
    this.known = this.copy();
  }

  /** Poses and order as they are now. */
  copy() {
    return { poses: new Map([...this.poses].map(([id, pose]) => [id, { ...pose }])), order: [...this.order] };
  }

  /**
   * What was changed here since this was asked last, or since the state arrived.
   * @returns {Changes}
   */
  changes() {
    const { poses, order } = this.known;
    this.known = this.copy();
    /** @type {Changes["poses"]} */
    const changed = new Map();
    for (const [id, pose] of this.poses) {
      const before = /** @type {Record<string, unknown>} */ (poses.get(id) ?? still());
      const parts = Object.entries(pose).filter(([key, part]) => part !== before[key]);
      if (parts.length) changed.set(id, Object.fromEntries(parts));
    }
    return { poses: changed, order: this.order.some((id, place) => id !== order[place]) ? [...this.order] : null };
  }

  /**
   * Change what was changed elsewhere, and nothing else.
   * @param {Changes} changes
   */
  apply({ poses, order }) {
    for (const [id, parts] of poses) if (this.poses.has(id)) this.poses.set(id, { ...this.pose(id), ...parts });
    if (order?.length === this.order.length && order.every((id) => this.poses.has(id))) this.order = [...order];
  }

  /** @param {number} id */
  pose(id) {
    return this.poses.get(id) ?? still();
  }

  /** @param {number} id */
  layer(id) {
    return this.layers.find((layer) => layer.id === id) ?? null;
  }

  /**
   * Put a layer elsewhere in the stack.
   * @param {number} id
   * @param {number} place counted from the bottom
   */
  restack(id, place) {
    const rest = this.order.filter((other) => other !== id);
    rest.splice(Math.max(0, Math.min(rest.length, place)), 0, id);
    this.order = rest;
  }

  /** The form that the server stores: only what differs from the scene as it was found. */
  toJSON() {
    /** @type {Stored} */
    const value = { version: 1, layers: [] };
    for (const [id, pose] of this.poses) {
      const usual = /** @type {Record<string, unknown>} */ (still());
      const changed = Object.entries(pose).filter(([key, part]) => part !== usual[key]);
      if (changed.length) value.layers.push({ id, ...Object.fromEntries(changed) });
    }
    const natural = this.layers.map((layer) => layer.id);
    if (this.order.some((id, place) => id !== natural[place])) value.order = this.order;
    if (!this.background) value.background = false;
    return value;
  }
}

/**
 * @param {Stored} value
 * @param {number} id
 */
function posed(value, id) {
  const { id: _, ...pose } = value.layers.find((layer) => layer.id === id) ?? { id };
  return pose;
}

/**
 * Middle of a layer before it is moved, edge coordinates.
 * @param {Layer} layer
 * @returns {Point}
 */
export function middle({ box }) {
  return { x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2 };
}

/**
 * Where a point of the photo lies in the layer before it was moved, both edge coordinates.
 * @param {Layer} layer
 * @param {Pose} pose
 * @param {Point} point
 * @returns {Point}
 */
export function unmoved(layer, pose, point) {
  const centre = middle(layer);
  const x = point.x - centre.x - pose.dx;
  const y = point.y - centre.y - pose.dy;
  const angle = (pose.rotate * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return { x: centre.x + (cos * x - sin * y) / pose.scale, y: centre.y + (sin * x + cos * y) / pose.scale };
}

/**
 * Where a point of the layer comes to lie, both edge coordinates.
 * @param {Layer} layer
 * @param {Pose} pose
 * @param {Point} point
 * @returns {Point}
 */
export function moved(layer, pose, point) {
  const centre = middle(layer);
  const x = (point.x - centre.x) * pose.scale;
  const y = (point.y - centre.y) * pose.scale;
  const angle = (pose.rotate * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return { x: centre.x + pose.dx + cos * x + sin * y, y: centre.y + pose.dy - sin * x + cos * y };
}
