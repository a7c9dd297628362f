// A form at work without a mouse: the keys 1 to 9 choose, Enter submits. Without scripts the form works as any other.
"use strict";

(() => {
  const form = document.getElementById("answers");
  const hint = document.getElementById("keys");
  if (!form || !hint) return;
  const TYPING = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";
  const PRESSED = "button, a, summary, input";
  const questions = [...form.querySelectorAll("fieldset")]
    .map((each) => [...each.querySelectorAll("input[type=radio], input[type=checkbox]")])
    .filter((options) => options.length);
  if (!questions.length) return;
  hint.hidden = false;
  for (const options of questions) {
    options.slice(0, 9).forEach((option, index) => {
      const key = document.createElement("span");
      key.className = "soft";
      key.textContent = ` ${index + 1}`;
      key.setAttribute("aria-hidden", "true");
      option.closest("label")?.append(key);
    });
  }

  // The question that a key is for: the one with the focus while it wants an answer, else the first that has none.
  function current() {
    const focused = questions.find((options) => options.includes(document.activeElement));
    if (focused && (focused[0].type === "checkbox" || !answered(focused))) return focused;
    return questions.find((options) => !answered(options)) ?? focused ?? questions.at(-1);
  }
  function answered(options) { return options.some((each) => each.checked); }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.closest(TYPING)) return;
    if (/^[1-9]$/.test(event.key)) {
      const option = current()[Number(event.key) - 1];
      if (!option) return;
      event.preventDefault();
      option.click();
      option.focus();
    } else if (event.key === "Enter" && !event.repeat && !event.target.closest(PRESSED)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
})();
