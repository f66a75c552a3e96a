// @ts-check
/** Annotation: the photos of a folder one after the other, what is done and what is not, stored as COCOA-style JSON. */

import { call } from "../api.js";
import { fill, h, plural } from "../dom.js";
import { icon } from "../icons.js";
import { complain, tell } from "../notices.js";
import { Outlines, visible, whole } from "../outlines.js";
import { following } from "../session.js";
import { Desk } from "../work.js";

/** @typedef {import("../session.js").Session} Session */
/** @typedef {import("../types.js").View} View */
/** @typedef {import("../types.js").PhotoInfo} PhotoInfo */

/** @type {PhotoInfo[]} as last heard, so that the next photo's page has its buttons at once */
let known = [];

/** @implements {View} */
export class AnnotateView {
  /**
   * @param {Session} session
   * @param {{open: (id: string) => void}} actions
   */
  constructor(session, actions) {
    this.session = session;
    this.actions = actions;
    this.photos = known;
    this.onlyOpen = false;
    this.desk = new Desk(session, "The photo with its objects and their whole shapes", {
      steer: false,
      marks: true,
    });
    this.whole = new Outlines(this.desk, whole, visible);
    this.whole.style = () => ({ fill: 0.4, line: 0.6 });
    this.visible = new Outlines(this.desk, visible);
    this.visible.style = () => ({ fill: 0.2, line: 1 });
    this.head = h("section", {});
    this.facts = h("section", { "aria-label": "What there is" });
    this.list = h("ul", { class: "photos", "aria-label": "Photos" });
    this.filter = h("input", {
      type: "checkbox",
      id: "only-open",
      onchange: () => {
        this.onlyOpen = this.filter.checked;
        this.showList();
      },
    });
    this.tally = h("small");
    this.panel = h(
      "div",
      { class: "panel", role: "region", "aria-label": "Annotation", tabindex: "0" },
      this.head,
      this.facts,
      h(
        "section",
        {},
        h("div", { class: "row" }, h("h2", { class: "grow" }, "Photos"), this.tally),
        h("label", { class: "check" }, this.filter, "Only those not done"),
        this.list,
      ),
    );
    this.element = h("div", { class: "work bare" }, this.desk.element, this.panel);
    this.update();
  }

  async setDone() {
    const done = await this.session.act((state) => ({
      method: "PUT",
      path: "done",
      body: { revision: state.done.revision, done: !state.done.value },
    }));
    if (done && this.session.state.done.value) tell("Done; the annotation is in the project folder.");
  }

  async save() {
    try {
      await this.session.ask("POST", "annotation");
      tell("annotation.json is written into the project folder.");
    } catch (error) {
      complain(error);
    }
  }

  /** @param {number} by */
  step(by) {
    const place = this.photos.findIndex((photo) => photo.id === this.session.id);
    const next = this.photos[place + by];
    if (next) this.actions.open(next.id);
  }

  update() {
    void this.whole.update();
    void this.visible.update();
    this.showHead();
    this.showFacts();
    call("GET", "photos").then((answer) => {
      this.photos = known = answer.photos;
      this.showHead();
      this.showList();
    }, complain);
  }

  showHead() {
    const { state } = this.session;
    const place = this.photos.findIndex((photo) => photo.id === state.photo.id);
    const button = (
      /** @type {string} */ id,
      /** @type {string} */ label,
      /** @type {boolean} */ off,
      /** @type {() => void} */ run,
      /** @type {string} */ sign,
    ) => h("button", { type: "button", id, disabled: off, onclick: run, class: "grow" }, icon(sign), label);
    fill(
      this.head,
      h("h1", { class: "step" }, "Annotate"),
      h(
        "p",
        { class: "lead" },
        "Check masks, order and whole shapes in the other steps, then tick the photo off. ",
        h("code", {}, "evaluate"),
        " and ",
        h("code", {}, "train"),
        " read what is stored.",
      ),
      h(
        "div",
        { class: "row" },
        button("previous", "Previous", place <= 0, () => this.step(-1), "back"),
        button("next", "Next", place < 0 || place >= this.photos.length - 1, () => this.step(1), "next"),
      ),
      h(
        "div",
        { class: "row" },
        h(
          "button",
          {
            type: "button",
            id: "done",
            class: `grow${state.done.value ? "" : " main"}`,
            "aria-pressed": String(state.done.value),
            disabled: state.objects.length === 0,
            onclick: () => this.setDone(),
          },
          icon("check"),
          state.done.value ? "Done" : "Mark done",
        ),
        h(
          "button",
          { type: "button", id: "save-cocoa", disabled: state.objects.length === 0, onclick: () => this.save() },
          icon("save"),
          "Save COCOA",
        ),
      ),
    );
  }

  showFacts() {
    const { state } = this.session;
    const hand = state.objects.filter((item) => item.whole.by_hand).length;
    const known = state.objects.filter((item) => item.whole.box !== null).length;
    /** @type {[string, string][]} */
    const rows = [
      ["Objects", String(state.objects.length)],
      [
        "Arrows",
        `${state.order.edges.length}${state.order.set.length ? `, ${state.order.set.length} set by hand` : ""}`,
      ],
      ["Whole shapes", `${known}${hand ? `, ${hand} by hand` : ""}`],
      ["Results", state.stale_from === null ? "up to date" : `to be computed: ${following(state.stale_from)}`],
    ];
    fill(
      this.facts,
      h(
        "dl",
        { class: "facts" },
        rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
      ),
    );
  }

  showList() {
    const done = this.photos.filter((photo) => photo.done).length;
    this.tally.textContent = `${done} of ${this.photos.length} done`;
    const shown = this.photos.filter((photo) => !this.onlyOpen || !photo.done);
    fill(
      this.list,
      shown.length ? null : h("li", { class: "empty" }, "All photos are done."),
      shown.map((photo) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              class: "quiet choose",
              id: `photo-${photo.id}`,
              "aria-current": photo.id === this.session.id ? "true" : null,
              onclick: () => this.actions.open(photo.id),
            },
            h("span", { class: "thumb" }, h("img", { src: photo.thumbnail_url, alt: "", loading: "lazy" })),
            h(
              "span",
              { class: "grow two" },
              h("span", {}, photo.name),
              h("small", {}, photo.width === null ? "not opened yet" : plural(photo.objects, "object")),
            ),
            photo.done ? h("span", { class: "tick" }, icon("check"), h("span", { class: "away" }, "done")) : null,
          ),
        ),
      ),
    );
  }

  get keys() {
    return [
      { key: "Enter", as: "Enter or d", does: "Mark as done, or not", run: () => void this.setDone() },
      { key: "d", does: "", unlisted: true, run: () => void this.setDone() },
      { key: "s", does: "Save the annotation", run: () => void this.save() },
      ...this.desk.keys,
    ];
  }

  close() {
    this.desk.close();
  }
}
