"""workers bonus on the command line: what it prints, what it refuses and in which words, when it asks."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import Terminal, last_error

Run = Callable[..., Any]
BATCH = ["action", "mode", "dry_run", "matched", "succeeded", "skipped", "failed", "cost", "results"]
WHY = ("--reason", "Quick answers")
LIVE = ("--mode", "live")


@pytest.fixture
def approved(configured: Path, turkctl: Run, prepare: Run) -> list[str]:
    """Three approved assignments of three workers; bonuses are capped at two dollars."""
    with (configured / "turkctl.toml").open("a", encoding="utf-8") as file:
        file.write('\n[experiments.stroop.limits]\nmax_bonus = "2.00"\n')
    prepare(
        ["experiments", "configure"],
        ["hits", "create", "--assignments", "3"],
        ["market", "crowd", "--workers", "8", "--seed", "5"],
        ["sync"],
        ["workers", "approve", "--all"],
    )
    return [row["assignment_id"] for row in json.loads(turkctl("participants", "list", "--json").out)]


def payments(turkctl: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(turkctl("workers", "payments", "list", "--kind", "bonus", "--json").out)
    return found


def write(path: Path, *rows: tuple[str, str, str]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "amount", "reason"), *rows])
    return path.name


def test_a_dry_run_is_the_same_batch_with_every_result_planned_and_pays_nobody(
    approved: list[str], turkctl: Run, asked: Any
) -> None:
    dry = json.loads(turkctl("workers", "bonus", "--all", "--amount", "0.25", *WHY, "--dry-run", "--json").out)
    assert (list(dry), dry["action"], dry["dry_run"], dry["matched"]) == (BATCH, "bonus", True, 3)
    assert (dry["succeeded"], dry["skipped"], dry["failed"], dry["cost"]) == (0, 0, 0, "0.90")
    assert [each["status"] for each in dry["results"]] == ["planned"] * 3
    assert asked.changes == set()
    assert payments(turkctl) == []

    done = json.loads(turkctl("workers", "bonus", "--all", "--amount", "0.25", *WHY, "--json").out)
    assert (list(done), done["dry_run"], done["succeeded"], done["cost"]) == (BATCH, False, 3, "0.90")
    assert {each["id"]: each["status"] for each in done["results"]} == dict.fromkeys(approved, "bonused")
    again = json.loads(turkctl("workers", "bonus", "--all", "--amount", "0.25", *WHY, "--json").out)
    assert (again["succeeded"], again["skipped"], again["cost"]) == (0, 3, "0.00")


REFUSED: tuple[tuple[list[str], str], ...] = (
    (["--all", "--amount", "-1", *WHY], "'-1' is not an amount of money"),
    (["--all", "--amount", "0", *WHY], "a bonus of $0.00 cannot be paid"),
    (["--all", "--amount", "0.00", *WHY], "a bonus of $0.00 cannot be paid"),
    (["--all", "--amount", "0.125", *WHY], "'0.125' is not an amount of money"),
    (["--all", "--amount", "much", *WHY], "'much' is not an amount of money"),
    (["--all", "--amount", "2.01", *WHY], "$2.01 is over limits.max_bonus = $2.00"),
    (["--experiment", "nowhere", "--amount", "0.10", *WHY], "no experiment 'nowhere'"),
    (["--all", "--amount", "0.10"], "a bonus needs a reason"),
    (["--all", "--auto"], "a bonus needs a reason"),
    (["--all", "--amount", "0.10", "--reason", "  "], "a bonus needs a reason"),
    (["--all", "--amount", "0.10", *WHY, "--purpose", ""], "a purpose must have 1 to 128 characters"),
    (["--amount", "0.10", *WHY], "nothing is selected"),
    (["--all", *WHY], "the amount to pay is missing"),
    (["--all", "--auto", "--amount", "0.10", *WHY], "the amount to pay is missing"),
    (["--auto", "--from", "bonuses.csv", *WHY], "the amount to pay is missing"),
    (["--amount", "1", "--from", "bonuses.csv", *WHY], "the amount to pay is missing"),
    (["--all", "--from", "bonuses.csv"], "--from cannot be used with ids or selectors"),
    (["--from", "nowhere.csv"], "cannot read nowhere.csv"),
)


def test_what_cannot_be_meant_is_exit_2_and_pays_nobody(approved: list[str], turkctl: Run, asked: Any) -> None:
    asked.forget()
    for argv, says in REFUSED:
        finished = turkctl("workers", "bonus", *argv, "--json")
        assert (finished.code, finished.out) == (2, ""), argv
        error = last_error(finished.err)
        assert says in error["message"]
        assert error["hint"]
    assert asked.changes == set()


def test_a_file_with_a_bad_row_names_it_and_pays_nobody_unless_bad_rows_are_skipped(
    approved: list[str], configured: Path, turkctl: Run
) -> None:
    first, second, third = approved
    rows = [(first, "0.01", f"part {number}") for number in range(729)]
    name = write(configured / "bonuses.csv", *rows, (second, "0.20", "thanks"), (third, "-0.30", "thanks"))
    finished = turkctl("workers", "bonus", "--from", name, "--json")
    assert (finished.code, finished.out) == (2, "")
    error = last_error(finished.err)
    assert f"bonuses.csv, row 732: '-0.30' is not an amount of money, for {third}" in error["message"]
    assert "--skip-bad-rows" in error["hint"]
    assert payments(turkctl) == []

    name = write(configured / "few.csv", (first, "0.10", "thanks"), (second, "0.20", "thanks"), (third, "x", "thanks"))
    done = json.loads(turkctl("workers", "bonus", "--from", name, "--skip-bad-rows", "--json").out)
    assert (done["succeeded"], done["skipped"], done["failed"]) == (2, 1, 0)
    assert sorted(row["amount"] for row in payments(turkctl)) == ["0.10", "0.20"]


BAD_ROWS = (
    (("{}", "0", "thanks"), "bonuses.csv, row 3: a bonus of $0.00 cannot be paid"),
    (("{}", "0.105", "thanks"), "bonuses.csv, row 3: '0.105' is not an amount of money"),
    (("{}", "3.00", "thanks"), "bonuses.csv, row 3: $3.00 is over limits.max_bonus = $2.00"),
    (("{}", "0.10", ""), "bonuses.csv, row 3: a bonus needs a reason"),
)


def test_each_kind_of_bad_row_is_named(approved: list[str], configured: Path, turkctl: Run) -> None:
    for row, says in BAD_ROWS:
        bad = (row[0].format(approved[1]), row[1], row[2])
        name = write(configured / "bonuses.csv", (approved[0], "0.10", "thanks"), bad)
        finished = turkctl("workers", "bonus", "--from", name, "--json")
        assert (finished.code, finished.out) == (2, ""), row
        assert says in last_error(finished.err)["message"]
    assert payments(turkctl) == []


def test_an_id_that_stands_for_nobody_fails_with_its_row_and_the_others_are_paid(
    approved: list[str], configured: Path, turkctl: Run
) -> None:
    rows = [(approved[0], "0.10", "x"), ("3.1E+29", "0.10", "x"), ("ANOBODY", "0.10", "x"), ("", "0.10", "x")]
    finished = turkctl("workers", "bonus", "--from", write(configured / "mangled.csv", *rows), "--json")
    done = json.loads(finished.out)
    assert (finished.code, done["succeeded"], done["skipped"], done["failed"]) == (1, 1, 0, 3)
    assert {each["id"]: each["error"]["message"] for each in done["results"] if each["error"]} == {
        "3.1E+29": "row 3: there is no worker or assignment '3.1E+29'",
        "ANOBODY": "row 4: there is no worker or assignment ANOBODY",
        "row 5": "row 5: the id is missing",
    }
    assert [(row["assignment_id"], row["amount"]) for row in payments(turkctl)] == [(approved[0], "0.10")]


def test_auto_pays_what_the_row_says_and_an_amount_that_is_none_fails_alone(
    approved: list[str], configured: Path, turkctl: Run
) -> None:
    first, second, third = approved
    assert turkctl("participants", "set", first, "--bonus", "0.40").code == 0
    with closing(sqlite3.connect(configured / "turkctl.db")) as plain:
        for assignment, bonus in ((second, 0.333), (third, 2.50)):
            plain.execute("UPDATE assignments SET bonus = ? WHERE assignmentid = ?", (bonus, assignment))
        plain.commit()
    finished = turkctl("workers", "bonus", "--all", "--auto", *WHY, "--json")
    done = {each["id"]: each for each in json.loads(finished.out)["results"]}
    assert (finished.code, done[first]["status"]) == (1, "bonused")
    assert "0.333" in done[second]["error"]["message"]
    assert done[third]["error"]["message"] == "$2.50 is over limits.max_bonus = $2.00"
    assert [(row["purpose"], row["amount"]) for row in payments(turkctl)] == [("auto", "0.40")]


@pytest.fixture
def live(served: Any, configured: Path, turkctl: Run) -> Any:
    """Approved work of two workers on a market behind HTTP, in mode live; the market's endpoint."""
    finished = turkctl("hits", "create", "--assignments", "2", "-y", "--json", *LIVE)
    [hit] = json.loads(finished.out)["results"]
    for worker in ("AW1", "AW2"):
        served.endpoint.market.register_worker("production", worker)
        made = served.endpoint.market.accept("production", worker, hit["id"])["AssignmentId"]
        served.endpoint.market.submit("production", worker, made, {"answer": "red"})
    assert turkctl("sync", *LIVE).code == 0
    assert turkctl("workers", "approve", "--all", *LIVE).code == 0
    return served.endpoint


