// Classifiers: choose one category, or several, for a picture or for any content.

import { h, lenientList, reflectData, set, svg } from "./base.js";
import { Widget } from "./widget.js";

const TYPING = "input:not([type=radio], [type=checkbox]), textarea, select, crowd-input, crowd-text-area, [contenteditable]";

/** Choose one category. The keys 1 to 9 choose too, in the first classifier of the page. */
export class CrowdClassifier extends Widget {
  static styles = `
    .option { display: flex; gap: .5em; align-items: center; min-height: 2.2em; padding: .2em .5em; border-radius: 4px;
      cursor: pointer; }
    .option:hover { background: #eef2f5; color: #16191f; }
    .option input { flex: none; width: 1.15em; height: 1.15em; margin: 0; }
    .key { color: #545b64; font-size: .85em; }
    .picture { position: relative; display: inline-block; max-width: 100%; margin-bottom: .8em; }
    .picture img { display: block; max-width: 100%; max-height: 75vh; }
    .picture :is(svg, .over) { position: absolute; inset: 0; width: 100%; height: 100%; }
    .over { opacity: .5; }
    textarea { display: block; width: 100%; min-height: 4em; }
  `;
  static kind = "radio";
  static picture = false;

  render() {
    this.legend = h("legend", { class: "header" });
    this.options = h("div");
    this.picker = h("fieldset", { class: "category-picker-wrapper" }, this.legend, this.options);
    this.picker.addEventListener("change", (event) => this.picked(event.target));
    this.pictureBox = h("div", { class: "picture", hidden: true });
    this.frame(this.pictureBox, h("slot", { name: "target" }), this.picker, ...this.#comment());
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  update() {
    this.legend.textContent = this.header || "Choose a category";
    const before = new Set(this.chosen);
    const names = this.names();
    this.options.replaceChildren(...names.map((name, index) => h("label", { class: "option" },
      h("input", { type: this.constructor.kind, name: "category", value: name, checked: before.has(name), disabled: this.isDisabled }),
      h("span", {}, name),
      ...(index < 9 ? [h("span", { class: "key", "aria-hidden": "true" }, String(index + 1))] : []),
    )));
    if (this.constructor.picture) this.#show();
    this.refresh();
  }

  names() { return lenientList(this.categories); }
  get inputs() { return [...(this.options?.querySelectorAll("input") ?? [])]; }
  get chosen() { return this.inputs.filter((each) => each.checked).map((each) => each.value); }
  get control() { return this.inputs.find((each) => each.checked) ?? this.inputs[0] ?? null; }
  get value() { return this.chosen[0] ?? ""; }
  set value(label) {
    for (const each of this.inputs) each.checked = each.value === (label?.label ?? label);
    this.refresh();
  }

  get _submittableValue() { return this.chosen.length ? this.withComment({ label: this.chosen[0] }) : undefined; }
  withComment(answer) { return this.note?.value.trim() ? { ...answer, workerComment: this.note.value } : answer; }
  problem() { return this.chosen.length ? "" : "Choose a category."; }

  answer() {
    const value = this._submittableValue;
    return this.name && value !== undefined ? { [this.name]: value } : null;
  }

  picked() {
    this.refresh();
    this.tell("change");
  }

  formResetCallback() {
    for (const each of this.inputs) each.checked = false;
    this.refresh();
  }

  #key(event) {
    const input = this.inputs[Number(event.key) - 1];
    if (!input || event.key.length !== 1 || event.ctrlKey || event.altKey || event.metaKey) return;
    const target = event.composedPath()[0];
    if ((target.matches?.(TYPING) && target.type !== "radio") || this.isDisabled) return;
    if (document.querySelector(Object.keys(CLASSIFIERS).join()) !== this) return;
    event.preventDefault();
    input.click();
    input.focus();
  }

  #comment() {
    const region = this.querySelector(":scope > worker-comment");
    if (!region) return [];
    region.slot = "comment";
    const title = region.getAttribute("header") || "Add a comment";
    this.note = h("textarea", { "aria-label": title, placeholder: region.getAttribute("placeholder") });
    this.note.addEventListener("input", () => this.refresh());
    return [h("details", {}, h("summary", {}, region.getAttribute("link-text") || "Add a comment"), h("slot", { name: "comment" }), this.note)];
  }

