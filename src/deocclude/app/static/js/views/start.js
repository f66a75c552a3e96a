// @ts-check
/** The first page: drop a photo, take a demo, or go on with what is there. */

import { call } from "../api.js";
import { fill, h, plural } from "../dom.js";
import { dropZone } from "../drop.js";
import { icon } from "../icons.js";
import { showJob, showOpening } from "../job_bar.js";
import { complain, remark, tell } from "../notices.js";

/** @typedef {import("../types.js").View} View */
/** @typedef {import("../types.js").AppInfo} AppInfo */
/** @typedef {import("../types.js").PhotoInfo} PhotoInfo */

/** @implements {View} */
export class StartView {
  /**
   * @param {AppInfo} app
   * @param {{open: (id: string, step: string) => void}} actions
   */
  constructor(app, actions) {
    this.app = app;
    this.actions = actions;
    this.photos = h("section", { class: "known", "aria-labelledby": "known-title", hidden: true });
    this.drop = dropZone({
      id: "photo",
      label: "Drop photos or a folder here, with masks files if there are any",
      button: "Choose photos",
      multiple: true,
      accept: "image/*,.json",
      take: (files) => this.upload(files),
    });
    this.drop.classList.add("large");
    this.element = h(
      "div",
      { class: "start" },
      h(
        "div",
        { class: "intro" },
        h("h1", {}, "Take a photo apart"),
        h(
          "p",
          {},
          "Mark the objects, see who hides whom, get each one whole: hidden parts included. Then move them. Everything stays on this computer.",
        ),
      ),
      this.drop,
      this.photos,
      h(
        "section",
        { "aria-labelledby": "demo-title" },
        h("h2", { id: "demo-title" }, "Or try one of these"),
        h(
          "ul",
          { class: "demos" },
          app.demos.map((demo) => this.demo(demo)),
        ),
      ),
    );
    this.update();
  }

