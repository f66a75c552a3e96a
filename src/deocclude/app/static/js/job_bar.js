// @ts-check
/** The status line: what is being computed, how far it is, and the buttons that stop it and start it again. */

import { byId, fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { following, TITLES } from "./session.js";

/** @typedef {import("./session.js").Session} Session */

const WORDS = new Map([
  ["repair", "Tidying masks"],
  ["order", "Finding who hides whom"],
  ["amodal", "Completing shapes"],
  ["references", "Looking at references"],
  ["content", "Painting hidden parts"],
  ["layers", "Making layers"],
  ["candidates", "Painting candidates"],
]);

/**
 * @param {Session | null} session
 * @param {string | null} needs the last stage that the step needs
 */
export function showJob(session, needs) {
  const box = byId("job");
  const job = session?.job ?? null;
  const trouble = session ? troubleOf(session) : null;
  byId("state").classList.toggle("bad", trouble !== null);
  box.hidden = !job && !trouble;
  const again = byId("compute");
  again.hidden = !(session?.halted && needs && !job && !session.fresh(needs));
  again.onclick = () => void (needs && session?.compute(needs));
  if (trouble) {
    byId("state").textContent = trouble.text;
    fill(box, trouble.buttons);
    return;
  }
  if (!job) {
    fill(box);
    byId("state").textContent = session ? summary(session) : "Nothing leaves this computer.";
    return;
  }
  byId("state").textContent =
    job.status === "queued" ? "Waiting" : `${WORDS.get(job.stage ?? job.kind) ?? WORDS.get(job.kind) ?? "Working"} …`;
  const cancel = /** @type {HTMLElement | null} */ (document.getElementById("cancel"));
  const progress = h("progress", { max: Math.max(1, job.total), "aria-label": "Progress" });
  if (job.total > 0) progress.value = job.done;
  if (cancel?.dataset.job === String(job.id)) {
    box.querySelector("progress")?.replaceWith(progress);
    return;
  }
  fill(
    box,
    progress,
    h(
      "button",
      {
        type: "button",
        class: "small",
        id: "cancel",
        dataset: { job: job.id },
        title: "Ctrl+.",
        onclick: () => void session?.cancel(),
      },
      icon("stop"),
      "Cancel",
    ),
  );
}

/**
 * Say that a photo is being opened; a large one takes seconds.
 * @param {string} text
 */
export function showOpening(text) {
  byId("state").textContent = text;
  byId("compute").hidden = true;
  const box = byId("job");
  fill(box, h("progress", { "aria-label": "Progress" }));
  box.hidden = false;
}

/**
 * What is not stored, and what can be done about it; it comes before everything else.
 * @param {Session} session
 */
function troubleOf(session) {
  const { held, job, state } = session;
  const button = (/** @type {string} */ id, /** @type {string} */ label, /** @type {() => void} */ run) =>
    h("button", { type: "button", class: "small", id, onclick: run }, label);
  if (held)
    return {
      text: `What you did last is not stored yet: ${held.reason}. It is kept here, and tried again every few seconds.`,
      buttons: [button("store-again", "Try again", held.again), button("store-not", "Give it up", held.drop)],
    };
  if (state.unsaved && !job)
    return {
      text: `Your actions are stored, the results are not: ${state.unsaved}. They are kept in memory, and tried again.`,
      buttons: [button("store-again", "Try again", () => void session.save())],
    };
  return null;
}

/** @param {Session} session */
function summary({ state }) {
  if (state.objects.length === 0) return "Mark the first object to begin.";
  if (state.stages.length === 0) return "Stored. The other steps are computed when you open them.";
  if (state.stale_from !== null) {
    const again = state.stages.some((stage) => stage.name === "layers") ? " again" : "";
    return `Stored. ${following(state.stale_from)}: computed${again} when you open them.`;
  }
  const seconds = state.stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const fallback = state.stages.find((stage) => stage.fallback_reason);
  return fallback
    ? `${TITLES.get(fallback.name) ?? fallback.name}: ${fallback.fallback_reason}`
    : `Up to date. Every action is stored. Last computed in ${seconds.toFixed(1)} s.`;
}
