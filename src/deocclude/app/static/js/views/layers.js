// @ts-check
/** Step 5: the layers, to move, scale, turn, hide and restack; before and after; export. */

import { Arrangement, still, turn } from "../arrangement.js";
import { Compositor } from "../compositor.js";
import { along, fill, h, reveal } from "../dom.js";
import { layerTool } from "../handles.js";
import { complain } from "../notices.js";
import { Desk } from "../work.js";
import { exportButtons, exportMenu } from "./layers_export.js";
import { layerList } from "./layers_list.js";
import { poseFields } from "./layers_pose.js";

/** @typedef {import("../session.js").Session} Session */
/** @typedef {import("../types.js").View} View */
/** @typedef {import("../types.js").AppInfo} AppInfo */
/** @typedef {import("../arrangement.js").Pose} Pose */

const PAUSE = 350;

/** @implements {View} */
export class LayersView {
  /**
   * @param {Session} session
   * @param {AppInfo} app
   */
  constructor(session, app) {
    this.session = session;
    this.app = app;
    /** @type {number | null} */
    this.selected = null;
    this.arrangement = new Arrangement(session.state);
    this.timer = 0;
    /** Arrangements that the server has not answered yet; until it has, the one on the screen is the newest. */
    this.saving = 0;
    this.desk = new Desk(session, "The scene put together from its layers", { steer: false });
    this.compositor = new Compositor(this.desk, () => this.arrangement);
    this.desk.stage.use(
      layerTool(this.desk.stage, this.compositor, {
        selected: () => this.selected,
        choose: (id) => this.choose(id),
        put: (id, pose, final) => this.put(id, pose, final),
        drop: () => this.update(),
      }),
    );
    this.desk.say("Drag a layer. Corners scale, the knob turns, arrow keys move by a pixel.");
    this.list = h("ul", { class: "layers", "aria-label": "Layers, front-most first" });
    this.pose = h("section", { class: "pinned", "aria-label": "Chosen layer", hidden: true });
    this.exports = h("div", { class: "exports" });
    this.menu = exportMenu(this.exports);
    this.wipe = this.makeWipe();
    this.compare = h(
      "button",
      { type: "button", class: "small", "aria-pressed": "false", onclick: () => this.toggleCompare() },
      "Before / after",
    );
    this.resetAll = h("button", { type: "button", class: "small quiet", onclick: () => this.reset() }, "Reset all");
    this.panel = h(
      "div",
      { class: "panel", role: "region", "aria-label": "Layers", tabindex: "0" },
      h(
        "section",
        {},
        h("div", { class: "row" }, h("h1", { class: "step grow" }, "Layers"), this.menu),
        h("p", { class: "lead" }, "Move things; what was behind them is there."),
        h("div", { class: "row" }, this.compare, this.resetAll),
      ),
      h("section", {}, this.list),
      this.pose,
    );
    this.element = h("div", { class: "work bare" }, this.desk.element, this.panel);
    this.desk.stage.overlay.append(this.wipe);
    this.desk.stage.watchers.push(() => this.placeWipe());
    this.leave = () => this.flush();
    window.addEventListener("pagehide", this.leave);
    this.update();
  }

  /** @param {number | null} id */
  choose(id) {
    this.selected = id;
    this.show();
    reveal(this.list);
  }

  /**
   * Put a layer somewhere; stored when the gesture has ended.
   * @param {number} id
   * @param {Pose} pose
   * @param {boolean} final
   */
  put(id, pose, final) {
    this.arrangement.poses.set(id, pose);
    this.desk.stage.invalidate();
    if (final) this.save();
    else poseFields(this);
  }

  /**
   * Change the chosen layer; several changes in a row are stored as one.
   * @param {Partial<Pose>} change
   */
  nudge(change) {
    if (this.selected === null) return;
    this.arrangement.poses.set(this.selected, { ...this.arrangement.pose(this.selected), ...change });
    this.saveSoon();
  }

  /**
   * @param {number} id
   * @param {number} place from the bottom
   */
  restack(id, place) {
    this.arrangement.restack(id, place);
    this.save();
  }

  /** @param {number} id */
  toggle(id) {
    const pose = this.arrangement.pose(id);
    this.arrangement.poses.set(id, { ...pose, hidden: !pose.hidden });
    this.save();
  }

  reset() {
    for (const layer of this.arrangement.layers) this.arrangement.poses.set(layer.id, still());
    this.arrangement.order = this.arrangement.layers.map((layer) => layer.id);
    this.save();
  }

