"""Participants that belong to no experiment are warned of by sync and campaigns show."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def complete(folder: Path, number: int, codeversion: str | None) -> None:
    """So many complete participants of this code version, on HITs that nobody here knows."""
    statement = "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, mode, status, codeversion)"
    with closing(sqlite3.connect(folder / "turkctl.db")) as plain:
        for each in range(number):
            name = f"{codeversion}{each}"
            values = (f"W{name}:A{name}", f"A{name}", f"W{name}", "3THEIRS", "local", 4, codeversion)
            plain.execute(f"{statement} VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        plain.commit()


def test_sync_and_campaign_show_warn_of_people_who_count_for_nothing(configured: Path, turkctl: Run) -> None:
    assert turkctl("campaign", "create", "--goal", "9").code == 0
    complete(configured, 2, "0.9")
    complete(configured, 1, None)
    complete(configured, 1, "1.0")  # the configured one: they count
    expected = [{"codeversion": None, "workers": 1}, {"codeversion": "0.9", "workers": 2}]
    for argv in (["campaign", "show", "1"], ["sync"]):
        finished = turkctl(*argv, "--json")
        assert (finished.code, json.loads(finished.out)["unclaimed"]) == (0, expected)
        assert finished.err.count("turkctl: warning: ") == 2
        assert "2 workers are complete in rows of code version 0.9 and count for no experiment" in finished.err
        assert "1 worker is complete in rows without a code version" in finished.err
        in_words = turkctl(*argv)
        assert in_words.err.count("for no experiment") == 2
    assert "unclaimed" not in turkctl("campaign", "show", "1").out


def test_where_everybody_counts_nobody_is_warned(configured: Path, turkctl: Run) -> None:
    complete(configured, 2, "1.0")
    finished = turkctl("sync", "--json")
    assert (json.loads(finished.out)["unclaimed"], "warning" in finished.err) == ([], False)
