"""hits deadlines: keys, formats, bad input."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

Run = Callable[..., Any]
KEYS = ["when", "in", "what", "id", "hit_id", "experiment", "campaign", "worker_id", "amount", "mend"]


@pytest.fixture
def hit_id(configured: Path, turkctl: Run) -> str:
    """A HIT of two assignments."""
    found: str = json.loads(turkctl("hits", "create", "--assignments", "2", "--json").out)["results"][0]["id"]
    return found


def test_rows_have_the_same_keys_in_every_format(hit_id: str, turkctl: Run) -> None:
    [row] = json.loads(turkctl("hits", "deadlines", "--json").out)
    assert list(row) == KEYS
    assert (row["what"], row["id"], row["amount"], row["worker_id"]) == ("expiry", hit_id, "1.20", None)
    assert json.loads(turkctl("hits", "deadlines", "-o", "jsonl").out)["when"] == row["when"]
    [listed] = csv.DictReader(io.StringIO(turkctl("hits", "deadlines", "-o", "csv").out))
    assert (set(listed), listed["mend"]) == (set(KEYS), row["mend"])
    assert row["mend"] in turkctl("hits", "deadlines").out


def test_the_fix_does_what_it_says_in_the_mode_that_was_named(hit_id: str, turkctl: Run) -> None:
    [row] = json.loads(turkctl("hits", "deadlines", "--mode", "local", "--json").out)
    assert row["mend"] == f"turkctl hits extend {hit_id} --lifetime 1d --mode local"
    assert turkctl(*row["mend"].split()[1:]).code == 0
    assert json.loads(turkctl("hits", "deadlines", "--within", "36h", "--json").out) == []


def test_nothing_due_is_an_empty_list(hit_id: str, turkctl: Run) -> None:
    assert json.loads(turkctl("hits", "deadlines", "--within", "1h", "--json").out) == []


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--within", "soon"], "'soon' is not a duration"),
        (["--within", "0s"], "--within must be longer than zero"),
        (["3NOSUCHHIT"], "this database has no HIT 3NOSUCHHIT"),
        (["--experiment", "nowhere"], "no experiment 'nowhere'"),
        (["--campaign", "7"], "campaign 7"),
        (["--regex", "("], "is not a regular expression"),
    ],
)
def test_bad_input_is_exit_2(argv: list[str], says: str, hit_id: str, turkctl: Run) -> None:
    finished = turkctl("hits", "deadlines", *argv, "--json")
    assert (finished.code, finished.out) == (2, "")
    assert says in last_error(finished.err)["message"]
