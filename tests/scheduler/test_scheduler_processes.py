"""Schedulers as processes of their own, on one database."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from scheduler_support import add_task, past_runs

from turkctl.context import Context
from turkctl.errors import DatabaseUnreachableError
from turkctl.settings import load
from turkctl.store import leases, tasks
from turkctl.store.engine import Database

LIMIT = 60.0
"""Seconds that a test waits for something at most."""


class Lab:
    """A project folder and the schedulers started in it, none of which outlives the test."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.context = Context(load({"database_url": url}, {}, folder))
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "turkctl", "scheduler", "run", "--database-url", self.url, "--poll", "1s"]
        process = subprocess.Popen(
            [*command, *options],
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.started.append(process)
        return process

    def holder(self) -> int | None:
        with self.context.database.read() as session:
            row = leases.holder(session, leases.machine_clock(session))
        return None if row is None else row.pid

    def add_task(self, name: str, kind: str = "expire") -> None:
        """A task that is due now and then not for a day."""
        now = self.context.now()
        options = {"all": True} if kind == "expire" else {}
        add_task(self.context.database, name, kind=kind, options=options, every=86400, next_run=now, created=now)

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=LIMIT)
        self.context.close()


@pytest.fixture
def lab(tmp_path: Path, url: str) -> Iterator[Lab]:
    made = Lab(tmp_path, url)
    made.context.database  # noqa: B018  # makes the tables, which is not what is raced for here
    yield made
    made.close()


def until(condition: Callable[[], bool], *watched: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if condition():
            return
        for process in watched:
            if process.poll() is not None:
                pytest.fail(f"it ended with {process.returncode}: {process.stderr.read() if process.stderr else ''}")
        time.sleep(0.05)
    pytest.fail("it did not come to pass")


def test_sigterm_ends_a_scheduler_with_0_and_its_lease(lab: Lab) -> None:
    lab.add_task("expire")
    process = lab.start("-o", "jsonl")
    until(lambda: bool(past_runs(lab.context.database)), process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0
    assert lab.holder() is None
    assert [run.status for run in past_runs(lab.context.database)] == ["ok"]
    assert json.loads(out) == {"runs": 1, "failing": []}
    lines = [json.loads(line) for line in err.splitlines()]
    assert all(line["time"] and line["level"] for line in lines), err
    assert lines[-1]["event"] == "lease_released"


@pytest.mark.slow
def test_of_two_schedulers_started_at_once_one_runs_and_the_other_names_it(lab: Lab) -> None:
    lab.add_task("expire")
    both = [lab.start("--json"), lab.start("--json")]
    until(lambda: any(process.poll() is not None for process in both))
    (refused,) = [process for process in both if process.poll() is not None]
    (running,) = [process for process in both if process.poll() is None]
    _, err = refused.communicate(timeout=LIMIT)
    assert refused.returncode == 3
    error = json.loads(err.splitlines()[-1])["error"]
    assert error["code"] == "scheduler_running"
    assert f"process {running.pid} on {socket.gethostname()}" in error["message"]
    until(lambda: bool(past_runs(lab.context.database)), running)
    assert lab.holder() == running.pid
    assert len(past_runs(lab.context.database)) == 1


@pytest.mark.slow
def test_after_kill_9_the_next_scheduler_on_this_host_starts_at_once(lab: Lab) -> None:
    first = lab.start()
    until(lambda: lab.holder() == first.pid, first)
    first.kill()
    first.communicate(timeout=LIMIT)
    assert lab.holder() == first.pid, "the lease itself has not run out"
    lab.add_task("expire")
    second = lab.start()
    until(lambda: bool(past_runs(lab.context.database)), second)
    assert lab.holder() == second.pid
    assert [run.epoch for run in past_runs(lab.context.database)] == [2]


@pytest.mark.slow
def test_a_running_scheduler_notices_what_other_processes_create_change_and_delete(lab: Lab) -> None:
    process = lab.start()
    until(lambda: lab.holder() == process.pid, process)
    lab.add_task("expire")
    until(lambda: [run.task for run in past_runs(lab.context.database)] == ["expire"], process)
    with lab.context.database.write() as session:
        task = tasks.by_name(session, "expire")
        assert task is not None
        assert tasks.change(session, task, {"every": 1, "next_run": lab.context.now()})
    until(lambda: len(past_runs(lab.context.database)) > 2, process)
    with lab.context.database.write() as session:
        tasks.remove(session, task)
    lab.add_task("after")
    until(lambda: bool(past_runs(lab.context.database, "after")), process)
    ran = len(past_runs(lab.context.database, "expire"))
    lab.add_task("later")
    until(lambda: bool(past_runs(lab.context.database, "later")), process)
    assert len(past_runs(lab.context.database, "expire")) == ran


@pytest.mark.slow
def test_ctrl_c_ends_a_scheduler_with_130(lab: Lab) -> None:
    process = lab.start()
    until(lambda: lab.holder() == process.pid, process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert lab.holder() is None


def freeze(process: subprocess.Popen[str], database: Database) -> None:
    """Stop a process between two of its transactions: within one it would keep everybody else from writing."""
    for _ in range(20):
        process.send_signal(signal.SIGSTOP)
        try:
            with database.write() as session:
                session.connection()
            return
        except DatabaseUnreachableError:  # it holds the lock
            process.send_signal(signal.SIGCONT)
    raise AssertionError("the process is never between two transactions")


@pytest.mark.slow
def test_a_stopped_scheduler_that_was_succeeded_runs_nothing_when_it_goes_on(lab: Lab) -> None:
    frozen = lab.start()
    until(lambda: lab.holder() == frozen.pid, frozen)
    freeze(frozen, lab.context.database)
    try:
        with lab.context.database.write() as session:  # as if so much time had gone by
            values = {"expires": leases.machine_clock(session) - timedelta(seconds=1)}
            session.connection().execute(leases.LEASES.update().values(**values))
        second = lab.start()
        until(lambda: lab.holder() == second.pid, second)
        lab.add_task("expire")
    finally:
        frozen.send_signal(signal.SIGCONT)
    _, err = frozen.communicate(timeout=LIMIT)
    assert frozen.returncode == 3, err
    assert f"process {second.pid} on" in err
    until(lambda: bool(past_runs(lab.context.database)), second)
    assert [run.epoch for run in past_runs(lab.context.database)] == [2]
