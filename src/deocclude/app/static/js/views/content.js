// @ts-check
/** Step 4: what is behind. For each hole the candidates side by side; where the pixels came from, how sure they are. */

import { along, fill, h, plural, reveal } from "../dom.js";
import { icon } from "../icons.js";
import { complain } from "../notices.js";
import { load, sized } from "../pictures.js";
import { Desk } from "../work.js";
import { CandidatesTray } from "./content_tray.js";
import { named } from "./names.js";
import { ReferencesPanel } from "./references.js";

/** @typedef {import("../session.js").Session} Session */
/** @typedef {import("../types.js").View} View */
/** @typedef {import("../types.js").Hole} Hole */
/** @typedef {import("../types.js").Job} Job */
/** @typedef {"none" | "provenance" | "confidence"} Overlay */

/** @implements {View} */
export class ContentView {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.hole = this.holes[0]?.id ?? 0;
    /** @type {Overlay} */
    this.overlay = "none";
    /** @type {ImageBitmap | null} */
    this.overlayPicture = null;
    /** @type {{box: import("../types.js").Box, picture: ImageBitmap} | null} the chosen object, whole */
    this.front = null;
    this.desk = new Desk(session, "The scene with the chosen hidden part painted", { steer: false });
    this.desk.stage.painters.push((context) => this.paint(context));
    this.list = h("ul", { class: "objects", "aria-label": "Hidden parts" });
    this.legend = h("div", { class: "legend" });
    this.switches = h("div", { class: "segments", role: "group", "aria-label": "Overlay" });
    this.references = new ReferencesPanel(session);
    this.tray = new CandidatesTray(session);
    this.visit = 0;
    this.panel = h(
      "div",
      { class: "panel", role: "region", "aria-label": "Hidden parts", tabindex: "0" },
      h(
        "section",
        {},
        h("h1", { class: "step" }, "Content"),
        h("p", { class: "lead" }, "What is painted where something was hidden. Choose a part, then pick or reject."),
      ),
      h("section", {}, this.list),
      h("section", {}, h("h2", {}, "Show over the photo"), this.switches, this.legend),
      this.references.element,
    );
    const middle = h("div", { class: "bench" }, this.desk.element, this.tray.element);
    this.element = h("div", { class: "work bare" }, middle, this.panel);
    this.update();
  }

  /** Holes with pixels, the background's first. */
  get holes() {
    const { objects, background } = this.session.state;
    return [{ id: 0, hole: background.hole }, ...objects.map((item) => ({ id: item.id, hole: item.hole }))].filter(
      (entry) => entry.hole && entry.hole.pixels > 0,
    );
  }

  /** @param {number} id */
  choose(id) {
    this.hole = id;
    this.update();
    reveal(this.list);
  }

  /** @param {Overlay} overlay */
  show(overlay) {
    this.overlay = overlay;
    this.update();
  }

  update() {
    const { holes } = this;
    if (!holes.some((entry) => entry.id === this.hole)) this.hole = holes[0]?.id ?? 0;
    fill(
      this.list,
      holes.length
        ? holes.map((entry) => this.row(entry.id, entry.hole))
        : h(
            "li",
            { class: "empty" },
            icon("photo"),
            this.session.fresh("content") ? "Nothing is hidden in this photo." : "The hidden parts are being painted …",
          ),
    );
    this.showSwitches();
    this.references.update();
    void this.loadPictures();
    this.tray.show(holes.length ? this.hole : null);
  }

  /**
   * @param {number} id
   * @param {Hole} hole
   */
  row(id, hole) {
    const chosen = id === this.hole;
    const how = hole.title && hole.pick ? `picked: ${hole.title}` : (hole.title ?? "");
    return h(
      "li",
      { class: chosen ? "object chosen" : "object" },
      h(
        "button",
        {
          type: "button",
          class: "quiet choose grow",
          id: `hole-${id}`,
          "aria-pressed": String(chosen),
          onclick: () => this.choose(id),
        },
        h(
          "span",
          { class: "grow two" },
          named(this.session.state.objects, id),
          h("small", {}, `${plural(hole.pixels, "pixel")}${how ? ` · ${how}` : ""}`),
        ),
        hole.confidence === null ? null : h("small", {}, `${Math.round(100 * hole.confidence)} % sure`),
      ),
      hole.fallback_reason && chosen ? h("p", { class: "warning" }, hole.fallback_reason) : null,
    );
  }

  showSwitches() {
    const { overlays } = this.session.state;
    const choices = /** @type {[Overlay, string][]} */ ([
      ["none", "Nothing"],
      ["provenance", "Sources"],
      ["confidence", "Confidence"],
    ]);
    fill(
      this.switches,
      choices.map(([name, label]) =>
        h(
          "button",
          {
            type: "button",
            id: `overlay-${name}`,
            "aria-pressed": String(this.overlay === name),
            disabled: name !== "none" && !overlays?.provenance_url,
            onclick: () => this.show(name),
          },
          label,
        ),
      ),
    );
    const entries = overlays?.legend ?? [];
    fill(
      this.legend,
      this.overlay === "provenance"
        ? h(
            "ul",
            {},
            entries.map((entry) =>
              h(
                "li",
                {},
                h("i", { class: "dot", vars: { "--hue": entry.colour } }),
                entry.name,
                h("small", {}, plural(entry.pixels, "pixel")),
              ),
            ),
          )
        : null,
      this.overlay === "confidence"
        ? h(
            "p",
            { class: "ramp" },
            h("small", {}, "a guess"),
            h("i", { "aria-hidden": "true" }),
            h("small", {}, "sure"),
          )
        : null,
    );
  }

  async loadPictures() {
    const { overlays, layers, background_url: ground, preview } = this.session.state;
    const layer = layers.find((item) => item.id === this.hole);
    const url = this.overlay === "none" ? null : (overlays?.[`${this.overlay}_url`] ?? null);
    const visit = (this.visit += 1);
    try {
      const [base, front, overlay] = await Promise.all([
        load(this.hole === 0 && ground ? sized(ground, "screen") : preview.picture_url),
        layer ? load(sized(layer.picture_url, "screen")) : null,
        url ? load(sized(url, "screen")) : null,
      ]);
      if (visit !== this.visit) return; // another hole has been chosen since
      this.desk.base = base;
      this.desk.dim = layer ? 0.6 : 0;
      this.front = layer && front ? { box: layer.box, picture: front } : null;
      this.overlayPicture = overlay;
    } catch (error) {
      complain(error);
    }
    this.desk.stage.invalidate();
  }

  /** @param {CanvasRenderingContext2D} context */
  paint(context) {
    const { stage } = this.desk;
    if (this.front) {
      const [x0, y0, x1, y1] = this.front.box;
      context.drawImage(this.front.picture, x0, y0, x1 - x0, y1 - y0);
    }
    context.globalAlpha = 0.7;
    if (this.overlayPicture) context.drawImage(this.overlayPicture, 0, 0, stage.width, stage.height);
  }

  /** @param {Job} job that went on: candidates may be there now. */
  jobChanged(job) {
    if (job.kind === "candidates") this.tray.refresh();
  }

  get keys() {
    const step = (/** @type {number} */ by) => {
      const { holes } = this;
      const place = holes.findIndex((entry) => entry.id === this.hole);
      this.choose(along(holes, place, by)?.id ?? 0);
    };
    return [
      { key: "n", as: "n and Shift+n", does: "Choose the next, the previous hidden part", run: () => step(1) },
      { key: "Shift+n", does: "", unlisted: true, run: () => step(-1) },
      { key: "c", does: "Paint all candidates", run: () => void this.tray.make() },
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((place) => ({
        key: String(place),
        as: "1 to 9",
        does: "Pick that candidate",
        unlisted: place > 1,
        run: () => this.tray.pickNth(place - 1),
      })),
      { key: "s", does: "Show sources", run: () => this.show(this.overlay === "provenance" ? "none" : "provenance") },
      {
        key: "d",
        does: "Show confidence",
        run: () => this.show(this.overlay === "confidence" ? "none" : "confidence"),
      },
      ...this.desk.keys,
    ];
  }

  close() {
    this.references.close();
    this.desk.close();
  }
}
