// The page of a HIT at work: time left, and what follows once it is submitted. It works without, by reloading.
"use strict";

(() => {
  const work = document.getElementById("work");
  if (!work) return;
  const shown = document.getElementById("time-left");
  const warning = document.getElementById("time-warning");
  const end = performance.now() + Number(work.dataset.left) * 1000;
  const auto = document.getElementById("auto");

  function words(seconds) {
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
    return (hours ? `${hours}:${two(minutes)}` : String(minutes)) + `:${two(seconds % 60)}`;
  }

  function tick() {
    const left = Math.max(0, Math.round((end - performance.now()) / 1000));
    shown.textContent = words(left);
    if (left <= 120 && warning.textContent === "") warning.textContent = warning.dataset.words;
    if (left === 0) { warning.textContent = warning.dataset.over; clearInterval(timer); }
  }
  const timer = setInterval(tick, 1000);
  tick();

  // Who goes from one HIT to the next without a list in between works with the keys of the task at once.
  const task = document.querySelector("iframe.work");
  if (auto.checked && task) {
    const enter = () => { if ([document.body, task].includes(document.activeElement)) task.contentWindow.focus(); };
    enter();
    task.addEventListener("load", enter, { once: true });
  }

  let gone = false;
  function moveOn() {
    if (gone) return;
    gone = true;
    if (auto.checked) document.getElementById("next").requestSubmit();
    else location.assign(work.dataset.done);
  }

  // A task may be submitted in a window of its own, or on another device.
  async function look() {
    if (gone) return;
    try {
      const answer = await fetch(work.dataset.state, { headers: { Accept: "application/json" } });
      if (answer.ok && (await answer.json()).status !== "Accepted") moveOn();
    } catch { /* the network is away; the next look may tell */ }
  }
  // The answer of a submission, in the task's frame, comes from this site, or from a frame that has no origin. Whoever
  // else sends such a message is not believed: then the site is asked.
  window.addEventListener("message", (event) => {
    const told = event.data;
    if (!told || told.turkctl !== "submitted" || told.assignment !== work.dataset.assignment) return;
    if (event.origin === location.origin) moveOn();
    else look();
  });
  setInterval(() => { if (!document.hidden) look(); }, 20000);
  window.addEventListener("focus", look);
})();
