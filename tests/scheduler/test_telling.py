"""What the scheduler says and sends: each event once, on standard error and over [notify], whatever dies in between."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from scheduler_support import MINUTE, NOW, Acts, Clock, add_task, run
from study_support import Study, new_study, people

from turkctl.errors import TurkctlError
from turkctl.operations.tasks.kinds import RunSummary
from turkctl.store import notices, tasks
from turkctl.store.engine import Database

Run = Callable[..., Any]

# --- a task that fails


def written(database: Database) -> list[tuple[str, str | None, str]]:
    with database.read() as session:
        rows = session.connection().execute(notices.NOTICES.select().order_by(notices.NOTICES.c.id))
        return [(row.event, row.task, row.message) for row in rows]


def test_a_task_that_goes_on_failing_is_one_event_until_it_succeeds(database: Database) -> None:
    clock, acts = Clock(), Acts(sync=TurkctlError("no answer", hint="wait"))
    add_task(database, "sync", every=60)
    for _ in range(3):
        run(database, clock, acts)
        clock.advance(timedelta(hours=2))
    ((event, task, message),) = written(database)
    assert (event, task) == ("task_failed", "sync")
    assert message == "task sync failed: error: no answer; wait; it runs again at 2026-11-22T09:01:00Z"
    acts.by_name["sync"] = RunSummary("done")
    run(database, clock, acts)
    acts.by_name["sync"] = RunSummary("9 of 10 done", error="1 failed")
    clock.advance(timedelta(hours=2))
    run(database, clock, acts)
    assert len(written(database)) == 2
    assert "failed: 1 failed; 9 of 10 done; it runs again" in written(database)[-1][2]


def test_another_task_of_the_same_name_and_number_has_its_own_failures(database: Database) -> None:
    clock, acts = Clock(), Acts(sync=ValueError("no"))
    for turn in range(2):
        add_task(database, "sync", created=NOW + turn * MINUTE, next_run=NOW)
        run(database, clock, acts)
        with database.write() as session:
            task = tasks.by_name(session, "sync")
            assert task is not None
            tasks.remove(session, task)
    assert len(written(database)) == 2


def test_a_run_that_is_interrupted_or_abandoned_is_no_event(database: Database) -> None:
    add_task(database, "sync")
    run(database, Clock(), Acts(sync=RunSummary("5 of 9 done", interrupted=True)))
    assert written(database) == []


# --- what is said, and what cron and systemd get

PROJECT = """
[experiments.stroop]
code_version = "1.0"
title = "Name the colour of a word"
description = "A ten-minute reading task."
reward = "0.50"
duration = "30m"
lifetime = "10d"
external_url = "https://lab.example.org/pub"
"""


@pytest.fixture
def project(folder: Path, turkctl: Run) -> Path:
    """A project with one experiment, configured."""
    (folder / "turkctl.toml").write_text(PROJECT, encoding="utf-8")
    assert turkctl("experiments", "configure").code == 0
    return folder


def notify(project: Path, *command: str) -> None:
    text = (project / "turkctl.toml").read_text(encoding="utf-8").partition("[notify]")[0]
    section = f"[notify]\ncommand = {json.dumps(shlex.join(command))}\n"
    (project / "turkctl.toml").write_text(text + section, encoding="utf-8")


APPEND = (sys.executable, "-c", "import sys; open('told', 'a').write(sys.stdin.read())")
FAIL = (sys.executable, "-c", "import sys; sys.exit('no mail server')")


def told(project: Path) -> list[str]:
    file = project / "told"
    return [json.loads(line)["event"] for line in file.read_text().splitlines()] if file.exists() else []


def met(turkctl: Run, project: Path) -> None:
    """A campaign whose next round finds its goal met."""
    assert turkctl("campaign", "create", "--goal", "1", "-q").code == 0
    assert turkctl("campaign", "run", "1", "-q").code == 0
    crowd = ("--workers", "3", "--seed", "1", "--drop-out", "0", "--abandon", "0")
    assert turkctl("market", "crowd", *crowd).code == 0
    assert turkctl("market", "clock", "--advance", "31m").code == 0


def commands(turkctl: Run) -> Iterator[tuple[str, str]]:
    """The command of the crontab line as cron's shell gets it, and that of the unit with an end."""
    cron = turkctl("scheduler", "unit", "--cron").out
    yield "cron", cron.split(" ", 5)[5].replace(r"\%", "%")
    unit = turkctl("scheduler", "unit", "--systemd").out
    line = next(line for line in unit.splitlines() if line.startswith("ExecStart=")).removeprefix("ExecStart=")
    yield "systemd", f"{line} --until-idle --poll 1s"


def shell(command: str, project: Path) -> tuple[int, str, str]:
    finished = subprocess.run(
        ["/bin/sh", "-c", command], cwd=project, capture_output=True, text=True, timeout=100, check=False
    )
    return finished.returncode, finished.stdout, finished.stderr


