"""workers and hits approve on the command line: what they print, when they ask, how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

Run = Callable[..., Any]
BATCH = ["action", "mode", "dry_run", "matched", "succeeded", "skipped", "failed", "cost", "results"]


def batch(finished: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(finished.out)
    assert list(found) == BATCH
    return found


@pytest.fixture
def worked(configured: Path, turkctl: Run) -> str:
    """A HIT of three assignments, all of them submitted and read; its id."""
    posted = turkctl("hits", "create", "--assignments", "3", "--json", "-q")
    hit: str = json.loads(posted.out)["results"][0]["id"]
    crowd = turkctl("market", "crowd", "--workers", "3", "--seed", "3", "--drop-out", "0", "--abandon", "0")
    assert crowd.code == 0, crowd.err
    assert turkctl("sync").code == 0
    return hit


def assignments(turkctl: Run, hit: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(turkctl("hits", "show", hit, "--json").out)["assignments"]
    return found


def test_approving_all_prints_the_batch_and_a_second_time_has_nothing_to_do(worked: str, turkctl: Run) -> None:
    dry = batch(turkctl("workers", "approve", "--all", "--dry-run", "--json"))
    assert (dry["dry_run"], dry["matched"], dry["succeeded"]) == (True, 3, 0)
    assert {item["status"] for item in dry["results"]} == {"planned"}
    finished = turkctl("worker", "approve", "--all", "--feedback", "Thank you", "--json")
    done = batch(finished)
    assert (finished.code, done["action"], done["succeeded"], done["cost"]) == (0, "approve", 3, "0.00")
    assert {item["status"] for item in done["results"]} == {"approved"}
    assert {(each["status"], each["feedback"]) for each in assignments(turkctl, worked)} == {("Approved", "Thank you")}
    again = turkctl("workers", "approve", "--all", "--json")
    assert (again.code, batch(again)["matched"]) == (0, 0)
    assert "turkctl sync" in again.err


def test_approving_a_hit_takes_its_latest_submissions(configured: Path, turkctl: Run) -> None:
    posted = turkctl("hits", "create", "--assignments", "3", "--json", "-q")
    hit = json.loads(posted.out)["results"][0]["id"]
    turkctl("market", "crowd", "--workers", "3", "--seed", "3", "--drop-out", "0", "--abandon", "0")
    assert batch(turkctl("hit", "approve", hit, "--json"))["succeeded"] == 3


def test_a_rejection_needs_its_reason_and_is_overturned_on_demand(worked: str, turkctl: Run) -> None:
    one = assignments(turkctl, worked)[0]["assignment_id"]
    assert turkctl("workers", "reject", one).code == 2
    assert batch(turkctl("workers", "reject", one, "--feedback", "empty", "--json"))["succeeded"] == 1
    left = turkctl("workers", "approve", one, "--json")
    assert (left.code, batch(left)["skipped"]) == (0, 1)
    overturned = batch(turkctl("workers", "approve", one, "--override-rejection", "--json"))
    assert (overturned["succeeded"], overturned["cost"]) == (1, "0.60")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("workers", "approve"), 2),
        (("workers", "approve", "--regex", "("), 2),
        (("workers", "approve", "--experiment", "nope"), 2),
        (("workers", "approve", "--codeversion", "9"), 0),
        (("workers", "approve", "--all", "--feedback", "x" * 2000), 2),
        (("workers", "message", "AW1", "--subject", "s", "--text", ""), 2),
        (("workers", "list", "ANOBODY"), 2),
        (("workers", "exclude"), 2),
        (("hits", "approve"), 2),
    ],
)
def test_what_cannot_be_meant_ends_before_anything_is_done(
    worked: str, turkctl: Run, argv: tuple[str, ...], code: int
) -> None:
    finished = turkctl(*argv, "--json")
    assert finished.code == code
    if code:
        assert last_error(finished.err)["hint"]
    assert {each["status"] for each in assignments(turkctl, worked)} == {"Submitted"}


def test_a_row_per_worker(worked: str, turkctl: Run) -> None:
    turkctl("workers", "approve", "--all")
    rows = json.loads(turkctl("workers", "list", "--json").out)
    assert len(rows) == 3
    keys = ["worker_id", "assignments", "submitted", "approved", "rejected", "earned", "bonus", "last_seen", "blocked"]
    assert list(rows[0]) == keys
    assert {(row["approved"], row["earned"], row["bonus"], row["blocked"]) for row in rows} == {
        (1, "0.50", "0.00", None)
    }
    assert "BLOCKED" not in turkctl("workers", "list").out
    assert "BLOCKED" in turkctl("workers", "list", "--refresh").out
    refreshed = json.loads(turkctl("workers", "list", rows[0]["worker_id"], "--refresh", "--json").out)
    assert [row["blocked"] for row in refreshed] == [False]


def test_blocking_writing_and_excluding(worked: str, turkctl: Run) -> None:
    turkctl("workers", "approve", "--all")
    [worker, *_rest] = [row["worker_id"] for row in json.loads(turkctl("workers", "list", "--json").out)]
    written = batch(turkctl("workers", "message", worker, "ASTRANGER", "--subject", "Hi", "--text", "Hello", "--json"))
    assert (written["succeeded"], written["failed"]) == (1, 1)
    assert batch(turkctl("workers", "block", worker, "--reason", "bot", "--json"))["results"][0]["status"] == "blocked"
    assert batch(turkctl("workers", "unblock", worker, "--json"))["results"][0]["status"] == "unblocked"
    excluded = batch(turkctl("workers", "exclude", "--experiment", "stroop", "--json"))
    assert (excluded["succeeded"], excluded["cost"]) == (3, "0.00")


@pytest.mark.parametrize(
    ("argv", "asks"),
    [
        (("block", "AW1"), True),
        (("reject", "{assignment}", "--feedback", "x"), True),
        (("unblock", "AW1"), False),
        (("approve", "{assignment}"), False),
        (("message", "AW1", "--subject", "s", "--text", "t"), False),
    ],
)
def test_in_mode_live_rejecting_and_blocking_ask_and_approving_never_does(
    configured: Path, served: Any, turkctl: Run, argv: tuple[str, ...], asks: bool
) -> None:
    assert turkctl("hits", "create", "--assignments", "1", "-m", "live", "--yes").code == 0
    market = served.endpoint.market
    [hit] = [row["hit_id"] for row in json.loads(turkctl("hits", "list", "-m", "live", "--json").out)]
    market.register_worker("production", "AW1")
    taken = market.accept("production", "AW1", hit)["AssignmentId"]
    market.submit("production", "AW1", taken, {"answer": "red"})
    assert turkctl("sync", "--mode", "live").code == 0
    words = [word.format(assignment=taken) for word in argv]
    finished = turkctl("workers", *words, "--mode", "live", "--json")
    assert (finished.code == 3) == asks, finished.err
    if asks:
        assert last_error(finished.err)["code"] == "confirmation_needed"
        assert turkctl("workers", *words, "--mode", "live", "--yes").code == 0
