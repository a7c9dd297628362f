// A form at work without a mouse: the keys 1 to 9 choose, Enter submits.
//
// Only on pages whose elements are choices: those to draw or to mark text with have keys of their own. The digits of a
// classifier are its own too.

import { h } from "./base.js";
import { isPreview } from "./page.js";

const CLASSIFIERS = [
  "crowd-classifier", "crowd-classifier-multi-select", "crowd-image-classifier", "crowd-image-classifier-multi-select",
  "crowd-rekognition-detect-moderation-labels",
].join();
const CHOICES = "crowd-radio-group, crowd-checkbox, crowd-toggle-button";
const DRAWN = [
  "bounding-box", "polygon", "polyline", "keypoint", "line", "instance-segmentation", "semantic-segmentation",
  "entity-annotation",
].map((name) => `crowd-${name}`).join();
const TYPING = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";
const PRESSED = "button, a, summary";

/** Let keys choose and submit in a crowd-form, and say so. */
export function addKeys(form) {
  const choices = form.querySelector(`${CLASSIFIERS}, ${CHOICES}`);
  if (isPreview || !choices || form.querySelector(DRAWN)) return;
  form.append(h("p", { role: "note" }, "Keys: 1 to 9 choose, Enter submits."));
  document.addEventListener("keydown", (event) => press(event, form));
}

function press(event, form) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const target = event.composedPath()[0];
  if (target.closest?.(TYPING)) return;
  if (event.key === "Enter" && !event.repeat && !target.closest?.(PRESSED)) {
    // A native control of the form submits it by itself.
    if (target.localName === "input" && target.form) return;
    event.preventDefault();
    form.requestSubmit();
  } else if (/^[1-9]$/.test(event.key) && !document.querySelector(CLASSIFIERS)) {
    const option = current(form)[Number(event.key) - 1];
    if (!option) return;
    event.preventDefault();
    option.click();
    option.focus();
  }
}

/** The options that a digit is for: of the first group without an answer, else of the last one; without groups, all. */
function current(form) {
  const groups = [...form.querySelectorAll("crowd-radio-group")].map((each) => [...each.querySelectorAll("crowd-radio-button")]);
  const open = groups.find((options) => !options.some((each) => each.checked));
  const boxes = [...form.querySelectorAll("crowd-checkbox, crowd-toggle-button")];
  return controls(open ?? (boxes.length ? boxes : groups.at(-1)));
}

function controls(elements) {
  return elements.map((each) => each.shadowRoot.querySelector("input")).filter((each) => !each.disabled);
}
