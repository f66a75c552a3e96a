// @ts-check
/** The steps of the app in their order, and which stage each of them needs. */

import { AmodalView } from "./views/amodal.js";
import { AnnotateView } from "./views/annotate.js";
import { ContentView } from "./views/content.js";
import { LayersView } from "./views/layers.js";
import { MasksView } from "./views/masks.js";
import { OrderView } from "./views/order.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./types.js").AppInfo} AppInfo */
/** @typedef {import("./types.js").View} View */

/**
 * @typedef {object} Step
 * @property {string} name in the address
 * @property {string} label
 * @property {string | null} needs the last stage that it shows, computed when the step is opened.
 * @property {(session: Session, app: AppInfo, open: (id: string, step: string) => void) => View} make
 */

/** @type {Step[]} */
export const STEPS = [
  { name: "masks", label: "Masks", needs: null, make: (session, app) => new MasksView(session, app) },
  { name: "order", label: "Order", needs: "order", make: (session) => new OrderView(session) },
  { name: "amodal", label: "Shapes", needs: "amodal", make: (session) => new AmodalView(session) },
  { name: "content", label: "Content", needs: "layers", make: (session) => new ContentView(session) },
  { name: "layers", label: "Layers", needs: "layers", make: (session, app) => new LayersView(session, app) },
  {
    name: "annotate",
    label: "Annotate",
    needs: "amodal",
    make: (session, _, open) => new AnnotateView(session, { open: (id) => open(id, "annotate") }),
  },
];

/**
 * Photo and step of an address.
 * @param {string} hash as in `#coffee-1f0c2a9b/layers`
 * @returns {{photo: string | null, step: string}}
 */
export function parseAddress(hash) {
  const [photo, step] = hash.replace(/^#/, "").split("/"); // ids have no letter that an address would have to quote
  if (!photo || photo === "start") return { photo: null, step: "start" };
  return { photo, step: STEPS.some((item) => item.name === step) ? step : "masks" };
}
