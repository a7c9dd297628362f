"""The study of the demo: its project file and its task."""

from __future__ import annotations

from pathlib import Path

from turkctl import outputs

SLUG = "colours"
REWARD = "0.50"

PROJECT = """\
# Made by `turkctl demo`. You can read, change and delete everything in this folder.
mode = "local"

[experiments.colours]
code_version = "1.0"
title = "Is the word printed in its own colour?"
description = "Look at a word and say whether it is printed in the colour that it names. One minute."
keywords = ["psychology", "reading", "colours"]
reward = "0.50"
duration = "15m"
lifetime = "6h"
auto_approval_delay = "3d"
html_template = "task.html"
qualifications = { locale = ["US", "CA", "GB"], percent_approved = 90 }

[experiments.colours.labels]
field = "same_colour"
min_votes = 3

[experiments.colours.limits]
budget = "{budget}"
"""

FORM_END = """\
    <button type="submit">Submit</button>
  </form>
  <script>
    const given = new URLSearchParams(location.search);
    document.forms[0].assignmentId.value = given.get("assignmentId") || "";
    document.forms[0].action = (given.get("turkSubmitTo") || "").replace(/\\/+$/, "") + "/mturk/externalSubmit";
  </script>
</body>
</html>
"""
"""The end of the page of a task, which sends its form to the market that shows it."""
TASK = (
    """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Is the word printed in its own colour?</title></head>
<body>
  <form method="post" action="/mturk/externalSubmit">
    <input type="hidden" name="assignmentId" value="">
    <p style="font-size: 3rem; color: #c22">green</p>
    <p>Is the word printed in the colour that it names?
      <label><input type="radio" name="same_colour" value="yes" required> yes</label>
      <label><input type="radio" name="same_colour" value="no"> no</label></p>
    <p><label>Anything we should know? <textarea name="comment"></textarea></label></p>
"""
    + FORM_END
)


def write(folder: Path, budget: str) -> None:
    """Write the study into an empty folder."""
    outputs.create(folder / "turkctl.toml", PROJECT.replace("{budget}", budget).encode(), private=False)
    outputs.create(folder / "task.html", TASK.encode(), private=False)
