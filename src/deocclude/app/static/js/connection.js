// @ts-check
/** Whether the server answers; where it does not, that is said until it does again. */

import { complain, tell } from "./notices.js";

export const SILENT = "The server does not answer. Nothing is lost: start deocclude app again.";
const ANOTHER =
  "deocclude app has been started again. Go on in the page that it opened, or at the address that it printed.";
const PAUSE = 2000;

/** @type {Set<() => void>} called when the server answers again */
export const returns = new Set();
let looking = false;

/** Whether the server is being waited for. */
export const away = () => looking;

/** Look whether the server is there, and wait for it where it is not. */
export async function look() {
  if (looking) return;
  looking = true;
  for (let away = false; ; away = true) {
    const status = await ask();
    if (status !== null) {
      looking = false;
      if (status === 401) complain(ANOTHER);
      else if (away) welcome();
      return;
    }
    if (!away) complain(SILENT);
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

/** The status of an answer, or null where there is none. */
async function ask() {
  try {
    return (await fetch("/api/app", { cache: "no-store" })).status;
  } catch {
    return null;
  }
}

function welcome() {
  for (const back of [...returns]) back();
  tell("The server answers again.");
}
