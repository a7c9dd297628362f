"""workers payments on the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

Run = Callable[..., Any]


@pytest.fixture
def paid(configured: Path, prepare: Run) -> Path:
    """A study whose two workers got a bonus; its folder."""
    prepare(
        ["hits", "create", "--assignments", "2"],
        ["market", "crowd", "--workers", "2", "--seed", "3", "--drop-out", "0", "--abandon", "0"],
        ["sync"],
        ["workers", "approve", "--all"],
        ["workers", "bonus", "--all", "--amount", "0.30", "--reason", "quick"],
    )
    return configured


def test_the_ledger_is_listed_and_exported_as_csv_and_json_lines(paid: Path, turkctl: Run) -> None:
    rows = json.loads(turkctl("workers", "payments", "list", "--json").out)
    told = [(row["kind"], row["amount"], row["fee"], row["purpose"], row["approved_by"]) for row in rows]
    assert told == [("reward", "0.50", "0.10", None, "us")] * 2 + [("bonus", "0.30", "0.06", "quick", None)] * 2
    done = turkctl("workers", "payments", "export", "--file", "paid.csv", "--json")
    sums = {"rewards": "1.00", "bonuses": "0.60", "compensation": "0.00", "fees": "0.32", "total": "1.92", "unknown": 0}
    assert (done.code, json.loads(done.out)) == (0, {"file": "paid.csv", "payments": 4, **sums})
    with (paid / "paid.csv").open(newline="") as file:
        assert [row["amount"] for row in csv.DictReader(file)] == ["0.50", "0.50", "0.30", "0.30"]
    assert turkctl("workers", "payments", "export", "--file", "paid.jsonl", "--format", "jsonl").code == 0
    assert [json.loads(line) for line in (paid / "paid.jsonl").read_text().splitlines()] == rows


def test_sums_are_said_below_a_table_and_in_no_other_format(paid: Path, turkctl: Run) -> None:
    line = "4 payments: rewards $1.00, bonuses $0.60, fees $0.32, total $1.92"
    assert turkctl("workers", "payments", "list").err.splitlines()[-1] == line
    assert turkctl("workers", "payments", "list", "--by", "worker").err.splitlines()[-1] == line
    for form in ("csv", "json", "jsonl"):
        assert "payments:" not in turkctl("workers", "payments", "list", "-o", form).err
    (row,) = json.loads(turkctl("workers", "payments", "list", "--by", "experiment", "--json").out)
    assert (row["experiment"], row["payments"], row["rewards"], row["total"]) == ("stroop", 4, "1.00", "1.92")
    refused = turkctl("workers", "payments", "list", "--by", "workers", "--json")
    assert (refused.code, last_error(refused.err)["hint"]) == (2, "did you mean 'worker'?")


def test_groups_are_exported_as_rows(paid: Path, turkctl: Run) -> None:
    assert turkctl("workers", "payments", "export", "--by", "worker", "--file", "workers.csv").code == 0
    with (paid / "workers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["payments"], row["total"]) for row in rows] == [("2", "0.96")] * 2


def test_an_export_in_another_format_or_to_no_folder_is_refused_and_leaves_nothing(paid: Path, turkctl: Run) -> None:
    before = sorted(paid.iterdir())
    for argv in (["--file", "a.xml", "--format", "xml"], ["--file", "nowhere/a.csv"]):
        refused = turkctl("workers", "payments", "export", *argv, "--json")
        assert (refused.code, last_error(refused.err)["hint"][:3]) in ((2, "giv"), (2, "nam"))
    assert sorted(paid.iterdir()) == before


def test_reconcile_exits_0_when_both_agree_and_1_with_the_command_when_not(
    paid: Path, turkctl: Run, execute: Callable[[str], None]
) -> None:
    agreed = turkctl("workers", "payments", "reconcile", "--json")
    assert (agreed.code, json.loads(agreed.out)) == (0, [])
    execute("DELETE FROM turkctl_payment")
    differs = turkctl("workers", "payments", "reconcile", "--json")
    found = json.loads(differs.out)
    assert (differs.code, {each["difference"] for each in found}) == (1, {"missing in ledger"})
    words = found[0]["command"].split()
    assert words[0] == "turkctl"
    assert turkctl(*words[1:]).code == 0
    assert turkctl("workers", "payments", "reconcile").code == 0


@pytest.fixture
def execute(folder: Path) -> Callable[[str], None]:
    """Changes the study's database past the program."""
    import sqlite3
    from contextlib import closing

    def run(statement: str) -> None:
        with closing(sqlite3.connect(folder / "turkctl.db")) as connection, connection:
            connection.execute(statement)

    return run
