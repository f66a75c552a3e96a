// @ts-check
/** Arrows over the photo: from what hides to what is hidden, each a button; drag from badge to badge for a new one. */

import { h, s } from "./dom.js";
import { colour } from "./pictures.js";

/** @typedef {import("./work.js").Desk} Desk */
/** @typedef {import("./types.js").Edge} Edge */
/** @typedef {import("./types.js").Item} Item */
/** @typedef {{x: number, y: number}} Point */

const RADIUS = 13;
/** Width of a letter of a name, on average. */
const LETTER = 8.5;
/** Of a dot where there are so many objects that the large ones would cover each other. */
const SMALL = 6;
/** Pixels of the screen that an object has each way, below which names and numbers are shown only where one points. */
const CROWDED = 64;

/** The arrows and the dots of the objects, with a menu at the arrow that is chosen. */
export class Arrows {
  /**
   * @param {Desk} desk
   * @param {{choose: (edge: Edge | null) => void, add: (front: number, behind: number) => void}} actions
   */
  constructor(desk, actions) {
    this.desk = desk;
    this.actions = actions;
    /** @type {string | null} */
    this.chosen = null;
    this.radius = RADIUS;
    this.svg = s("svg", { class: "arrows" });
    this.menu = h("div", { class: "arrow-menu", hidden: true, role: "group", "aria-label": "Chosen arrow" });
    desk.stage.overlay.append(this.svg, this.menu);
    desk.stage.watchers.push(() => this.draw());
    /** @type {{from: number, line: SVGElement} | null} */
    this.drag = null;
    this.svg.addEventListener("pointermove", (event) => this.pull(/** @type {PointerEvent} */ (event)));
    this.svg.addEventListener("pointerup", (event) => this.drop(/** @type {PointerEvent} */ (event)));
  }

  /** @returns {Edge[]} */
  get edges() {
    const { edges, dropped } = this.desk.session.state.order;
    return [...edges, ...dropped];
  }

  draw() {
    const { stage, session } = this.desk;
    const { width, height } = stage.size;
    if (!width) return;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.classList.toggle("choosing", this.current !== null);
    const each = (stage.scale * stage.scale * stage.width * stage.height) / Math.max(1, session.state.objects.length);
    this.radius = Math.sqrt(each) < CROWDED ? SMALL : RADIUS;
    this.svg.classList.toggle("crowded", this.radius === SMALL);
    const spots = new Map(
      session.state.objects.map((item) => [item.id, stage.toScreen({ x: item.centre[0], y: item.centre[1] })]),
    );
    const focused = /** @type {SVGElement | null} */ (document.activeElement)?.dataset?.edge;
    const { dropped } = session.state.order;
    this.svg.replaceChildren(
      ...this.fromLongest(spots).map((edge) => this.arrow(edge, spots, dropped.includes(edge))).filter((part) => part !== null),
      ...session.state.objects.map((item, position) => this.badge(item, position, spots)),
    );
    if (focused) this.refocus(focused);
    this.placeMenu(spots);
  }

  /**
   * The arrows, the longest first: one that lies along another is on top where it is, and both can be clicked on.
   * @param {Map<number, Point>} spots
   */
  fromLongest(spots) {
    const length = (/** @type {Edge} */ { front, behind }) => {
      const [from, to] = [spots.get(front), spots.get(behind)];
      return from && to ? Math.hypot(to.x - from.x, to.y - from.y) : 0;
    };
    return [...this.edges].sort((one, other) => length(other) - length(one));
  }

  /**
   * Give the focus back to an arrow that was drawn anew, flipped perhaps; to the picture where it has gone.
   * @param {string} key
   */
  refocus(key) {
    const found = [key, key.split("-").reverse().join("-")]
      .map((name) => /** @type {SVGElement | null} */ (this.svg.querySelector(`[data-edge="${name}"]`)))
      .find((arrow) => arrow !== null);
    (found ?? this.desk.stage.canvas).focus({ preventScroll: true });
  }

  /**
   * @param {Edge} edge
   * @param {Map<number, Point>} spots
   * @param {boolean} dropped
   */
  arrow(edge, spots, dropped) {
    const path = this.between(edge, spots);
    if (!path) return null;
    const key = keyOf(edge);
    const names = new Map(this.desk.session.state.objects.map((item) => [item.id, item.name]));
    const word = edge.by_user ? "by hand" : `${Math.round(100 * edge.probability)} %`;
    const label = `${names.get(edge.front)} hides ${names.get(edge.behind)}, ${word}${dropped ? ", dropped because it closes a cycle" : ""}`;
    const group = s(
      "g",
      {
        class: `arrow${dropped ? " dropped" : ""}${key === this.chosen ? " chosen" : ""}${edge.by_user ? " by-hand" : ""}`,
        tabindex: "0",
        role: "button",
        "aria-label": label,
        "aria-pressed": String(key === this.chosen),
        dataset: { edge: key },
        onclick: () => this.choose(edge),
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.press(event, edge),
      },
      s("line", { class: "touch", ...path.ends }),
      s("line", { class: "casing", ...path.ends }),
      s("line", { class: "shaft", ...path.ends }),
      s("path", { class: "head", d: path.head }),
      this.pill(path.middle, word),
    );
    return group;
  }

  /**
   * @param {Point} at
   * @param {string} word
   */
  pill(at, word) {
    const wide = 7 * word.length + 12;
    return s(
      "g",
      { class: "pill" },
      s("rect", { x: at.x - wide / 2, y: at.y - 10, width: wide, height: 20, rx: 10 }),
      s("text", { x: at.x, y: at.y + 4.5 }, word),
    );
  }

