/* The functions that HTML tasks call when they load externalHIT_v1.js. Written anew from what they are known to do. */
(function () {
  "use strict";

  var PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE";
  var REFUSAL = "You must ACCEPT the HIT before you can submit the results.";
  var BUTTONS = ["submitButton", "submitbutton"];

  /* Return a parameter of the page's address as it stands there, still encoded. */
  function turkGetParam(name, otherwise) {
    var query = window.location.search.slice(1).split("&");
    for (var i = 0; i < query.length; i++) {
      var at = query[i].indexOf("=");
      if (at >= 0 && query[i].slice(0, at) === name) return query[i].slice(at + 1);
    }
    return otherwise;
  }

  /* Decode a parameter. */
  function decode(text) {
    var spaced = String(text).replace(/\+/g, " ");
    try {
      return decodeURIComponent(spaced);
    } catch (error) {
      return unescape(spaced);
    }
  }

  /* Return the origin to which the task submits. */
  function turkGetSubmitToHost() {
    var host = decode(turkGetParam("turkSubmitTo", ""));
    return /^(https?:)?\/\//.test(host) ? host.replace(/\/+$/, "") : "https://www.mturk.com";
  }

  function byName(name, otherwise) {
    // Pages use it as a listener too; then its first argument is an event.
    var names = typeof name === "string" ? [name] : otherwise;
    return names.map(function (each) { return document.getElementById(each); }).filter(Boolean);
  }

  function refuse(button) {
    button.disabled = true;
    if (button.tagName === "INPUT") button.value = REFUSAL;
    else button.textContent = REFUSAL;
  }

  /* Fill in the assignment's id, send the form to the market, and in a preview switch off the button. */
  function turkSetAssignmentID(formName, buttonName) {
    var id = decode(turkGetParam("assignmentId", ""));
    var forms = byName(formName, ["mturk_form"]);
    var field = document.getElementById("assignmentId");
    if (!field && forms.length) {
      field = document.createElement("input");
      field.type = "hidden";
      field.name = field.id = "assignmentId";
      forms[0].appendChild(field);
    }
    if (field) field.value = id;
    if (id === PREVIEW) byName(buttonName, BUTTONS).forEach(refuse);
    forms.forEach(function (form) {
      form.setAttribute("action", turkGetSubmitToHost() + "/mturk/externalSubmit");
    });
    window.assignmentID = id;
  }

  window.turkGetParam = turkGetParam;
  window.decode = decode;
  window.turkGetSubmitToHost = turkGetSubmitToHost;
  window.turkSetAssignmentID = turkSetAssignmentID;
})();
