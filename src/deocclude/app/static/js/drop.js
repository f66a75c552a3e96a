// @ts-check
/** A place to drop files or a folder on, with a button for those who do not drag. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @param {{id: string, label: string, button: string, multiple?: boolean, accept?: string, take: (files: File[]) => void}} options
 */
export function dropZone({ id, label, button, multiple = false, accept = "image/*", take }) {
  const input = h("input", {
    type: "file",
    id: `${id}-input`,
    class: "away",
    multiple,
    accept,
    tabindex: "-1",
    "aria-label": button,
    onchange: () => {
      const files = [...(input.files ?? [])];
      input.value = "";
      if (files.length) take(files);
    },
  });
  const zone = h(
    "div",
    { class: "drop", id },
    icon("photo"),
    h("span", {}, label),
    h("button", { type: "button", onclick: () => input.click() }, button),
    input,
  );
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    void filesOf(event.dataTransfer).then((files) => {
      if (files.length) take(multiple ? files : files.slice(0, 2));
    });
  });
  return zone;
}

/**
 * Files that were dropped; folders are opened.
 * @param {DataTransfer | null} dropped
 * @returns {Promise<File[]>}
 */
async function filesOf(dropped) {
  const entries = [...(dropped?.items ?? [])]
    .map((item) => item.webkitGetAsEntry?.() ?? null)
    .filter((entry) => entry !== null);
  if (!entries.length) return [...(dropped?.files ?? [])];
  return (await Promise.all(entries.map(walk))).flat();
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function walk(entry) {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) {
    const file = /** @type {FileSystemFileEntry} */ (entry);
    return [await new Promise((resolve, reject) => file.file(resolve, reject))];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {File[]} */
  const found = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return found;
    for (const inner of batch) found.push(...(await walk(inner)));
  }
}
