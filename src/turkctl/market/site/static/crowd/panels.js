// What is shown but not answered: instructions, cards, alerts, tabs, dialogs, toasts and tooltips.

import { CrowdElement, dialog, h, reflect, set, tabs } from "./base.js";

/** A button or link that opens a dialog with what is inside the element. */
export class CrowdModal extends CrowdElement {
  static observedAttributes = ["link-text", "link-type", "opened"];
  static styles = `
    .link { border-color: transparent; color: #0b4f8a; background: none; text-decoration: underline; padding-inline: 0; }
  `;
  static text = "Click to open modal";

  render() {
    this.opener = h("button", { type: "button", "aria-haspopup": "dialog", onclick: () => this.open() });
    this.window = dialog(this.linkText || this.constructor.text, ...this.content());
    this.shadowRoot.append(this.opener, this.window);
  }

  update() {
    this.opener.textContent = this.linkText || this.constructor.text;
    this.opener.className = this.linkType === "button" ? "" : "link";
  }

  content() { return [h("slot")]; }
  open() { if (!this.window.open) this.window.showModal(); }
  close() { this.window.close(); }
}
reflect(CrowdModal, ["link-text", "link-type"]);

const PAGES = [
  ["Summary", ["short-summary"]],
  ["Detailed Instructions", ["detailed-instructions"]],
  ["Examples", ["positive-example", "negative-example"]],
];
const HEADINGS = { "positive-example": "Good example", "negative-example": "Bad example" };

/** Instructions on up to three tabs, in a dialog. */
export class CrowdInstructions extends CrowdModal {
  static text = "Click for instructions";

  content() {
    for (const child of this.children) child.slot = child.localName;
    const pages = PAGES.map(([title, names]) => [title, names.filter((name) => this.querySelector(`:scope > ${name}`))]);
    const entries = pages.filter(([, names]) => names.length).map(([title, names]) => [title, h("div", {}, ...names.flatMap(
      (name) => [...(HEADINGS[name] ? [h("p", { class: "header" }, HEADINGS[name])] : []), h("slot", { name })],
    ))]);
    return [...tabs("Instructions", entries), h("slot")];
  }
}

/** The full instructions: inside a widget its own window shows them, elsewhere a button and a dialog of this element. */
export class FullInstructions extends CrowdElement {
  static observedAttributes = ["header"];

  render() {
    if (this.slot === "full") {
      this.shadowRoot.append(h("slot"));
      return;
    }
    const window = dialog(this.header || "Instructions", h("slot"));
    const opener = { type: "button", "aria-haspopup": "dialog", onclick: () => window.showModal() };
    this.shadowRoot.append(h("p", {}, h("button", opener, "View full instructions")), window);
  }
}
reflect(FullInstructions, ["header"]);

/** The short instructions, always visible. */
export class ShortInstructions extends CrowdElement {
  static styles = ":host { margin: .5em 0; }";
}

/** A box that stands out. */
export class CrowdCard extends CrowdElement {
  static observedAttributes = ["heading", "image"];
  static styles = `
    :host { display: inline-block; border: 1px solid #c5ccd1; border-radius: 4px; box-shadow: 0 1px 4px #0003; }
    .header { padding: .8em .8em 0; }
    img { display: block; width: 100%; }
  `;

  render() {
    this.picture = h("img", { alt: "" });
    this.caption = h("p", { class: "header" });
    this.shadowRoot.append(this.picture, this.caption, h("slot"));
  }

  update() {
    this.picture.hidden = !this.image;
    if (this.image) set(this.picture, "src", this.image);
    this.caption.hidden = !this.heading;
    this.caption.textContent = this.heading;
  }
}
reflect(CrowdCard, ["heading", "image"]);

/** A message about the present situation. */
export class CrowdAlert extends CrowdElement {
  static observedAttributes = ["type", "dismissible"];
  static styles = `
    :host { margin: .5em 0; padding: .6em .8em; border: 1px solid; border-left-width: 6px; border-radius: 4px;
      background: #f1faff; border-color: #0b5c9c; color: #16191f; }
    :host([type=success]) { background: #f2f8f0; border-color: #1d6f0e; }
    :host([type=error]) { background: #fdf3f1; border-color: #a61200; }
    :host([type=warning]) { background: #fff8e6; border-color: #8d6605; }
    .row { display: flex; gap: 1em; justify-content: space-between; align-items: start; }
  `;

