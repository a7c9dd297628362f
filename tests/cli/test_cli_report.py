"""turkctl report: the closing report, in a terminal, as JSON, and as a page to print."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
REASON = "All <b>the same</b>\u202e, W0RKER \x1b[2J"


def assignments(turkctl: Run) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(turkctl("participants", "list", "--json").out)
    return rows


@pytest.fixture
def ended(configured: Path, turkctl: Run, execute: Callable[..., None]) -> Path:
    """A study of four people: two approved and paid a bonus, one approved by itself, one rejected; its folder."""
    assert turkctl("campaign", "create", "--goal", "4").code == 0
    assert turkctl("campaign", "run", "1").code == 0
    crowd = turkctl("market", "crowd", "--workers", "8", "--seed", "3", "--drop-out", "0", "--abandon", "0")
    assert crowd.code == 0, crowd.err
    assert turkctl("sync").code == 0
    first, second, third, _last = [row["assignment_id"] for row in assignments(turkctl)]
    assert turkctl("workers", "approve", first, second).code == 0
    assert turkctl("workers", "bonus", first, second, "--amount", "0.30", "--reason", "quick").code == 0
    assert turkctl("workers", "reject", third, "--feedback", "The same").code == 0
    assert turkctl("market", "clock", "--advance", "40d").code == 0
    assert turkctl("sync", "--full").code == 0
    execute("UPDATE turkctl_assignment SET feedback = ? WHERE status = 'Rejected'", REASON)
    return configured


def report(turkctl: Run, *options: str) -> dict[str, Any]:
    done = turkctl("report", "stroop", "--json", *options)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_the_report_counts_people_work_and_money_by_kind(ended: Path, turkctl: Run) -> None:
    found = report(turkctl)
    assert found["people"] == {"took_part": 4, "counted": 3, "paid": 3, "by_condition": []}
    assert {name: found["work"][name] for name in ("submitted", "approved_by_us", "approved_automatically")} == {
        "submitted": 4,
        "approved_by_us": 2,
        "approved_automatically": 1,
    }
    assert (found["work"]["rejected"], found["work"]["undecided"]) == (1, 0)
    (money,) = found["money"]
    assert (money["currency"], money["rewards"], money["bonuses"], money["fees"], money["total"]) == (
        "USD",
        "1.50",
        "0.60",
        "0.42",
        "2.52",
    )
    assert found["dates"]["first_hit"] <= found["dates"]["first_submission"] <= found["dates"]["last_payment"]
    wages = found["wages"]
    assert float(wages["lowest_wage"]) <= float(wages["median_wage"]) <= float(wages["highest_wage"])
    (campaign,) = found["campaigns"]
    assert (campaign["id"], campaign["goal"]) == (1, 4)


def test_the_report_says_who_was_excluded_and_why(ended: Path, turkctl: Run) -> None:
    (rejected,) = report(turkctl)["exclusions"]["rejected"]
    assert rejected["reason"] == REASON
    worker = rejected["worker_id"]
    assert turkctl("workers", "block", worker, "--reason", "a script").code == 0
    found = report(turkctl)["exclusions"]
    assert found["blocked"] == [{"worker_id": worker, "reason": "a script"}]
    assert found["kept_out"] == 4


def test_people_are_counted_by_condition_where_there_are_conditions(
    ended: Path, turkctl: Run, execute: Callable[[str], None]
) -> None:
    execute("UPDATE assignments SET cond = 1 WHERE uniqueid IN (SELECT uniqueid FROM assignments LIMIT 2)")
    by_condition = report(turkctl)["people"]["by_condition"]
    assert sum(row["people"] for row in by_condition) == 3
    assert by_condition[0]["condition"] == 1


def test_a_terminal_shows_sections(ended: Path, turkctl: Run) -> None:
    shown = turkctl("report", "stroop").out
    titles = ["People", "Dates", "Work", "Money", "Wages", "Exclusions", "Campaigns"]
    assert [line for line in shown.splitlines() if line in titles] == titles
    assert "\x1b" not in shown


def test_a_page_is_whole_in_itself_and_escapes_what_comes_from_outside(ended: Path, turkctl: Run) -> None:
    done = turkctl("report", "stroop", "--file", "report.html")
    assert (done.code, done.out) == (0, "")
    page = (ended / "report.html").read_text(encoding="utf-8")
    assert stat.S_IMODE((ended / "report.html").stat().st_mode) == 0o600
    assert "All &lt;b&gt;the same&lt;/b&gt;\\u202e" in page
    assert "\x1b" not in page
    assert "@media print" in page
    assert not {"<script", "http:", "https:", "url("} & set(page.lower().split())
    assert "src=" not in page
    assert "2.52" in page


def test_pseudonyms_are_those_of_the_export(ended: Path, turkctl: Run) -> None:
    worker = report(turkctl)["exclusions"]["rejected"][0]["worker_id"]
    found = report(turkctl, "--anonymize", "study.key")
    (rejected,) = found["exclusions"]["rejected"]
    people = [row["worker_id"] for row in assignments(turkctl)]
    assert not [each for each in people if each in json.dumps(found)]
    exported = turkctl("participants", "export", "--data", "all", "--anonymize", "study.key", "--format", "jsonl")
    assert exported.code == 0, exported.err
    from turkctl.operations.participants.anonymize import Pseudonyms, load_key

    assert rejected["worker_id"] == Pseudonyms(load_key(ended / "study.key").secret).of("W", worker)
    page = turkctl("report", "stroop", "--anonymize", "study.key", "--file", "report.html")
    assert page.code == 0, page.err
    assert worker not in (ended / "report.html").read_text(encoding="utf-8")


def test_a_report_replaces_no_key_and_no_database(ended: Path, turkctl: Run) -> None:
    assert turkctl("report", "stroop", "--anonymize", "study.key").code == 0
    for file in ("study.key", "turkctl.db"):
        before = (ended / file).read_bytes()
        assert turkctl("report", "stroop", "--anonymize", "study.key", "--file", file).code == 2
        assert (ended / file).read_bytes() == before


def test_a_report_of_no_experiment_or_of_one_without_work_is_refused_or_empty(configured: Path, turkctl: Run) -> None:
    assert turkctl("report", "stroup").code == 2
    assert report(turkctl)["people"]["took_part"] == 0
    assert turkctl("report", "stroop").code == 0


def test_people_of_whom_only_psiturks_rows_tell_are_counted_with_their_condition(
    configured: Path, turkctl: Run, execute: Callable[..., None]
) -> None:
    for number, (status, condition) in enumerate([("5", "0"), ("4", "1"), ("2", "1")]):
        names = (f"AW{number}:3A{number}", f"3A{number}", f"AW{number}", "3HIT", "1.0", "local")
        columns = "uniqueid, assignmentid, workerid, hitid, codeversion, mode, status, cond, bonus"
        values = "?, ?, ?, ?, ?, ?, ?, ?, 0"
        execute(f"INSERT INTO assignments ({columns}) VALUES ({values})", *names, status, condition)
    found = report(turkctl)
    assert found["people"] == {
        "took_part": 2,
        "counted": 2,
        "paid": 0,
        "by_condition": [{"condition": 0, "people": 1}, {"condition": 1, "people": 1}],
    }
    assert (found["work"]["approved_elsewhere"], found["work"]["undecided"]) == (1, 1)


@pytest.fixture
def execute(folder: Path) -> Callable[..., None]:
    """Changes the study's database past the program."""
    import sqlite3
    from contextlib import closing

    def run(statement: str, *values: str) -> None:
        with closing(sqlite3.connect(folder / "turkctl.db")) as connection, connection:
            connection.execute(statement, values)

    return run
