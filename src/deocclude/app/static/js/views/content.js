// @ts-check
/** Step 4: what is behind. For each hole the candidates side by side; where the pixels came from, how sure they are. */

import { candidateCard } from "../candidates.js";
import { fill, h, plural } from "../dom.js";
import { icon } from "../icons.js";
import { complain } from "../notices.js";
import { load } from "../pictures.js";
import { sized } from "../sizes.js";
import { Desk } from "../work.js";
import { named } from "./names.js";
import { ReferencesPanel } from "./references.js";

/** @typedef {import("../session.js").Session} Session */
/** @typedef {import("../types.js").View} View */
/** @typedef {import("../types.js").Hole} Hole */
/** @typedef {import("../types.js").Candidate} Candidate */
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
    /** @type {ImageBitmap | null} */
    this.layerPicture = null;
    this.asked = "";
    this.desk = new Desk(session, "The scene with the chosen hidden part painted", { steer: false });
    this.desk.stage.painters.push((context) => this.paint(context));
    this.tray = h("ul", { class: "tray", "aria-label": "Candidates" });
    this.trayHead = h("div", { class: "tray-head" });
    this.traySection = h(
      "section",
      { class: "candidates", "aria-label": "Candidates for the hole" },
      this.trayHead,
      this.tray,
    );
    this.list = h("ul", { class: "objects", "aria-label": "Hidden parts" });
    this.legend = h("div", { class: "legend" });
    this.switches = h("div", { class: "segments", role: "group", "aria-label": "Overlay" });
    this.references = new ReferencesPanel(session);
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
    const middle = h("div", { class: "bench" }, this.desk.element, this.traySection);
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
    void this.loadCandidates();
  }

  /**
   * @param {number} id
   * @param {Hole} hole
   */
  row(id, hole) {
    const chosen = id === this.hole;
    const how = hole.pick ? `picked: ${hole.pick.replace("reference:", "")}` : (hole.method ?? "");
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
        hole.confidence === null ? null : h("small", {}, `${Math.round(100 * hole.confidence)} %`),
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
    this.desk.dim = layer ? 0.6 : 0;
    try {
      await this.desk.show(this.hole === 0 && ground ? sized(ground, "screen") : preview.picture_url);
      this.layerPicture = layer ? await load(sized(layer.picture_url, "screen")) : null;
      this.overlayPicture = url ? await load(sized(url, "screen")) : null;
    } catch (error) {
      complain(error);
    }
    this.desk.stage.invalidate();
  }

  /** @param {CanvasRenderingContext2D} context */
  paint(context) {
    const { stage } = this.desk;
    const layer = this.session.state.layers.find((item) => item.id === this.hole);
    if (layer && this.layerPicture) {
      const [x0, y0, x1, y1] = layer.box;
      context.drawImage(this.layerPicture, x0, y0, x1 - x0, y1 - y0);
    }
    context.globalAlpha = 0.7;
    if (this.overlayPicture) context.drawImage(this.overlayPicture, 0, 0, stage.width, stage.height);
  }

  async loadCandidates() {
    const { state } = this.session;
    const key = `${this.hole} ${state.revision} ${JSON.stringify(state.stages.length)} ${this.session.job?.id ?? ""}`;
    if (this.holes.length === 0) return this.showCandidates(false, []);
    if (key === this.asked) return;
    this.asked = key;
    try {
      const answer = await this.session.ask("GET", `holes/${this.hole}/candidates`);
      if (key === this.asked) this.showCandidates(answer.fresh, answer.candidates);
    } catch (error) {
      this.asked = "";
      complain(error);
    }
  }

  /**
   * @param {boolean} fresh
   * @param {Candidate[]} candidates
   */
  showCandidates(fresh, candidates) {
    const { objects } = this.session.state;
    const busy = this.session.job?.kind === "candidates";
    const make = () => this.makeCandidates();
    fill(
      this.trayHead,
      h("h2", { class: "grow" }, "Candidates for ", named(objects, this.hole)),
      h(
        "button",
        {
          type: "button",
          class: fresh ? "small" : "main",
          id: "make",
          disabled: busy || this.holes.length === 0,
          onclick: make,
        },
        busy ? "Painting …" : fresh ? "Paint again" : "Paint all candidates",
      ),
    );
    const actions = {
      pick: (/** @type {string | null} */ name) =>
        this.put((hole) => ({ pick: name, reject: hole.reject.filter((other) => other !== name) })),
      reject: (/** @type {string} */ name, /** @type {boolean} */ rejected) =>
        this.put((hole) => ({
          pick: hole.pick === name ? null : hole.pick,
          reject: rejected ? [...hole.reject, name] : hole.reject.filter((other) => other !== name),
        })),
    };
    fill(
      this.tray,
      candidates.length
        ? candidates.map((candidate) => candidateCard(candidate, actions))
        : h("li", { class: "empty" }, "Paint this hole in every way there is, and compare."),
    );
  }

  async makeCandidates() {
    try {
      this.session.setJob(await this.session.ask("POST", `holes/${this.hole}/candidates`));
    } catch (error) {
      complain(error);
    }
    this.asked = "";
    void this.loadCandidates();
  }

  /** @param {(hole: Hole) => {pick: string | null, reject: string[]}} change */
  async put(change) {
    const id = this.hole;
    const done = await this.session.act((state) => {
      const hole = id === 0 ? state.background.hole : state.objects.find((item) => item.id === id)?.hole;
      return hole
        ? { method: "PUT", path: `holes/${id}/choice`, body: { revision: hole.revision, ...change(hole) } }
        : null;
    });
    if (done) await this.session.compute("layers");
  }

  /** A job went on: candidates may be there now. */
  jobChanged() {
    this.asked = "";
    void this.loadCandidates();
  }

  get keys() {
    const step = (/** @type {number} */ by) => {
      const { holes } = this;
      const place = holes.findIndex((entry) => entry.id === this.hole);
      this.choose(holes[(place + by + holes.length) % holes.length]?.id ?? 0);
    };
    const nth = (/** @type {number} */ place) =>
      /** @type {HTMLElement | null} */ (this.tray.querySelectorAll("[id^='pick-']")[place])?.click();
    return [
      { key: "n", as: "n and Shift+n", does: "Choose the next, the previous hidden part", run: () => step(1) },
      { key: "Shift+n", does: "", unlisted: true, run: () => step(-1) },
      { key: "c", does: "Paint all candidates", run: () => void this.makeCandidates() },
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((place) => ({
        key: String(place),
        as: "1 to 9",
        does: "Pick that candidate",
        unlisted: place > 1,
        run: () => nth(place - 1),
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
