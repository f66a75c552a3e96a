// @ts-check
/** A copy of the mask in the making, which the tab keeps for when the page is loaded again or the photo reopened. */

import { Draft } from "./draft.js";
import { MaskCanvas } from "./mask_canvas.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./draft.js").Step} Step */
/** @typedef {import("./types.js").PngMask} PngMask */

/** Steps that can be taken back which are kept; a tab has room for a few megabytes. */
const KEPT = 10;

/**
 * The mask in the making of a photo, with what this tab had of it before.
 * @param {Session} session
 */
export function keptDraft(session) {
  const draft = new Draft(session);
  void recall(draft).finally(() => {
    draft.keep = () => {
      if (!draft.busy) store(session.id, draft.open || draft.undoable ? written(draft) : null); // an answer keeps it anew
    };
  });
  return draft;
}

/** @param {Draft} draft */
function written(draft) {
  const { width, height } = draft.session.state.photo;
  const steps = [...draft.past.slice(-KEPT), { given: draft.given, found: draft.found }];
  const pngs = [...new Set(steps.map((step) => step.found?.png))].filter((png) => png !== undefined);
  const plain = steps.map(({ given, found }) => ({ given, found: found ? pngs.indexOf(found.png) : null }));
  return JSON.stringify({ size: [width, height], name: draft.name, pngs, steps: plain });
}

/**
 * @param {string} id of the photo
 * @param {string | null} text
 */
function store(id, text) {
  try {
    if (text !== null) sessionStorage.setItem(`draft/${id}`, text);
    else sessionStorage.removeItem(`draft/${id}`);
  } catch {
    sessionStorage.removeItem(`draft/${id}`); // there is no room: none is better than one that is out of date
  }
}

/**
 * Take over the copy, unless another mask has been begun meanwhile.
 * @param {Draft} draft
 */
async function recall(draft) {
  const { photo } = draft.session.state;
  try {
    const { size, name, pngs, steps } = JSON.parse(sessionStorage.getItem(`draft/${photo.id}`) ?? "{}");
    if (size?.[0] !== photo.width || size?.[1] !== photo.height) return;
    const masks = await Promise.all(pngs.map((/** @type {PngMask} */ png) => MaskCanvas.read(photo, png)));
    if (draft.open || draft.undoable) return;
    const found = pngs.map((/** @type {PngMask} */ png, /** @type {number} */ at) => ({ png, mask: masks[at] }));
    const past = steps.map((/** @type {any} */ step) => ({ given: step.given, found: found[step.found] ?? null }));
    await draft.restore(past.pop(), past, name);
  } catch {
    store(photo.id, null); // damaged
  }
}
