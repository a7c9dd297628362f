"""Deciding from a file (``workers approve``, ``reject``, ``message``, ``block`` and ``exclude --from FILE``)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error
from standard_input import standard_input

Run = Callable[..., Any]


@pytest.fixture
def work(configured: Path, turkctl: Run, prepare: Run) -> dict[str, str]:
    """Submitted assignments of four workers: workers by assignment."""
    prepare(
        ["hits", "create", "--assignments", "4"],
        ["market", "crowd", "--workers", "8", "--seed", "5", "--drop-out", "0", "--abandon", "0"],
        ["sync"],
    )
    listed = json.loads(turkctl("workers", "assignments", "--json").out)
    return {each["assignment_id"]: each["worker_id"] for each in listed}


def statuses(turkctl: Run) -> dict[str, str]:
    listed = json.loads(turkctl("workers", "assignments", "--json").out)
    return {each["assignment_id"]: each["status"] for each in listed if each["status"] != "Submitted"}


def reviewed(work: dict[str, str]) -> str:
    first, second, *_ = work
    rows = f"3HIT0,{first},{work[first]},x,\n3HIT0,{second},{work[second]},,Wrong completion code\n"
    return f"HITId,AssignmentId,WorkerId,Approve,Reject\n{rows}3HIT0,3.0E+29,AWORKER,x,\n"


def test_one_file_serves_both_commands(work: dict[str, str], turkctl: Run) -> None:
    first, second, *_ = work
    Path("review.csv").write_text(reviewed(work), encoding="utf-8")
    planned = json.loads(turkctl("workers", "approve", "--from", "review.csv", "--dry-run", "--json").out)
    assert (planned["dry_run"], [each["status"] for each in planned["results"]]) == (True, ["planned", "failed"])
    approved = turkctl("workers", "approve", "--from", "review.csv", "--json")
    done = json.loads(approved.out)
    assert (approved.code, done["succeeded"], done["failed"], done["matched"]) == (1, 1, 1, 2)
    assert done["results"][1]["error"]["message"].startswith("row 4: there is no worker or assignment '3.0E+29'")
    assert statuses(turkctl) == {first: "Approved"}
    rejected = turkctl("workers", "reject", "--from", "review.csv", "--yes")
    assert (rejected.code, statuses(turkctl)) == (0, {first: "Approved", second: "Rejected"})
    again = turkctl("workers", "reject", "--from", "review.csv", "--json")
    assert (again.code, [each["detail"] for each in json.loads(again.out)["results"]]) == (0, ["already rejected"])


def test_a_file_can_be_standard_input(work: dict[str, str], turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", standard_input(reviewed(work).encode()))
    assert turkctl("workers", "reject", "--from", "-").code == 0
    assert list(statuses(turkctl).values()) == ["Rejected"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["approve", "--from", "none.csv", "--all"], "--from cannot be used with ids or selectors"),
        (["approve", "--from", "none.csv", "--watch"], "--from cannot be used with --watch"),
        (["exclude", "--from", "none.csv", "--experiment", "stroop"], "--from cannot be used with ids or selectors"),
        (["bonus", "--from", "none.csv", "AWORKER"], "--from cannot be used with ids or selectors"),
        (["reject", "--from", "none.csv", "3ASSIGNMENT"], "--from cannot be used with ids or selectors"),
        (["block", "--from", "none.csv", "AWORKER"], "--from cannot be used with ids or selectors"),
        (["block", "--from", "none.csv"], "cannot read none.csv: No such file"),
        (["reject"], "no assignment is given"),
        (["reject", "3ASSIGNMENT"], "a rejection needs a reason"),
        (["message", "--subject", "a", "--text", "b"], "no worker is given"),
        (["message", "AWORKER", "--text", "b"], "--subject is empty"),
        (["unblock"], "no worker is given"),
    ],
)
def test_what_cannot_be_combined_with_a_file_or_lacks_one_is_refused(
    configured: Path, turkctl: Run, argv: list[str], words: str
) -> None:
    finished = turkctl("workers", *argv, "--json")
    assert (finished.code, finished.out) == (2, "")
    error = last_error(finished.err)
    assert words in error["message"]
    assert error["hint"]


def test_files_name_people_by_ids_of_the_labs_own(folder: Path, turkctl: Run) -> None:
    (folder / "class.csv").write_text("own_id,name\nS-1,Anna Example\nS-2,Ben Example\n")
    assert turkctl("market", "workers", "import", "class.csv").code == 0
    known = {
        each["own_id"]: each["worker_id"]
        for each in json.loads(turkctl("market", "workers", "list", "--names", "--json").out)
    }
    (folder / "robots.csv").write_text(f"own_id,reason\nS-1,A script\n{known['S-1']},A script\nS-9,x\n")
    blocked = turkctl("workers", "block", "--from", "robots.csv", "--json")
    found = [(each["id"], each["status"]) for each in json.loads(blocked.out)["results"]]
    assert (blocked.code, found) == (1, [(known["S-1"], "blocked"), ("S-9", "failed")])
    (folder / "codes.csv").write_text("Worker ID,Text\nS-2,Your code is 1\n")
    sent = turkctl("workers", "message", "--from", "codes.csv", "--subject", "Code", "--dry-run", "--json")
    assert [each["id"] for each in json.loads(sent.out)["results"]] == [known["S-2"]]


@pytest.mark.parametrize("column", ["own_id", "Worker"])
@pytest.mark.parametrize("command", ["approve", "bonus", "exclude", "block", "message"])
def test_every_command_finds_people_under_the_same_names(
    command: str, column: str, work: dict[str, str], turkctl: Run
) -> None:
    (_first, worker, *_) = work.values()
    rows = f"{column},Approve,Amount,Reason,Subject,Text\n{worker},x,0.10,Thanks,s,t\n"
    Path("people.csv").write_text(rows)
    done = turkctl("workers", command, "--from", "people.csv", "--dry-run", "--json")
    assert done.code == 0, done.err
    (result,) = json.loads(done.out)["results"]
    assert (result["status"], work.get(result["id"], result["id"])) == ("planned", worker)
