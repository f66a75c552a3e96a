// @ts-check
/** Similar pictures that hidden parts may be taken from: drop them here, say where they are from. */

import { fill, h } from "../dom.js";
import { dropZone } from "../drop.js";
import { icon } from "../icons.js";

/** @typedef {import("../session.js").Session} Session */
/** @typedef {import("../types.js").Reference} Reference */

export class ReferencesPanel {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.list = h("ul", { class: "references", "aria-label": "Reference pictures" });
    this.source = h("input", { type: "text", id: "ref-source", maxlength: "500", autocomplete: "off" });
    this.licence = h("input", { type: "text", id: "ref-licence", maxlength: "200", autocomplete: "off" });
    this.drop = dropZone({
      id: "references",
      label: "Drop pictures or a folder here",
      button: "Choose pictures",
      multiple: true,
      take: (files) => this.add(files),
    });
    this.element = h(
      "section",
      {},
      h("h2", {}, "References"),
      h(
        "p",
        { class: "lead" },
        "Other photos of the same place or thing. Hidden parts are taken from them where they agree.",
      ),
      this.list,
      this.drop,
      h(
        "details",
        {},
        h("summary", {}, "Where they are from"),
        h("div", { class: "field" }, h("label", { for: "ref-source" }, "Source"), this.source),
        h("div", { class: "field" }, h("label", { for: "ref-licence" }, "Licence"), this.licence),
        h("small", {}, "Kept with the pictures that you add next, and shown with every result."),
      ),
    );
  }

  /** @param {File[]} files */
  async add(files) {
    const pictures = files.filter(
      (file) => file.type.startsWith("image/") || /\.(jpe?g|png|webp|tiff?|bmp)$/i.test(file.name),
    );
    const chosen = pictures.length ? pictures : files;
    const done = await this.session.act((state) => {
      const form = new FormData();
      for (const file of chosen) form.append("files", file, file.name);
      form.append("source", this.source.value);
      form.append("licence", this.licence.value);
      form.append("revision", String(state.references.revision));
      return { method: "POST", path: "references", body: form };
    });
    if (done) await this.session.compute("layers");
  }

  /** @param {Reference} reference */
  async remove(reference) {
    const done = await this.session.act((state) => ({
      method: "DELETE",
      path: `references/${encodeURIComponent(reference.name)}?revision=${state.references.revision}`,
    }));
    if (done) await this.session.compute("layers");
  }

  update() {
    const { items } = this.session.state.references;
    fill(
      this.list,
      items.map((item) =>
        h(
          "li",
          {},
          h("img", { src: item.thumbnail_url, alt: "", loading: "lazy" }),
          h(
            "span",
            { class: "grow two" },
            h("span", {}, item.title || item.name),
            h("small", {}, [item.source, item.licence].filter(Boolean).join(", ") || "source not stated"),
          ),
          h(
            "button",
            {
              type: "button",
              class: "quiet small",
              "aria-label": `Remove ${item.title || item.name}`,
              onclick: () => this.remove(item),
            },
            icon("trash"),
          ),
        ),
      ),
    );
  }

  close() {}
}
