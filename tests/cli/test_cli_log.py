"""turkctl log: what was done, by whom, by which command, with which result."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

Run = Callable[..., Any]


def lines(turkctl: Run, *options: str) -> list[dict[str, Any]]:
    done = turkctl("log", "--json", *options)
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


@pytest.fixture
def worked(configured: Path, prepare: Run) -> Path:
    """A study in which two people submitted their work; its folder."""
    prepare(
        ["hits", "create", "--assignments", "2"],
        ["market", "crowd", "--workers", "2", "--seed", "3", "--drop-out", "0", "--abandon", "0"],
        ["sync"],
    )
    return configured


def test_every_act_leaves_a_line_with_the_person_the_command_and_what_came_of_it(worked: Path, turkctl: Run) -> None:
    assert turkctl("workers", "approve", "--all").code == 0
    assert turkctl("campaign", "create", "--goal", "10").code == 0
    assert turkctl("campaign", "cancel", "1").code == 0
    found = lines(turkctl)
    assert [line["act"] for line in found] == [
        "experiments configure",
        "hits create",
        "sync",
        "workers approve",
        "campaigns create",
        "campaigns cancel",
    ]
    assert {line["who"] for line in found} == {f"{getpass.getuser()}@{socket.gethostname()}"}
    assert {line["pid"] for line in found} == {os.getpid()}
    assert [line["command"] for line in found[3:]] == [
        "turkctl workers approve --all",
        "turkctl campaign create --goal 10",
        "turkctl campaign cancel 1",
    ]
    assert [line["outcome"] for line in found] == [
        "1 experiment created",
        "1 HIT created",
        "1 HIT changed, 2 assignments read",
        "2 assignments approved",
        "campaign 1 created: 10 people wanted",
        "campaign 1 cancelled",
    ]
    assert found[1]["cost"] == "1.20"
    assert {tuple(line["experiments"]) for line in found} == {("stroop",)}


def test_looking_and_trying_leave_no_line(worked: Path, turkctl: Run) -> None:
    before = lines(turkctl)
    for argv in (
        ["hits", "list"],
        ["workers", "approve", "--all", "--dry-run"],
        ["experiments", "configure", "--dry-run"],
        ["workers", "approve", "3NOSUCHASSIGNMENT00000000000001", "--dry-run"],
        ["experiments", "configure"],
        ["sync"],
    ):
        turkctl(*argv)
    assert lines(turkctl) == before


def test_an_act_that_fails_leaves_its_line_with_the_code_of_the_error(worked: Path, turkctl: Run) -> None:
    refused = turkctl("campaign", "cancel", "7", "--json")
    assert refused.code == 2
    line = lines(turkctl)[-1]
    assert (line["act"], line["error"]) == ("campaigns cancel", last_error(refused.err)["code"])
    assert line["outcome"] == "failed: not_found"
    assert turkctl("campaign", "create", "--goal", "10").code == 0
    assert turkctl("campaign", "create", "--goal", "10").code == 3
    assert lines(turkctl)[-1]["outcome"] == "refused: refused"


def test_items_that_fail_are_counted(worked: Path, turkctl: Run) -> None:
    workers = [row["worker_id"] for row in json.loads(turkctl("workers", "list", "--json").out)]
    assert turkctl("workers", "approve", *workers, "3NOSUCHASSIGNMENT00000000000001").code == 1
    line = lines(turkctl)[-1]
    assert (line["outcome"], line["matched"], line["succeeded"], line["failed"]) == (
        "2 assignments approved, 1 failed",
        3,
        2,
        1,
    )


def test_secrets_in_a_command_line_are_masked(worked: Path, turkctl: Run) -> None:
    url = f"sqlite:///{worked}/turkctl.db"
    market = f"sqlite:///{worked}/turkctl-market.db?token=hunter22"
    worker = json.loads(turkctl("workers", "list", "--json").out)[0]["worker_id"]
    done = turkctl("workers", "block", worker, "--reason", f"see https://me:hunter22@lab.example.org {url}")
    assert done.code == 0, done.err
    turkctl("workers", "unblock", worker, "--market-url", market)
    assert "hunter22" not in turkctl("log", "--json").out
    assert "***@lab.example.org" in lines(turkctl, "--act", "block")[0]["command"]


def test_the_log_is_narrowed_by_act_experiment_and_time_and_limited_to_the_newest(worked: Path, turkctl: Run) -> None:
    assert turkctl("workers", "approve", "--all").code == 0
    assert [line["act"] for line in lines(turkctl, "--act", "create")] == ["hits create"]
    assert [line["act"] for line in lines(turkctl, "--limit", "2")] == ["sync", "workers approve"]
    moment = lines(turkctl, "--act", "sync")[0]["when"]
    assert "hits create" not in [line["act"] for line in lines(turkctl, "--since", moment)]
    assert "workers approve" not in [line["act"] for line in lines(turkctl, "--until", moment)]
    assert lines(turkctl, "--experiment", "stroop") == lines(turkctl)
    assert turkctl("log", "--experiment", "stroup").code == 2


def test_a_table_shows_one_line_for_each_act_the_newest_last(worked: Path, turkctl: Run) -> None:
    assert turkctl("workers", "approve", "--all").code == 0
    shown = turkctl("log").out.splitlines()
    assert shown[0].split() == ["WHEN", "WHO", "ACT", "COMMAND", "OUTCOME", "COST"]
    assert "2 assignments approved" in shown[-1]
    assert len(shown) == 5


def test_tasks_and_rounds_of_the_scheduler_leave_lines_that_name_the_task(worked: Path, turkctl: Run) -> None:
    assert turkctl("tasks", "create", "approve-all", "--every", "1h", "--name", "nightly").code == 0
    assert turkctl("campaign", "create", "--goal", "5").code == 0
    assert turkctl("scheduler", "run", "--once").code == 0
    found = {line["command"]: line for line in lines(turkctl)}
    assert (found["task nightly"]["act"], found["task nightly"]["outcome"]) == (
        "hits approve",
        "2 assignments approved",
    )
    round_ = found["task campaign-1"]
    assert round_["act"] == "campaigns run"
    assert round_["outcome"].startswith("campaign 1 round 1: 3 assignments posted")
    assert round_["cost"] == "1.80"
    before = lines(turkctl)
    assert turkctl("tasks", "run", "nightly").code == 0
    assert lines(turkctl) == before, "there was nothing to approve"


def test_a_batch_that_lost_its_process_stays_in_the_log(
    worked: Path, turkctl: Run, execute: Callable[[str], None]
) -> None:
    execute("UPDATE turkctl_run SET state = 'working', outcome = NULL, ended = NULL WHERE act = 'hits create'")
    (line,) = lines(turkctl, "--act", "create")
    assert line["outcome"] == "1 of 1 done; no end is recorded: it is at work, or was cut short"
    assert line["cost"] == "1.20"


def test_runs_of_an_older_version_are_lines_of_their_own(
    worked: Path, turkctl: Run, execute: Callable[[str], None]
) -> None:
    execute("DELETE FROM turkctl_run WHERE part_of IS NULL")
    execute("UPDATE turkctl_run SET part_of = NULL, account = NULL")
    assert [(line["act"], line["who"], line["outcome"]) for line in lines(turkctl)] == [
        ("hits create", socket.gethostname(), "1 of 1 done")
    ]


def test_the_log_of_other_modes_is_named_and_shown_if_asked_for(
    worked: Path, turkctl: Run, execute: Callable[[str], None]
) -> None:
    execute("UPDATE turkctl_run SET mode = 'live' WHERE act = 'sync' AND part_of IS NULL")
    assert "1 more in other modes: --all-modes" in turkctl("log").err
    assert "sync" not in [line["act"] for line in lines(turkctl)]
    assert "sync" in [line["act"] for line in lines(turkctl, "--all-modes")]


@pytest.fixture
def execute(folder: Path) -> Callable[[str], None]:
    """Changes the study's database past the program."""
    import sqlite3
    from contextlib import closing

    def run(statement: str) -> None:
        with closing(sqlite3.connect(folder / "turkctl.db")) as connection, connection:
            connection.execute(statement)

    return run


def test_an_act_that_does_not_exist_is_refused_with_the_nearest(folder: Path, turkctl: Run) -> None:
    refused = turkctl("log", "--act", "aprove", "--json")
    assert (refused.code, "aprove" in refused.err, "did you mean 'approve'" in refused.err) == (2, True, True)
