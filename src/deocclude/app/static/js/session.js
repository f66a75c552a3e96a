// @ts-check
/**
 * One photo that is being worked on: its state on the server, the actions on it one after the other, its job.
 *
 * Actions wait for each other and are built from the newest state only when their turn comes, so the revisions that
 * they send are never stale because of this tab; when they are, another tab was faster, and the user is told.
 */

import { call, Refused } from "./api.js";
import { look } from "./connection.js";
import { untilStored } from "./held.js";
import { complain, hide, remark } from "./notices.js";

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").Job} Job */
/** @typedef {{method: string, path: string, body?: unknown}} Request */

/** What stages are called, in the order in which they are computed; steps of the page have the same names. */
export const TITLES = new Map([
  ["repair", "Masks"],
  ["order", "Order"],
  ["amodal", "Shapes"],
  ["references", "References"],
  ["content", "Content"],
  ["layers", "Layers"],
]);
const STAGES = [...TITLES.keys()];

/** The steps in which one looks at what a stage has computed. */
const SHOWN = ["Order", "Order", "Shapes", "Content", "Content", "Layers"];

/**
 * What has to be computed, in words: `Content and Layers`.
 * @param {string} stage the first that is out of date
 */
export function following(stage) {
  const steps = [...new Set(SHOWN.slice(STAGES.indexOf(stage)))];
  const last = steps.pop() ?? "";
  return steps.length ? `${steps.join(", ")} and ${last}` : last;
}

export class Session {
  /** @param {State} state */
  constructor(state) {
    this.state = state;
    this.id = state.photo.id;
    /** @type {Job | null} */
    this.job = state.job;
    /** @type {Set<number>} jobs of which nothing more will be heard */
    this.over = new Set();
    /** @type {import("./draft.js").Draft | null} the mask in the making, which outlives a look at another step */
    this.draft = null;
    /** @type {import("./held.js").Held | null} the action that waits for room on the disk; later ones wait behind it */
    this.held = null;
    /** @type {() => void} called when that has changed */
    this.heldChanged = () => {};
    /** Whether what is out of date waits for its user: the last job was stopped or failed, or another tab made it so. */
    this.halted = false;
    /** @type {Set<() => void>} called when the state has changed */
    this.watchers = new Set();
    /** @type {Set<(job: Job) => void>} */
    this.jobWatchers = new Set();
    /** @type {Promise<unknown>} */
    this.queue = Promise.resolve();
    /** @type {EventSource | null} */
    this.events = null;
    this.attend = () => this.listen(document.visibilityState === "visible");
    document.addEventListener("visibilitychange", this.attend);
    this.listen(true);
    if (state.notice) remark(state.notice);
  }

  /**
   * Open a photo.
   * @param {string} id
   */
  static async open(id) {
    return new Session(await call("GET", `photos/${id}`));
  }

  /**
   * Hear of what happens, or no longer: a browser keeps few connections to one server, so hidden tabs leave theirs.
   * @param {boolean} on
   */
  listen(on) {
    this.events?.close();
    this.events = on ? new EventSource(`/api/photos/${this.id}/events`) : null;
    this.events?.addEventListener("error", () => void look());
    this.events?.addEventListener("open", () => void this.catchUp());
    this.events?.addEventListener("state", (event) => this.heard(JSON.parse(event.data).revision));
    this.events?.addEventListener("results", () => void this.reload());
    this.events?.addEventListener("job", (event) => this.setJob(JSON.parse(event.data)));
  }

  /** Take over what happened before news arrived, or while they did not. */
  async catchUp() {
    const known = this.job;
    const reached = await this.reload();
    if (reached && known && this.job === known && !this.state.job) this.setJob({ ...known, status: "done" });
  }

  close() {
    document.removeEventListener("visibilitychange", this.attend);
    this.listen(false);
    this.watchers.clear();
    this.jobWatchers.clear();
    this.heldChanged = () => {};
  }

  /** @param {number} revision */
  heard(revision) {
    void this.enqueue(async () => {
      if (revision <= this.state.revision) return; // what this tab did itself
      this.halted = true;
      this.set(await call("GET", `photos/${this.id}`));
    });
  }

  /** Ask for the state; waits for the actions before it. */
  reload() {
    return this.enqueue(async () => this.set(await call("GET", `photos/${this.id}`)));
  }

  /**
   * Do something that answers with the new state. Errors are shown, not thrown.
   * @param {(state: State) => Request | null | Promise<Request | null>} build
   * @returns {Promise<boolean>} whether it was done.
   */
  act(build) {
    return this.enqueue(async () => {
      const request = await build(this.state);
      if (!request) return;
      try {
        const send = () => call(request.method, `photos/${this.id}/${request.path}`, request.body);
        this.set(await untilStored(send, (held) => this.hold(held)));
        hide();
      } catch (error) {
        if (error instanceof Refused && error.status === 409) this.set(await call("GET", `photos/${this.id}`));
        throw error;
      }
    });
  }

  /** @param {import("./held.js").Held | null} held */
  hold(held) {
    this.held = held;
    this.heldChanged();
  }

  /** Store the results now, which could not be stored before. */
  async save() {
    try {
      this.set(await this.ask("POST", "save"));
      hide();
    } catch (error) {
      complain(error);
    }
  }

  /**
   * Ask something that changes nothing.
   * @param {string} method
   * @param {string} path below the photo
   * @param {unknown} [body]
   * @param {AbortSignal} [signal]
   */
  ask(method, path, body, signal) {
    return call(method, `photos/${this.id}/${path}`, body, signal);
  }

  /**
   * @param {() => Promise<void>} step
   * @returns {Promise<boolean>}
   */
  enqueue(step) {
    const turn = this.queue.then(step).then(
      () => true,
      (error) => {
        complain(error);
        return false;
      },
    );
    this.queue = turn;
    return turn;
  }

  /** @param {State} state */
  set(state) {
    this.state = state;
    if (state.job) this.setJob(state.job);
    for (const watcher of [...this.watchers]) watcher();
  }

  /** @param {Job} job */
  setJob(job) {
    const under = job.status === "queued" || job.status === "running";
    if (under && this.over.has(job.id)) return; // an answer that the news has overtaken
    if (!under) this.over.add(job.id);
    this.job = under ? job : null;
    this.halted = job.status === "cancelled" || job.status === "failed";
    if (job.status === "failed" && job.error) complain(new Error(job.error.message));
    for (const watcher of [...this.jobWatchers]) watcher(job);
  }

  /**
   * Whether the results up to a stage are there and up to date.
   * @param {string} stage
   */
  fresh(stage) {
    const stale = this.state.stale_from;
    return stale === null || STAGES.indexOf(stale) > STAGES.indexOf(stage);
  }

  /**
   * Compute up to a stage, and as far as results had been before, unless all of it is up to date.
   * @param {string} until
   */
  async compute(until) {
    const known = Math.max(-1, ...this.state.stages.map((item) => STAGES.indexOf(item.name)));
    const last = STAGES[Math.max(STAGES.indexOf(until), known)];
    if (this.state.objects.length === 0 || this.fresh(last)) return;
    try {
      this.setJob(await this.ask("POST", "compute", { until: last }));
    } catch (error) {
      complain(error);
    }
  }

  async cancel() {
    if (!this.job) return;
    try {
      this.setJob(await call("DELETE", `jobs/${this.job.id}`));
    } catch (error) {
      complain(error);
    }
  }
}
