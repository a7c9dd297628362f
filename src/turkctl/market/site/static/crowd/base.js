// What all elements share: making nodes, styles, attributes as properties, fields of a form, and accessible names.

import { flat } from "./answers.js";
import { lenient } from "./lenient.js";

/** Make an element. Attributes that are true are empty, those that are false, null or undefined are left out. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Make an SVG element, in the same way. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Set the attribute, or remove it if the value is false, null or undefined. */
export function set(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}

export function sheet(text) {
  const made = new CSSStyleSheet();
  made.replaceSync(text);
  return made;
}

const COMMON = sheet(`
  :host { display: block; box-sizing: border-box; max-width: 100%; }
  :host([hidden]), [hidden] { display: none !important; }
  *, ::before, ::after { box-sizing: border-box; }
  button, input, textarea { font: inherit; color: inherit; }
  button {
    min-height: 2.25em; padding: .3em .9em; border: 1px solid #5b6770; border-radius: 4px;
    background: #fff; color: #16191f; cursor: pointer;
  }
  button:hover:not(:disabled) { background: #eef2f5; }
  button:disabled { cursor: not-allowed; background: #eaeded; color: #545b64; }
  button[aria-pressed=true] { outline: 2px solid #16191f; outline-offset: 1px; font-weight: bold; }
  :focus-visible { outline: 3px solid #0b6fc2; outline-offset: 2px; }
  .error { margin: .25em 0; color: #a61200; }
  .header { margin: 0 0 .6em; font-size: 1.15em; font-weight: bold; }
  dialog {
    width: min(44em, 94vw); max-height: 90vh; overflow: auto; padding: 1.2em; color: #16191f; background: #fff;
    border: 1px solid #5b6770; border-radius: 6px;
  }
  dialog::backdrop { background: #0008; }
  [role=tablist] { display: flex; flex-wrap: wrap; gap: .25em; border-bottom: 1px solid #5b6770; }
  [role=tab] { border-bottom: 0; border-radius: 4px 4px 0 0; }
  [role=tab][aria-selected=true] { background: #16191f; color: #fff; }
  [role=tabpanel] { padding: .8em 0; }
`);
const sheets = new Map();

function sheetsOf(type) {
  if (!sheets.has(type)) {
    const own = Object.hasOwn(type, "styles") ? [sheet(type.styles)] : [];
    const parent = Object.getPrototypeOf(type);
    sheets.set(type, [...(parent === HTMLElement ? [COMMON] : sheetsOf(parent)), ...own]);
  }
  return sheets.get(type);
}

const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

/** Give a class properties for its attributes: texts, and switches that are on when present and not "false". */
export function reflect(type, texts, switches = []) {
  for (const name of texts) {
    Object.defineProperty(type.prototype, camel(name), {
      configurable: true,
      get() { return this.getAttribute(name) ?? ""; },
      set(value) { set(this, name, value ?? null); },
    });
  }
  for (const name of switches) {
    Object.defineProperty(type.prototype, camel(name), {
      configurable: true,
      get() { return this.hasAttribute(name) && this.getAttribute(name) !== "false"; },
      set(value) { this.toggleAttribute(name, Boolean(value)); },
    });
  }
}

/** Give a class properties for attributes that hold JSON; a value that a script sets stands instead of the attribute. */
export function reflectData(type, names) {
  for (const name of names) {
    const kept = Symbol(name);
    Object.defineProperty(type.prototype, camel(name), {
      configurable: true,
      get() { return this[kept] ?? lenient(this.getAttribute(name) ?? ""); },
      set(value) {
        this[kept] = value;
        this.changed();
      },
    });
  }
}

/** An element with a shadow root. It renders once, when it is first on the page, and updates when attributes change. */
export class CrowdElement extends HTMLElement {
  #rendered = false;

  constructor() {
    super();
    this.attachShadow({ mode: "open", delegatesFocus: this.constructor.delegatesFocus ?? false });
    this.shadowRoot.adoptedStyleSheets = sheetsOf(this.constructor);
  }