  /** @param {{name: string, title: string, credit: string}} demo */
  demo({ name, title, credit }) {
    const open = () => this.open(name, call("POST", `demos/${encodeURIComponent(name)}`), () => "layers");
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", id: `demo-${name}`, class: "demo", onclick: open },
        h("img", { src: `/api/demos/${encodeURIComponent(name)}/thumbnail`, alt: "" }),
        h("span", { class: "two" }, h("strong", {}, name[0].toUpperCase() + name.slice(1)), h("span", {}, title)),
      ),
      h("small", { class: "credit" }, credit),
    );
  }

  /** @param {File[]} files pictures, and perhaps masks: one file for a single picture, else one named like each */
  async upload(files) {
    const masks = files.filter((file) => isJson(file));
    const photos = files.filter((file) => isPicture(file));
    if (!photos.length && files.length === masks.length)
      return complain("These are masks alone. Choose them together with their photo.");
    if (!photos.length) return complain("That is no picture. Choose a photo, alone or with the JSON file of its masks.");
    if (photos.length === 1) return this.open(photos[0].name, this.send(photos[0], masks[0]), first);
    await this.addAll(photos, masks);
  }

  /**
   * @param {File} photo
   * @param {File} [masks]
   * @returns {Promise<PhotoInfo>}
   */
  async send(photo, masks) {
    const { upload_bytes: most } = this.app.limits;
    if (photo.size > most) throw new Error(`${photo.name} is larger than ${Math.round(most / 1e6)} MB.`);
    const form = new FormData();
    form.append("file", photo, photo.name);
    if (masks) form.append("masks", masks, masks.name);
    return call("POST", "photos", form);
  }

  /**
   * Add photos one after the other, and stay here, where all of them are listed.
   * @param {File[]} photos
   * @param {File[]} masks
   */
  async addAll(photos, masks) {
    const place = location.hash;
    /** @type {string[]} */
    const refused = [];
    for (const [at, photo] of photos.entries()) {
      if (location.hash === place) showOpening(`Adding ${photo.name}, ${at + 1} of ${photos.length} …`);
      try {
        await this.send(photo, masks.find((file) => stem(file) === stem(photo)));
      } catch (error) {
        refused.push(error instanceof Error ? error.message : String(error));
      }
      if (location.hash === place) this.update();
    }
    if (location.hash === place) showJob(null, null);
    const added = plural(photos.length - refused.length, "photo");
    if (refused.length) complain(`${added} added, ${refused.length} not: ${refused.join("; ")}`);
    else tell(`${added} added.`);
  }

  /**
   * Open a photo when the server has it, and say meanwhile what is waited for: a large one takes a while.
   * @param {string} name
   * @param {Promise<PhotoInfo>} answer
   * @param {(photo: PhotoInfo) => string} step to begin with
   */
  async open(name, answer, step) {
    const place = location.hash;
    showOpening(`Opening ${name} …`);
    try {
      const photo = await answer;
      if (location.hash === place) this.actions.open(photo.id, step(photo));
      else remark(`${photo.name} is ready; you find it on the first page.`); // its user has gone on meanwhile
    } catch (error) {
      if (location.hash === place) showJob(null, null);
      complain(error);
    }
  }

  update() {
    call("GET", "photos").then((answer) => this.showPhotos(answer.photos, answer.unlisted), complain);
  }

  /**
   * Take a photo off the list, or put it back.
   * @param {PhotoInfo} photo
   * @param {boolean} listed
   */
  async setListed(photo, listed) {
    try {
      const { folder } = await call("PUT", `photos/${photo.id}/listed`, { listed });
      const files = folder ? `Nothing is deleted: its files stay in ${folder}.` : "The photo itself stays where it is.";
      if (listed) tell(`${photo.name} is in the list again.`);
      else remark(`${photo.name} is off the list. ${files}`, { label: "Undo", run: () => this.setListed(photo, true) });
      this.update();
    } catch (error) {
      complain(error);
    }
  }

  /**
   * @param {PhotoInfo[]} photos
   * @param {PhotoInfo[]} unlisted
   */
  showPhotos(photos, unlisted) {
    this.photos.hidden = photos.length + unlisted.length === 0;
    const open = this.photos.querySelector("details")?.open ?? false;
    fill(
      this.photos,
      h("h2", { id: "known-title" }, "Go on with"),
      h(
        "ul",
        { class: "tiles" },
        photos.map((photo) =>
          h(
            "li",
            {},
            h(
              "button",
              {
                type: "button",
                class: "tile",
                id: `open-${photo.id}`,
                onclick: () => this.actions.open(photo.id, photo.objects ? "layers" : "masks"),
              },
              h("img", { src: photo.thumbnail_url, alt: "", loading: "lazy" }),
              h(
                "span",
                { class: "row" },
                h(
                  "span",
                  { class: "grow two" },
                  h("strong", {}, photo.name),
                  h("small", {}, photo.width === null ? "not opened yet" : plural(photo.objects, "object")),
                ),
                photo.done ? h("span", { class: "tick" }, icon("check"), h("span", { class: "away" }, "done")) : null,
              ),
            ),
            this.offButton(photo),
          ),
        ),
      ),
      unlisted.length ? this.offList(unlisted, open) : null,
    );
  }

  /** @param {PhotoInfo} photo */
  offButton(photo) {
    const label = `Take ${photo.name} off the list`;
    const run = () => void this.setListed(photo, false);
    return h(
      "button",
      { type: "button", class: "off", id: `off-${photo.id}`, title: label, "aria-label": label, onclick: run },
      icon("remove"),
    );
  }

  /**
   * @param {PhotoInfo[]} unlisted
   * @param {boolean} open
   */
  offList(unlisted, open) {
    return h(
      "details",
      { class: "unlisted", open },
      h("summary", {}, `${plural(unlisted.length, "photo")} taken off the list`),
      h(
        "ul",
        {},
        unlisted.map((photo) =>
          h(
            "li",
            {},
            h("span", {}, photo.name),
            h(
              "button",
              { type: "button", class: "small", id: `back-${photo.id}`, onclick: () => void this.setListed(photo, true) },
              "Put back",
            ),
          ),
        ),
      ),
    );
  }

  get keys() {
    return [
      { key: "o", does: "Choose a photo", run: () => this.drop.querySelector("input")?.click() },
      ...this.app.demos.slice(0, 9).map((demo, place) => ({
        key: String(place + 1),
        does: `Open the demo ${demo.name}`,
        run: () => document.getElementById(`demo-${demo.name}`)?.click(),
      })),
    ];
  }

  close() {}
}

/** @param {PhotoInfo} photo that has just been added; returns the step to begin with. */
const first = (photo) => (photo.objects ? "order" : "masks");

/** @param {File} file */
const stem = (file) => file.name.toLowerCase().replace(/\.[^.]*$/, "");

/** @param {File} file */
const isJson = (file) => file.name.toLowerCase().endsWith(".json");

/**
 * Whether a file may be a picture; what is none is told by the server, but a folder holds other things too.
 * @param {File} file
 */
const isPicture = (file) => file.type.startsWith("image/") || /\.(bmp|jpe?g|png|tiff?|webp)$/i.test(file.name);
