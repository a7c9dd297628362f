"""The lease that makes one process the runner of tasks; see :mod:`turkctl.operations.intents.lease`."""

from __future__ import annotations

import logging
from datetime import datetime

from turkctl.errors import RefusedError
from turkctl.operations.intents import lease
from turkctl.operations.intents.lease import LeaseLostError, in_words, is_gone, this_process
from turkctl.scheduler.logs import log
from turkctl.store.leases import LeaseRow
from turkctl.units import format_time

__all__ = ["LeaseLostError", "SchedulerKeeper", "SchedulerRunningError", "in_words", "is_gone", "this_process"]


class SchedulerRunningError(RefusedError):
    """Another process holds the scheduler's lease."""

    code = "scheduler_running"

    def __init__(self, held_by: LeaseRow) -> None:
        super().__init__(
            f"a scheduler is running: {in_words(held_by)}, since {_second(held_by.since)},"
            f" last heard of at {_second(held_by.heartbeat)}",
            hint=f"stop that one first; if it is dead, its lease ends at {_second(held_by.expires)}",
        )
        self.held_by = held_by


class SchedulerKeeper(lease.Keeper):
    """One process's hold on the scheduler's lease, recorded in the scheduler's log."""

    def refusal(self, row: LeaseRow) -> RefusedError:
        """Return the error for a lease that another process holds."""
        return SchedulerRunningError(row)

    def note(self, event: str, error: str | None = None) -> None:
        """Log what happens to the lease in the scheduler's log."""
        level = logging.WARNING if event.startswith("heartbeat") else logging.INFO
        claimant = self.claimant
        facts = {"pid": claimant.pid, "host": claimant.host} if event == "lease_acquired" else {}
        words = {
            "heartbeat_failed": f"the database does not answer, it is asked again: {error}",
            "heartbeat_lost": "this process was held up, and another may run tasks now",
        }.get(event)
        log(event, level=level, words=words, **({"epoch": self.epoch} if error is None else {"error": error}), **facts)


def _second(moment: datetime) -> str:
    return format_time(moment.replace(microsecond=0))