  saveSoon() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.save(), PAUSE);
    poseFields(this);
    this.desk.stage.invalidate();
  }

  save() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.show();
    const changes = this.arrangement.changes();
    this.saving += 1;
    void this.session
      .act((state) => {
        const newest = new Arrangement(state); // another tab may have moved another layer meanwhile
        newest.apply(changes);
        return {
          method: "PUT",
          path: "arrangement",
          body: { revision: state.arrangement.revision, arrangement: newest.toJSON() },
        };
      })
      .then(() => {
        this.saving -= 1;
        this.update();
      });
  }

  /** What has been changed a moment ago is an action as well, and the one to undo. */
  undo() {
    this.flush();
    return false;
  }

  update() {
    if (!this.timer && !this.saving && !this.compositor.held) this.arrangement = new Arrangement(this.session.state);
    if (!this.arrangement.layer(this.selected ?? -1)) this.selected = null;
    fill(this.exports, exportButtons(this));
    this.show();
    this.compositor.update().catch(complain);
  }

  /** Something is being computed, or no longer. */
  jobChanged() {
    if (this.arrangement.layers.length === 0) layerList(this);
  }

  /** Draw what this tab knows, without asking the server. */
  show() {
    layerList(this);
    poseFields(this);
    const none = this.arrangement.layers.length === 0;
    this.compare.toggleAttribute("disabled", none);
    this.resetAll.toggleAttribute("disabled", none);
    this.desk.stage.invalidate();
  }

  makeWipe() {
    const slider = h("input", {
      type: "range",
      min: 0,
      max: 100,
      value: 50,
      step: "0.5",
      "aria-label": "How much of the photo to show, in percent",
      oninput: () => this.placeWipe(Number(slider.value)),
    });
    return h(
      "div",
      { class: "wipe", hidden: true },
      slider,
      h("i", { class: "handle", "aria-hidden": "true" }),
      h("span", { class: "tag left" }, "Photo"),
      h("span", { class: "tag right" }, "Layers"),
    );
  }

  toggleCompare() {
    const on = this.compositor.before === null;
    this.compositor.before = on ? 0.5 : null;
    this.compare.setAttribute("aria-pressed", String(on));
    if (!on && this.wipe.contains(document.activeElement)) this.compare.focus({ preventScroll: true }); // it goes
    this.wipe.hidden = !on;
    this.placeWipe(50);
    if (on) this.wipe.querySelector("input")?.focus();
  }

  /** @param {number} [percent] */
  placeWipe(percent) {
    if (this.compositor.before === null) return this.desk.stage.invalidate();
    if (percent !== undefined) this.compositor.before = percent / 100;
    const { offset, scale, width, height } = this.desk.stage;
    const style = this.wipe.style;
    style.left = `${offset.x}px`;
    style.top = `${offset.y}px`;
    style.width = `${width * scale}px`;
    style.height = `${height * scale}px`;
    style.setProperty("--at", `${100 * this.compositor.before}%`);
    const slider = this.wipe.querySelector("input");
    if (slider && percent !== undefined) slider.value = String(percent);
    this.desk.stage.invalidate();
  }

  get keys() {
    const move = (/** @type {number} */ x, /** @type {number} */ y) => () => {
      const pose = this.arrangement.pose(this.selected ?? -1);
      this.nudge({ dx: pose.dx + x, dy: pose.dy + y });
    };
    const change = (/** @type {(pose: Pose) => Partial<Pose>} */ build) => () =>
      this.nudge(build(this.arrangement.pose(this.selected ?? -1)));
    const lift = (/** @type {number} */ by) => () => {
      if (this.selected !== null) this.restack(this.selected, this.arrangement.order.indexOf(this.selected) + by);
    };
    const step = (/** @type {number} */ by) => () => {
      const ids = [...this.arrangement.order].reverse();
      this.choose(along(ids, ids.indexOf(this.selected ?? -1), by) ?? null);
    };
    const arrows = /** @type {[string, number, number][]} */ ([
      ["Left", -1, 0],
      ["Right", 1, 0],
      ["Up", 0, -1],
      ["Down", 0, 1],
    ]);
    return [
      { key: "n", as: "n and Shift+n", does: "Choose the next, the previous layer", run: step(1) },
      { key: "Shift+n", does: "", unlisted: true, run: step(-1) },
      ...arrows.map(([name, x, y], place) => ({
        key: `Arrow${name}`,
        as: "← ↑ ↓ →",
        does: "Move the chosen layer by a pixel; with Shift by ten",
        unlisted: place > 0,
        when: () => this.selected !== null,
        run: move(x, y),
      })),
      ...arrows.map(([name, x, y]) => ({
        key: `Shift+Arrow${name}`,
        does: "",
        unlisted: true,
        when: () => this.selected !== null,
        run: move(10 * x, 10 * y),
      })),
      {
        key: ">",
        as: "< and >",
        does: "Smaller, larger",
        run: change((pose) => ({ scale: Math.min(20, Number((pose.scale * 1.05).toFixed(3))) })),
      },
      {
        key: "<",
        does: "",
        unlisted: true,
        run: change((pose) => ({ scale: Math.max(0.05, Number((pose.scale / 1.05).toFixed(3))) })),
      },
      {
        key: ",",
        as: ", and .",
        does: "Turn to the left, to the right by 2 degrees",
        run: change((pose) => ({ rotate: turn(pose.rotate + 2) })),
      },
      { key: ".", does: "", unlisted: true, run: change((pose) => ({ rotate: turn(pose.rotate - 2) })) },
      {
        key: "Alt+ArrowUp",
        as: "Alt+ArrowUp and Alt+ArrowDown",
        does: "Bring the layer forward, send it back",
        run: lift(1),
      },
      { key: "Alt+ArrowDown", does: "", unlisted: true, run: lift(-1) },
      {
        key: "h",
        does: "Hide or show the layer",
        run: () => {
          if (this.selected !== null) this.toggle(this.selected);
        },
      },
      { key: "r", does: "Put the layer back", run: () => this.nudge(still()) },
      { key: "c", does: "Before and after", run: () => this.toggleCompare() },
      {
        key: "Escape",
        does: "End before and after, or choose no layer",
        run: () => (this.compositor.before === null ? this.choose(null) : this.toggleCompare()),
      },
      ...this.desk.keys,
    ];
  }

  /** Store what has been changed a moment ago. */
  flush() {
    if (this.timer) this.save();
  }

  close() {
    this.flush();
    window.removeEventListener("pagehide", this.leave);
    this.desk.close();
  }
}
