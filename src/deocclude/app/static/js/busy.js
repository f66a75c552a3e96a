// @ts-check
/** Counts what has been asked of the server and has not been answered; the page says so to those who cannot see it. */

let count = 0;

/**
 * Mark the page as busy until a promise is settled.
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
export function busy(promise) {
  change(1);
  return promise.finally(() => change(-1));
}

/** @param {number} by */
function change(by) {
  count += by;
  document.getElementById("view")?.setAttribute("aria-busy", String(count > 0));
}