def test_in_mode_live_it_asks_and_without_a_terminal_needs_yes(live: Any, turkctl: Run) -> None:
    pay = ("workers", "bonus", "--all", "--amount", "0.25", *WHY, *LIVE)
    finished = turkctl(*pay, "--json")
    assert (finished.code, finished.out) == (3, "")
    error = last_error(finished.err)
    assert error["code"] == "confirmation_needed"
    assert "bonus 2 assignments in mode live for $0.60, commission included; the balance is $" in error["message"]
    assert json.loads(turkctl(*pay, "--dry-run", "--json").out)["cost"] == "0.60"
    assert live.requests["SendBonus"] == 0
    assert json.loads(turkctl(*pay, "--yes", "--json").out)["succeeded"] == 2
    assert live.requests["SendBonus"] == 2


def test_at_a_terminal_in_mode_live_the_answer_decides(
    live: Any, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay = ("workers", "bonus", "--all", "--amount", "0.25", *WHY, *LIVE)
    shown = Terminal.take_over(monkeypatch, "n\n")
    assert (turkctl(*pay).code, live.requests["SendBonus"]) == (3, 0)
    assert "bonus 2 assignments in mode live for $0.60" in shown.getvalue()
    Terminal.take_over(monkeypatch, "y\n")
    assert (turkctl(*pay).code, live.requests["SendBonus"]) == (0, 2)


def test_workers_list_shows_the_ledgers_bonuses(approved: list[str], turkctl: Run) -> None:
    assert turkctl("workers", "bonus", approved[0], "--amount", "0.25", *WHY).code == 0
    assert turkctl("workers", "bonus", approved[0], "--amount", "0.50", "--reason", "More").code == 0
    rows = json.loads(turkctl("workers", "list", "--json").out)
    assert sorted(row["bonus"] for row in rows) == ["0.00", "0.00", "0.75"]