  /**
   * @param {Item} item
   * @param {number} position
   * @param {Map<number, Point>} spots
   */
  badge(item, position, spots) {
    const at = spots.get(item.id) ?? { x: 0, y: 0 };
    const name = short(item.name);
    const half = LETTER * name.length / 2;
    const middle = Math.max(half, Math.min(this.desk.stage.size.width - half, at.x)); // all of it is seen
    const badge = s(
      "g",
      {
        class: "badge",
        dataset: { object: item.id },
        onpointerdown: (/** @type {PointerEvent} */ event) => this.grab(event, item.id),
        onpointerenter: () => this.look(item.id),
        onpointerleave: () => this.look(null),
      },
      s("circle", { cx: at.x, cy: at.y, r: this.radius }),
      s("text", { class: "name", x: middle, y: at.y + this.radius + 15 }, name),
    );
    badge.style.setProperty("--hue", colour(position));
    return badge;
  }

  /**
   * Show the arrows of one object only, or of all.
   * @param {number | null} id
   */
  look(id) {
    for (const arrow of this.svg.querySelectorAll(".arrow")) {
      const ends = /** @type {SVGElement} */ (arrow).dataset.edge?.split("-").map(Number) ?? [];
      arrow.classList.toggle("aside", id !== null && !ends.includes(id));
    }
  }

  /**
   * @param {Edge} edge
   * @param {Map<number, Point>} spots
   */
  between(edge, spots) {
    return between(spots.get(edge.front), spots.get(edge.behind), this.twoWay(edge), this.radius);
  }

  /** @param {Edge} edge */
  twoWay(edge) {
    return this.edges.some((other) => other.front === edge.behind && other.behind === edge.front);
  }

  /** @param {Edge | null} edge */
  choose(edge) {
    this.chosen = edge && keyOf(edge) !== this.chosen ? keyOf(edge) : null;
    this.actions.choose(this.current);
    this.draw();
  }

  /** @returns {Edge | null} */
  get current() {
    return this.edges.find((edge) => keyOf(edge) === this.chosen) ?? null;
  }

  /**
   * @param {KeyboardEvent} event
   * @param {Edge} edge
   */
  press(event, edge) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    this.choose(edge);
  }

  /** @param {Map<number, Point>} spots */
  placeMenu(spots) {
    const edge = this.current;
    const path = edge && this.between(edge, spots);
    this.menu.hidden = !path;
    if (!path) return;
    const { width, height } = this.desk.stage.size;
    this.menu.style.left = `${Math.min(width - 150, Math.max(150, path.middle.x))}px`;
    this.menu.style.top = `${Math.min(height - 60, path.middle.y + 20)}px`;
  }

  /**
   * @param {PointerEvent} event
   * @param {number} from
   */
  grab(event, from) {
    event.preventDefault();
    const spot = this.place(event);
    const drawn = s("line", { class: "pulled", x1: spot.x, y1: spot.y, x2: spot.x, y2: spot.y });
    this.svg.append(drawn);
    this.svg.setPointerCapture(event.pointerId);
    this.drag = { from, line: drawn };
  }

  /** @param {PointerEvent} event */
  pull(event) {
    const spot = this.place(event);
    this.drag?.line.setAttribute("x2", String(spot.x));
    this.drag?.line.setAttribute("y2", String(spot.y));
  }

  /** @param {PointerEvent} event */
  drop(event) {
    if (!this.drag) return;
    const { from, line } = this.drag;
    this.drag = null;
    line.remove();
    const under = document
      .elementsFromPoint(event.clientX, event.clientY)
      .map((found) => found.closest("[data-object]"));
    const target = /** @type {SVGElement | undefined} */ (under.find((found) => found !== null));
    const to = Number(target?.dataset.object ?? from);
    if (to !== from) this.actions.add(from, to);
  }

  /** @param {PointerEvent} event */
  place(event) {
    const frame = this.desk.stage.element.getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top };
  }
}

/** @param {string} name */
function short(name) {
  return name.length > 24 ? `${name.slice(0, 22)} …` : name;
}

/** @param {Edge} edge */
export function keyOf(edge) {
  return `${edge.front}-${edge.behind}`;
}

/**
 * Where an arrow lies, clear of the badges at its ends; null if they are too close.
 * @param {Point | undefined} from
 * @param {Point | undefined} to
 * @param {boolean} aside one of two arrows between the same objects.
 * @param {number} radius of the badges
 */
function between(from, to, aside, radius) {
  if (!from || !to) return null;
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  if (length < 2 * radius + 6) return null;
  const along = { x: (to.x - from.x) / length, y: (to.y - from.y) / length };
  const across = { x: -along.y, y: along.x };
  const shift = aside ? 9 : 0;
  const point = (/** @type {number} */ at, /** @type {number} */ off) => ({
    x: from.x + along.x * at + across.x * (off + shift),
    y: from.y + along.y * at + across.y * (off + shift),
  });
  const [tail, tip, base] = [point(radius + 3, 0), point(length - radius - 3, 0), point(length - radius - 15, 0)];
  const [left, right] = [point(length - radius - 16, 7), point(length - radius - 16, -7)];
  return {
    ends: { x1: tail.x, y1: tail.y, x2: base.x, y2: base.y },
    head: `M${tip.x} ${tip.y}L${left.x} ${left.y}L${right.x} ${right.y}z`,
    middle: point(length * (aside ? 0.4 : 0.5), 0),
  };
}
