// @ts-check
/** Step 1: the visible part of each object, by box, scribbles, clicks, brush and eraser. */

import { Draft } from "../draft.js";
import { keptDraft } from "../draft_copy.js";
import { along, fill, h, plural, reveal } from "../dom.js";
import { icon } from "../icons.js";
import { trace } from "../mask_canvas.js";
import { complain } from "../notices.js";
import { Outlines } from "../outlines.js";
import { COARSE, contour, outlined, rim, tinted } from "../pictures.js";
import { between, box, dashed, line } from "../strokes.js";
import { Brush, Desk, Rail } from "../work.js";
import { draftPanel } from "./masks_draft.js";
import { markChosen, objectRow } from "./masks_objects.js";

/** @typedef {import("../session.js").Session} Session */
/** @typedef {import("../types.js").View} View */
/** @typedef {import("../types.js").AppInfo} AppInfo */
/** @typedef {import("../stage.js").Point} Point */

const YES = "#37d67a";
const NO = "#ff5c4d";
const NEW = "#3fe0ff";
const WIDE = 2;

/** @implements {View} */
export class MasksView {
  /**
   * @param {Session} session
   * @param {AppInfo} app
   */
  constructor(session, app) {
    this.session = session;
    this.app = app;
    /** @type {() => void} called when there is more or less to take back */
    this.stepped = () => {};
    /** @type {number | null} */
    this.selected = null;
    /** @type {number | null} the object that is chosen because it has just been added */
    this.added = null;
    /** @type {ReturnType<MasksView["drawDraft"]>} */
    this.shown = null;
    this.desk = new Desk(session, "The photo with its objects", { marks: true });
    this.brush = new Brush(session.state.photo);
    this.outlines = new Outlines(this.desk, (item) => ({ url: item.mask_url, box: item.visible_box }));
    this.outlines.style = (item) => ({ fill: item.id === this.selected ? 0.5 : 0.28, line: this.draft.open ? 0.4 : 1 });
    this.draft = session.draft ??= keptDraft(session);
    this.draft.changed = () => this.draftChanged();
    this.draft.spare = () => session.state.objects.map((item) => item.id).filter((id) => id !== this.selected);
    this.desk.stage.painters.push((context) => this.paintDraft(context));
    this.rail = new Rail(this.desk, this.tools());
    this.rail.changed = () => this.showTool();
    this.list = h("ul", { class: "objects", "aria-label": "Objects" });
    this.count = h("small");
    this.draftBox = h("section", { "aria-label": "New mask", hidden: true });
    this.toolBox = h("section", { "aria-label": "Tool" });
    this.panel = h(
      "div",
      { class: "panel", role: "region", "aria-label": "Objects of the photo", tabindex: "0" },
      h(
        "section",
        {},
        h("div", { class: "row" }, h("h1", { class: "step grow" }, "Objects"), this.count),
        h("p", { class: "lead" }, "Mark what can be seen of each thing in the photo. What is hidden comes later."),
      ),
      this.toolBox,
      this.draftBox,
      h("section", {}, this.list),
    );
    this.element = h("div", { class: "work" }, this.rail.element, this.desk.element, this.panel);
    this.showTool();
    this.update();
    if (this.draft.open) this.draftChanged();
  }

  tools() {
    const { stage } = this.desk;
    const radius = () => this.brush.radius;
    const scribble = (/** @type {"foreground" | "background"} */ kind, /** @type {string} */ ink) =>
      line(stage, {
        ink,
        radius,
        thin: true,
        done: (points) => {
          this.begin();
          void this.draft.scribble(points, kind, 3 / stage.scale, this.selected);
        },
      });
    const paint = (/** @type {"add" | "erase"} */ mode, /** @type {string} */ ink) =>
      line(stage, { ink, radius, done: (points) => this.painted(points, mode) });
    return [
      {
        name: "box",
        label: "Box",
        icon: "box",
        key: "b",
        hint: "Drag a box round an object; its outline is found inside.",
        tool: box(stage, (found) => this.setBox(found)),
      },
      {
        name: "foreground",
        label: "Object",
        icon: "foreground",
        key: "f",
        hint: "Draw a line over what belongs to the object.",
        tool: scribble("foreground", YES),
      },
      {
        name: "background",
        label: "Not it",
        icon: "scribbleOut",
        key: "g",
        hint: "Draw a line over what does not belong to it.",
        tool: scribble("background", NO),
      },
      ...(this.app.click_model
        ? [
          {
            name: "click",
            label: "Click",
            icon: "click",
            key: "c",
            hint: "Click on an object; with the right button or Alt, on what is not part of it.",
            tool: this.clickTool(),
          },
        ] : []),
      null,
      {
        name: "brush",
        label: "Brush",
        icon: "brush",
        key: "p",
        hint: "Paint what belongs to the chosen object, or a new one if none is chosen.",
        tool: paint("add", YES),
      },
      {
        name: "eraser",
        label: "Eraser",
        icon: "eraser",
        key: "e",
        hint: "Wipe what does not belong to the chosen object.",
        tool: paint("erase", NO),
      },
      null,
      {
        name: "choose",
        label: "Choose",
        icon: "move",
        key: "v",
        hint: "Click on an object to choose it.",
        tool: this.chooseTool(),
      },
    ];
  }

