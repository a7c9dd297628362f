"""workers list --wage and participants list --wage: keys, options that exclude each other, psiTurk's databases."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

Run = Callable[..., Any]
GROUP = ["workers", "assignments", "hours", "wage", "median_wage"]


@pytest.fixture
def paid(configured: Path, turkctl: Run) -> Path:
    """Three approved assignments."""
    for argv in (
        ["hits", "create", "--assignments", "3"],
        ["market", "crowd", "--workers", "8", "--seed", "5"],
        ["sync"],
        ["workers", "approve", "--all"],
    ):
        assert turkctl(*argv).code == 0
    return configured


def found(turkctl: Run, *argv: str) -> list[dict[str, Any]]:
    finished = turkctl(*argv, "--json")
    assert finished.code == 0, finished.err
    rows: list[dict[str, Any]] = json.loads(finished.out)
    return rows


def test_workers_show_hours_as_numbers_and_wages_as_money(paid: Path, turkctl: Run) -> None:
    plain, rows = found(turkctl, "workers", "list"), found(turkctl, "workers", "list", "--wage")
    assert [list(row) for row in rows] == [[*plain[0], "hours", "wage"]] * 3
    assert all(isinstance(row["hours"], float) and float(row["wage"]) > 0 for row in rows)
    assert "WAGE" in turkctl("workers", "list", "--wage").out


def test_wages_by_experiment_and_condition_agree_between_the_two_lists(paid: Path, turkctl: Run) -> None:
    by = ("--wage", "--group-by", "experiment", "--group-by", "condition")
    (workers,), (people,) = found(turkctl, "workers", "list", *by), found(turkctl, "participants", "list", *by)
    assert list(workers) == ["experiment", "condition", *GROUP]
    assert list(people) == ["experiment", "condition", "count", *GROUP]
    assert people.pop("count") == 3
    assert (workers, workers["workers"], workers["experiment"]) == (people, 3, "stroop")
    [row] = csv.DictReader(io.StringIO(turkctl("workers", "list", *by, "-o", "csv").out))
    assert row["median_wage"] == workers["median_wage"]


def test_a_column_of_participants_is_enough_to_see_the_wage(paid: Path, turkctl: Run) -> None:
    rows = found(turkctl, "participants", "list", "--columns", "worker_id,wage", "--sort", "minutes", "--limit", "2")
    assert [list(row) for row in rows] == [["worker_id", "wage"]] * 2
    assert list(found(turkctl, "participants", "list", "--wage")[0])[-2:] == ["minutes", "wage"]


def test_who_returned_an_assignment_earned_nothing_by_it(paid: Path, turkctl: Run) -> None:
    with closing(sqlite3.connect("turkctl.db")) as plain:
        copied = "assignmentid, 'AGHOST', hitid, 7, codeversion, 2, mode FROM assignments LIMIT 1"
        columns = "uniqueid, assignmentid, workerid, hitid, cond, codeversion, status, mode"
        plain.execute(f"INSERT INTO assignments ({columns}) SELECT 'AGHOST:' || assignmentid, {copied}")
        plain.commit()
    rows = found(turkctl, "participants", "list", "--columns", "worker_id,minutes,wage")
    assert {row["worker_id"] == "AGHOST": (row["minutes"], row["wage"]) for row in rows}[True] == (None, None)
    assert sum(row["wage"] is not None for row in rows) == 3
    by = ("--wage", "--group-by", "condition")
    assert [row["condition"] for row in found(turkctl, "workers", "list", *by)] == [None]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["workers", "list", "--group-by", "experiment"], "--group-by needs --wage"),
        (["workers", "list", "--wage", "--group-by", "colour"], "no group 'colour'"),
        (["workers", "list", "--wage", "--group-by", "condition", "--refresh"], "--refresh"),
        (["participants", "list", "--wage", "--group-by", "colour"], "no group 'colour'"),
        (["participants", "list", "--wage", "--columns", "colour"], "no column 'colour'"),
        (
            ["participants", "list", "--wage", "--columns", "wage", "--group-by", "hit"],
            "--columns cannot be used with --group-by",
        ),
    ],
)
def test_what_cannot_be_meant_is_exit_2(argv: list[str], says: str, paid: Path, turkctl: Run) -> None:
    finished = turkctl(*argv, "--json")
    assert (finished.code, finished.out) == (2, "")
    assert says in last_error(finished.err)["message"]


def test_a_database_of_psiturks_alone_is_listed_without_wages_and_names_the_upgrade_with(
    folder: Path, turkctl: Run
) -> None:
    columns = "uniqueid, assignmentid, workerid, hitid, cond, counterbalance, codeversion, beginhit, beginexp, endhit"
    with closing(sqlite3.connect(folder / "participants.db")) as plain:
        plain.execute(f"CREATE TABLE assignments ({columns}, bonus, status, mode, datastring)")
        plain.commit()
    database = ("--database-url", "sqlite:///participants.db")
    assert found(turkctl, "participants", "list", *database) == []
    finished = turkctl("participants", "list", "--wage", "--json", *database)
    assert finished.code == 2
    assert "turkctl db upgrade" in last_error(finished.err)["hint"]
