"""The study of ``turkctl demo --site``: short tasks that people do on a phone."""

from __future__ import annotations

import secrets
from pathlib import Path

from turkctl import outputs
from turkctl.demo.study import FORM_END

SLUG = "words"

PROJECT = """\
# Made by `turkctl demo --site`. You can read, change and delete everything in this folder.
mode = "local"

[market]
keys = "keys.toml"  # what programs on other computers would sign their requests with

[market.site]
secret_key = "{secret_key}"

[experiments.words]
code_version = "1.0"
title = "Is the word printed in its own colour?"
description = "Look at a word and say whether it is printed in the colour that it names. Five seconds."
keywords = ["reading", "colours"]
reward = "0.05"
duration = "15m"
lifetime = "7d"
auto_approval_delay = "3d"
html_template = "task.html"
outputs = 3

[experiments.words.labels]
field = "same_colour"
min_votes = 3
"""

TASK = (
    """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Is the word printed in its own colour?</title>
<style>
  body { font: 1.2rem/1.5 system-ui, sans-serif; margin: 1rem; text-align: center; background: #fff; color: #222; }
  .word { font-size: 4rem; font-weight: bold; margin: 1rem; color: ${shade}; }
  fieldset { border: 0; padding: 0; }
  label { display: block; max-width: 20rem; padding: 1rem; margin: 0.5rem auto; }
  label { border: 1px solid #767676; border-radius: 0.5rem; }
  button { font-size: inherit; padding: 0.75rem 3rem; }
</style>
</head>
<body>
  <form method="post" action="/mturk/externalSubmit">
    <input type="hidden" name="assignmentId" value="">
    <p class="word">${word}</p>
    <fieldset>
      <legend>Is the word printed in the colour that it names?</legend>
      <label><input type="radio" name="same_colour" value="yes" required> Yes</label>
      <label><input type="radio" name="same_colour" value="no"> No</label>
    </fieldset>
"""
    + FORM_END
)

ITEMS = """\
key,word,shade
1,green,#b3261e
2,blue,#1d4ed8
3,red,#1d4ed8
4,purple,#7e22ce
5,brown,#15803d
"""


def write(folder: Path) -> None:
    """Write the study into an empty folder, with keys that only its owner can read."""
    project = PROJECT.replace("{secret_key}", secrets.token_hex(32))
    outputs.create(folder / "turkctl.toml", project.encode(), private=True)
    outputs.create(folder / "keys.toml", f'DEMO = "{secrets.token_hex(20)}"\n'.encode(), private=True)
    outputs.create(folder / "task.html", TASK.encode(), private=False)
    outputs.create(folder / "words.csv", ITEMS.encode(), private=False)
