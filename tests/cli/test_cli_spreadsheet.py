"""``--spreadsheet`` on whatever writes CSV: lists, exports, files and standard output."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

FORMULA = '=HYPERLINK("http://x","y")'


@pytest.fixture
def answered(configured: Path, turkctl: Run) -> Path:
    """A study with a participant whose browser sent a formula, as an id, a field's name and an answer; and a number."""
    recorded = {
        "data": [{"current_trial": 0, "dateTime": 1, "trialdata": {FORMULA: "@a", "rt": "-1.5", "less": -2.5}}],
        "questiondata": {"word": FORMULA, "number": "-3"},
    }
    with closing(sqlite3.connect(configured / "turkctl.db")) as connection, connection:
        connection.execute(
            "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, ipaddress, browser, platform, language,"
            " cond, counterbalance, codeversion, beginhit, status, mode, datastring)"
            " VALUES (?, '3A', ?, '3H', '', '', '', '', 1, 0, '1.0', '2026-01-01 00:00:00', 4, 'live', ?)",
            (f"{FORMULA}:3A", FORMULA, json.dumps(recorded)),
        )
    assert turkctl("labels", "import", "votes.csv", "--experiment", "stroop").code == 2, "there is no such file"
    (configured / "votes.csv").write_text('item,worker,label\n"=1+1",-5,1\n"=1+1",b,0\n', encoding="utf-8")
    assert turkctl("labels", "import", "votes.csv", "--experiment", "stroop").code == 0
    return configured


@pytest.mark.parametrize(
    ("argv", "changed", "kept"),
    [
        (["participants", "list", "-o", "csv"], [FORMULA], []),
        (["participants", "export", "--data", "trial"], [FORMULA, "@a"], ["-1.5", "-2.5"]),
        (["participants", "export", "--data", "question", "--file", "F"], [FORMULA], ["-3"]),
        (["labels", "list", "-o", "csv"], ["=1+1"], ["-5"]),
        (["labels", "export"], ["=1+1"], ["-5"]),
        (["labels", "export", "--file", "F", "--format", "csv"], ["=1+1"], ["-5"]),
        (["labels", "aggregate", "votes.csv", "--min-votes", "1", "-o", "csv"], ["=1+1"], []),
        (["labels", "aggregate", "votes.csv", "--min-votes", "1", "--workers", "F.csv"], [], ["-5"]),
    ],
    ids=" ".join,
)
def test_no_cell_is_a_formula_in_a_spreadsheet(
    argv: list[str], changed: list[str], kept: list[str], answered: Path, turkctl: Run
) -> None:
    def cells(*more: str) -> set[str]:
        finished = turkctl(*argv, *more)
        assert finished.code == 0, finished.err
        file = next((answered / name for name in ("F", "F.csv") if (answered / name).exists()), None)
        text = finished.out if file is None else file.read_text(encoding="utf-8")
        return {cell for row in csv.reader(text.splitlines()) for cell in row}

    plain, safe = cells(), cells("--spreadsheet")
    for text in changed:
        assert text in plain
        assert text not in safe
        assert f"'{text}" in safe
    assert set(kept) <= plain & safe


def test_other_formats_stay_as_they_are(answered: Path, turkctl: Run) -> None:
    rows = json.loads(turkctl("participants", "list", "--spreadsheet", "--json").out)
    assert rows[0]["worker_id"] == FORMULA
