// <crowd-textract-analyze-document>: check the keys and values that were found in a document.

import { h, lenientList, reflectData, set, svg } from "./base.js";
import { Widget } from "./widget.js";

const SET = "KEY_VALUE_SET";
const linked = (block) => (block.relationships ?? []).find(({ type }) => type === "VALUE")?.ids ?? [];

/** Each pair is a line: its value can be corrected, or it is said to be no pair. Keys that were not found can be added. */
export class CrowdTextractAnalyzeDocument extends Widget {
  static observedAttributes = [...Widget.observedAttributes, "initial-value", "keys"];
  static styles = `
    .page { position: relative; display: inline-block; max-width: 100%; line-height: 0; }
    .page img { display: block; max-width: 100%; min-width: 2em; }
    .page svg { position: absolute; inset: 0; width: 100%; height: 100%; }
    ul { margin: .6em 0; padding: 0; list-style: none; }
    li { margin: .6em 0; padding: .4em; border: 1px solid #c5ccd1; border-radius: 4px; }
    input:not([type=checkbox]) { display: block; width: 100%; min-height: 2.25em; border: 1px solid #5b6770; border-radius: 4px; }
    li label { display: block; overflow-wrap: anywhere; }
  `;
  #rows = [];

  get name() { return "AWS/Textract/AnalyzeDocument/Forms/V1"; }

  render() {
    this.head = h("p", { class: "header" });
    this.image = h("img", { alt: "The document" });
    this.layer = svg("svg", { "aria-hidden": "true", viewBox: "0 0 1 1", preserveAspectRatio: "none" });
    this.list = h("ul", { "aria-label": "Keys and values" });
    this.frame(this.head, h("div", { class: "page" }, this.image, this.layer), this.list);
  }

  update() {
    this.head.textContent = this.header;
    if (this.src && this.image.getAttribute("src") !== this.src) set(this.image, "src", this.src);
    const blocks = [].concat(this.initialValue ?? []);
    const found = blocks.filter((block) => block.blockType === SET && block.entityTypes?.includes("KEY"));
    const pairs = found.map((key) => ({ key, value: blocks.find(({ id }) => linked(key).includes(id)) }));
    this.#rows = [...pairs, ...this.#missing(found)].map((pair, index) => this.#row(pair, index));
    this.list.replaceChildren(...this.#rows.map(({ node }) => node));
    this.refresh();
  }

  get _submittableValue() {
    const kept = this.#rows.filter(({ none, text, added }) => !none.checked && (text.value.trim() || !added));
    return { blocks: kept.flatMap(({ key, value, text }) => [key, ...(value ? [{ ...value, text: text.value }] : [])]) };
  }

  /** Make pairs for the keys that should be there, and of which no other name is there either. */
  #missing(found) {
    const there = new Set(found.map(({ text }) => String(text).trim().toLowerCase()));
    const wanted = [].concat(this.keys ?? []).filter((each) => each?.importantFormKey);
    const absent = wanted.filter(({ importantFormKey, importantFormKeyAliases }) =>
      ![importantFormKey, ...lenientList(importantFormKeyAliases)].some((name) => there.has(name.trim().toLowerCase())));
    return absent.map(({ importantFormKey: text }, index) => {
      const [id, value] = [`added-key-${index + 1}`, `added-value-${index + 1}`];
      const key = { blockType: SET, id, relationships: [{ type: "VALUE", ids: [value] }], entityTypes: ["KEY"], text };
      return { key, value: { blockType: SET, id: value, entityTypes: ["VALUE"], text: "" }, added: true };
    });
  }

  #row({ key, value, added = false }, index) {
    const text = h("input", { id: `value-${index}`, value: value?.text ?? "", disabled: this.isDisabled });
    const none = h("input", { type: "checkbox", disabled: this.isDisabled });
    const label = h("label", { for: `value-${index}` }, added ? `${key.text} (leave it empty if it is not there)` : String(key.text));
    const node = h("li", { onfocusin: () => this.#mark([key, value]) }, label, text, h("label", {}, none, " This is no key and value"));
    for (const each of [text, none]) {
      each.addEventListener("input", () => {
        text.disabled = none.checked;
        this.refresh();
      });
    }
    return { node, key, value, text, none, added };
  }

  #mark(blocks) {
    const boxes = blocks.map((block) => block?.geometry?.boundingBox).filter(Boolean);
    this.layer.replaceChildren(...boxes.map(({ left, top, width, height }) => svg("rect", {
      x: left, y: top, width, height, fill: "none", stroke: "#d5260b", "stroke-width": "3", "vector-effect": "non-scaling-stroke",
    })));
  }
}
reflectData(CrowdTextractAnalyzeDocument, ["initial-value", "keys"]);