  /** A new mask is not meant for the object that was added before it, though that one is still chosen. */
  begin() {
    if (!this.draft.open && this.selected === this.added) this.choose(null);
  }

  /** @param {import("../types.js").Box} found */
  setBox(found) {
    this.begin();
    this.draft.setBox(found);
  }

  /** @returns {import("../stage.js").Tool} */
  clickTool() {
    const off = (/** @type {PointerEvent} */ event) => event.altKey || event.button === 2;
    return { cursor: "crosshair", other: true, up: (point, event) => this.clicked(point, !off(event)) };
  }

  /**
   * @param {Point} point
   * @param {boolean} on whether it is on the object.
   */
  clicked(point, on) {
    this.begin();
    this.draft.click(point, on);
  }

  /** @returns {import("../stage.js").Tool} */
  chooseTool() {
    return { cursor: "pointer", up: (point) => this.choose(this.outlines.at(point)?.id ?? null) };
  }

  /** @param {number | null} id */
  choose(id) {
    this.selected = id;
    this.added = null;
    for (const row of this.list.children) markChosen(/** @type {HTMLElement} */ (row), id);
    this.draftChanged();
    reveal(this.list);
  }

  /**
   * @param {Point[]} points
   * @param {"add" | "erase"} mode
   */
  async painted(points, mode) {
    const id = this.selected;
    if (mode === "erase" && !this.draft.open && id === null) return complain("Choose the object first: click on its colour.");
    if (this.draft.open || id === null) return this.draft.paint(points, this.brush.radius, mode);
    const stroke = new Draft(this.session);
    stroke.paint(points, this.brush.radius, "add");
    if (!stroke.mask || stroke.mask.empty) return; // beside the photo
    const encoding = stroke.mask.toMask(); // a long stroke takes longer; it keeps its place before the next one
    await this.session.act(async (state) => {
      const mask = await encoding;
      const item = state.objects.find((other) => other.id === id);
      return item
        ? { method: "PATCH", path: `objects/${id}`, body: { revision: item.revision, paint: { mode, mask } } }
        : null;
    });
    await this.outlines.ready;
  }

  draftChanged() {
    this.stepped();
    this.shown = this.drawDraft();
    this.desk.stage.invalidate();
    this.draftBox.hidden = !this.draft.open;
    if (this.draft.open) draftPanel(this);
    else fill(this.draftBox);
  }

  /** The mask in the making at screen size: a tint and a white rim. */
  drawDraft() {
    const { mask } = this.draft;
    if (!mask || mask.empty) return null;
    const { scale } = this.session.state.preview;
    const size = /** @type {const} */ ([(mask.box[2] - mask.box[0]) * scale, (mask.box[3] - mask.box[1]) * scale]);
    const inside = tinted(mask.canvas, ...size, NEW);
    /** @type {Path2D | null} */
    let line = null;
    return { box: mask.box, inside, edge: rim(mask.canvas, ...size, "#fff", WIDE), path: () => (line ??= contour(inside)) };
  }