  render() {
    this.button = h("button", { type: "button", onclick: () => this.remove() }, "Dismiss");
    this.shadowRoot.append(h("div", { class: "row" }, h("div", {}, h("slot")), this.button));
  }

  update() {
    set(this, "role", this.type === "error" || this.type === "warning" ? "alert" : "status");
    this.button.hidden = !this.dismissible;
  }
}
reflect(CrowdAlert, ["type"], ["dismissible"]);

/** One page of <crowd-tabs>. */
export class CrowdTab extends CrowdElement {
  static observedAttributes = ["header"];

  update() {
    const around = this.closest("crowd-tabs");
    if (around instanceof CrowdTabs) around.changed();
  }
}
reflect(CrowdTab, ["header"]);

/** Pages of which one is shown at a time. */
export class CrowdTabs extends CrowdElement {
  render() {
    this.box = h("div");
    this.shadowRoot.append(this.box, h("slot"));
  }

  update() {
    const pages = [...this.querySelectorAll(":scope > crowd-tab")];
    const named = pages.map((page, index) => {
      page.slot = `page-${index}`;
      return [page.header || page.getAttribute("header") || `Page ${index + 1}`, h("slot", { name: page.slot })];
    });
    this.box.replaceChildren(...tabs(this.getAttribute("aria-label") || "Pages", named));
  }
}

/** A message that goes away by itself. */
export class CrowdToast extends CrowdElement {
  static observedAttributes = ["opened", "text", "duration"];
  static styles = `
    :host { display: none; position: fixed; inset: auto auto 1em 1em; z-index: 10; max-width: min(30em, 90vw);
      padding: .8em 1em; border-radius: 4px; background: #16191f; color: #fff; }
    :host([opened]) { display: block; }
  `;
  #timer = 0;

  render() {
    set(this, "role", "status");
    this.message = h("span");
    this.shadowRoot.append(this.message, h("slot"));
  }

  update() {
    this.message.textContent = this.text;
    clearTimeout(this.#timer);
    if (!this.opened) return;
    for (const other of document.querySelectorAll("crowd-toast[opened]")) if (other !== this) other.opened = false;
    const duration = this.hasAttribute("duration") ? Number(this.duration) : 3000;
    if (duration > 0) this.#timer = setTimeout(() => { this.opened = false; }, duration);
  }

  open() { this.opened = true; }
  show() { this.opened = true; }
  close() { this.opened = false; }
  hide() { this.opened = false; }
}
reflect(CrowdToast, ["text", "duration"], ["opened"]);

let tooltips = 0;

/** A hint on another element: the one that `for` names, or the one around. It shows on hover and focus. */
export class CrowdTooltip extends CrowdElement {
  static styles = `
    :host { display: none; position: absolute; z-index: 10; max-width: min(24em, 80vw); padding: .4em .7em;
      border-radius: 4px; background: #16191f; color: #fff; font-size: .9em; }
    :host([opened]) { display: block; }
  `;

  render() {
    set(this, "role", "tooltip");
    this.shadowRoot.append(h("slot"));
    this.id ||= `crowd-tooltip-${++tooltips}`;
    const id = this.getAttribute("for");
    const target = id ? this.getRootNode().getElementById(id) : this.parentElement;
    if (!target) return;
    if (id) target.setAttribute("aria-describedby", this.id);
    for (const name of ["mouseenter", "focusin"]) target.addEventListener(name, () => this.toggleAttribute("opened", true));
    for (const name of ["mouseleave", "focusout"]) target.addEventListener(name, () => this.toggleAttribute("opened", false));
    target.addEventListener("keydown", (event) => event.key === "Escape" && this.toggleAttribute("opened", false));
  }
}

/** A small mark, shown where it stands. */
export class CrowdBadge extends CrowdElement {
  static observedAttributes = ["label"];
  static styles = ":host { display: inline-block; padding: 0 .5em; border-radius: 1em; background: #0b5c9c; color: #fff; }";

  render() {
    this.text = h("span");
    this.shadowRoot.append(this.text, h("slot"));
  }

  update() { this.text.textContent = this.getAttribute("label") ?? ""; }
}
