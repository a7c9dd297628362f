// <crowd-entity-annotation>: mark words of a text with labels.
//
// The text stands in a text box that takes no changes, so that it is selected as any text is: with the mouse, by touch,
// or with Shift and the arrow keys. The marks are painted behind it.

import { h, reflectData } from "./base.js";
import { Widget } from "./widget.js";

const COLORS = ["#ffd5cc", "#cfe6fa", "#d3f0cd", "#ead6fb", "#ffe3bf", "#c9eeee", "#fbd0e8", "#ecebb5", "#dddddd", "#f0d9c4"];
const points = (text) => [...text].length;

export class CrowdEntityAnnotation extends Widget {
  static observedAttributes = [...Widget.observedAttributes, "text", "initial-value"];
  static styles = `
    .text { position: relative; margin: .6em 0; border: 1px solid #5b6770; border-radius: 4px; background: #fff; }
    .marks, textarea {
      display: block; width: 100%; min-height: 3em; margin: 0; padding: .6em; border: 0; font: inherit; line-height: 2;
      letter-spacing: normal; text-align: left; white-space: pre-wrap; overflow-wrap: break-word; color: #16191f;
    }
    textarea { position: absolute; inset: 0; height: 100%; overflow: hidden; resize: none; background: none; }
    .marks { color: transparent; user-select: none; }
    mark { color: transparent; border-radius: 3px; box-shadow: 0 2px 0 #16191f; }
    .tools { display: flex; flex-wrap: wrap; gap: .4em; }
    .tools button, li > span { color: #16191f; }
    ul { margin: .4em 0; padding: 0; list-style: none; }
    li { display: flex; flex-wrap: wrap; gap: .6em; align-items: center; margin: .3em 0; }
    li > span { padding: .1em .5em; border-radius: 3px; }
    .status { min-height: 1.3em; margin: .3em 0; }
    crowd-form { display: block; }
    crowd-form > form { display: flex; flex-direction: column; align-items: flex-start; }
    crowd-form > form > crowd-button { order: 1; }
  `;
  entities = [];
  #label = null;
  #read = false;
  #first = null;

