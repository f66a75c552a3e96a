// @ts-check
/** Step 2: who hides whom. Arrows on the photo, the same as a list, and the stack that follows from them. */

import { Arrows, keyOf } from "../arrows.js";
import { along, fill, h, reveal } from "../dom.js";
import { icon } from "../icons.js";
import { complain } from "../notices.js";
import { Outlines } from "../outlines.js";
import { Desk } from "../work.js";
import { named } from "./names.js";

/** @typedef {import("../session.js").Session} Session */
/** @typedef {import("../types.js").View} View */
/** @typedef {import("../types.js").Edge} Edge */

/** @implements {View} */
export class OrderView {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.desk = new Desk(session, "The photo with an arrow from each object to what it hides", {
      steer: false,
      marks: true,
    });
    this.desk.dim = 0.25;
    this.outlines = new Outlines(this.desk, (item) => ({ url: item.mask_url, box: item.visible_box }));
    this.outlines.style = () => ({ fill: 0.22, line: 0.9 });
    this.arrows = new Arrows(this.desk, {
      choose: () => {
        this.showChosen();
        reveal(this.list);
      },
      add: (front, behind) => this.set(front, behind, "front"),
    });
    this.list = h("ul", { class: "relations", "aria-label": "Arrows" });
    this.form = h("div", { class: "add-arrow" });
    this.stack = h("ol", { class: "stack", "aria-label": "Layers from front to back" });
    this.panel = h(
      "div",
      { class: "panel", role: "region", "aria-label": "Order", tabindex: "0" },
      h(
        "section",
        {},
        h("h1", { class: "step" }, "Order"),
        h(
          "p",
          { class: "lead" },
          "An arrow points from what hides to what is hidden. Click on one to change it, or drag from a dot to another to add one.",
        ),
      ),
      h("section", {}, this.list),
      h("section", {}, h("h2", {}, "Add an arrow"), this.form),
      h("section", {}, h("h2", {}, "Front to back"), this.stack),
    );
    this.element = h("div", { class: "work bare" }, this.desk.element, this.panel);
    this.desk.say("Click on an arrow to flip or remove it.");
    this.update();
  }

  /**
   * Set the relation of two objects, and compute what depends on it.
   * @param {number} first
   * @param {number} second
   * @param {string} relation
   */
  async set(first, second, relation) {
    this.arrows.chosen = null;
    const done = await this.session.act((state) => {
      const known = state.order.set.find((item) => new Set([item.first, item.second, first, second]).size === 2);
      return { method: "PUT", path: "order", body: { first, second, relation, revision: known?.revision ?? 0 } };
    });
    if (done) await this.session.compute("order");
  }

  /** @param {Edge | null} edge */
  flip(edge) {
    if (edge) void this.set(edge.behind, edge.front, "front");
  }

  /** @param {Edge | null} edge */
  remove(edge) {
    if (edge) void this.set(edge.front, edge.behind, "none");
  }

  showChosen() {
    const edge = this.arrows.current;
    const button = (/** @type {string} */ name, /** @type {string} */ label, /** @type {() => void} */ run) =>
      h("button", { type: "button", class: "small", onclick: run }, icon(name), label);
    fill(
      this.arrows.menu,
      edge
        ? [
            button("flip", "Flip", () => this.flip(edge)),
            button("remove", "Remove", () => this.remove(edge)),
            edge.by_user ? button("reset", "As found", () => this.set(edge.front, edge.behind, "auto")) : null,
          ]
        : null,
    );
    for (const row of this.list.children)
      row.classList.toggle("chosen", /** @type {HTMLElement} */ (row).dataset.edge === this.arrows.chosen);
  }

  update() {
    const { order } = this.session.state;
    this.arrows.draw();
    const none = order.set.filter((item) => item.relation === "none");
    fill(
      this.list,
      order.edges.map((edge) => this.row(edge, "")),
      order.dropped.map((edge) => this.row(edge, "dropped: closes a cycle")),
      none.map((item) => this.removedRow(item.first, item.second)),
      order.edges.length + order.dropped.length + none.length ? null : h("li", { class: "empty" }, this.whyNone()),
    );
    this.showForm();
    this.showStack();
    this.showChosen();
    void this.outlines.update();
  }

  whyNone() {
    if (this.session.state.objects.length < 2) return "An order needs two objects.";
    return this.session.fresh("order") ? "No object hides part of another." : "The order is being worked out …";
  }

  /**
   * @param {Edge} edge
   * @param {string} remark
   */
  row(edge, remark) {
    const { objects } = this.session.state;
    const name = (/** @type {number} */ id) => objects.find((item) => item.id === id)?.name ?? `object ${id}`;
    const pair = `${name(edge.front)} hides ${name(edge.behind)}`;
    const act = (/** @type {string} */ sign, /** @type {string} */ label, /** @type {() => void} */ run) =>
      h(
        "button",
        {
          type: "button",
          class: "quiet small",
          id: `${sign}-${this.pairOf(edge)}`,
          "aria-label": `${label}: ${pair}`,
          title: label,
          onclick: run,
        },
        icon(sign),
      );
    return h(
      "li",
      { class: "relation", dataset: { edge: keyOf(edge) } },
      h(
        "div",
        { class: "pair grow", title: "Show this arrow", onclick: () => this.arrows.choose(edge) },
        named(objects, edge.front),
        h("small", {}, "hides"),
        named(objects, edge.behind),
        h("small", {}, edge.by_user ? "by hand" : `${Math.round(100 * edge.probability)} %`),
        remark ? h("small", { class: "remark" }, remark) : null,
      ),
      h(
        "div",
        { class: "row tight" },
        act("flip", "Flip", () => this.flip(edge)),
        edge.by_user ? act("reset", "As found", () => this.set(edge.front, edge.behind, "auto")) : null,
        act("remove", "Remove", () => this.remove(edge)),
      ),
    );
  }

  /**
   * What tells the buttons of an arrow apart; the same when it is flipped, so that they keep the focus.
   * @param {Edge} edge
   */
  pairOf(edge) {
    const { front, behind } = edge;
    return this.arrows.twoWay(edge) ? keyOf(edge) : `${Math.min(front, behind)}-${Math.max(front, behind)}`;
  }

  /**
   * @param {number} first
   * @param {number} second
   */
  removedRow(first, second) {
    const { objects } = this.session.state;
    const name = (/** @type {number} */ id) => objects.find((item) => item.id === id)?.name ?? `object ${id}`;
    return h(
      "li",
      { class: "relation" },
      h(
        "div",
        { class: "pair grow" },
        named(objects, first),
        h("small", {}, "and"),
        named(objects, second),
        h("small", {}, "by hand"),
        h("small", { class: "remark" }, "neither hides the other"),
      ),
      h(
        "button",
        {
          type: "button",
          class: "quiet small",
          "aria-label": `As found: ${name(first)} and ${name(second)}`,
          title: "As found",
          onclick: () => this.set(first, second, "auto"),
        },
        icon("reset"),
      ),
    );
  }

  showForm() {
    const { objects } = this.session.state;
    const choice = (/** @type {string} */ id, /** @type {string} */ label, /** @type {number} */ place) => {
      const known = /** @type {HTMLSelectElement | null} */ (document.getElementById(id))?.value;
      const found = h(
        "select",
        { id, "aria-label": label },
        objects.map((item) => h("option", { value: item.id }, item.name)),
      );
      found.value =
        known && objects.some((item) => String(item.id) === known) ? known : String(objects[place]?.id ?? "");
      return found;
    };
    const front = choice("front", "In front", 0);
    const behind = choice("behind", "Behind", 1);
    const add = () => {
      if (front.value === behind.value) complain("Choose two different objects.");
      else void this.set(Number(front.value), Number(behind.value), "front");
    };
    fill(
      this.form,
      front,
      h("span", { class: "soft" }, "hides"),
      behind,
      h(
        "button",
        { type: "button", id: "add-arrow", "aria-label": "Add the arrow", disabled: objects.length < 2, onclick: add },
        icon("add"),
      ),
    );
  }

  showStack() {
    const { layers, objects } = this.session.state;
    const sorted = [...layers].sort((one, other) => other.z - one.z);
    fill(
      this.stack,
      sorted.length
        ? sorted.map((layer) => h("li", { dataset: { layer: layer.id } }, named(objects, layer.id)))
        : h("li", { class: "soft" }, "Known when the layers are there."),
    );
  }

  get keys() {
    const step = (/** @type {number} */ by) => {
      const { edges } = this.arrows;
      const place = edges.findIndex((edge) => keyOf(edge) === this.arrows.chosen);
      const next = along(edges, place, by);
      if (next && next !== this.arrows.current) this.arrows.choose(next);
    };
    return [
      { key: "n", as: "n and Shift+n", does: "Choose the next, the previous arrow", run: () => step(1) },
      { key: "Shift+n", does: "", unlisted: true, run: () => step(-1) },
      { key: "f", does: "Flip the chosen arrow", run: () => this.flip(this.arrows.current) },
      { key: "Delete", does: "Remove the chosen arrow", run: () => this.remove(this.arrows.current) },
      { key: "Escape", does: "Choose no arrow", run: () => this.arrows.choose(null) },
      ...this.desk.keys,
    ];
  }

  close() {
    this.desk.close();
  }
}
