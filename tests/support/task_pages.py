"""Pages of tasks, as requesters write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

EXTERNAL_TASK = b"""<!doctype html><html lang="en"><head><title>Task</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body { font: 1.1rem sans-serif; margin: 1.5rem; } .word { font-size: 3rem; font-weight: bold; color: #1c6e3c; }
input, button { font: inherit; padding: 0.4rem 0.6rem; margin: 0.25rem 0.5rem 0.25rem 0; max-width: 100%; }
#who { color: #555; font-size: 0.9rem; }
</style></head><body><main><h1>What colour is this word?</h1><p class="word">purple</p>
<form id="form" method="post"><label>Colour <input name="colour"></label> <button>Submit</button></form>
<p id="who"></p></main>
<script>
const told = new URLSearchParams(location.search);
document.getElementById("form").action = told.get("turkSubmitTo") + "/mturk/externalSubmit";
for (const name of ["assignmentId", "hitId"]) {
  const field = document.createElement("input");
  field.type = "hidden"; field.name = name; field.value = told.get(name);
  document.getElementById("form").append(field);
}
document.getElementById("who").textContent = told.get("workerId") || "nobody";
document.querySelector("button").disabled = told.get("assignmentId") === "ASSIGNMENT_ID_NOT_AVAILABLE";
</script></body></html>"""
"""A page that submits to the market which shows it."""
_PICTURE = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='400' height='300'%3E"
    "%3Crect width='400' height='300' fill='teal'/%3E%3C/svg%3E"
)
TEN = f"""<script src="https://assets.crowd.aws/crowd-html-elements.js"></script><crowd-form>
  <crowd-input name="word" label="Word" required></crowd-input>
  <crowd-text-area name="text" label="Text"></crowd-text-area>
  <crowd-checkbox name="box" value="seen">Seen</crowd-checkbox>
  <crowd-radio-group aria-label="Tone"><crowd-radio-button name="good">Good</crowd-radio-button>
    <crowd-radio-button name="bad">Bad</crowd-radio-button></crowd-radio-group>
  <crowd-slider name="much" min="1" max="5" aria-label="How much"></crowd-slider>
  <crowd-classifier name="kind" categories="['Cat', 'Dog']" header="Kind"></crowd-classifier>
  <crowd-classifier-multi-select name="tags" categories="['Red', 'Blue']" header="Tags">
    </crowd-classifier-multi-select>
  <crowd-image-classifier name="photo" src="{_PICTURE}" categories="['Sharp', 'Soft']" header="Photo">
    </crowd-image-classifier>
  <crowd-bounding-box name="boxes" src="{_PICTURE}" labels="['Head']" header="Boxes"></crowd-bounding-box>
  <crowd-entity-annotation name="names" text="Ada met Bob" labels="['person']" header="Names"></crowd-entity-annotation>
</crowd-form>"""
"""A task with ten different elements."""
TEN_ANSWERS = {
    "word": "w",
    "text": "t",
    "box": {"seen": True},
    "good": {"on": False},
    "bad": {"on": True},
    "much": 4,
    "kind": {"label": "Dog"},
    "tags": {"labels": ["Blue"]},
    "photo": {"label": "Sharp"},
    "boxes": {
        "boundingBoxes": [{"height": 76, "label": "Head", "left": 162, "top": 112, "width": 76}],
        "inputImageProperties": {"height": 300, "width": 400},
    },
    "names": {"entities": []},
}
"""What somebody answers who uses each of them once, but names nobody."""


def external_task(_environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """Answer as a requester's own server."""
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [EXTERNAL_TASK]
