// Fields: text, numbers and choices that a worker fills in.

import { CrowdElement, CrowdField, h, nameOf, reflect, set } from "./base.js";

/** A line of text, or what its type says. */
export class CrowdInput extends CrowdField {
  static delegatesFocus = true;
  static observedAttributes = [
    "label", "placeholder", "type", "required", "disabled", "max-length", "min-length", "error-message", "value",
    "min", "max", "step", "pattern", "readonly", "aria-label", "title", "name",
  ];
  static styles = `
    :host { margin: .5em 0; }
    label { display: block; margin-bottom: .2em; }
    input, textarea {
      width: 100%; min-height: 2.25em; padding: .35em .5em; border: 1px solid #5b6770; border-radius: 4px;
      background: #fff; color: #16191f;
    }
    :is(input, textarea)[aria-invalid] { border: 2px solid #a61200; }
    textarea { resize: vertical; field-sizing: content; }
    .count { margin: .1em 0; text-align: right; font-size: .85em; }
  `;

  make() {
    return h("input", { id: "control" });
  }

  render() {
    this.field = this.make();
    this.caption = h("label", { for: "control" });
    this.count = h("p", { class: "count", hidden: true });
    this.field.addEventListener("input", () => this.#typed());
    this.field.addEventListener("change", () => this.tell("change"));
    this.shadowRoot.append(this.caption, this.field, this.count, this.errorLine, h("slot"));
    const preset = this.getAttribute("value");
    if (preset !== null && this.type !== "file") this.field.value = preset;
    if (this.autoFocus) this.field.focus({ preventScroll: true });
  }

  update() {
    this.caption.textContent = this.label + (this.label && this.required ? " *" : "");
    this.caption.hidden = !this.label;
    set(this.field, "aria-label", this.label ? null : nameOf(this));
    set(this.field, "aria-required", this.required ? "true" : null);
    for (const name of ["placeholder", "min", "max", "step", "pattern", "readonly", "rows"]) {
      if (this.hasAttribute(name)) set(this.field, name, this.getAttribute(name));
    }
    if (this.field.localName === "input") set(this.field, "type", this.type || "text");
    if (Number(this.maxLength) > 0) set(this.field, "maxlength", this.maxLength);
    this.field.disabled = this.isDisabled;
    this.count.hidden = !this.charCounter;
    this.#counted();
    this.refresh();
  }

  get value() { return this.field ? this.field.value : this.getAttribute("value") ?? ""; }
  set value(text) {
    this.field.value = text ?? "";
    this.#counted();
    this.refresh();
  }

  answer() {
    if (!this.name || !this.value) return null;
    return { [this.name]: this.type === "file" ? [...this.field.files].map((each) => each.name) : this.value };
  }

  problem() {
    const { value } = this;
    if (this.required && !value.trim()) return this.errorMessage || "Fill in this field.";
    if (!this.field.validity.valid) return this.errorMessage || this.field.validationMessage;
    if (value && value.length < Number(this.minLength)) return this.errorMessage || `Write at least ${this.minLength} characters.`;
    return "";
  }

  formResetCallback() {
    this.value = this.type === "file" ? "" : this.getAttribute("value");
  }

  #typed() {
    if (this.autoValidate && this.allowedPattern) {
      const allowed = new RegExp(`^(?:${this.allowedPattern})$`, "u");
      const kept = [...this.field.value].filter((letter) => allowed.test(letter)).join("");
      if (kept !== this.field.value) this.field.value = kept;
    }
    this.#counted();
    this.refresh();
  }

  #counted() {
    this.count.textContent = `${this.value.length}${Number(this.maxLength) > 0 ? ` of ${this.maxLength}` : ""} characters`;
  }
}
reflect(
  CrowdInput,
  ["label", "placeholder", "type", "max-length", "min-length", "error-message", "allowed-pattern", "max-rows", "rows"],
  ["auto-focus", "auto-validate", "char-counter", "readonly"],
);

/** Text of several lines; it grows with what is written. */
export class CrowdTextArea extends CrowdInput {
  static observedAttributes = [...CrowdInput.observedAttributes, "rows", "max-rows", "char-counter"];

