"""Report on the scheduler: who holds its lease, what is next, and what is due that nobody runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from turkctl.errors import RefusedError
from turkctl.operations.engine.world import World
from turkctl.operations.intents.lease import living_holder
from turkctl.store import leases, tasks
from turkctl.store.leases import LeaseRow
from turkctl.store.tasks import Task
from turkctl.units import format_time
from turkctl.words import counted

POLL = timedelta(seconds=5)
"""How often a scheduler looks for due tasks, unless told otherwise."""
PATIENCE = 2 * POLL
"""How long something may be due before that is worth a warning: any scheduler has looked twice by then."""
START = "turkctl scheduler run (turkctl scheduler unit prints a service and a crontab line)"
"""What to do where nobody runs tasks."""


@dataclass(frozen=True)
class SchedulerState:
    """Who runs tasks, and what should have been run."""

    holder: LeaseRow | None
    """Of the scheduler's lease; None where no scheduler runs. A dead one does not count."""
    waiting: tuple[Task, ...]
    """The tasks of the mode that are not paused, the next first."""
    due: tuple[Task, ...]
    """Those that are due for longer than :data:`PATIENCE`, longest due first."""

    @property
    def unattended(self) -> tuple[Task, ...]:
        """Return what is due although nobody runs tasks."""
        return self.due if self.holder is None else ()


def read_scheduler(session: Session, mode: str, now: datetime) -> SchedulerState:
    """Read the state of the scheduler, and of the tasks of a mode at ``now``."""
    waiting = tuple(task for task in tasks.list_tasks(session, mode) if not task.paused)
    return SchedulerState(
        living_holder(session, leases.SCHEDULER), waiting, tuple(tasks.due(session, mode, now - PATIENCE))
    )


def scheduler_status(world: World) -> dict[str, Any]:
    """Return who holds the scheduler's lease, and which task of this mode is next; a dead holder does not count."""
    with world.database.read() as session:
        row = living_holder(session, leases.SCHEDULER)
        waiting = [task for task in tasks.list_tasks(session) if not task.paused]
    next_task = next((task for task in waiting if task.mode == world.settings.mode), None)
    return {
        "running": row is not None,
        "host": row.host if row else None,
        "pid": row.pid if row else None,
        "since": row.since if row else None,
        "heartbeat": row.heartbeat if row else None,
        "epoch": row.epoch if row else None,
        "tasks": len(waiting),
        "next_task": next_task.name if next_task else None,
        "next_run": next_task.next_run if next_task else None,
    }


def unattended_tasks(world: World) -> list[str]:
    """Return the names of tasks of this mode that are due although no scheduler runs, longest due first."""
    now = world.now()
    with world.database.read() as session:
        return [task.name for task in read_scheduler(session, world.settings.mode, now).unattended]


def scheduler_check(world: World) -> str:
    """Return what ``doctor`` says about the scheduler.

    Raises:
        RefusedError: a task of this mode is due, and no scheduler is running.
    """
    now = world.now()
    with world.database.read() as session:
        state = read_scheduler(session, world.settings.mode, now)
    if state.holder is not None:
        failing = [task.name for task in state.waiting if task.consecutive_failures]
        trouble = f"; failing: {', '.join(failing)}" if failing else ""
        return f"process {state.holder.pid} on {state.holder.host} since {format_time(state.holder.since)}{trouble}"
    if state.unattended:
        names = ", ".join(task.name for task in state.unattended)
        raise RefusedError(f"no scheduler is running; overdue: {names}", hint=f"run: {START}")
    return f"not running; {counted(len(state.waiting), 'task')}, none overdue"
