// @ts-check
/** Step 3: the whole shape of each object, hidden part included, and a brush where it is wrong. */

import { Draft } from "../draft.js";
import { along, fill, h, reveal } from "../dom.js";
import { icon } from "../icons.js";
import { Outlines, visible, whole } from "../outlines.js";
import { colour } from "../pictures.js";
import { line } from "../strokes.js";
import { Brush, Desk, Rail } from "../work.js";

/** @typedef {import("../session.js").Session} Session */
/** @typedef {import("../types.js").View} View */
/** @typedef {import("../types.js").Item} Item */
/** @typedef {import("../stage.js").Point} Point */

/** @implements {View} */
export class AmodalView {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    /** @type {number | null} */
    this.selected = null;
    this.desk = new Desk(session, "The photo with the outline of each whole object", { marks: true });
    this.desk.dim = 0.45;
    this.brush = new Brush(session.state.photo);
    this.visible = new Outlines(this.desk, visible);
    this.visible.style = (item) => ({ fill: item.id === this.selected ? 0.18 : 0, line: 0 });
    this.whole = new Outlines(this.desk, whole, visible);
    this.whole.style = (item) => this.strength(item);
    this.rail = new Rail(this.desk, this.tools());
    this.list = h("ul", { class: "objects", "aria-label": "Objects" });
    this.panel = h(
      "div",
      { class: "panel", role: "region", "aria-label": "Whole shapes", tabindex: "0" },
      h(
        "section",
        {},
        h("h1", { class: "step" }, "Whole shapes"),
        h(
          "p",
          { class: "lead" },
          "How far each object goes on behind the others. Choose one and paint where the outline is wrong.",
        ),
      ),
      h("section", { "aria-label": "Tool" }, this.brush.element),
      h("section", {}, this.list),
    );
    this.element = h("div", { class: "work" }, this.rail.element, this.desk.element, this.panel);
    this.update();
  }

  tools() {
    const { stage } = this.desk;
    const radius = () => this.brush.radius;
    const tool = (/** @type {"add" | "erase"} */ mode, /** @type {string} */ ink) =>
      line(stage, { ink, radius, done: (points) => this.painted(points, mode) });
    return [
      {
        name: "choose",
        label: "Choose",
        icon: "move",
        key: "v",
        hint: "Click on an object to see its whole shape.",
        tool: {
          cursor: "pointer",
          up: (/** @type {Point} */ point) => this.choose((this.visible.at(point) ?? this.whole.at(point))?.id ?? null),
        },
      },
      null,
      {
        name: "brush",
        label: "Add",
        icon: "brush",
        key: "p",
        hint: "Paint where the chosen object goes on.",
        tool: tool("add", "#37d67a"),
      },
      {
        name: "eraser",
        label: "Erase",
        icon: "eraser",
        key: "e",
        hint: "Wipe where the chosen object does not reach.",
        tool: tool("erase", "#ff5c4d"),
      },
    ];
  }

  /** @param {Item} item */
  strength(item) {
    const apart = this.selected !== null && item.id !== this.selected;
    return { fill: apart ? 0.1 : 0.6, line: apart ? 0.25 : 1 };
  }

  /** @param {number | null} id */
  choose(id) {
    this.selected = id;
    this.update();
    reveal(this.list);
  }

  /**
   * @param {Point[]} points
   * @param {"add" | "erase"} mode
   */
  async painted(points, mode) {
    const id = this.selected;
    if (id === null) return this.desk.say("Choose an object first: click on it with the tool Choose, or in the list.");
    const stroke = new Draft(this.session);
    stroke.paint(points, this.brush.radius, "add");
    if (!stroke.mask || stroke.mask.empty) return; // beside the photo
    const encoding = stroke.mask.toMask(); // a long stroke takes longer; it keeps its place before the next one
    await this.put(id, async () => ({ paint: { mode, mask: await encoding } }));
    await this.whole.ready;
  }

  /**
   * @param {number} id
   * @param {() => Record<string, unknown> | Promise<Record<string, unknown>>} change
   */
  async put(id, change) {
    const done = await this.session.act(async (state) => {
      const body = await change();
      const item = state.objects.find((other) => other.id === id);
      return item
        ? { method: "PUT", path: `objects/${id}/whole`, body: { revision: item.whole.revision, ...body } }
        : null;
    });
    if (done) await this.session.compute("amodal");
  }

  update() {
    const { objects } = this.session.state;
    if (!objects.some((item) => item.id === this.selected)) this.selected = null;
    fill(
      this.list,
      objects.map((item, position) => this.row(item, position)),
    );
    void this.visible.update();
    void this.whole.update();
  }

  /**
   * @param {Item} item
   * @param {number} position
   */
  row(item, position) {
    const chosen = item.id === this.selected;
    const { by_hand: byHand, hidden_pixels: hidden, box } = item.whole;
    const share = hidden / Math.max(1, hidden + item.visible_pixels);
    const text =
      box === null
        ? "not known yet"
        : hidden
          ? `${share < 0.001 ? "< 0.1" : (100 * share).toFixed(share < 0.1 ? 1 : 0)} % hidden`
          : "nothing hidden";
    return h(
      "li",
      { class: chosen ? "object chosen" : "object" },
      h(
        "button",
        {
          type: "button",
          class: "quiet choose grow",
          id: `whole-${item.id}`,
          "aria-pressed": String(chosen),
          onclick: () => this.choose(chosen ? null : item.id),
        },
        h("i", { class: "dot", vars: { "--hue": colour(position) } }),
        h("span", { class: "grow label", title: item.name }, item.name),
        h("small", {}, text),
      ),
      byHand
        ? h(
            "button",
            {
              type: "button",
              class: "quiet small",
              "aria-label": `As found: ${item.name}`,
              title: "Set by hand; go back to what was found",
              onclick: () => this.put(item.id, () => ({ mask: null })),
            },
            icon("reset"),
          )
        : null,
    );
  }

  get keys() {
    const step = (/** @type {number} */ by) => {
      const { objects } = this.session.state;
      const place = objects.findIndex((item) => item.id === this.selected);
      this.choose(along(objects, place, by)?.id ?? null);
    };
    return [
      ...this.rail.keys,
      { key: "n", as: "n and Shift+n", does: "Choose the next, the previous object", run: () => step(1) },
      { key: "Shift+n", does: "", unlisted: true, run: () => step(-1) },
      { key: "Escape", does: "Choose no object", run: () => this.choose(null) },
      ...this.brush.keys,
      ...this.desk.keys,
    ];
  }

  close() {
    this.desk.close();
  }
}
