// @ts-check
/** The ways to paint a hole, side by side: picture, source and licence, how sure, pick or reject. */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { sized } from "./pictures.js";

/** @typedef {import("./types.js").Candidate} Candidate */

const KINDS = new Map([
  ["texture", "Texture"],
  ["smooth", "Smooth"],
  ["network", "Network"],
  ["reference", "Reference"],
]);

/**
 * @param {Candidate} candidate
 * @param {{pick: (name: string | null) => void, reject: (name: string, rejected: boolean) => void}} actions
 */
export function candidateCard(candidate, actions) {
  const { name, title, picked, rejected, error } = candidate;
  const state = picked ? " picked" : rejected ? " rejected" : "";
  const usable = !error && candidate.picture_url;
  return h(
    "li",
    { class: `candidate${state}`, dataset: { candidate: name } },
    h(
      "div",
      { class: "checker" },
      usable
        ? h("img", { src: sized(candidate.picture_url ?? "", "screen"), alt: `Hole painted: ${title}`, loading: "lazy" })
        : h("p", { class: "soft" }, error ?? "not made"),
    ),
    h("h3", { title }, h("span", {}, title), candidate.used ? h("small", {}, " · in use") : null),
    sureness(KINDS.get(candidate.kind) ?? candidate.kind, usable ? candidate.confidence : null),
    credit(candidate),
    candidate.notes.length ? h("small", { class: "notes" }, candidate.notes.join(" · ")) : null,
    h(
      "div",
      { class: "row" },
      h(
        "button",
        {
          type: "button",
          class: "small grow",
          id: `pick-${name}`,
          "aria-pressed": String(picked),
          disabled: !usable,
          "aria-label": `Pick ${title}`,
          onclick: () => actions.pick(picked ? null : name),
        },
        icon("check"),
        picked ? "Picked" : "Pick",
      ),
      h(
        "button",
        {
          type: "button",
          class: "small quiet",
          id: `reject-${name}`,
          "aria-pressed": String(rejected),
          "aria-label": `Reject ${title}`,
          title: "Never use it for this hole",
          onclick: () => actions.reject(name, !rejected),
        },
        icon("remove"),
        rejected ? "Rejected" : "Reject",
      ),
    ),
  );
}

/**
 * @param {string} kind
 * @param {number | null} confidence
 */
function sureness(kind, confidence) {
  if (confidence === null) return h("small", {}, kind);
  const percent = Math.round(100 * confidence);
  return h(
    "div",
    { class: "sure" },
    h("small", {}, kind),
    h("span", { class: "meter", "aria-hidden": "true", vars: { "--share": `${percent}%` } }),
    h("small", {}, `${percent} % sure`),
  );
}

/** @param {Candidate} candidate */
function credit({ source, licence, page }) {
  if (!source && !licence && !page) return null;
  const words = [source, licence].filter(Boolean).join(", ");
  const safe = page && /^https?:/.test(page);
  return h(
    "small",
    { class: "credit" },
    safe ? h("a", { href: page, target: "_blank", rel: "noreferrer noopener" }, words || page) : words || page,
  );
}
