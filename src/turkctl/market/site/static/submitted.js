// The answer of a submission, in the frame of its task: tell the page around it, which then moves on.
"use strict";

(() => {
  const told = document.getElementById("submitted");
  if (!told || window.parent === window) return;
  // The page around a task may be in between: a task can have frames of its own.
  window.top.postMessage({ turkctl: "submitted", assignment: told.dataset.assignment }, told.dataset.origin);
})();