  /** @param {CanvasRenderingContext2D} context */
  paintDraft(context) {
    if (this.desk.bare) return;
    const { given, busy } = this.draft;
    if (this.shown) {
      const { box, inside, edge, path } = this.shown;
      const [x0, y0, x1, y1] = box;
      const { scale } = this.session.state.preview;
      const margin = WIDE / scale;
      context.globalAlpha = 0.4;
      context.drawImage(inside, x0, y0, x1 - x0, y1 - y0);
      context.globalAlpha = 1;
      if (this.desk.stage.scale > COARSE * scale) outlined(context, path(), inside, box, this.desk.stage.scale, "#fff");
      else context.drawImage(edge, x0 - margin, y0 - margin, x1 - x0 + 2 * margin, y1 - y0 + 2 * margin);
    }
    if (busy && given.box) dashed(context, this.desk.stage, given.box);
    context.setLineDash([]);
    context.translate(0.5, 0.5);
    for (const points of given.foreground) trace(context, points, 2 / this.desk.stage.scale, YES);
    for (const points of given.background) trace(context, points, 2 / this.desk.stage.scale, NO);
    for (const [x, y, on] of given.clicks) {
      trace(context, [{ x, y }], 6 / this.desk.stage.scale, "#fff");
      trace(context, [{ x, y }], 4 / this.desk.stage.scale, on ? YES : NO);
    }
  }

  showTool() {
    const brush = ["brush", "eraser"].includes(this.rail.current.name);
    fill(
      this.toolBox,
      brush ? this.brush.element : null,
      this.rail.current.name === "box" ? this.boxByNumbers() : null,
    );
    this.toolBox.hidden = !this.toolBox.hasChildNodes();
  }

  boxByNumbers() {
    const { width, height } = this.session.state.photo;
    const names = ["Left", "Top", "Right", "Bottom"];
    const fields = [0, 0, width, height].map((value, place) =>
      h("input", {
        type: "number",
        min: 0,
        max: place % 2 ? height : width,
        value,
        "aria-label": `${names[place]} edge of the box`,
      }),
    );
    const find = () => {
      const [x0, y0, x1, y1] = fields.map((field) => Number(field.value));
      const last = { x: Math.max(x0, x1) - 1, y: Math.max(y0, y1) - 1 }; // edges are half-open
      const found = between({ x: Math.min(x0, x1), y: Math.min(y0, y1) }, last, { width, height });
      if (found) this.setBox(found);
      else complain("The box needs at least 4 pixels of the photo on each side.");
    };
    return h(
      "details",
      {},
      h("summary", {}, "Box by numbers"),
      h("div", { class: "four" }, fields),
      h("button", { type: "button", class: "small", onclick: find }, "Find the object"),
    );
  }

  get undoable() {
    return this.draft.undoable;
  }

  undo() {
    return this.draft.undo();
  }

  update() {
    const { objects } = this.session.state;
    if (!objects.some((item) => item.id === this.selected)) this.selected = null;
    this.count.textContent = plural(objects.length, "object");
    fill(
      this.list,
      objects.length
        ? objects.map((item, position) => objectRow(this, item, position))
        : h("li", { class: "empty" }, icon("box"), h("span", {}, "Nothing is marked yet. Drag a box round something.")),
    );
    void this.outlines.update();
  }

  get keys() {
    const take = () => /** @type {HTMLElement | null} */ (this.draftBox.querySelector("button.main"))?.click();
    const step = (/** @type {number} */ by) => {
      const { objects } = this.session.state;
      const place = objects.findIndex((item) => item.id === this.selected);
      this.choose(along(objects, place, by)?.id ?? null);
    };
    return [
      ...this.rail.keys,
      { key: "Enter", does: "Take the new mask", run: take },
      {
        key: "Escape",
        does: "Throw the new mask away, or choose no object",
        run: () => (this.draft.open ? this.draft.clear() : this.choose(null)),
      },
      { key: "n", as: "n and Shift+n", does: "Choose the next, the previous object", run: () => step(1) },
      { key: "Shift+n", does: "", unlisted: true, run: () => step(-1) },
      { key: "Delete", does: "Remove the chosen object", run: () => this.remove(this.selected) },
      ...this.brush.keys,
      ...this.desk.keys,
    ];
  }

  /** @param {number | null} id */
  remove(id) {
    void this.session.act((state) => {
      const item = state.objects.find((other) => other.id === id);
      return item ? { method: "DELETE", path: `objects/${id}?revision=${item.revision}` } : null;
    });
  }

  close() {
    this.draft.changed = () => {}; // it stays for when this step is opened again
    this.desk.close();
  }
}