  #show() {
    this.pictureBox.hidden = !this.src;
    const image = this.pictureBox.querySelector("img") ?? h("img", { alt: "The picture to classify" });
    if (this.src && image.getAttribute("src") !== this.src) set(image, "src", this.src);
    const { boundingBox, semanticSegmentation } = this.overlay ?? {};
    const layers = [];
    if (semanticSegmentation?.src) layers.push(h("img", { class: "over", alt: "", src: semanticSegmentation.src }));
    if (boundingBox?.value) layers.push(this.#boxes(image, boundingBox.value));
    this.pictureBox.replaceChildren(image, ...layers);
  }

  #boxes(image, boxes) {
    const layer = svg("svg", { "aria-hidden": "true" }, ...boxes.map(({ left, top, width, height }) => svg("rect", {
      x: left, y: top, width, height, fill: "none", stroke: "#d5260b", "stroke-width": "3", "vector-effect": "non-scaling-stroke",
    })));
    const fit = () => layer.setAttribute("viewBox", `0 0 ${image.naturalWidth || 1} ${image.naturalHeight || 1}`);
    image.addEventListener("load", fit);
    fit();
    return layer;
  }
}
reflectData(CrowdClassifier, ["categories", "overlay", "exclusion-category"]);

/** Choose one or more categories, or the one that excludes all others. */
export class CrowdClassifierMultiSelect extends CrowdClassifier {
  static observedAttributes = [...Widget.observedAttributes, "exclusion-category"];
  static kind = "checkbox";

  get exclusion() { return this.exclusionCategory?.text ?? ""; }
  names() { return [...super.names(), ...(this.exclusion ? [this.exclusion] : [])]; }
  get value() { return this.chosen; }
  set value(labels) {
    for (const each of this.inputs) each.checked = (labels?.labels ?? labels ?? []).includes(each.value);
    this.refresh();
  }

  get _submittableValue() { return this.chosen.length ? this.withComment({ labels: this.chosen }) : undefined; }
  problem() { return this.chosen.length ? "" : "Choose at least one category."; }

  picked(input) {
    if (input.checked && this.exclusion) {
      for (const each of this.inputs) {
        if (each !== input && (input.value === this.exclusion || each.value === this.exclusion)) each.checked = false;
      }
    }
    super.picked();
  }
}

export class CrowdImageClassifier extends CrowdClassifier {
  static observedAttributes = [...Widget.observedAttributes, "overlay"];
  static picture = true;
}

export class CrowdImageClassifierMultiSelect extends CrowdClassifierMultiSelect {
  static picture = true;
}

/** Choose what is in a picture; the answer holds the categories as they were given, under the name of Amazon's service. */
export class CrowdModerationLabels extends CrowdImageClassifierMultiSelect {
  get name() { return "AWS/Rekognition/DetectModerationLabels/Image/V3"; }
  get exclusion() { return super.exclusion || "None"; }
  get all() { return [].concat(this.categories ?? []); }
  names() { return [...this.all.map((each) => String(each?.name ?? each)), this.exclusion]; }
  get _submittableValue() {
    const chosen = new Set(this.chosen);
    return { ModerationLabels: this.all.filter((each) => chosen.has(String(each?.name ?? each))) };
  }
}

const CLASSIFIERS = {
  "crowd-classifier": CrowdClassifier,
  "crowd-classifier-multi-select": CrowdClassifierMultiSelect,
  "crowd-image-classifier": CrowdImageClassifier,
  "crowd-image-classifier-multi-select": CrowdImageClassifierMultiSelect,
  "crowd-rekognition-detect-moderation-labels": CrowdModerationLabels,
};
