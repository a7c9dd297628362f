"""A clock moved by hand, a lease that holds as the test says, and tasks that do what the test says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session

from turkctl.operations.tasks.kinds import RunSummary
from turkctl.scheduler.due import SchedulerReport, run_due
from turkctl.scheduler.lease import LeaseLostError
from turkctl.store import tasks
from turkctl.store.engine import Database
from turkctl.store.leases import Claimant
from turkctl.store.tasks import Task, TaskRun

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Clock:
    """Time that passes only when a test says so; tells it to whoever asks, in whatever way."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self, _whose: object = None) -> datetime:
        return self.time

    def seconds(self) -> float:
        return self.time.timestamp()

    def advance(self, by: timedelta) -> None:
        self.time += by


class FreeLease:
    """A lease that holds until the test says otherwise."""

    def __init__(self, epoch: int = 1) -> None:
        self.epoch = epoch
        self.lost = False

    def renew_in(self, _session: Session) -> None:
        if self.lost:
            raise LeaseLostError


class Acts:
    """Does tasks as the test says: by name, a summary, an exception to raise, or a function to call."""

    def __init__(self, **by_name: Any) -> None:
        self.by_name = by_name
        self.done: list[str] = []

    def __call__(self, task: Task, _now: datetime) -> RunSummary:
        self.done.append(task.name)
        what = self.by_name.get(task.name, RunSummary("done"))
        if callable(what):
            what = what()
        if isinstance(what, BaseException):
            raise what
        return what or RunSummary("done")


def claimant(owner: str, **changes: Any) -> Claimant:
    values: dict[str, Any] = {
        "owner": owner,
        "host": "lab-server",
        "pid": 4711,
        "boot_id": "boot-1",
        "pid_namespace": "pid:[1]",
        "started": "12345",
    }
    return Claimant(**values | changes)


def add_task(database: Database, name: str, **changes: Any) -> None:
    values: dict[str, Any] = {
        "name": name,
        "kind": "sync",
        "mode": "local",
        "every": 600,
        "options": {},
        "next_run": NOW,
        "created": NOW,
    }
    with database.write() as session:
        assert tasks.create(session, Task(**values | changes))


def read_task(database: Database, name: str) -> Task:
    with database.read() as session:
        found = tasks.by_name(session, name)
    assert found is not None
    return found


def past_runs(database: Database, name: str | None = None) -> list[TaskRun]:
    with database.read() as session:
        return list(reversed(tasks.history(session, name=name)))


def run(database: Database, clock: Clock, acts: Acts, **options: Any) -> int:
    chosen: dict[str, Any] = {"lease": FreeLease(), "stopped": lambda: False, "report": SchedulerReport()}
    return run_due(database, clock, acts, **chosen | options)
