// Elements that this market does not have: the page says so, and its form cannot be submitted without them.

import { CrowdField, h, reflect } from "./base.js";

const WORDS = {
  "crowd-semantic-segmentation": "Painting the parts of a picture (semantic segmentation)",
  "crowd-instance-segmentation": "Painting each object of a picture (instance segmentation)",
  "crowd-3d-point-cloud": "Labeling a cloud of points in space (3D)",
  "crowd-text-ranking": "Ranking texts",
  "crowd-question-answer-generation": "Writing questions and answers",
};

/** Make the class of an element that is not there. */
export function missing(tag) {
  class Missing extends CrowdField {
    static styles = "p { padding: .6em .8em; border: 2px solid #a61200; background: #fdf3f1; color: #16191f; }";

    render() {
      const what = WORDS[tag] ?? `The element ${tag}`;
      const text = `${what} is not available here, so this task cannot be done. Return the HIT, and tell the requester.`;
      this.notice = h("p", { role: "alert", tabindex: "-1" }, text);
      this.shadowRoot.append(this.notice, this.errorLine, h("slot"));
    }

    update() { this.refresh(); }
    answer() { return null; }
    get control() { return this.notice ?? null; }
    problem() { return `${tag} is not available here.`; }
  }
  reflect(Missing, ["value"]);
  return Missing;
}
