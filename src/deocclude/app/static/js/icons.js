// @ts-check
/** Line icons, 20 units wide, drawn with the colour of the text around them. */

import { s } from "./dom.js";

/** @type {Record<string, string>} */
const PATHS = {
  box: "M3.5 5.5h13v9h-13z",
  foreground: "M3 13c3-7 5 4 8-2s4-3 6-5M14 15h5M16.5 12.5v5",
  scribbleOut: "M3 13c3-7 5 4 8-2s4-3 6-5M14 15h5",
  brush: "M16.5 3.5c-4 2-7 5-8.5 8l2 2c3-1.5 6-4.5 6.5-10zM7.5 12.5c-3 0-2 3.5-4.5 4 3 1 6.5.5 6.5-2",
  eraser: "M8 16.5h9M4 12.5l7.5-8 5 4.5-6.5 7.5H7z",
  click: "M8 8l8 3-3.5 1.5L11 16zM8 2.5v2.5M2.5 8H5M4 4l1.7 1.7M12 4l-1.5 1.7",
  move: "M10 2.5v15M2.5 10h15M10 2.5L8 4.5M10 2.5l2 2M10 17.5l-2-2M10 17.5l2-2M2.5 10l2-2M2.5 10l2 2M17.5 10l-2-2M17.5 10l-2 2",
  undo: "M7 4L3.5 7.5 7 11M3.5 7.5H12a4 4 0 0 1 0 8H8",
  redo: "M13 4l3.5 3.5L13 11M16.5 7.5H8a4 4 0 0 0 0 8h4",
  help: "M7.5 7.5a2.5 2.5 0 1 1 3.7 2.2c-.8.5-1.2 1-1.2 2M10 14.5v.3",
  eye: "M2.5 10c4-6.5 11-6.5 15 0-4 6.5-11 6.5-15 0zM10 12.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z",
  eyeOff:
    "M3 10c1-1.7 2.2-2.9 3.5-3.7M9 5.2c3.2-.4 6.3 1.2 8.5 4.8-.7 1.2-1.5 2.1-2.4 2.8M12 14.5c-3.3.8-6.7-.7-9-4.5M4 4l12 12",
  up: "M10 15.5v-11M5.5 9L10 4.5 14.5 9",
  down: "M10 4.5v11M5.5 11L10 15.5 14.5 11",
  flip: "M4 7h11M12 3.5L15.5 7 12 10.5M16 13.5H5M8 10.5l-3.5 3L8 17",
  remove: "M5 5l10 10M15 5L5 15",
  add: "M10 4v12M4 10h12",
  check: "M4 10.5l4 4 8-9",
  fit: "M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4",
  zoomIn: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4M9 6.5v5M6.5 9h5",
  zoomOut: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4M6.5 9h5",
  photo: "M3 4.5h14v11H3zM3 13l4-4 4 4 2.5-2.5L17 13.5M13 8.2h.1",
  photos: "M6 3.5h11v10H6zM3 6.5v10h11M8.5 11l2.5-3 2 2 1.5-1.5",
  next: "M7.5 4l6 6-6 6",
  back: "M12.5 4l-6 6 6 6",
  save: "M10 3v9.5M6 9l4 4 4-4M3.5 13v3.5h13V13",
  reset: "M4 4v4h4M4.3 8A6.3 6.3 0 1 1 3.7 11.5",
  stop: "M5.5 5.5h9v9h-9z",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.8 10.5h7.4L14.5 6M8.5 9v5M11.5 9v5",
};

/**
 * An icon that screen readers pass over.
 * @param {keyof typeof PATHS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  return s("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" }, s("path", { d: PATHS[name] }));
}
