// @ts-check
/** Requests to the server. The token travels in a cookie, so nothing here knows it. */

import { busy } from "./busy.js";
import { look, SILENT } from "./connection.js";

/** A refusal by the server, with the message that it wrote for people. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, message?: string, hint?: string | null}} error
   */
  constructor(status, error) {
    super([error.message ?? `The server answered with ${status}.`, error.hint].filter(Boolean).join("; "));
    this.status = status;
    this.code = error.code ?? "";
  }
}

/**
 * Send a request and return the JSON of the answer.
 * @param {string} method
 * @param {string} path below /api/
 * @param {unknown} [body] JSON value, or a form.
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export function call(method, path, body, signal) {
  return busy(send(method, path, body, signal));
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {AbortSignal} [signal]
 */
async function send(method, path, body, signal) {
  const form = body instanceof FormData;
  /** @type {RequestInit} */
  const options = { method, signal, headers: { Accept: "application/json" } };
  if (form) options.body = body;
  else if (body !== undefined) {
    const text = JSON.stringify(body);
    options.body = text;
    options.keepalive = text.length < 50_000; // arrives although the tab is being closed
    options.headers = { Accept: "application/json", "Content-Type": "application/json" };
  }
  const answer = await reach(`/api/${path}`, options);
  const text = await answer.text();
  const value = parse(text);
  if (!answer.ok) throw new Refused(answer.status, value?.error ?? {});
  return value;
}

/**
 * The answer to a request, whatever it says; where there is none, the server is waited for.
 * @param {string} address
 * @param {RequestInit} [options]
 */
export async function reach(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    if (error instanceof DOMException) throw error;
    void look();
    throw new Refused(0, { message: SILENT });
  }
}

/** @param {string} text */
function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
