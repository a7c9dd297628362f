"""Report on the scheduler: who holds its lease, what is next, and whether anything is overdue."""

from __future__ import annotations

from typing import Any

from turkctl.errors import RefusedError
from turkctl.operations.engine.world import World
from turkctl.operations.intents.lease import is_gone
from turkctl.store import leases, tasks
from turkctl.units import format_time
from turkctl.words import counted


def scheduler_status(world: World) -> dict[str, Any]:
    """Return who holds the scheduler's lease, and which task of this mode is next; a dead holder does not count."""
    with world.database.read() as session:
        row = leases.holder(session, leases.machine_clock(session))
        waiting = [task for task in tasks.list_tasks(session) if not task.paused]
    next_task = next((task for task in waiting if task.mode == world.settings.mode), None)
    held = row is not None and not is_gone(row)
    return {
        "running": held,
        "host": row.host if row and held else None,
        "pid": row.pid if row and held else None,
        "since": row.since if row and held else None,
        "heartbeat": row.heartbeat if row and held else None,
        "epoch": row.epoch if row and held else None,
        "tasks": len(waiting),
        "next_task": next_task.name if next_task else None,
        "next_run": next_task.next_run if next_task else None,
    }


def scheduler_check(world: World) -> str:
    """Return what ``doctor`` says about the scheduler.

    Raises:
        RefusedError: tasks of this mode have missed two slots in a row and no scheduler is running.
    """
    state = scheduler_status(world)
    now = world.now()
    with world.database.read() as session:
        mine = [task for task in tasks.list_tasks(session, world.settings.mode) if not task.paused]
    late = [task.name for task in mine if task.schedule.after(task.next_run, task.next_run) < now]
    if state["running"]:
        failing = [task.name for task in mine if task.consecutive_failures]
        trouble = f"; failing: {', '.join(failing)}" if failing else ""
        return f"process {state['pid']} on {state['host']} since {format_time(state['since'])}{trouble}"
    if late:
        raise RefusedError(
            f"no scheduler is running; overdue: {', '.join(late)}",
            hint="run: turkctl scheduler run (turkctl scheduler unit prints a service and a crontab line)",
        )
    return f"not running; {counted(len(mine), 'task')}, none overdue"
