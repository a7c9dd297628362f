"""A lab's own ids where a study's commands name workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from turkctl.ids import looks_like_markets

Run = Callable[..., Any]


def got(turkctl: Run, *argv: str) -> Any:
    finished = turkctl(*argv, "--json")
    assert finished.code == 0, finished.err
    return json.loads(finished.out)


@pytest.fixture
def class_of(folder: Path, turkctl: Run) -> dict[str, str]:
    """A class: worker ids by own id; a qualification ``Trained``."""
    Path("class.csv").write_text("own_id,name\nS-1,Anna Example\nS-2,Ben Example\n")
    got(turkctl, "market", "workers", "import", "class.csv")
    got(turkctl, "qualifications", "create", "Trained", "--description", "Knows it.")
    return {each["own_id"]: each["worker_id"] for each in got(turkctl, "market", "workers", "list", "--names")}


def holders(turkctl: Run) -> list[str]:
    return [each["worker_id"] for each in got(turkctl, "qualifications", "workers", "Trained")]


def test_qualifications_are_granted_and_revoked_by_own_id(turkctl: Run, class_of: dict[str, str]) -> None:
    Path("grades.csv").write_text("number,grade\nS-1,A\nS-2,B\n")
    done = got(turkctl, "qualifications", "grant", "Trained", "--from", "grades.csv", "--column", "number")
    assert {each["id"]: each["status"] for each in done["results"]} == dict.fromkeys(class_of.values(), "granted")
    got(turkctl, "qualifications", "revoke", "Trained", "S-1")
    assert holders(turkctl) == [class_of["S-2"]]


def test_who_is_not_there_yet_holds_it_when_they_come(turkctl: Run, class_of: dict[str, str]) -> None:
    planned = turkctl("qualifications", "grant", "Trained", "S-1", "S-9", "--dry-run")
    assert (planned.code, "1 person not there yet: S-9" in planned.err) == (0, True)
    assert len(got(turkctl, "market", "workers", "list")) == 2
    done = turkctl("qualifications", "grant", "Trained", "S-1", "S-9")
    assert (done.code, "made 1 person not there yet: S-9" in done.err) == (0, True)
    shown = got(turkctl, "market", "workers", "show", "S-9")
    assert holders(turkctl) == [class_of["S-1"], shown["worker_id"]]


@pytest.mark.parametrize("typo", ["a1exampleworker", "3exampleassignment000000000001", "A1EXAMPLEWORKER"])
def test_a_mistyped_worker_id_makes_nobody(typo: str, turkctl: Run, class_of: dict[str, str]) -> None:
    finished = turkctl("qualifications", "grant", "Trained", typo)
    assert finished.code == 1
    assert len(got(turkctl, "market", "workers", "list")) == 2


def test_blocks_and_messages_reach_people_by_own_id(turkctl: Run, class_of: dict[str, str]) -> None:
    done = got(turkctl, "workers", "block", "S-1", "--reason", "x")
    assert [(each["id"], each["status"]) for each in done["results"]] == [(class_of["S-1"], "blocked")]
    done = got(turkctl, "workers", "unblock", "S-1")
    assert [each["id"] for each in done["results"]] == [class_of["S-1"]]
    sent = got(turkctl, "workers", "message", "S-1", "--subject", "a", "--text", "b", "--dry-run")
    assert [each["id"] for each in sent["results"]] == [class_of["S-1"]]


def test_ids_that_look_like_the_markets_are_told_apart() -> None:
    yes = ("A1EXAMPLEWORKER", "AMH98IVHA0VNCD", "3EXAMPLEASSIGNMENT000000000001")
    assert all(map(looks_like_markets, yes))
    assert not any(map(looks_like_markets, ("A0123456X", "4711", "S-1", "a1exampleworker", "anna")))
