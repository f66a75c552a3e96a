// @ts-check
/** Actions that the server has no room to store: each stays in its tab and is sent again until it is stored. */

import { Refused } from "./api.js";

const PAUSE = 5000;
const NO_ROOM = 507;

/**
 * @typedef {object} Held an action that is not stored.
 * @property {string} reason
 * @property {() => void} again send it at once.
 * @property {() => void} drop give it up.
 */

/** @type {Set<Held>} of all photos of this tab */
const all = new Set();

window.addEventListener("beforeunload", (event) => {
  if (all.size) event.preventDefault(); // the browser asks whether to leave
});

/**
 * Send an action until it is stored; throws what the server said once it is given up.
 * @template T
 * @param {() => Promise<T>} send
 * @param {(held: Held | null) => void} tell is told of each wait, and of its end.
 * @returns {Promise<T>}
 */
export async function untilStored(send, tell) {
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof Refused && error.status === NO_ROOM)) throw error;
      if (!(await wait(error.message, tell))) throw error;
    }
  }
}

/**
 * @param {string} reason
 * @param {(held: Held | null) => void} tell
 * @returns {Promise<boolean>} whether to send it again.
 */
async function wait(reason, tell) {
  /** @type {(again: boolean) => void} */
  let decide = () => {};
  /** @type {Promise<boolean>} */
  const decided = new Promise((done) => (decide = done));
  const timer = setTimeout(() => decide(true), PAUSE);
  const held = { reason, again: () => decide(true), drop: () => decide(false) };
  all.add(held);
  tell(held);
  const again = await decided;
  clearTimeout(timer);
  all.delete(held);
  tell(null);
  return again;
}
