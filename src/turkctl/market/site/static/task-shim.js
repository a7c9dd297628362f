/* Sends forms of an HTML task to the market that shows it, wherever the task wanted to send them.

   A task written for Mechanical Turk often names www.mturk.com in its form. At the moment of submission the action is
   replaced, and the assignment's id added if the form has none. Everything else in the form stays as it is. */
(function () {
  "use strict";

  var PATH = /\/mturk\/externalSubmit\/*$/;
  var PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE";
  var parameters = new URLSearchParams(window.location.search);
  var market = parameters.get("turkSubmitTo") || "";
  var assignment = parameters.get("assignmentId") || "";
  if (!/^https?:\/\//.test(market)) return;

  /* Return the address that replaces an action, or null if the action is none of the market's. */
  function replacement(action) {
    var url;
    try {
      url = new URL(action, document.baseURI);
    } catch (error) {
      return null;
    }
    return PATH.test(url.pathname) ? market.replace(/\/+$/, "") + "/mturk/externalSubmit" + url.search : null;
  }

  /* Fields may be called "action" or "elements", so properties of the form are not to be trusted. */
  function owned(form, name) {
    var fields = document.querySelectorAll("[name=" + name + "]");
    return Array.prototype.filter.call(fields, function (field) { return field.form === form; });
  }

  function addAssignment(form) {
    var fields = owned(form, "assignmentId");
    if (fields.some(function (field) { return field.value && !field.disabled; })) return;
    if (!fields.length) {
      fields = [document.createElement("input")];
      fields[0].type = "hidden";
      fields[0].name = "assignmentId";
      Node.prototype.appendChild.call(form, fields[0]);
    }
    fields[0].disabled = false;
    fields[0].value = assignment;
  }

  function retarget(form, button) {
    if (!(form instanceof HTMLFormElement)) return;
    var get = Element.prototype.getAttribute;
    var set = Element.prototype.setAttribute;
    var own = button && button.hasAttribute("formaction") ? button : null;
    var to = replacement(own ? own.getAttribute("formaction") : get.call(form, "action") || "");
    if (to === null) return;
    if (own) own.setAttribute("formaction", to);
    else set.call(form, "action", to);
    set.call(form, "method", "post");
    set.call(form, "target", "_self"); // the frame itself: the sandbox forbids every other window
    addAssignment(form);
  }

  /* First before the page's own listeners, which may stop the event, and again behind them. */
  function onSubmit(event) { retarget(event.target, event.submitter); }
  window.addEventListener("submit", onSubmit, true);
  window.addEventListener("submit", onSubmit);
  var submit = HTMLFormElement.prototype.submit;
  HTMLFormElement.prototype.submit = function () {
    retarget(this);
    return submit.call(this);
  };

  /* A form that was put around a layout is the market's own, and so is its button. */
  document.addEventListener("DOMContentLoaded", function () {
    var form = document.querySelector("form[data-turkctl-form]");
    if (!form) return;
    retarget(form);
    if (assignment !== PREVIEW) return;
    document.querySelectorAll("input[type=submit], button[type=submit]").forEach(function (button) {
      if (button.form !== form) return;
      button.disabled = true;
      button.title = "Accept the HIT before you submit it.";
    });
  });
})();
