// @ts-check
/** The frame of the app: address, steps, undo and redo, the job that runs, help. */

import { call } from "./api.js";
import { away, returns } from "./connection.js";
import { byId, fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { showJob, showOpening } from "./job_bar.js";
import * as keys from "./keys.js";
import { complain, forgive, hide } from "./notices.js";
import { Session } from "./session.js";
import { parseAddress, STEPS } from "./steps.js";
import { StartView } from "./views/start.js";

/** @typedef {import("./types.js").AppInfo} AppInfo */
/** @typedef {import("./types.js").View} View */

class App {
  /** @param {AppInfo} info */
  constructor(info) {
    this.info = info;
    /** @type {Session | null} */
    this.session = null;
    /** @type {View | null} */
    this.view = null;
    this.step = "start";
    this.visit = 0;
    keys.listen(this.shortcuts());
    window.addEventListener("hashchange", () => void this.route());
    returns.add(() => this.resume());
    for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
  }

  /**
   * Go to a step of a photo.
   * @param {string} photo
   * @param {string} step
   */
  open(photo, step) {
    const hash = `#${photo}/${step}`;
    if (location.hash === hash) void this.route();
    else location.hash = hash;
  }

  /** Show what the address says. */
  async route() {
    const visit = (this.visit += 1);
    const { photo, step } = parseAddress(location.hash);
    if (!away()) forgive(); // what went wrong is not about the next step
    const held = byId("view").contains(document.activeElement) ? (document.activeElement?.id ?? "") : null;
    this.view?.close();
    this.view = null;
    if (photo !== (this.session?.id ?? null)) await this.change(photo);
    if (visit !== this.visit) return;
    this.step = this.session ? step : "start";
    this.mount();
    if (held !== null) this.focus(held);
  }

  /** Go on after the server has been away: with the photo of the address, which could not be opened, or its news. */
  resume() {
    if (!this.session) return void this.route();
    this.session.listen(true);
    this.view?.update();
  }

  /**
   * Keep the focus in the view when another one takes its place: on the same control, else at its beginning.
   * @param {string} id
   */
  focus(id) {
    const view = byId("view");
    const same = id ? document.getElementById(id) : null;
    (same && view.contains(same) && !same.matches(":disabled") ? same : view).focus({ preventScroll: true });
  }

  /** @param {string | null} photo */
  async change(photo) {
    this.session?.close();
    this.session = null;
    hide(); // what was said was about another photo
    if (!photo) return;
    showOpening("Opening the photo …");
    const { visit } = this;
    try {
      const session = await Session.open(photo);
      if (visit !== this.visit) return session.close(); // its user has gone on to another page
      session.watchers.add(() => this.changed());
      session.jobWatchers.add((job) => this.jobChanged(job));
      session.heldChanged = () => this.showJob();
      this.session = session;
    } catch (error) {
      if (visit === this.visit) complain(error);
    }
  }

  mount() {
    const { session } = this;
    const step = STEPS.find((item) => item.name === this.step);
    const open = (/** @type {string} */ id, /** @type {string} */ name) => this.open(id, name);
    this.view = session && step ? step.make(session, this.info, open) : new StartView(this.info, { open });
    this.view.stepped = () => this.showBar();
    byId("view").replaceChildren(this.view.element);
    document.body.dataset.step = this.step;
    keys.inView(step?.label ?? "Start", this.view.keys);
    document.title = session ? `${session.state.photo.name} – ${step?.label} – deocclude` : "deocclude";
    this.showBar();
    this.showJob();
    if (session && step?.needs) void session.compute(step.needs);
  }

  changed() {
    this.view?.update();
    this.showBar();
    this.showJob();
  }

  showJob() {
    showJob(this.session, STEPS.find((item) => item.name === this.step)?.needs ?? null);
  }

  /** @param {import("./types.js").Job} job */
  jobChanged(job) {
    this.showJob();
    this.view?.jobChanged?.(job);
  }

  showBar() {
    const { session } = this;
    const state = session?.state;
    const step = (/** @type {{name: string, label: string, needs: string | null}} */ { name, label, needs }) => {
      const off = !session || (name !== "masks" && name !== "annotate" && state?.objects.length === 0);
      const old = !off && needs !== null && !session?.fresh(needs);
      return h(
        "button",
        {
          type: "button",
          id: `step-${name}`,
          disabled: off,
          "aria-current": name === this.step ? "step" : null,
          onclick: () => session && this.open(session.id, name),
        },
        label,
        old ? h("span", { class: "dot", title: "out of date" }, h("span", { class: "away" }, " (out of date)")) : null,
      );
    };
    fill(byId("steps"), STEPS.map(step));
    const tool = (
      /** @type {string} */ id,
      /** @type {string} */ sign,
      /** @type {string} */ label,
      /** @type {boolean} */ off,
      /** @type {() => void} */ run,
    ) =>
      h("button", { type: "button", id, disabled: off, "aria-label": label, title: label, onclick: run }, icon(sign));
    fill(
      byId("tools"),
      state ? h("span", { class: "file", title: state.photo.name }, state.photo.name) : null,
      session ? tool("photos", "photos", "All photos (Ctrl+O)", false, () => this.home()) : null,
      session
        ? tool("undo", "undo", state?.undo ? `Undo: ${state.undo}` : "Undo", !state?.undo && !this.view?.undoable, () =>
            this.undo(),
          )
        : null,
      session
        ? tool("redo", "redo", state?.redo ? `Redo: ${state.redo}` : "Redo", !state?.redo, () => this.move("redo"))
        : null,
      tool("show-help", "help", "Keyboard (?)", false, keys.showHelp),
    );
  }

  /** Go to the first page, with all photos. */
  home() {
    location.hash = "#start";
  }

  undo() {
    if (!this.view?.undo?.()) this.move("undo");
  }

  /** @param {"undo" | "redo"} way */
  move(way) {
    const step = STEPS.find((item) => item.name === this.step);
    void this.session
      ?.act((state) => (state[way] ? { method: "POST", path: way, body: { revision: state.revision } } : null))
      .then((done) => {
        if (done && step?.needs) void this.session?.compute(step.needs);
      });
  }

  /** @param {number} by */
  async toPhoto(by) {
    if (!this.session) return;
    try {
      const { photos } = await call("GET", "photos");
      const place = photos.findIndex((/** @type {{id: string}} */ photo) => photo.id === this.session?.id);
      const next = photos[place + by];
      if (next) this.open(next.id, this.step);
    } catch (error) {
      complain(error);
    }
  }

  /** @returns {keys.Shortcut[]} */
  shortcuts() {
    const to = (/** @type {number} */ by) => {
      const place = STEPS.findIndex((item) => item.name === this.step) + by;
      byId(`step-${STEPS[Math.max(0, Math.min(STEPS.length - 1, place))].name}`).click();
    };
    return [
      { key: "?", does: "Show this", run: keys.showHelp },
      { key: "Ctrl+z", does: "Undo", run: () => this.undo() },
      { key: "Ctrl+Shift+z", as: "Ctrl+Shift+z or Ctrl+y", does: "Redo", run: () => this.move("redo") },
      { key: "Ctrl+y", does: "", unlisted: true, run: () => this.move("redo") },
      {
        key: "Alt+ArrowLeft",
        as: "Alt+ArrowLeft and Alt+ArrowRight",
        does: "The step before, the next step",
        run: () => to(-1),
      },
      { key: "Alt+ArrowRight", does: "", unlisted: true, run: () => to(1) },
      { key: "Ctrl+o", does: "All photos, or another one", run: () => this.home() },
      {
        key: "PageDown",
        as: "PageUp and PageDown",
        does: "The photo before, the next photo",
        run: () => void this.toPhoto(1),
      },
      { key: "PageUp", does: "", unlisted: true, run: () => void this.toPhoto(-1) },
      { key: "Ctrl+.", does: "Cancel what is being computed", run: () => void this.session?.cancel() },
    ];
  }
}

async function start() {
  const info = await call("GET", "app");
  const app = new App(info);
  if (!location.hash && info.current) history.replaceState(null, "", `#${info.current}/masks`);
  await app.route();
}

start().catch((error) => {
  byId("state").textContent = "Not connected";
  complain(error);
});
