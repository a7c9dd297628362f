"""Rejecting the work of several people: the number of people is the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli_support import Terminal, last_error

Run = Callable[..., Any]
LIVE = ("--mode", "live")
WHY = ("--feedback", "No answers")


@dataclass
class Live:
    """Work of workers on a market behind HTTP, in mode live."""

    served: Any
    turkctl: Run
    assignments: list[str]

    def reject(self, *argv: str, number: int = 3) -> Any:
        return self.turkctl("workers", "reject", *self.assignments[:number], *WHY, *LIVE, *argv)

    @property
    def rejected(self) -> int:
        """How many rejections the market was asked for."""
        return int(self.served.endpoint.requests["RejectAssignment"])


@pytest.fixture
def live(served: Any, configured: Path, turkctl: Run) -> Live:
    """Three workers who submitted one HIT of three assignments; the first of them did another, too."""
    finished = turkctl("hits", "create", "--assignments", "3", "--hits", "2", "-y", "--json", *LIVE)
    first, second = [item["id"] for item in json.loads(finished.out)["results"]]
    market, made = served.endpoint.market, []
    for worker, hit_id in (("AW1", first), ("AW2", first), ("AW3", first), ("AW1", second)):
        market.register_worker("production", worker)
        made.append(str(market.accept("production", worker, hit_id)["AssignmentId"]))
        market.submit("production", worker, made[-1], {"answer": "red"})
    assert turkctl("sync", *LIVE).code == 0
    return Live(served, turkctl, made)


def test_without_a_terminal_yes_is_not_enough_for_several_people(live: Live) -> None:
    for answer in ([], ["--yes"]):
        finished = live.reject(*answer, "--json")
        assert (finished.code, finished.out, live.rejected) == (3, "", 0)
        error = last_error(finished.err)
        assert error["code"] == "confirmation_needed"
        assert "reject the work of 3 people in mode live" in error["message"]
        assert "--people 3" in error["hint"]


def test_another_number_than_that_of_the_people_does_nothing(live: Live) -> None:
    for number in ("0", "2", "4"):
        finished = live.reject("--people", number, "--yes", "--json")
        assert (finished.code, live.rejected) == (3, 0)
        says = f"this would reject the work of 3 people, not {number}: nothing was done"
        assert last_error(finished.err)["message"] == says


def test_their_number_rejects_them_all(live: Live) -> None:
    finished = live.reject("--people", "3", "--json")
    assert (finished.code, json.loads(finished.out)["succeeded"], live.rejected) == (0, 3, 3)


def test_at_a_terminal_only_their_number_is_an_answer(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    for answer in ("y\n", "2\n", "\n", ""):
        shown = Terminal.take_over(monkeypatch, answer)
        assert (live.reject("--yes").code, live.rejected) == (3, 0), answer
        assert "reject the work of 3 people in mode live. Type the number of people" in shown.getvalue()
    Terminal.take_over(monkeypatch, " 3 \n")
    assert (live.reject().code, live.rejected) == (0, 3)


def test_for_one_person_yes_is_enough_however_many_assignments(live: Live) -> None:
    assert live.reject(number=1).code == 3
    of_one = [live.assignments[0], live.assignments[3]]
    assert live.turkctl("workers", "reject", *of_one, *WHY, *LIVE, "--yes").code == 0
    assert live.rejected == 2


def test_a_dry_run_asks_nothing_and_work_that_is_decided_counts_nobody(live: Live) -> None:
    assert live.reject("--dry-run").code == 0
    assert live.turkctl("workers", "reject", live.assignments[0], *WHY, *LIVE, "--people", "1").code == 0
    finished = live.reject("--people", "3", "--json")
    assert last_error(finished.err)["message"].startswith("this would reject the work of 2 people, not 3")
    assert live.reject("--people", "2").code == 0
    assert live.reject("--people", "0").code == 0


def test_outside_of_mode_live_nothing_asks_but_a_wrong_number_stops(configured: Path, turkctl: Run) -> None:
    turkctl("hits", "create", "--assignments", "3")
    turkctl("market", "crowd", "--workers", "8", "--seed", "5")
    turkctl("sync")
    people = json.loads(turkctl("participants", "list", "--json").out)
    ids = [row["assignment_id"] for row in people]
    assert turkctl("workers", "reject", *ids, *WHY, "--people", "2").code == 3
    assert turkctl("workers", "reject", *ids, *WHY).code == 0


def test_a_file_of_rejections_is_agreed_to_by_the_number_of_people_too(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    rows = "".join(f"{name},Empty {number}\n" for number, name in enumerate(live.assignments[:3]))
    path.write_text(f"AssignmentId,Reject\n{rows}", encoding="utf-8")
    refused = live.turkctl("workers", "reject", "--from", str(path), "--yes", *LIVE)
    assert (refused.code, "--people 3" in refused.err, live.rejected) == (3, True, 0)
    done = live.turkctl("workers", "reject", "--from", str(path), "--people", "3", "--json", *LIVE)
    details = [each["detail"] for each in json.loads(done.out)["results"]]
    assert (done.code, details) == (0, ["AW1: Empty 0", "AW2: Empty 1", "AW3: Empty 2"])