  make() {
    return h("textarea", { id: "control", rows: this.rows || "3" });
  }

  update() {
    super.update();
    if (Number(this.rows) > 0) this.field.style.minBlockSize = `${Number(this.rows) * 1.4 + 0.9}em`;
    if (Number(this.maxRows) > 0) this.field.style.maxBlockSize = `${Number(this.maxRows) * 1.4 + 0.9}em`;
  }
}

/** A check box. Its answer is an object with its value as the name of a Boolean. */
export class CrowdCheckbox extends CrowdField {
  static delegatesFocus = true;
  static observedAttributes = ["checked", "required", "disabled", "value", "name", "aria-label"];
  static styles = `
    :host { display: inline-block; }
    label { display: inline-flex; gap: .3em; align-items: center; min-height: 1.8em; cursor: pointer; }
    input { flex: none; width: 1.15em; height: 1.15em; margin: .15em; }
  `;
  static kind = "checkbox";
  static role = null;
  #checked = false;

  render() {
    this.box = h("input", { type: this.constructor.kind, role: this.constructor.role });
    this.box.addEventListener("change", () => {
      this.checked = this.box.checked;
      this.tell("change");
    });
    this.text = h("slot");
    this.text.addEventListener("slotchange", () => this.#named());
    this.shadowRoot.append(h("label", {}, this.box, h("span", {}, this.text)), this.errorLine);
    this.#checked = this.hasAttribute("checked") && this.getAttribute("checked") !== "false";
  }

  update() {
    this.box.checked = this.#checked;
    this.box.disabled = this.isDisabled;
    set(this.box, "aria-required", this.required && this.constructor.kind !== "radio" ? "true" : null);
    this.#named();
    this.refresh();
  }

  get checked() { return this.#checked; }
  set checked(value) {
    this.#checked = Boolean(value);
    this.changed();
  }

  get value() { return this.getAttribute("value") ?? "on"; }
  set value(text) { this.setAttribute("value", text); }
  get _submittableValue() { return { [this.value]: this.#checked }; }

  problem() {
    return this.required && !this.#checked ? "Check this box." : "";
  }

  formResetCallback() {
    this.checked = this.hasAttribute("checked") && this.getAttribute("checked") !== "false";
  }

  #named() {
    set(this.box, "aria-label", this.textContent.trim() && !this.hasAttribute("aria-label") ? null : nameOf(this));
  }
}

/** A switch: a check box that says on or off. */
export class CrowdToggleButton extends CrowdCheckbox {
  static role = "switch";
}

/** A radio button. In a <crowd-radio-group> one is on at a time; outside, each stands for itself. */
export class CrowdRadioButton extends CrowdCheckbox {
  static kind = "radio";

  get group() { return this.closest("crowd-radio-group"); }

  render() {
    super.render();
    this.addEventListener("change", () => this.group?.chosen(this));
  }

  update() {
    super.update();
    this.group?.arrange?.();
  }

  problem() {
    return this.required && !this.group && !this.checked ? "Choose this." : "";
  }
}

const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/** A group of radio buttons, of which one is on; arrow keys move between them. */
export class CrowdRadioGroup extends CrowdField {
  static observedAttributes = ["required", "disabled", "aria-label", "name"];

  render() {
    if (!this.hasAttribute("aria-label")) this.setAttribute("aria-label", nameOf(this));
    this.setAttribute("role", "radiogroup");
    const slot = h("slot");
    slot.addEventListener("slotchange", () => this.changed());
    this.shadowRoot.append(slot, this.errorLine);
    this.addEventListener("keydown", (event) => this.#move(event));
  }

  update() {
    this.arrange();
  }

  get buttons() {
    return [...this.querySelectorAll("crowd-radio-button")].filter((each) => each instanceof CrowdRadioButton && each.box);
  }
  get selected() { return this.buttons.find((each) => each.checked) ?? null; }
  get value() { return this.selected?.value ?? ""; }
  get control() { return null; }
  answer() { return null; }
  focus(options) { (this.selected ?? this.buttons[0])?.focus(options); }

  problem() {
    const required = this.required || this.buttons.some((each) => each.required);
    return required && !this.selected ? "Choose one of these." : "";
  }

  /** Turn the others off. */
  chosen(button) {
    for (const each of this.buttons) if (each !== button && each.checked) each.checked = false;
    this.arrange();
  }

  /** Let Tab reach one button only, and check what is chosen. */
  arrange() {
    const open = this.buttons.filter((each) => !each.isDisabled);
    const stop = open.find((each) => each.checked) ?? open[0];
    for (const each of open) each.box.tabIndex = each === stop ? 0 : -1;
    this.refresh();
  }

  #move(event) {
    const open = this.buttons.filter((each) => !each.isDisabled);
    const here = open.indexOf(event.target.closest("crowd-radio-button"));
    const step = STEPS[event.key];
    if (here < 0 || !step) return;
    event.preventDefault();
    const next = open[(here + step + open.length) % open.length];
    next.checked = true;
    next.focus();
    next.tell("change");
  }
}

/** A number between two others, chosen with a knob, with the keys or, if it is editable, by typing. */
export class CrowdSlider extends CrowdField {
  static delegatesFocus = true;
  static observedAttributes = ["min", "max", "step", "value", "required", "disabled", "pin", "editable", "aria-label", "label"];
  static styles = `
    :host { max-width: 30em; margin: .5em 0; }
    .row { display: flex; gap: .6em; align-items: center; }
    input[type=range] { flex: 1; min-width: 6em; min-height: 1.8em; accent-color: #0b5c9c; }
    input[type=number] { width: 6em; border: 1px solid #5b6770; border-radius: 4px; min-height: 2em; }
    output { min-width: 2em; text-align: right; font-weight: bold; }
    .labels { display: flex; justify-content: space-between; }
  `;
  #touched = false;

  render() {
    this.knob = h("input", { type: "range" });
    this.number = h("input", { type: "number", hidden: true });
    this.shown = h("output", { "aria-hidden": "true" });
    const touch = (source) => () => {
      this.#touched = true;
      if (source.value !== "") this.value = source.value;
    };
    for (const each of [this.knob, this.number]) {
      each.addEventListener("input", touch(each));
      each.addEventListener("change", () => this.tell("change"));
    }
    for (const name of ["pointerup", "keyup"]) {
      this.knob.addEventListener(name, (event) => event.key !== "Tab" && event.key !== "Shift" && touch(this.knob)());
    }
    const row = h("div", { class: "row" }, this.knob, this.number, this.shown);
    this.caption = h("div", { "aria-hidden": "true" });
    this.shadowRoot.append(this.caption, row, h("div", { class: "labels" }, h("slot", { name: "label" })), h("slot"), this.errorLine);
  }

  update() {
    for (const each of [this.knob, this.number]) {
      for (const name of ["min", "max", "step"]) set(each, name, this.getAttribute(name) || null);
      each.disabled = this.isDisabled;
      each.setAttribute("aria-label", nameOf(this));
    }
    for (const label of this.querySelectorAll(":scope > crowd-slider-label")) label.slot = "label";
    if (!this.#touched) this.knob.value = this.getAttribute("value") || this.min || "0";
    this.caption.textContent = this.label;
    this.number.hidden = !this.editable;
    this.shown.hidden = !this.pin;
    this.#shown();
  }

  get value() { return this.knob ? Number(this.knob.value) : Number(this.getAttribute("value") ?? this.min); }
  set value(number) {
    this.#touched = true;
    this.knob.value = number;
    this.#shown();
  }

  problem() {
    return this.required && !this.#touched && !this.hasAttribute("value") ? "Move the slider, or click where it is." : "";
  }

  formResetCallback() {
    this.#touched = false;
    this.changed();
  }

  #shown() {
    this.number.value = this.knob.value;
    this.shown.textContent = this.knob.value;
    this.refresh();
  }
}
reflect(CrowdSlider, ["min", "max", "step", "label"], ["pin", "editable"]);

/** A mark under a slider. */
export class CrowdSliderLabel extends CrowdElement {
  static styles = ":host { display: inline-block; font-size: .9em; }";
}
