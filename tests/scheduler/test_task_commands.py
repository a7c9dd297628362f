"""``turkctl tasks`` and ``turkctl scheduler`` in process, on a study on the built-in market."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import select

from turkctl.context import Context
from turkctl.scheduler.runner import Runner
from turkctl.settings import load
from turkctl.store import assignments, tasks

PROJECT = """
[experiments.stroop]
code_version = "1.0"
title = "Name the colour of a word"
description = "A ten-minute reading task."
reward = "0.50"
duration = "30m"
lifetime = "24h"
auto_approval_delay = "3d"
external_url = "https://lab.example.org/pub"
"""


class Finished(Protocol):
    code: int
    out: str
    err: str


Turkctl = Callable[..., Finished]


@pytest.fixture
def study(turkctl: Turkctl, folder: Path) -> Turkctl:
    """A project with one experiment, configured."""
    (folder / "turkctl.toml").write_text(PROJECT)
    assert turkctl("experiments", "configure").code == 0
    return turkctl


@pytest.fixture
def world(folder: Path) -> Iterator[Context]:
    """The same project, as another process would open it."""
    made = Context(load({}, {}, folder))
    yield made
    made.close()


def told(finished: Finished) -> Any:
    assert finished.code == 0, finished.err
    return json.loads(finished.out)


ROW = ["name", "kind", "mode", "every", "paused", "next_run", "last_run", "last_status", "runs", "failures"]


def test_a_task_is_created_listed_shown_changed_and_deleted(study: Turkctl) -> None:
    made = told(study("tasks", "create", "approve-all", "--every", "30m", "--experiment", "stroop", "--json"))
    assert list(made)[: len(ROW)] == ROW
    assert (made["name"], made["kind"], made["mode"], made["every"]) == ("approve-all", "approve-all", "local", "30m")
    assert (made["paused"], made["last_run"], made["runs"], made["failures"]) == (False, None, 0, 0)
    assert told(study("task", "list", "--json")) == [made]
    shown = told(study("tasks", "show", "approve-all", "--json"))
    assert shown["options"] == {"experiment": "stroop"}
    changed = told(study("tasks", "update", "approve-all", "--every", "1h", "--name", "pay", "--all", "--json"))
    assert (changed["name"], changed["every"]) == ("pay", "1h")
    assert changed["next_run"] > made["next_run"]
    assert told(study("tasks", "show", "pay", "--json"))["options"] == {"all": True}
    paused = told(study("tasks", "pause", "pay", "--json"))
    assert (paused["paused"], paused["next_run"]) == (True, None), "no run comes"
    resumed = told(study("tasks", "resume", "pay", "--json"))
    assert (resumed["paused"], resumed["next_run"]) == (False, changed["next_run"])
    assert told(study("tasks", "delete", "pay", "--json"))["name"] == "pay"
    assert told(study("tasks", "list", "--json")) == []


def test_an_empty_text_removes_an_option(study: Turkctl) -> None:
    assert study("tasks", "create", "approve-all", "--every", "1h", "--all", "--feedback", "Thanks").code == 0
    assert study("tasks", "update", "approve-all", "--feedback", "").code == 0
    assert told(study("tasks", "show", "approve-all", "--json"))["options"] == {"all": True}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bonus-auto", "--every", "1h"], "a task of kind bonus-auto needs a selection"),
        (["dispatch", "--every", "1h", "--campaign", "7"], "a task of kind dispatch has no --campaign"),
        (["dispatch", "--every", "1h", "--experiment", "strop"], "no experiment 'strop'"),
        (["dump", "--every", "1h"], "kinds are approve-all, bonus-auto, sync, dispatch, aggregate-labels, expire"),
        (["aggregate-labels", "--every", "1h", "--method", "cuban"], "there is no method 'cuban'"),
        (["aggregate-labels", "--every", "1h", "--campaign", "7"], "has no --campaign; it takes --regex"),
        (["sync", "--every", "1h", "--min-votes", "3"], "has no --min-votes"),
        (["snyc", "--every", "1h"], "did you mean 'sync'?"),
        (["campaign", "--every", "1h"], "turkctl campaigns create"),
        (["sync", "--every", "0s"], "at least 1s"),
        (["sync", "--every", "often"], "is not a duration"),
        (["sync"], "--every"),
        (["sync", "--every", "1h", "--experiment", "stroop"], "it takes --full"),
        (["approve-all", "--every", "1h", "--full"], "has no --full"),
        (["expire", "--every", "1h"], "a task of kind expire needs a selection"),
        (["expire", "--every", "1h", "--experiment", "strop"], "no experiment 'strop'"),
        (["expire", "--every", "1h", "--regex", "("], "not a regular expression"),
        (["expire", "--every", "1h", "--campaign", "7"], "no campaign 7"),
        (["approve-all", "--every", "1h", "--feedback", "x" * 2000], "feedback must have at most"),
        (["sync", "--every", "1h", "--name", "two words"], "no blanks"),
        (["sync", "--every", "1h", "--name", "a\x1b[2Jb"], "is not a valid task name"),
        (["sync", "--every", "1h", "--name", "a\u202eb"], "is not a valid task name"),
        (["sync", "--every", "1h", "--name", "-nightly"], "'-nightly' is not a valid task name"),
        (["sync", "--every", "1h", "--name", "campaign-3"], "is a name for the tasks of campaigns"),
    ],
)
def test_an_invalid_task_is_refused_with_what_to_do(study: Turkctl, arguments: list[str], says: str) -> None:
    refused = study("tasks", "create", *arguments)
    assert refused.code == 2
    assert says in refused.err
    assert refused.out == ""
    assert told(study("tasks", "list", "--json")) == []


def test_a_name_is_taken_once_and_other_modes_get_their_own(study: Turkctl) -> None:
    told(study("tasks", "create", "sync", "--every", "1h", "--json"))
    again = study("tasks", "create", "sync", "--every", "1h")
    assert again.code == 2
    assert "turkctl tasks update sync" in again.err
    assert told(study("tasks", "create", "sync", "--every", "1h", "--mode", "live", "--json"))["name"] == "sync-live"


def test_tasks_of_another_mode_are_neither_listed_nor_touched_without_saying_so(study: Turkctl) -> None:
    told(study("tasks", "create", "sync", "--every", "1h", "--mode", "sandbox", "--json"))
    listed = study("tasks", "list", "--json")
    assert told(listed) == []
    assert "1 more task in other modes: --all-modes" in listed.err
    assert [row["mode"] for row in told(study("tasks", "list", "--all-modes", "--json"))] == ["sandbox"]
    for act in ("show", "pause", "resume", "delete", "run"):
        refused = study("tasks", act, "sync")
        assert refused.code == 3, act
        assert "add --mode sandbox" in refused.err


@pytest.mark.parametrize("act", ["show", "pause", "resume", "delete", "run", "history"])
def test_a_task_that_is_not_there_is_exit_2_naming_the_nearest(study: Turkctl, act: str) -> None:
    told(study("tasks", "create", "sync", "--every", "1h", "--json"))
    refused = study("tasks", act, "synk")
    assert refused.code == 2
    assert "did you mean 'sync'?" in refused.err


def test_an_update_needs_something_to_change_and_leaves_other_options_alone(study: Turkctl) -> None:
    told(study("tasks", "create", "approve-all", "--every", "1h", "--feedback", "Thank you", "--all", "--json"))
    assert study("tasks", "update", "approve-all").code == 2
    told(study("tasks", "update", "approve-all", "--experiment", "stroop", "--json"))
    options = told(study("tasks", "show", "approve-all", "--json"))["options"]
    assert options == {"experiment": "stroop", "feedback": "Thank you"}
    assert study("tasks", "update", "approve-all", "--full").code == 2


def _submitted(study: Turkctl, world: Context, *workers: str) -> str:
    """A HIT that workers have done, unknown to the database."""
    made = told(study("hits", "create", "--assignments", "5", "--json"))
    hit_id = str(made["results"][0]["id"])
    for worker in workers:
        world.market.register_worker("production", worker)
        accepted = world.market.accept("production", worker, hit_id)
        world.market.submit("production", worker, str(accepted["AssignmentId"]), {"answer": "red"})
    return hit_id


def _statuses(world: Context) -> list[str]:
    with world.database.read() as session:
        return sorted(session.connection().execute(select(assignments.ASSIGNMENTS.c.status)).scalars())


def test_due_tasks_do_what_their_kinds_say(study: Turkctl, world: Context) -> None:
    hit_id = _submitted(study, world, "AW1", "AW2")
    told(study("tasks", "create", "approve-all", "--every", "30m", "--json"))
    told(study("tasks", "create", "sync", "--every", "30m", "--json"))
    told(study("tasks", "create", "expire", "--every", "30m", "--experiment", "stroop", "--json"))
    ran = study("scheduler", "run", "--once", "--json")
    assert told(ran) == {"runs": 3, "failing": []}
    runs = {row["task"]: row for row in told(study("tasks", "history", "--json"))}
    assert {name: row["status"] for name, row in runs.items()} == dict.fromkeys(("approve-all", "sync", "expire"), "ok")
    assert runs["approve-all"]["summary"] == "approved 2 submissions"
    assert _statuses(world) == ["Approved", "Approved"]
    assert told(study("hits", "show", hit_id, "--json"))["expired"] is True
    assert list(runs["sync"])[:6] == ["task", "started", "finished", "status", "summary", "error"]
    assert told(study("scheduler", "run", "--once", "--json"))["runs"] == 0
    world.market.advance(timedelta(minutes=30))
    assert told(study("scheduler", "run", "--once", "--json"))["runs"] == 3


def test_a_failing_task_is_exit_1_and_shown_with_its_error(study: Turkctl, world: Context) -> None:
    _submitted(study, world, "AW1")
    told(study("tasks", "create", "sync", "--every", "30m", "--json"))
    told(study("tasks", "create", "expire", "--every", "30m", "--all", "--mode", "live", "--json"))
    ran = study("scheduler", "run", "--once", "--json")
    assert ran.code == 1
    assert json.loads(ran.out) == {"runs": 2, "failing": ["expire"]}
    (row,) = told(study("tasks", "list", "--mode", "live", "--json"))
    assert (row["last_status"], row["failures"]) == ("failed", 1)
    assert row["last_error"].startswith("credentials: ")
    assert told(study("tasks", "show", "sync", "--json"))["last_status"] == "ok"


def test_a_task_is_run_by_hand(study: Turkctl, world: Context) -> None:
    _submitted(study, world, "AW1")
    told(study("tasks", "create", "approve-all", "--every", "1d", "--json"))
    told(study("tasks", "pause", "approve-all", "--json"))
    made = told(study("tasks", "run", "approve-all", "--json"))
    assert (made["status"], made["summary"]) == ("ok", "approved 1 submission")
    shown = told(study("tasks", "show", "approve-all", "--json"))
    assert (shown["paused"], shown["runs"], shown["requested"]) == (True, 1, None)
    assert [run["status"] for run in shown["last_runs"]] == ["ok"]


def test_until_idle_runs_what_is_due_and_ends(study: Turkctl) -> None:
    told(study("tasks", "create", "sync", "--every", "1h", "--json"))
    ran = study("scheduler", "run", "--until-idle", "--poll", "1s", "--json")
    assert told(ran) == {"runs": 1, "failing": []}
    assert ran.err.splitlines()[0] == "the scheduler looks for due tasks every 1s, until Ctrl-C or SIGTERM"


def test_a_campaigns_rounds_are_run_until_its_goal_is_met(study: Turkctl, world: Context) -> None:
    made = study("campaign", "create", "--goal", "2", "--every", "30m", "--json")
    assert made.code == 0, made.err
    (task,) = told(study("tasks", "list", "--json"))
    assert (task["name"], task["kind"], task["every"]) == ("campaign-1", "campaign", "30m")
    assert study("tasks", "delete", "campaign-1").code == 3
    assert study("tasks", "update", "campaign-1", "--every", "1h").code == 2
    assert told(study("scheduler", "run", "--once", "--json"))["runs"] == 1
    (hit,) = told(study("hits", "list", "--json"))
    for worker in ("AW1", "AW2"):
        world.market.register_worker("production", worker)
        accepted = world.market.accept("production", worker, hit["hit_id"])
        world.market.submit("production", worker, str(accepted["AssignmentId"]), {"answer": "red"})
    world.market.advance(timedelta(minutes=30))
    assert told(study("scheduler", "run", "--until-idle", "--json")) == {"runs": 1, "failing": []}
    assert told(study("campaign", "show", "1", "--json"))["status"] == "met"
    assert told(study("tasks", "list", "--json")) == []
    assert [row["status"] for row in told(study("tasks", "history", "campaign-1", "--json"))] == ["ok", "ok"]


def test_scheduler_status_says_that_nobody_runs_and_what_is_next(study: Turkctl) -> None:
    state = study("scheduler", "status", "--json")
    assert state.code == 3
    assert json.loads(state.out)["running"] is False
    made = told(study("tasks", "create", "sync", "--every", "1h", "--json"))
    state = study("scheduler", "status", "--json")
    found = json.loads(state.out)
    assert (found["next_task"], found["next_run"], found["host"]) == ("sync", made["next_run"], None)


def test_a_poll_of_nothing_is_refused(study: Turkctl) -> None:
    refused = study("scheduler", "run", "--poll", "0s")
    assert refused.code == 2
    assert "at least 1s" in refused.err


def test_quiet_logs_only_what_goes_wrong(study: Turkctl) -> None:
    told(study("tasks", "create", "sync", "--every", "1h", "--json"))
    ran = study("scheduler", "run", "--once", "--quiet")
    assert (ran.code, ran.err) == (0, "")


def test_a_request_that_is_not_repeated_because_of_sigterm_leaves_the_run_interrupted(
    study: Turkctl, world: Context
) -> None:
    _submitted(study, world, "AW1")
    told(study("tasks", "create", "sync", "--every", "30m", "--json"))
    runner = Runner(world)

    def cut_off(_operation: str) -> None:
        runner.stop.set()
        raise RuntimeError("the market falls over")

    world.endpoint.before = cut_off
    assert runner.once().failing == set()
    world.endpoint.before = None
    with world.database.read() as session:
        (run,) = tasks.history(session)
    assert run.status == "interrupted"
    assert Runner(world).once().runs == 1
    assert _statuses(world) == ["Submitted"]


def test_a_cron_line_says_when_a_task_is_due(study: Turkctl, world: Context) -> None:
    nine = ("--cron", "0 9 * * mon-fri", "--timezone", "Europe/Berlin")
    made = told(study("tasks", "create", "sync", *nine, "--json"))
    assert (made["every"], made["cron"], made["timezone"]) == (None, "0 9 * * mon-fri", "Europe/Berlin")
    assert made["next_run"] > made_at(world), "not at once, as an interval is"
    assert Runner(world).once().runs == 0
    world.market.advance(timedelta(days=4))
    assert Runner(world).once().runs == 1, "missed times fold into one run"
    after = told(study("tasks", "list", "--json"))[0]
    assert (after["runs"], after["next_run"] > made["next_run"]) == (1, True)
    changed = told(study("tasks", "update", "sync", "--every", "1h", "--json"))
    assert (changed["every"], changed["cron"], changed["timezone"]) == ("1h", None, None)


def made_at(world: Context) -> str:
    return world.now().strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ((), "--every 30m, or --cron"),
        (("--every", "1h", "--cron", "0 9 * * *"), "--every and --cron cannot be used together"),
        (("--every", "1h", "--timezone", "Europe/Berlin"), "give --cron too"),
        (("--cron", "0 9 * *"), "has 4 fields; it must have five"),
        (("--cron", "0 9 * * *", "--timezone", "Europe/Atlantis"), "Europe/Atlantis"),
    ],
)
def test_a_time_that_is_missing_double_or_invalid_is_refused(study: Turkctl, argv: tuple[str, ...], says: str) -> None:
    refused = study("tasks", "create", "sync", *argv)
    assert refused.code == 2
    assert says in refused.err
    assert told(study("tasks", "list", "--json")) == []
