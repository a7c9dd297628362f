// The frame of the larger elements: instructions at the side, a header, what it is about, and the controls.

import { CrowdField, dialog, h, reflect } from "./base.js";

const SLOTS = { "short-instructions": "short", "full-instructions": "full", "classification-target": "target" };

export class Widget extends CrowdField {
  static observedAttributes = ["header", "name", "src", "required", "disabled", "categories", "labels"];
  static styles = `
    :host { margin: .5em 0; }
    .layout { display: flex; flex-wrap: wrap; gap: 1.2em; align-items: flex-start; }
    .awsui-app-layout__navigation { flex: 1 1 14em; max-width: 100%; min-width: 0; }
    .annotation-area { flex: 4 1 24em; min-width: min(24em, 100%); max-width: 100%; }
    .annotation-area > slot { display: block; }
    fieldset { min-width: 0; margin: 0 0 .8em; padding: 0; border: 0; }
    legend { padding: 0; }
    .help { font-size: .9em; }
    ::slotted(*) { max-width: 100%; }
  `;

  /** Render the frame around the controls. */
  frame(...controls) {
    for (const child of this.children) if (SLOTS[child.localName]) child.slot = SLOTS[child.localName];
    const full = this.querySelector(":scope > full-instructions");
    const window = dialog(full?.getAttribute("header") || "Instructions", h("slot", { name: "full" }));
    const opener = { type: "button", "aria-haspopup": "dialog", hidden: !full, onclick: () => window.showModal() };
    const side = h("div", { class: "awsui-app-layout__navigation" },
      h("slot", { name: "short" }), h("p", {}, h("button", opener, "View full instructions")));
    side.hidden = !full && !this.querySelector(":scope > short-instructions");
    const area = h("div", { class: "annotation-area" }, ...controls, this.errorLine, h("slot"));
    this.shadowRoot.append(h("div", { class: "layout" }, side, area), window);
  }
}
reflect(Widget, ["header", "src"]);