def test_cron_and_systemd_get_nothing_while_all_is_well_and_a_line_for_what_fails(turkctl: Run, project: Path) -> None:
    for name, command in commands(turkctl):
        assert shell(command, project) == (0, "", ""), f"{name}, with nothing due"
        assert turkctl("tasks", "create", "sync", "--every", "1h", "--name", f"sync-{name}").code == 0
        assert shell(command, project) == (0, "", ""), f"{name}, with a task that succeeds"
        live = ("--mode", "live")
        assert turkctl("tasks", "create", "expire", "--every", "1h", "--all", "--name", name, *live).code == 0
        code, out, err = shell(f"AWS_EC2_METADATA_DISABLED=true {command}", project)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert err.startswith(f"task {name} failed: credentials: ")
        assert err.endswith(" (mode live)\n")
        assert turkctl("tasks", "delete", name, *live).code == 0


def test_an_event_is_said_once_even_when_quiet(turkctl: Run, project: Path) -> None:
    met(turkctl, project)
    first = turkctl("scheduler", "run", "--once", "-q")
    assert (first.code, first.out) == (0, "")
    assert first.err == "campaign 1 of stroop has met its goal with 1 of 1 people\n"
    assert turkctl("scheduler", "run", "--once", "-q").err == ""


def test_results_are_sentences_on_standard_error_and_in_the_history(turkctl: Run, project: Path) -> None:
    assert turkctl("campaign", "create", "--goal", "12", "-q").code == 0
    assert turkctl("tasks", "create", "sync", "--every", "1h").code == 0
    ran = turkctl("scheduler", "run", "--once")
    posted = "campaign 1: 0 of 12 people, posted 9 for $5.40"
    synced = "checked 1 HIT: 0 changed, 0 new assignments"
    assert ran.err.splitlines() == [posted, f"sync: {synced}"]
    assert ran.out == "2 runs of tasks\n"
    rows = json.loads(turkctl("tasks", "history", "--json").out)
    assert [row["summary"] for row in rows] == [synced, posted]
    assert turkctl("scheduler", "run", "--once").out == "no task was due\n"


def test_the_log_for_machines_is_one_object_a_line(turkctl: Run, project: Path) -> None:
    met(turkctl, project)
    ran = turkctl("scheduler", "run", "--once", "-o", "jsonl")
    lines = [json.loads(line) for line in ran.err.splitlines()]
    names = [line["event"] for line in lines]
    assert names == ["lease_acquired", "run_started", "run_finished", "campaign_met", "lease_released"]
    assert all(list(line)[:3] == ["time", "level", "event"] for line in lines)
    finished, event = lines[2], lines[3]
    assert (finished["status"], finished["summary"]) == ("ok", "campaign 1: 1 of 1 person, the goal is met")
    assert (event["level"], event["campaign"], event["experiment"]) == ("notice", 1, "stroop")
    assert json.loads(ran.out) == {"runs": 1, "failing": []}
    assert "event" not in turkctl("scheduler", "run", "--once", "--json").err


# --- what is sent


def test_an_event_is_sent_once_and_kept_while_the_program_fails(turkctl: Run, project: Path) -> None:
    met(turkctl, project)
    notify(project, *FAIL)
    failed = turkctl("scheduler", "run", "--once", "-q")
    assert failed.code == 1
    said, lost = failed.err.splitlines()
    assert said.startswith("campaign 1 of stroop has met its goal")
    assert lost.startswith(f"cannot send 1 notice to command: {sys.executable} failed with exit code 1: no mail server")
    assert "; check notify.command, then run: turkctl notify test; it is tried again at 20" in lost
    notify(project, *APPEND)
    assert turkctl("scheduler", "run", "--once", "-q").code == 0
    assert told(project) == [], "the pause is not over"
    make_due(project)
    for _ in range(2):
        assert turkctl("scheduler", "run", "--once", "-q").err == ""
    assert told(project) == ["campaign_met"]


def make_due(project: Path) -> None:
    """As if all pauses and claims had run out."""
    with closing(sqlite3.connect(project / "turkctl.db")) as database, database:
        database.execute("UPDATE turkctl_notice SET due = written")


def test_what_happens_without_the_scheduler_is_sent_by_the_next(turkctl: Run, project: Path) -> None:
    met(turkctl, project)
    notify(project, *APPEND)
    assert turkctl("campaign", "run", "1", "-q").code == 0
    assert told(project) == []
    assert turkctl("scheduler", "run", "--once", "-q").code == 0
    assert told(project) == ["campaign_met"]


KILLS = """
import os, pathlib, signal, sys
if not pathlib.Path('killed').exists():
    pathlib.Path('killed').touch()
    os.kill(os.getppid(), signal.SIGKILL)
    sys.exit()
open('told', 'a').write(sys.stdin.read())
"""


