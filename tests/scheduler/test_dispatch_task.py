"""Tasks of kind ``dispatch``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = """
[experiments.photos]
code_version = "1.0"
title = "What is on the photo?"
description = "A photo, a word."
reward = "0.10"
duration = "30m"
lifetime = "24h"
external_url = "https://lab.example.org/photo?of=${url}"

[experiments.photos.limits]
budget = "0.30"
"""

Turkctl = Callable[..., Any]


@pytest.fixture
def study(turkctl: Turkctl, folder: Path) -> Turkctl:
    """A project with three items, of which the budget allows two."""
    (folder / "turkctl.toml").write_text(PROJECT)
    (folder / "photos.csv").write_text("key,url\na,1\nb,2\nc,3\n")
    assert turkctl("experiments", "configure").code == 0
    assert turkctl("content", "add", "photos.csv").code == 0
    return turkctl


def test_a_task_dispatches_what_is_pending_and_a_spent_budget_is_no_failure(study: Turkctl) -> None:
    assert study("tasks", "create", "dispatch", "--every", "10m").code == 0
    first = json.loads(study("tasks", "run", "dispatch", "--json").out)
    assert first["status"] == "ok"
    assert first["summary"] == (
        "posted 2 HITs for $0.24; photos: limits.budget leaves $0.06, but the next HIT costs $0.12; more is pending"
    )
    again = json.loads(study("tasks", "run", "dispatch", "--json").out)
    assert (again["status"], again["error"]) == ("ok", None)
    assert "nothing was dispatched: photos: limits.budget leaves $0.06" in again["summary"]
    assert len(json.loads(study("hits", "list", "--json").out)) == 2


def test_a_task_that_spends_asks_in_mode_live(study: Turkctl) -> None:
    refused = study("tasks", "create", "dispatch", "--every", "10m", "--mode", "live")
    assert refused.code == 3
    assert "every 10m this posts HITs for all content that is pending then" in refused.err
    assert study("tasks", "create", "dispatch", "--every", "10m", "--mode", "live", "--yes").code == 0
    assert study("tasks", "create", "dispatch", "--every", "10m").code == 0