  connectedCallback() {
    if (this.#rendered) return;
    // What scripts of the page set before this element was defined goes through its properties now.
    const early = Object.entries(this).filter(([name]) => name in this.constructor.prototype);
    for (const [name] of early) delete this[name];
    this.render();
    this.#rendered = true;
    for (const [name, value] of early) this[name] = value;
    this.update();
    this.dispatchEvent(new CustomEvent("crowd-element-ready", { bubbles: true, composed: true }));
  }

  attributeChangedCallback() {
    this.changed();
  }

  /** Update if there is something to update. */
  changed() {
    if (this.#rendered) this.update();
  }

  render() {
    this.shadowRoot.append(h("slot"));
  }

  update() {}

  /** Dispatch an event from this element, as native controls do. */
  tell(name) {
    this.dispatchEvent(new Event(name, { bubbles: true }));
  }
}

/** An element whose answer belongs to the form around it. */
export class CrowdField extends CrowdElement {
  static formAssociated = true;
  #disabledByFieldset = false;

  constructor() {
    super();
    this.internals = this.attachInternals();
    this.errorLine = h("p", { class: "error", id: "error", role: "alert", hidden: true });
    this.addEventListener("invalid", (event) => this.#show(event));
  }

  get form() { return this.internals.form; }
  get validity() { return this.internals.validity; }
  get validationMessage() { return this.internals.validationMessage; }
  get willValidate() { return this.internals.willValidate; }
  get labels() { return this.internals.labels; }
  checkValidity() { return this.internals.checkValidity(); }
  reportValidity() { return this.internals.reportValidity(); }
  get isDisabled() { return this.disabled || this.#disabledByFieldset; }
  get _submittableValue() { return this.value; }

  /** The part of the task's answer that comes from this element; null for none. */
  answer() {
    return this.name ? { [this.name]: this._submittableValue } : null;
  }

  /** What is wrong with the answer, in a sentence for the worker; empty if nothing is. */
  problem() { return ""; }

  /** The node that takes the focus when the answer is wrong. */
  get control() { return this.shadowRoot.querySelector("input, textarea, button"); }

  focus(options) { this.control?.focus(options); }

  formDisabledCallback(disabled) {
    this.#disabledByFieldset = disabled;
    this.changed();
  }

  /** Tell the form the present answer and whether it may be submitted. */
  refresh() {
    const data = new FormData();
    for (const [name, value] of flat(this.answer() ?? {})) data.append(name, value);
    this.internals.setFormValue(data);
    const problem = this.isDisabled ? "" : this.problem();
    this.internals.setValidity(problem ? { customError: true } : {}, problem, this.control ?? undefined);
    if (!this.errorLine.hidden) this.#say(problem);
  }

  #say(problem) {
    this.errorLine.textContent = problem;
    this.errorLine.hidden = !problem;
    if (this.control) set(this.control, "aria-invalid", problem ? "true" : null);
    if (this.control) set(this.control, "aria-describedby", problem ? "error" : null);
  }

  #show(event) {
    event.preventDefault();
    this.#say(this.validationMessage);
    const first = [...(this.form?.elements ?? [])].find((each) => each.willValidate && !each.validity.valid);
    if (!first || first === this) queueMicrotask(() => this.focus());
  }
}
reflect(CrowdField, ["name"], ["required", "disabled"]);

/** Find words that name a control without a label of its own: other labels, its hint, or the text before it. */
export function nameOf(host) {
  const labels = [...(host.labels ?? [])].map((each) => each.textContent);
  const before = host.previousElementSibling ?? host.parentElement?.previousElementSibling;
  const candidates = [
    host.getAttribute("aria-label"), host.getAttribute("label"), ...labels, host.getAttribute("title"),
    host.getAttribute("placeholder"), before?.textContent.slice(0, 150), host.getAttribute("name"), "Answer",
  ];
  return candidates.map((each) => (each ?? "").replace(/\s+/g, " ").trim()).find(Boolean);
}

let dialogs = 0;

/** Make a dialog with a title and a button that closes it. */
export function dialog(title, ...content) {
  const id = `dialog-title-${++dialogs}`;
  const made = h(
    "dialog",
    { class: "awsui-modal-dialog", "aria-labelledby": id },
    h("p", { class: "header", id }, title),
    ...content,
    h("p", {}, h("button", { type: "button", onclick: () => made.close() }, "Close")),
  );
  made.addEventListener("click", (event) => event.target === made && made.close());
  return made;
}

/** Make tabs, and the panels that they show; each entry is a title and a node. */
export function tabs(name, entries) {
  const list = h("div", { role: "tablist", "aria-label": name });
  const panels = entries.map(([, node], index) =>
    h("div", { role: "tabpanel", id: `panel-${index}`, "aria-labelledby": `tab-${index}`, tabindex: "0" }, node));
  const select = (chosen, focus = true) => {
    [...list.children].forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(index === chosen));
      tab.tabIndex = index === chosen ? 0 : -1;
      panels[index].hidden = index !== chosen;
    });
    if (focus) list.children[chosen].focus();
  };
  entries.forEach(([title], index) => {
    const tab = { type: "button", role: "tab", id: `tab-${index}`, "aria-controls": `panel-${index}` };
    list.append(h("button", { ...tab, onclick: () => select(index) }, title));
  });
  list.addEventListener("keydown", (event) => {
    const here = [...list.children].indexOf(event.target);
    const last = entries.length - 1;
    const to = { ArrowRight: here === last ? 0 : here + 1, ArrowLeft: here ? here - 1 : last, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(to);
  });
  if (entries.length) select(0, false);
  return [list, ...panels];
}

/** The names in an attribute that lists texts, or objects with a label; an empty list if it has none. */
export function lenientList(value) {
  return [].concat(value ?? []).map((each) => String(each?.label ?? each));
}