  render() {
    this.head = h("p", { class: "header" });
    this.tools = h("div", { class: "tools", role: "group", "aria-label": "Labels" });
    this.marks = h("div", { class: "marks", "aria-hidden": "true" });
    this.area = h("textarea", { id: "control", "aria-label": "Text to label", inputmode: "none", spellcheck: "false", autocapitalize: "off" });
    this.list = h("ul", { "aria-label": "Labeled text" });
    this.status = h("p", { class: "status", role: "status" });
    const help = "Select text with the mouse, by touch, or with Shift and the arrow keys. Then choose a label, or press its "
      + "number; Enter gives the label that is chosen. To change a label, select the same text again.";
    this.frame(this.head, this.tools, h("div", { class: "text" }, this.marks, this.area), h("p", { class: "help" }, help), this.status, this.list);
    this.area.addEventListener("beforeinput", (event) => event.preventDefault());
    this.area.addEventListener("keydown", (event) => this.#key(event));
    this.area.addEventListener("pointerup", (event) => event.pointerType === "mouse" && setTimeout(() => this.#mark(this.#label), 0));
    if (!this.internals.form) this.#ownForm();
  }

  update() {
    const options = this.options;
    this.head.textContent = this.header;
    this.head.hidden = !this.header;
    const text = this.text.replaceAll("\r", " ");
    if (this.area.value !== text) this.area.value = text;
    if (!options.some(({ label }) => label === this.#label)) this.#label = null;
    this.tools.replaceChildren(...options.map(({ label, full }, index) => {
      const pressed = String(label === this.#label);
      const button = h("button", { type: "button", "aria-pressed": pressed, onclick: () => this.#choose(label) }, `${full} (${index + 1})`);
      button.style.backgroundColor = this.#color(label);
      return button;
    }));
    if (!this.#read) {
      this.#read = true;
      this.entities = [].concat(this.initialValue?.entities ?? this.initialValue ?? []);
      if (this.hasAttribute("initial-value")) this.#first = JSON.stringify(this.entities);
    }
    this.#draw();
  }

  get text() { return this.getAttribute("text") ?? ""; }
  set text(value) { this.setAttribute("text", value ?? ""); }
  get options() {
    return [].concat(this.labels ?? []).map((each) => {
      const label = String(each?.label ?? each);
      return { label, full: each?.fullDisplayName ?? label, short: each?.shortDisplayName ?? label };
    });
  }

  get control() { return this.area ?? null; }
  get value() {
    const modified = this.#first === null ? {} : { initialValueModified: JSON.stringify(this.#sorted()) !== this.#first };
    return { entities: this.#sorted(), ...modified };
  }

  set value(value) {
    this.entities = [].concat(value?.entities ?? []);
    this.changed();
  }

  problem() { return this.required && !this.entities.length ? "Label some of the text." : ""; }

  formResetCallback() {
    this.#read = false;
    this.changed();
  }

  /** Without a form around it, the element brings its own, with its button; the page may add more questions to it. */
  #ownForm() {
    const form = h("crowd-form", { "answer-format": this.getAttribute("answer-format") });
    form.included = this;
    this.shadowRoot.append(form);
  }

  #sorted() {
    return this.entities.map(({ endOffset, label, startOffset }) => ({ endOffset, label, startOffset }))
      .sort((a, b) => a.startOffset - b.startOffset);
  }

  #color(label) {
    return COLORS[Math.max(0, this.options.findIndex((each) => each.label === label)) % COLORS.length];
  }

  #choose(label) {
    if (this.area.selectionStart !== this.area.selectionEnd) {
      this.#mark(label);
      return;
    }
    this.#label = this.#label === label ? null : label;
    [...this.tools.children].forEach((each, index) =>
      each.setAttribute("aria-pressed", String(this.options[index].label === this.#label)));
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const option = /^[1-9]$/.test(event.key) ? this.options[Number(event.key) - 1] : undefined;
    if (event.key === "Enter") this.#mark(this.#label ?? (this.options.length === 1 ? this.options[0].label : null), true);
    else if (option) this.#mark(option.label, true);
    else return;
    event.preventDefault();
  }

  /** Label the selected text; without a label or a selection, say what is missing if the worker asked for it. */
  #mark(label, asked = false) {
    const { selectionStart: from, selectionEnd: to } = this.area;
    if (from === to || label === null) {
      if (asked) this.status.textContent = from === to ? "Select text first." : "Choose a label, or press its number.";
      return;
    }
    if (this.isDisabled) return;
    const [startOffset, endOffset] = [points(this.area.value.slice(0, from)), points(this.area.value.slice(0, to))];
    const touching = this.entities.filter((each) => each.startOffset < endOffset && each.endOffset > startOffset);
    if (touching.some((each) => each.startOffset < startOffset || each.endOffset > endOffset)) {
      this.status.textContent = "Select the whole labeled text, not a part of it.";
      return;
    }
    this.entities = [...this.entities.filter((each) => !touching.includes(each)), { label, startOffset, endOffset }];
    this.area.setSelectionRange(to, to);
    this.status.textContent = `Labeled “${this.area.value.slice(from, to)}” as ${label}.`;
    this.#changed();
  }

  #remove(entity) {
    const index = this.#ordered().indexOf(entity);
    this.entities = this.entities.filter((each) => each !== entity);
    this.status.textContent = "Removed.";
    this.#changed();
    (this.list.querySelectorAll("button")[Math.min(index, this.entities.length - 1)] ?? this.area).focus();
  }

  #changed() {
    this.#draw();
    this.tell("input");
    this.tell("change");
  }

  #ordered() { return [...this.entities].sort((a, b) => a.startOffset - b.startOffset); }

  #draw() {
    const letters = [...this.area.value];
    const pieces = [];
    let at = 0;
    const rows = [];
    for (const entity of this.#ordered()) {
      const marked = letters.slice(entity.startOffset, entity.endOffset).join("");
      const mark = h("mark", {}, marked);
      mark.style.backgroundColor = this.#color(entity.label);
      pieces.push(letters.slice(at, entity.startOffset).join(""), mark);
      at = entity.endOffset;
      rows.push(this.#row(entity, marked));
    }
    pieces.push(letters.slice(at).join(""), "\n");
    this.marks.replaceChildren(...pieces);
    this.list.replaceChildren(...rows);
    this.refresh();
  }

  #row(entity, marked) {
    const short = this.options.find(({ label }) => label === entity.label)?.short ?? entity.label;
    const tag = h("span", {}, short);
    tag.style.backgroundColor = this.#color(entity.label);
    const remover = { type: "button", "aria-label": `Remove ${short}: ${marked}`, onclick: () => this.#remove(entity) };
    return h("li", {}, tag, `“${marked}”`, h("button", remover, "Remove"));
  }
}
reflectData(CrowdEntityAnnotation, ["labels", "initial-value"]);
