// @ts-check
/** A copy of the mask in the making, which the tab keeps for when the page is loaded again or the photo reopened. */

import { Draft } from "./draft.js";
import { MaskCanvas } from "./mask_canvas.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./draft.js").Step} Step */
/** @typedef {import("./types.js").PngMask} PngMask */

/** Steps that can be taken back which are kept; a tab has room for a few megabytes. */
const KEPT = 10;

/** @type {WeakMap<MaskCanvas, Promise<PngMask>>} masks of earlier steps, which do not change any more */
const packed = new WeakMap();

/**
 * The mask in the making of a photo, with what this tab had of it before.
 * @param {Session} session
 */
export function keptDraft(session) {
  const draft = new Draft(session);
  let writes = 0;
  const write = async () => {
    const turn = (writes += 1);
    const text = draft.open || draft.undoable ? await written(draft) : null;
    if (turn === writes) store(session.id, text);
  };
  void recall(draft).finally(() => (draft.keep = () => void (draft.busy || write()))); // an answer keeps it anew
  return draft;
}

/** @param {Draft} draft */
async function written(draft) {
  const { width, height } = draft.session.state.photo;
  const { given, mask, name } = draft;
  const now = { given: structuredClone(given), mask: mask?.empty === false ? await mask.toMask() : null };
  const past = await Promise.all(draft.past.slice(-KEPT).map(pack));
  return JSON.stringify({ size: [width, height], name, past, now });
}

/** @param {Step} step */
async function pack({ given, mask }) {
  if (!mask || mask.empty) return { given, mask: null };
  const known = packed.get(mask) ?? mask.toMask();
  packed.set(mask, known);
  return { given, mask: await known };
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
  /** @type {(step: {given: import("./draft.js").Given, mask: PngMask | null}) => Promise<Step>} */
  const unpack = async ({ given, mask }) => ({ given, mask: mask ? await MaskCanvas.read(photo, mask) : null });
  try {
    const { size, name, past, now } = JSON.parse(sessionStorage.getItem(`draft/${photo.id}`) ?? "{}");
    if (size?.[0] !== photo.width || size?.[1] !== photo.height) return;
    const [last, ...before] = await Promise.all([now, ...past].map(unpack));
    if (draft.open || draft.undoable) return;
    draft.past = before;
    Object.assign(draft, last, { name });
    draft.changed();
  } catch {
    store(photo.id, null); // damaged
  }
}
