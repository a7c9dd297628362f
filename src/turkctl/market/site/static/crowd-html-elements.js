// Crowd elements for task pages: <crowd-form>, <crowd-input>, <crowd-classifier> and others.
//
// Pages load this file with a plain <script src>. It loads the elements from the folder `crowd` beside itself, defines
// them once the page has been parsed, and says on `document` when all are ready.
(() => {
  "use strict";
  if (window.crowdElementsBaseUrl) return;
  const script = document.currentScript ?? document.querySelector('script[src*="crowd-html-elements"]');
  const folder = new URL(".", script.src).href;
  window.crowdElementsBaseUrl = folder.slice(0, -1);

  // Task pages prepare themselves on `all-crowd-elements-ready`, so it comes once, whatever is added later.
  let timer = 0;
  const ready = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      document.removeEventListener("crowd-element-ready", ready);
      document.dispatchEvent(new CustomEvent("all-crowd-elements-ready"));
    }, 250);
  };
  document.addEventListener("crowd-element-ready", ready);

  const parsed = new Promise((resolve) => {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", resolve, { once: true });
    else resolve();
  });
  Promise.all([import(`${folder}crowd/elements.js`), parsed]).then(
    ([elements]) => elements.define(),
    async (error) => {
      await parsed;
      const message = document.createElement("p");
      message.setAttribute("role", "alert");
      message.textContent = "This task's controls could not be loaded. Reload the page, or return the HIT.";
      document.body.prepend(message);
      console.error(error);
    },
  );
})();
