// @ts-check
/** The candidates of one hole side by side: made on demand, picked or rejected. */

import { candidateCard } from "../candidates.js";
import { fill, h } from "../dom.js";
import { complain } from "../notices.js";
import { named } from "./names.js";

/** @typedef {import("../session.js").Session} Session */
/** @typedef {import("../types.js").Hole} Hole */
/** @typedef {import("../types.js").Candidate} Candidate */

const WHY = "Paint this hole in every way there is, and compare.";

export class CandidatesTray {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    /** @type {number | null} 0 is the background's; null where nothing is hidden. */
    this.hole = null;
    this.asked = "";
    this.head = h("div", { class: "tray-head" });
    this.list = h("ul", { class: "tray", "aria-label": "Candidates" });
    this.element = h("section", { class: "candidates", "aria-label": "Candidates for the hole" }, this.head, this.list);
  }

  /**
   * Show the candidates of a hole, as they are now.
   * @param {number | null} hole
   */
  show(hole) {
    this.hole = hole;
    if (hole === null) this.draw(false, []);
    else void this.load(hole);
  }

  /** Ask again. */
  refresh() {
    this.asked = "";
    this.show(this.hole);
  }

  /** @param {number} hole */
  async load(hole) {
    const key = `${hole} ${this.session.state.revision} ${this.session.job?.id ?? ""}`;
    if (key === this.asked) return;
    this.asked = key;
    try {
      const answer = await this.session.ask("GET", `holes/${hole}/candidates`);
      if (key === this.asked) this.draw(answer.fresh, answer.candidates);
    } catch (error) {
      this.asked = "";
      complain(error);
    }
  }

  /**
   * @param {boolean} fresh
   * @param {Candidate[]} candidates
   */
  draw(fresh, candidates) {
    const busy = this.session.job?.kind === "candidates";
    const word = busy ? "Painting …" : fresh ? "Paint again" : "Paint all candidates";
    const title =
      this.hole === null ? ["Candidates"] : ["Candidates for ", named(this.session.state.objects, this.hole)];
    fill(
      this.head,
      h("h2", { class: "grow" }, title),
      h(
        "button",
        {
          type: "button",
          class: fresh ? "small" : "main",
          id: "make",
          disabled: this.hole === null,
          "aria-disabled": busy ? "true" : null, // and not disabled, or it would lose the focus
          onclick: () => this.make(),
        },
        word,
      ),
    );
    fill(
      this.list,
      candidates.length
        ? candidates.map((candidate) => candidateCard(candidate, this))
        : h("li", { class: "empty" }, busy ? "They are shown when all of them are painted." : WHY),
    );
  }

  /** Paint the hole in every way there is. */
  async make() {
    if (this.hole === null || this.session.job?.kind === "candidates") return;
    try {
      this.session.setJob(await this.session.ask("POST", `holes/${this.hole}/candidates`));
    } catch (error) {
      complain(error);
    }
  }

  /** @param {string | null} name null leaves the choice to the program. */
  pick(name) {
    void this.put((hole) => ({ pick: name, reject: hole.reject.filter((other) => other !== name) }));
  }

  /** @param {number} place from the left, 0 is the first. */
  pickNth(place) {
    /** @type {HTMLElement | null} */ (this.list.querySelectorAll("[id^='pick-']")[place])?.click();
  }

  /**
   * @param {string} name
   * @param {boolean} rejected
   */
  reject(name, rejected) {
    void this.put((hole) => ({
      pick: hole.pick === name ? null : hole.pick,
      reject: rejected ? [...hole.reject, name] : hole.reject.filter((other) => other !== name),
    }));
  }

  /**
   * Store a choice, and compute what depends on it.
   * @param {(hole: Hole) => {pick: string | null, reject: string[]}} change
   */
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
}
