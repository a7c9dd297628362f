"""Read psiTurk's scheduled jobs from the bytes that APScheduler 3 stored.

Source: ``Job.__getstate__`` of APScheduler 3 and the two functions that psiTurk 3 schedules.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from turkctl.operations.psiturk.pickles import Made, NamedObject, UnreadablePickleError, read

APPROVE_ALL = "psiturk.tasks:do_approve_all"
CAMPAIGN_ROUND = "psiturk.tasks:do_campaign_round"
MODES = ("sandbox", "live")
_INTERVAL = ("apscheduler.triggers.interval", "IntervalTrigger")
_SHORTEST = timedelta(seconds=1)
_LONGEST = timedelta(days=3650)


@dataclass(frozen=True)
class Job:
    """One job, as far as it could be read."""

    function: str
    """The function, such as ``psiturk.tasks:do_approve_all``."""
    every: timedelta | None
    """None unless it runs at a fixed interval."""
    mode: str | None
    """The one argument of ``do_approve_all``; None if it is not a mode."""


class UnknownJobError(Exception):
    """The bytes are not a job of psiTurk's scheduler; the message says why."""


def parse_job(state: bytes) -> Job:
    """Return the job of a ``job_state`` column; run nothing in it.

    Raises:
        UnknownJobError: the bytes are not a pickle, or not that of a job.
    """
    try:
        fields = read(state)
    except UnreadablePickleError as error:
        raise UnknownJobError(f"its stored state cannot be read: {error}") from None
    if not isinstance(fields, dict):
        raise UnknownJobError("its stored state is not that of a job" + _asks(fields))
    function = fields.get("func")
    if not isinstance(function, str):
        raise UnknownJobError("its stored state names no function" + _asks(function))
    return Job(function[:200], _interval(fields.get("trigger")), _mode(fields.get("args")))


def _asks(value: Any) -> str:
    """Return the call that a hostile state asked for, for the message."""
    maker = value.maker if isinstance(value, Made) else value
    return f"; it asks for {str(maker)[:100]}, which was not run" if isinstance(maker, NamedObject) else ""


def _interval(trigger: Any) -> timedelta | None:
    if not (isinstance(trigger, Made) and trigger.of(*_INTERVAL) and isinstance(trigger.state, dict)):
        return None
    interval = trigger.state.get("interval")
    if not (isinstance(interval, Made) and interval.of("datetime", "timedelta")):
        return None
    parts = interval.arguments
    if len(parts) != 3 or not all(type(part) is int and abs(part) < 10**9 for part in parts):
        return None
    every = timedelta(days=parts[0], seconds=parts[1], microseconds=parts[2])
    return every if _SHORTEST <= every <= _LONGEST else None


def _mode(arguments: Any) -> str | None:
    mode = arguments[0] if isinstance(arguments, list | tuple) and arguments else None
    return mode if isinstance(mode, str) and mode in MODES else None
