"""A lab's own ids where a study's commands name workers."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from command_tree import ALL

from turkctl.ids import looks_like_markets
from turkctl.market.service import Market

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


@pytest.fixture
def took_part(folder: Path, turkctl: Run) -> str:
    """The worker id of somebody with an own id and a name who took part, and whose work is approved."""
    Path("turkctl.toml").write_text(
        '[experiments.colours]\ncode_version = "1.0"\ntitle = "Name the colour"\ndescription = "Short."\n'
        'reward = "0.50"\nexternal_url = "https://lab.example.org/colours"\n'
    )
    Path("class.csv").write_text("own_id,name\nSTUD-4711-X,Anna Example\n")
    got(turkctl, "market", "workers", "import", "class.csv")
    got(turkctl, "experiments", "configure")
    got(turkctl, "hits", "create", "--experiment", "colours", "--assignments", "1")
    (person,) = got(turkctl, "market", "workers", "list")
    market = Market(f"sqlite:///{folder / 'turkctl-market.db'}")
    (hit,) = market.available_hits("production", person["worker_id"])
    assignment = market.accept("production", person["worker_id"], hit["HITId"])["AssignmentId"]
    market.submit("production", person["worker_id"], assignment, {"answer": "red"})
    market.close()
    got(turkctl, "sync")
    return str(person["worker_id"])


def test_work_is_shown_approved_and_paid_by_own_id_and_listed_with_names(turkctl: Run, took_part: str) -> None:
    own = "STUD-4711-X"
    assert got(turkctl, "workers", "show", own)["worker_id"] == took_part
    (work,) = got(turkctl, "workers", "assignments", own)
    assert work["worker_id"] == took_part
    done = got(turkctl, "workers", "approve", own)
    assert [each["status"] for each in done["results"]] == ["approved"]
    Path("bonuses.csv").write_text(f"id,amount,reason\n{own},0.25,Quick\n")
    done = got(turkctl, "workers", "bonus", "--from", "bonuses.csv")
    assert [each["status"] for each in done["results"]] == ["bonused"]
    for listed in (["workers", "list", own], ["participants", "list"]):
        (row,) = got(turkctl, *listed, "--names")
        assert (row["worker_id"], row["own_id"], row["full_name"]) == (took_part, own, "Anna Example")
        (row,) = got(turkctl, *listed)
        assert "own_id" not in row


def test_exports_have_neither_own_ids_nor_names(folder: Path, turkctl: Run, took_part: str) -> None:
    with closing(sqlite3.connect(folder / "turkctl.db")) as connection, connection:
        connection.execute("""UPDATE assignments SET datastring = '{"questiondata": {"age": "thirty"}}'""")
    for number, more in enumerate(([], ["--anonymize", "study.key"])):
        finished = turkctl("participants", "export", "--data", "question", "--file", f"out{number}.csv", *more)
        assert finished.code == 0, finished.err
        written = Path(f"out{number}.csv").read_text()
        assert "thirty" in written
        assert "STUD-4711-X" not in written
        assert "Anna" not in written


def test_a_worker_is_erased_from_the_study_after_a_confirmation(folder: Path, turkctl: Run, took_part: str) -> None:
    refused = turkctl("workers", "erase", took_part, "--yes")
    assert (refused.code, "1 undecided assignment" in refused.err) == (3, True)
    got(turkctl, "workers", "approve", "STUD-4711-X")
    assert took_part in turkctl("workers", "erase", took_part, "--dry-run").out
    asked = turkctl("workers", "erase", "STUD-4711-X")
    assert (asked.code, "needs to be confirmed" in asked.err) == (3, True)
    finished = turkctl("workers", "erase", "STUD-4711-X", "--yes")
    assert (finished.code, "turkctl market workers erase ID" in finished.err) == (0, True)
    for path in folder.glob("turkctl.db*"):
        assert not any(word.encode() in path.read_bytes() for word in (took_part, "STUD-4711-X", "Anna")), path
    again = turkctl("workers", "erase", took_part, "--yes")
    assert (again.code, "erased before" in again.out) == (0, True)


OWN = "STUD-4711-X"
AS_OWN = {
    "workers list": [OWN],
    "workers show": [OWN],
    "workers assignments": [OWN],
    "workers approve": [OWN, "--dry-run"],
    "workers bonus": [OWN, "--amount", "0.10", "--reason", "x", "--dry-run"],
    "workers message": [OWN, "--subject", "a", "--text", "b", "--dry-run"],
    "workers compensate": [OWN, "--amount", "0.10", "--reason", "x", "--dry-run"],
    "workers block": [OWN, "--dry-run"],
    "workers unblock": [OWN, "--dry-run"],
    "workers exclude": [OWN, "--dry-run"],
    "workers payments list": ["--worker", OWN],
    "workers payments export": ["--worker", OWN, "--file", "-"],
    "participants list": ["--worker", OWN],
    "participants count": ["--worker", OWN],
    "participants show": [OWN],
    "participants set": [OWN, "--bonus", "0.00"],
    "participants export": ["--worker", OWN, "--data", "all", "--file", "-"],
    "content results": [OWN],
    "labels list": ["--worker", OWN],
    "labels exclude": [OWN, "--experiment", "colours", "--dry-run"],
    "labels invalidate": ["--worker", OWN, "--experiment", "colours", "--dry-run"],
    "qualifications grant": ["Trained", OWN, "--dry-run"],
    "qualifications revoke": ["Trained", OWN, "--dry-run"],
}
"""Each command that takes the id of a worker, with an own id."""
ELSEWHERE = ("market ", "workers erase", "workers reject")
"""They have tests of their own; a rejection names an assignment."""


def test_every_command_that_names_a_worker_is_walked() -> None:
    named = {
        path.removeprefix("turkctl ")
        for path, command in ALL.items()
        for param in command.params
        if param.name == "worker" or re.search("WORKER|[Ii]ds? of (the )?workers?", told(param))
    }
    assert {each for each in named if not each.startswith(ELSEWHERE)} == set(AS_OWN)


def told(param: Any) -> str:
    return f"{param.metavar or ''} {getattr(param, 'help', None) or ''}"


def test_every_command_that_names_a_worker_takes_an_own_id(turkctl: Run, took_part: str) -> None:
    got(turkctl, "qualifications", "create", "Trained", "--description", "Knows it.")
    got(turkctl, "workers", "approve", OWN)
    Path("votes.csv").write_text(f"item,worker,label\n1,{took_part},yes\n1,anna,no\n")
    got(turkctl, "labels", "import", "votes.csv", "--experiment", "colours")
    for words, argv in AS_OWN.items():
        as_json = [] if "export" in words else ["--json"]
        by_own = turkctl(*words.split(), *argv, *as_json)
        by_worker = turkctl(*words.split(), *(took_part if each == OWN else each for each in argv), *as_json)
        assert (by_own.code, by_own.out) == (by_worker.code, by_worker.out), (words, by_own.err)
        assert by_own.code == 0, (words, by_own.err)
        assert by_own.out.strip() not in ("", "0"), words
        assert (by_own.out.strip() == "[]") == (words == "content results"), words  # the study shows no items


def test_a_name_in_labels_is_meant_before_an_own_id(turkctl: Run, took_part: str) -> None:
    Path("votes.csv").write_text(f"item,worker,label\n1,{took_part},yes\n2,{OWN},no\n")
    got(turkctl, "labels", "import", "votes.csv", "--experiment", "colours")
    assert [row["worker"] for row in got(turkctl, "labels", "list", "--worker", OWN)] == [OWN]
    done = got(turkctl, "labels", "exclude", OWN, "--experiment", "colours")
    assert [each["id"] for each in done["results"]] == [OWN]


def test_a_list_makes_no_market_to_ask_whom_an_own_id_means(folder: Path, turkctl: Run, took_part: str) -> None:
    for each in folder.glob("turkctl-market.db*"):
        each.rename(folder / f"away-{each.name}")
    assert got(turkctl, "participants", "list", "--worker", OWN) == []
    assert turkctl("participants", "show", OWN).code == 2
    assert not (folder / "turkctl-market.db").exists()
