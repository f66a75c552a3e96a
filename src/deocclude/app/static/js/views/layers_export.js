// @ts-check
/** Export: each format is fetched, so that a refusal is shown as a message and not saved as a file. */

import { Refused } from "../api.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { complain, remark, tell } from "../notices.js";

/** @typedef {import("./layers.js").LayersView} LayersView */

/** @param {LayersView} view */
export function exportButtons(view) {
  const none = view.session.state.layers.length === 0;
  return [
    h("h2", {}, "Export"),
    h(
      "div",
      { class: "exports" },
      view.app.exports.map(({ name, title, available, hint }) =>
        h(
          "button",
          {
            type: "button",
            id: `export-${name}`,
            disabled: none || !available,
            title: hint ?? "",
            onclick: () => save(view, name),
          },
          icon("save"),
          title,
        ),
      ),
    ),
    h("small", {}, "In full size, as arranged."),
  ];
}

/**
 * @param {LayersView} view
 * @param {string} format
 */
async function save(view, format) {
  try {
    view.flush(); // a number that was typed a moment ago
    remark("The file is being made …");
    await view.session.queue;
    const answer = await fetch(`/api/photos/${view.session.id}/export/${format}`);
    if (!answer.ok) throw new Refused(answer.status, (await answer.json().catch(() => null))?.error ?? {});
    const name = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? format;
    const url = URL.createObjectURL(await answer.blob());
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    tell(`Saved as ${name}.`);
  } catch (error) {
    complain(error);
  }
}
