"""Store recurring tasks and their runs. Any process may create, change or delete a task; one runner claims and runs it.

A task's slots lie on a grid, ``next_run`` and whole intervals from it, or follow a cron line. A claim moves
``next_run`` to the first slot after now, so that missed slots fold into one run and the phase never drifts. All times
are those of the task's world (the market's clock in mode local), not of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, Text, and_, delete, func, insert, or_, select, update
from sqlmodel import Field, Session

from turkctl.schedules import Schedule
from turkctl.store import campaigns
from turkctl.store.base import TurkctlTable, add, changed_one
from turkctl.store.campaigns import CAMPAIGNS
from turkctl.store.types import Json, UtcTime

CAMPAIGN = "campaign"
"""The kind of task that runs a campaign's rounds."""

RUNNING = "running"
OK = "ok"
FAILED = "failed"
ABANDONED = "abandoned"
"""Its process died: found by the next runner."""
INTERRUPTED = "interrupted"
"""Its process was asked to leave."""


class Task(TurkctlTable, table=True):
    """Something to be done again and again."""

    __tablename__ = "turkctl_task"
    __table_args__ = (Index(None, "mode", "paused", "next_run"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=128, unique=True)
    kind: str = Field(max_length=32)
    mode: str = Field(max_length=16)
    market: str | None = Field(default=None, max_length=512)
    """The market it is meant for, where that matters (a campaign's); None: whichever its mode names."""
    every: int
    """Seconds between slots; 0 where ``cron`` says when."""
    options: dict[str, Any] = Field(sa_type=Json)
    paused: bool = False
    next_run: datetime = Field(sa_type=UtcTime)
    requested: datetime | None = Field(default=None, sa_type=UtcTime)
    """Somebody asked for a run beside the grid, at this time; such a run is made even of a paused task."""
    last_run: datetime | None = Field(default=None, sa_type=UtcTime)
    last_status: str | None = Field(default=None, max_length=16)
    last_error: str | None = Field(default=None, sa_type=Text)
    runs: int = 0
    failures: int = 0
    consecutive_failures: int = 0
    campaign_id: int | None = Field(default=None, index=True)
    created: datetime = Field(sa_type=UtcTime)
    cron: str | None = Field(default=None, max_length=200)
    """Minute, hour, day, month and weekday, as in a crontab."""
    timezone: str | None = Field(default=None, max_length=64)
    """The zone in which ``cron`` is read; None: UTC."""

    @property
    def schedule(self) -> Schedule:
        """Return when it is due."""
        return Schedule(timedelta(seconds=self.every) if self.cron is None else None, self.cron, self.timezone)


class TaskRun(TurkctlTable, table=True):
    """One run of a task. It outlives the task, and so keeps its name."""

    __tablename__ = "turkctl_task_run"

    id: int | None = Field(default=None, primary_key=True)
    task_id: int = Field(index=True)
    task: str = Field(max_length=128, index=True)
    mode: str = Field(max_length=16)
    epoch: int
    """Of the lease under which it ran."""
    slot: datetime = Field(sa_type=UtcTime)
    started: datetime = Field(sa_type=UtcTime)
    finished: datetime | None = Field(default=None, sa_type=UtcTime)
    status: str = Field(default=RUNNING, max_length=16, index=True)
    summary: str | None = Field(default=None, sa_type=Text)
    error: str | None = Field(default=None, sa_type=Text)


TASKS = Task.__table__
RUNS = TaskRun.__table__

TURNED_BACK = timedelta(hours=1)
"""A task that ran so much later than now proves that the clock was turned back (the built-in market was reset)."""

TIMING = ("every", "cron", "timezone")
CHANGEABLE = frozenset({"name", *TIMING, "options", "paused", "next_run", "requested", "market"})
"""What :func:`change` may set."""


@dataclass(frozen=True)
class ClaimedRun:
    """A run that is ours to make."""

    task: Task
    run_id: int
    epoch: int
    slot: datetime
    next_run: datetime
    """What the claim set the task's ``next_run`` to."""


@dataclass(frozen=True)
class RunOutcome:
    """The result of a run: a status, its text, and when the task is due again (None: as the claim set it)."""

    status: str
    finished: datetime
    summary: str | None = None
    error: str | None = None
    next_run: datetime | None = None
    setback: bool = False
    """Whether it counts towards the task's failures in a row; else it ends them."""


def create(session: Session, task: Task) -> bool:
    """Store a task; return False if its name is taken."""
    if by_name(session, task.name) is not None:  # writers come one after another, so nobody takes it in between
        return False
    add(session, task)
    return True


def by_name(session: Session, name: str) -> Task | None:
    """Return the task of that name, read anew."""
    return _one(session, TASKS.c.name == name)


def get(session: Session, task_id: int) -> Task | None:
    """Return the task with that id, read anew."""
    return _one(session, TASKS.c.id == task_id)


def of_campaign(session: Session, campaign_id: int) -> Task | None:
    """Return the task that runs a campaign's rounds."""
    return _one(session, TASKS.c.campaign_id == campaign_id)


def list_tasks(session: Session, mode: str | None = None) -> list[Task]:
    """Return all tasks, or those of one mode, the next first."""
    statement = select(Task).order_by(TASKS.c.next_run, TASKS.c.id)
    if mode is not None:
        statement = statement.where(TASKS.c.mode == mode)
    return list(session.scalars(statement, execution_options={"populate_existing": True}))


def modes(session: Session) -> list[str]:
    """Return the modes with tasks that are not paused, or that were asked for."""
    wanted = or_(TASKS.c.paused.is_(False), TASKS.c.requested.is_not(None))
    statement = select(TASKS.c.mode).where(wanted).distinct().order_by(TASKS.c.mode)
    return list(session.connection().execute(statement).scalars())


def due(session: Session, mode: str, now: datetime) -> list[Task]:
    """Return the tasks of a mode that are due or were asked for, longest due first."""
    turned_back = func.coalesce(TASKS.c.last_run, TASKS.c.created) > now + TURNED_BACK
    slot_has_come = and_(TASKS.c.paused.is_(False), or_(TASKS.c.next_run <= now, turned_back))
    statement = select(Task).where(TASKS.c.mode == mode, or_(slot_has_come, TASKS.c.requested.is_not(None)))
    return list(session.scalars(statement.order_by(TASKS.c.next_run, TASKS.c.id)))


def active_campaigns(session: Session) -> int:
    """Return the number of campaigns that recruit, in all modes, leaving out those whose rounds are paused."""
    statement = select(func.count()).select_from(TASKS).join(CAMPAIGNS, CAMPAIGNS.c.id == TASKS.c.campaign_id)
    recruiting = (CAMPAIGNS.c.status == campaigns.ACTIVE, TASKS.c.paused.is_(False))
    return int(session.connection().execute(statement.where(*recruiting)).scalar_one())


def change(session: Session, task: Task, values: Mapping[str, Any]) -> bool:
    """Set :data:`CHANGEABLE` columns of the task as it was read; return False if it was changed or deleted since."""
    assert values.keys() <= CHANGEABLE
    Task.model_validate({**task.model_dump(warnings=False), **values})
    unchanged = [TASKS.c[name] == getattr(task, name) for name in ("name", *TIMING, "options", "paused")]
    if "next_run" in values:
        unchanged.append(TASKS.c.next_run == task.next_run)
    return changed_one(session, update(TASKS).where(TASKS.c.id == task.id, *unchanged).values(**values))


def remove(session: Session, task: Task) -> bool:
    """Delete the task; its history stays. Return False if it was already deleted."""
    found = session.connection().execute(delete(TASKS).where(TASKS.c.id == task.id).returning(TASKS.c.id))
    return found.first() is not None


def claim(session: Session, task: Task, epoch: int, now: datetime) -> ClaimedRun | None:
    """Take the task's run, as the task was read: of any number that try, one gets it.

    Moves ``next_run`` past now and enters the run in the same transaction.

    Returns:
        None when the task was claimed, rescheduled, paused or deleted since it was read, or is not due.
    """
    turned_back = (task.last_run or task.created) > now + TURNED_BACK
    grid = now if turned_back else task.next_run
    by_slot = not task.paused and grid <= now
    if not by_slot and task.requested is None:
        return None
    slot = grid if by_slot or task.requested is None else task.requested
    following = task.schedule.after(grid, now) if by_slot else task.next_run
    asked = TASKS.c.requested.is_(None) if task.requested is None else TASKS.c.requested == task.requested
    unchanged = (TASKS.c.id == task.id, TASKS.c.next_run == task.next_run, TASKS.c.paused == task.paused, asked)
    taken = (
        update(TASKS).where(*unchanged).values(next_run=following, requested=None, last_run=now, last_status=RUNNING)
    )
    if not changed_one(session, taken):
        return None
    values = {"task_id": task.id, "task": task.name, "mode": task.mode, "epoch": epoch, "slot": slot, "started": now}
    entered = session.connection().execute(insert(RUNS).values(**values, status=RUNNING))
    assert entered.inserted_primary_key is not None
    return ClaimedRun(task, int(entered.inserted_primary_key[0]), epoch, slot, following)


def finish(session: Session, claimed: ClaimedRun, outcome: RunOutcome) -> bool:
    """Store the result of a run; return False if the next runner has abandoned it meanwhile."""
    ended = update(RUNS).where(RUNS.c.id == claimed.run_id, RUNS.c.status == RUNNING)
    values = {"status": outcome.status, "finished": outcome.finished}
    if not changed_one(session, ended.values(**values, summary=outcome.summary, error=outcome.error)):
        return False
    failed = outcome.status == FAILED
    count: dict[str, Any] = {"runs": TASKS.c.runs + 1, "failures": TASKS.c.failures + (1 if failed else 0)}
    if outcome.status != INTERRUPTED:
        count["consecutive_failures"] = TASKS.c.consecutive_failures + 1 if outcome.setback else 0
    mine = update(TASKS).where(TASKS.c.id == claimed.task.id)
    session.connection().execute(mine.values(**count, last_status=outcome.status, last_error=outcome.error))
    if outcome.next_run is not None:  # unless somebody rescheduled it while it ran
        as_it_was = [TASKS.c[name] == getattr(claimed.task, name) for name in TIMING]
        moved = mine.where(TASKS.c.next_run == claimed.next_run, *as_it_was)
        session.connection().execute(moved.values(next_run=outcome.next_run))
    return True


def running(session: Session, up_to_epoch: int) -> list[TaskRun]:
    """Return the runs that holders of the lease up to this epoch have not finished."""
    statement = select(TaskRun).where(RUNS.c.status == RUNNING, RUNS.c.epoch <= up_to_epoch).order_by(RUNS.c.id)
    return list(session.scalars(statement))


def last_success(session: Session, task: Task) -> int:
    """Return the id of the task's last run that succeeded; 0 if none did."""
    statement = select(func.max(RUNS.c.id)).where(RUNS.c.task_id == task.id, RUNS.c.status == OK)
    return session.connection().execute(statement).scalar_one() or 0


def abandon(session: Session, run: TaskRun, finished: datetime, error: str) -> bool:
    """Mark a run whose process is gone; its task's own slot comes round again."""
    gone = update(RUNS).where(RUNS.c.id == run.id, RUNS.c.status == RUNNING)
    if not changed_one(session, gone.values(status=ABANDONED, finished=finished, error=error)):
        return False
    task = update(TASKS).where(TASKS.c.id == run.task_id, TASKS.c.last_run == run.started)
    values = {"last_status": ABANDONED, "last_error": error}
    session.connection().execute(task.values(**values, runs=TASKS.c.runs + 1))
    return True


def history(
    session: Session,
    *,
    name: str | None = None,
    mode: str | None = None,
    limit: int | None = None,
    offset: int = 0,
    after: int = 0,
) -> Sequence[TaskRun]:
    """Return runs, newest first; ``offset`` leaves out the newest ones, ``after`` those with an id up to it."""
    statement = select(TaskRun).where(RUNS.c.id > after).order_by(RUNS.c.id.desc())
    if name is not None:
        statement = statement.where(RUNS.c.task == name)
    if mode is not None:
        statement = statement.where(RUNS.c.mode == mode)
    return list(session.scalars(statement.limit(limit).offset(offset or None)))


def _one(session: Session, condition: Any) -> Task | None:
    statement = select(Task).where(condition)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