def test_a_scheduler_that_is_killed_while_it_sends_leaves_the_event_to_the_next(turkctl: Run, project: Path) -> None:
    met(turkctl, project)
    (project / "kills.py").write_text(KILLS, encoding="utf-8")
    notify(project, sys.executable, "kills.py")
    command = [sys.executable, "-m", "turkctl", "scheduler", "run", "--once"]
    killed = subprocess.run(command, cwd=project, capture_output=True, timeout=100, check=False, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    assert turkctl("campaign", "list", "--json").out.count('"met"') == 1
    assert turkctl("scheduler", "run", "--once", "-q").code == 0
    assert told(project) == [], "the dead one may still be at it"
    make_due(project)
    for _ in range(2):
        assert turkctl("scheduler", "run", "--once", "-q").code == 0
    assert told(project) == ["campaign_met"]


def test_deadlines_are_looked_for_in_the_mode_of_the_settings_without_a_task(turkctl: Run, project: Path) -> None:
    notify(project, *APPEND)
    assert turkctl("hits", "create", "--assignments", "3", "-q").code == 0
    assert turkctl("market", "clock", "--advance", "8d").code == 0
    assert turkctl("scheduler", "run", "--once", "-q").err == ""
    assert turkctl("market", "clock", "--advance", "25h").code == 0
    ran = turkctl("scheduler", "run", "--once", "-q")
    assert ran.err.startswith("1 HIT of stroop with open places expires at 20")
    assert told(project) == ["expiry"]


def test_a_task_run_by_hand_says_in_a_sentence_that_it_failed(turkctl: Run, project: Path) -> None:
    live = ("--mode", "live")
    assert turkctl("tasks", "create", "expire", "--every", "1h", "--all", *live).code == 0
    ran = turkctl("tasks", "run", "expire", *live)
    assert ran.code == 1
    assert ran.err.startswith("task expire failed: credentials: ")


def test_a_quiet_act_says_only_what_failed(turkctl: Run, project: Path) -> None:
    assert turkctl("hits", "create", "--assignments", "1", "-q").out == ""
    assert turkctl("sync", "-q").out == ""
    for _ in range(2):  # the second time it is skipped
        done = turkctl("hits", "expire", "--all", "-q")
        assert (done.code, done.out, done.err) == (0, "", "")
    assert "skipped" in turkctl("hits", "expire", "--all").out
    failed = turkctl("hits", "expire", "3NOSUCHHIT0000000000000000000", "-q")
    assert failed.code == 1
    assert "3NOSUCHHIT0000000000000000000" in failed.out
    assert "expire:" not in failed.out
    plan = turkctl("hits", "create", "--assignments", "1", "--dry-run", "-q")
    assert "would create 1 of 1" in plan.out


@pytest.mark.parametrize(
    "acts",
    [
        ["experiments configure", "qualifications create German --description Speaks_German"],
        ["campaigns create --goal 3", "campaigns update 1 --goal 4", "campaigns cancel 1"],
        [
            "tasks create sync --every 1h", "tasks update sync --every 2h", "tasks pause sync", "tasks resume sync",
            "tasks run sync", "tasks delete sync",
        ],
        ["content add items.csv --experiment stroop", "labels import votes.csv --experiment stroop"],
        ["labels set a true --experiment stroop", "labels mark-dirty stroop"],
    ],
    ids=lambda acts: acts[0].partition(" --")[0],
)  # fmt: skip
def test_what_an_act_made_is_not_shown_if_it_is_quiet(turkctl: Run, project: Path, acts: list[str]) -> None:
    (project / "items.csv").write_text("key\na\n")
    (project / "votes.csv").write_text("item,worker,label\na,ann,true\n")
    if acts[0].startswith("labels"):
        assert turkctl("labels", "import", "votes.csv", "--experiment", "stroop").code == 0
    for act in acts:
        done = turkctl(*act.split(), "-q")
        assert (done.code, done.out, done.err) == (0, "", ""), act


def test_a_quiet_plan_is_shown(turkctl: Run, project: Path) -> None:
    (project / "items.csv").write_text("key\na\n")
    assert "added" in turkctl("content", "add", "items.csv", "--experiment", "stroop", "--dry-run", "-q").out
    assert "stroop" in turkctl("experiments", "configure", "--dry-run", "-q").out


def test_once_fails_if_the_market_cannot_say_what_is_due(turkctl: Run, project: Path) -> None:
    assert turkctl("tasks", "create", "sync", "--every", "1h", "-q").code == 0
    (project / "turkctl-market.db").write_text("this is no database")
    for how in ("--once", "--until-idle"):
        ran = turkctl("scheduler", "run", how, "-q")
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("the tasks of mode local are left out: ")


# --- a round in words


def test_each_outcome_of_a_round_is_a_sentence(tmp_path: Path) -> None:
    from turkctl.scheduler.kinds import round_in_words

    with new_study(tmp_path, turned=True) as study:
        study.create(2, per_round=2)
        assert round_in_words(study.round()) == "campaign 1: 0 of 2 people, posted 2 for $1.20"
        waiting = "campaign 1: 0 of 2 people, posted nothing: 0 completed and 2 outstanding: enough for the goal of 2"
        assert round_in_words(study.round()) == waiting
        work_all(study)
        assert round_in_words(study.round()) == "campaign 1: 2 of 2 people, the goal is met"
        assert round_in_words(study.round()) == "campaign 1: it is met"


def work_all(study: Study) -> None:
    study.work(people())
