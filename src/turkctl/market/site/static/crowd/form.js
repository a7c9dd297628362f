// <crowd-form> and its buttons.

import { flat, merge, native } from "./answers.js";
import { CrowdElement, CrowdField, h, reflect, set, sheet } from "./base.js";
import { addKeys } from "./keys.js";
import { assignmentId, isPreview, submitAddress } from "./page.js";

const SUBMITS = 'crowd-button[form-action="submit"], button[type="submit"], input[type="submit"], input[type="image"]';
const NO_ANSWER = new Set(["submit", "button", "reset", "image", "fieldset", "output", "object"]);

document.adoptedStyleSheets.push(sheet("crowd-form { display: block; }"));

/** The form of a task. Its children move into a real form; what they answer is posted to the market. */
export class CrowdForm extends HTMLElement {
  /** A field outside the form that belongs to it: the element in whose shadow the form stands. */
  included = null;
  #submitted = false;
  #own = null;

  connectedCallback() {
    if (this.form) return;
    this.form = h("form");
    this.form.append(...this.childNodes);
    this.append(this.form);
    // HTML has no forms within forms: what stands in one belongs to this form.
    for (const inner of this.form.querySelectorAll("form")) {
      const box = h("div", Object.fromEntries(["id", "class", "style"].map((name) => [name, inner.getAttribute(name)])));
      box.append(...inner.childNodes);
      inner.replaceWith(box);
    }
    if (!this.form.querySelector(SUBMITS)) {
      this.form.append(h("crowd-button", { "form-action": "submit", variant: "primary" }, "Submit"));
    }
    if (isPreview) this.#preview();
    addKeys(this.form);
    this.form.addEventListener("submit", (event) => this.#intercept(event), true);
    // A page that comes back from the browser's memory can be submitted again: the market says whether it takes it.
    window.addEventListener("pageshow", () => this.#lock(false));
    this.dispatchEvent(new CustomEvent("crowd-element-ready", { bubbles: true, composed: true }));
  }

  get answerFormat() { return this.getAttribute("answer-format") ?? ""; }
  set answerFormat(value) { this.setAttribute("answer-format", value); }
  get submitted() { return this.#submitted; }

  checkValidity() { return this.form.checkValidity(); }
  reportValidity() { return this.form.reportValidity(); }
  requestSubmit() { this.form.requestSubmit(); }
  reset() { this.form.reset(); }

  /** Post the answers as they are, without checks and without the event, as the method of a native form does. */
  submit() {
    if (isPreview || this.#submitted) return;
    this.#lock(true);
    const answers = this.answers();
    const fields = this.answerFormat === "flatten-objects"
      ? [...flat(answers)]
      : [["taskAnswers", JSON.stringify([answers])]];
    const attributes = { method: "post", action: submitAddress(), target: "_self", "accept-charset": "utf-8", hidden: true };
    const form = h("form", attributes);
    for (const [name, value] of [["assignmentId", assignmentId], ...fields]) {
      form.append(h("input", { type: "hidden", name, value }));
    }
    document.body.append(form);
    HTMLFormElement.prototype.submit.call(form);
  }

  /** The answers of all controls, as one object. */
  answers() {
    const all = merge(Object.create(null), this.included?.answer());
    for (const control of this.form.elements) {
      if (!control.name || control.matches(":disabled") || NO_ANSWER.has(control.type)) continue;
      if (control.name === "assignmentId") continue;
      merge(all, control instanceof CrowdField ? control.answer() : native(control));
    }
    return all;
  }

  #intercept(event) {
    if (event === this.#own) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter } = event;
    // A button without a type submits forms in HTML, but not in a crowd-form.
    if (submitter?.localName === "button" && !submitter.hasAttribute("type")) return;
    if (this.included && !this.included.reportValidity()) return;
    const own = new SubmitEvent("submit", { bubbles: true, cancelable: true, submitter });
    this.#own = own;
    if (!isPreview && this.form.dispatchEvent(own)) this.submit();
  }

  #lock(submitted) {
    this.#submitted = submitted;
    for (const each of this.form.querySelectorAll('crowd-button[form-action="submit"]')) each.loading = submitted;
  }

  #preview() {
    for (const each of this.form.querySelectorAll(SUBMITS)) {
      if (each.localName !== "crowd-button") each.disabled = true;
    }
    this.form.append(h("p", { role: "note" }, "This is a preview. Accept the HIT to answer and submit it."));
  }
}

/** A button; with form-action it submits or resets its form, with href it is a link. */
export class CrowdButton extends CrowdElement {
  static formAssociated = true;
  static observedAttributes = [
    "disabled", "loading", "form-action", "href", "target", "variant", "icon-url", "icon-align", "aria-label", "title",
  ];
  static styles = `
    :host { display: inline-block; }
    a { display: inline-block; padding: .3em .9em; border: 1px solid #5b6770; border-radius: 4px; color: #0b4f8a; }
    :host([variant=primary]) :is(button, a):not(:disabled) { background: #0b5c9c; border-color: #0b5c9c; color: #fff; }
    :host([variant=primary]) button:hover:not(:disabled) { background: #084878; }
    :host([variant=link]) button:not(:disabled) { border-color: transparent; color: #0b4f8a; text-decoration: underline; }
    img { height: 1.2em; vertical-align: middle; margin-inline: 0 .4em; }
    .right { flex-direction: row-reverse; }
  `;

  constructor() {
    super();
    this.internals = this.attachInternals();
    // Listening here serves the page's own click() on this element too.
    this.addEventListener("click", (event) => this.#act(event));
  }

  get form() { return this.internals.form; }
  get blocked() { return this.disabled || this.loading || (this.formAction === "submit" && isPreview); }
  focus(options) { this.shadowRoot.querySelector("button, a")?.focus(options); }

  update() {
    const icon = this.iconUrl ? [h("img", { src: this.iconUrl, alt: "" })] : [];
    const content = this.formAction === "submit" && isPreview ? ["Accept the HIT to submit it"] : [h("slot")];
    const parts = this.iconAlign === "right" ? [...content, ...icon] : [...icon, ...content];
    const attributes = { "aria-label": this.getAttribute("aria-label"), title: this.title || null };
    const node = this.href && !this.blocked
      ? h("a", { ...attributes, href: this.href, target: this.target || null, rel: "noopener" }, ...parts)
      : h("button", { ...attributes, type: "button", disabled: this.blocked, "aria-busy": this.loading ? "true" : null }, ...parts);
    this.shadowRoot.replaceChildren(node);
  }

  render() {}

  #act(event) {
    if (this.blocked) {
      event.stopImmediatePropagation();
      event.preventDefault();
    } else if (!event.defaultPrevented && this.form) {
      if (this.formAction === "submit") this.form.requestSubmit();
      if (this.formAction === "reset") this.form.reset();
    }
  }
}
reflect(CrowdButton, ["form-action", "href", "target", "variant", "icon", "icon-url", "icon-align"], ["disabled", "loading"]);

const ICONS = {
  add: "+", close: "×", clear: "×", cancel: "×", check: "✓", done: "✓", search: "⌕", help: "?", info: "i", warning: "!",
  error: "!", "report-problem": "!", favorite: "♥", star: "★", delete: "×", remove: "−", edit: "✎", menu: "≡",
  "arrow-back": "←", "arrow-forward": "→", "expand-more": "▾", "expand-less": "▴", settings: "⚙", undo: "↶", redo: "↷",
};

/** A picture for a name of a common icon; others show nothing, since there is text beside most of them. */
export class CrowdIcon extends CrowdElement {
  static observedAttributes = ["icon", "src"];
  static styles = ":host { display: inline-block; } img { height: 1.2em; vertical-align: middle; }";

  render() {}

  update() {
    const { icon, src } = this;
    const address = src || (/[/.]/.test(icon) ? icon : "");
    const picture = address ? h("img", { src: address, alt: "" }) : h("span", { "aria-hidden": "true" }, ICONS[icon] ?? "");
    this.shadowRoot.replaceChildren(picture, h("slot"));
  }
}
reflect(CrowdIcon, ["icon", "src"]);

/** A button that shows an icon; its title or label is its name. */
export class CrowdIconButton extends CrowdElement {
  static observedAttributes = ["icon", "disabled", "title", "label"];
  static styles = ":host { display: inline-block; }";

  render() {
    this.picture = h("crowd-icon");
    this.button = h("button", { type: "button" }, this.picture);
    this.shadowRoot.append(this.button, h("slot"));
  }

  update() {
    set(this.picture, "icon", this.icon);
    this.button.disabled = this.disabled;
    this.button.setAttribute("aria-label", this.label || this.title || this.icon || "Button");
  }
}
reflect(CrowdIconButton, ["icon", "label"], ["disabled"]);
