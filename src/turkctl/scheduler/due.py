"""Run what is due, one task after another. Has no timer: called once by ``--once``, and at each tick.

Each run is claimed in the database before anything is done, in one transaction with a renewal of the lease, so that
a process that has lost the lease runs nothing. A task that fails stays scheduled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from turkctl.errors import TurkctlError
from turkctl.operations.notices.events import in_mode, tell_of_failure
from turkctl.operations.tasks.kinds import RunSummary
from turkctl.scheduler.lease import LeaseLostError
from turkctl.scheduler.logs import log
from turkctl.store import tasks
from turkctl.store.engine import Database
from turkctl.store.tasks import ClaimedRun, RunOutcome, Task
from turkctl.units import format_time

LONGEST_WAIT = timedelta(hours=1)
"""Maximum wait until a failing task is retried, unless its own interval is longer."""

Clock = Callable[[str], datetime]
"""Returns the current time in the world of a mode."""
Act = Callable[[Task, datetime], RunSummary]
"""Runs a task once."""


class Lease(Protocol):
    """Proof of the right to run tasks."""

    @property
    def epoch(self) -> int:
        """Return the lease's epoch, which is written into each run."""

    def renew_in(self, session: Session) -> None:
        """Extend the lease in this transaction; raise LeaseLostError if it is no longer held."""


@dataclass
class SchedulerReport:
    """What was run."""

    runs: int = 0
    failing: set[str] = field(default_factory=set)
    """Tasks whose last run failed."""
    untold: int = 0
    """Number of notices that the last look could not send."""
    left_out: set[str] = field(default_factory=set)
    """Modes whose tasks the last look left out, because their clock cannot be read."""

    def add(self, name: str, status: str) -> None:
        """Count one run."""
        self.runs += 1
        if status == tasks.FAILED:
            self.failing.add(name)
        else:
            self.failing.discard(name)


def run_due(
    database: Database,
    now: Clock,
    act: Act,
    *,
    lease: Lease,
    stopped: Callable[[], bool],
    report: SchedulerReport,
    only: str | None = None,
) -> int:
    """Run every task that is due (or only the one named), of all modes, longest due first, until ``stopped``.

    Returns:
        The number of runs.

    Raises:
        LeaseLostError: the lease is no longer held; nothing was started since.
        DatabaseUnreachableError: the database did not answer.
    """
    before = report.runs
    report.left_out = set()
    for task in _due(database, now, report.left_out):
        if stopped():
            break
        if only not in (None, task.name):
            continue
        moment = now(task.mode)
        with database.write() as session:
            lease.renew_in(session)
            claimed = tasks.claim(session, task, lease.epoch, moment)
        if claimed is not None:
            report.add(task.name, _run(database, claimed, now, act, stopped))
    return report.runs - before


def nothing_due(database: Database, now: Clock) -> bool:
    """Return whether no task of any mode is due."""
    return next(_due(database, now, set()), None) is None


def sweep(database: Database, now: Clock, epoch: int) -> int:
    """Mark abandoned runs, up to the lease of this epoch; return how many there were."""
    with database.read() as session:
        left = tasks.running(session, epoch)
    for run in left:
        why = "its process ended before the run did" if run.epoch < epoch else "its outcome could not be recorded"
        try:
            finished = now(run.mode)
        except TurkctlError as error:
            _log_skipped(run.mode, error)
            continue
        with database.write() as session:
            tasks.abandon(session, run, finished, why)
        log(
            "run_abandoned",
            level=logging.WARNING,
            words=f"the last run of task {run.task} was not finished: {why}",
            task=run.task,
            run=run.id,
            epoch=run.epoch,
            reason=why,
        )
    return len(left)


def _due(database: Database, now: Clock, left_out: set[str]) -> Iterator[Task]:
    """Yield due tasks, mode by mode. A mode whose clock cannot be read is ``left_out`` and does not stop the others."""
    with database.read() as session:
        modes = tasks.modes(session)
    for mode in modes:
        try:
            moment = now(mode)
        except TurkctlError as error:
            _log_skipped(mode, error)
            left_out.add(mode)
            continue
        with database.read() as session:
            found = tasks.due(session, mode, moment)
        yield from found


def _log_skipped(mode: str, error: TurkctlError) -> None:
    words = f"the tasks of mode {mode} are left out: {error.message}"
    log("mode_skipped", level=logging.WARNING, words=words, mode=mode, error=error.message)


def _run(database: Database, claimed: ClaimedRun, now: Clock, act: Act, stopped: Callable[[], bool]) -> str:
    """Carry out a claimed run and record its outcome; return its status."""
    task = claimed.task
    started = now(task.mode)
    log("run_started", task=task.name, run=claimed.run_id, mode=task.mode, slot=claimed.slot)
    try:
        summary = act(task, started)
    except LeaseLostError:
        words = f"task {task.name} was cut short: another process may run tasks now"
        log("run_cut_short", level=logging.ERROR, words=words, task=task.name, run=claimed.run_id, reason="lease lost")
        raise
    except Exception as error:  # noqa: BLE001  # one task never stops the others: its error is its outcome
        unexpected = not isinstance(error, TurkctlError)
        log_error(error) if unexpected else None
        summary = RunSummary("", error=in_words(error), setback=True, interrupted=stopped() and not unexpected)
    outcome = outcome_of(claimed, summary, now(task.mode))
    words = sentence(claimed, outcome)
    with database.write() as session:
        if tasks.finish(session, claimed, outcome) and outcome.status == tasks.FAILED:
            tell_of_failure(session, claimed, words, outcome.finished)
        if summary.ended:
            tasks.remove(session, task)
    log(
        "run_finished",
        level=logging.WARNING if outcome.status == tasks.FAILED else logging.INFO,
        words=words,
        task=task.name,
        run=claimed.run_id,
        mode=task.mode,
        status=outcome.status,
        summary=outcome.summary,
        error=summary.error,
        next_run=outcome.next_run or claimed.next_run,
    )
    return outcome.status


def sentence(claimed: ClaimedRun, outcome: RunOutcome) -> str:
    """Return what people read of a run that ended."""
    task = claimed.task
    summary = outcome.summary or "done"
    if outcome.status == tasks.OK:
        words = summary if task.campaign_id is not None else f"{task.name}: {summary}"
    elif outcome.status == tasks.INTERRUPTED:
        words = f"task {task.name} was interrupted: {outcome.summary or outcome.error}"
    else:
        done = f"; {outcome.summary}" if outcome.summary else ""
        again = format_time((outcome.next_run or claimed.next_run).replace(microsecond=0))
        words = f"task {task.name} failed: {outcome.error}{done}; it runs again at {again}"
    return words + in_mode(task.mode)


def outcome_of(claimed: ClaimedRun, summary: RunSummary, finished: datetime) -> RunOutcome:
    """Return the outcome to record. A setback postpones the next run, an interrupt leaves the slot due."""
    text = summary.text or None
    if summary.interrupted:
        again = claimed.slot if claimed.slot == claimed.task.next_run else None
        return RunOutcome(tasks.INTERRUPTED, finished, text, summary.error, again)
    status = tasks.OK if summary.error is None else tasks.FAILED
    later = backed_off(claimed, finished) if summary.setback else None
    return RunOutcome(status, finished, text, summary.error, later, summary.setback)


def backed_off(claimed: ClaimedRun, now: datetime) -> datetime | None:
    """Return when a failed task is due again: doubling intervals up to :data:`LONGEST_WAIT`, on its own grid.

    Return None for a task with a cron line, which is due again at the line's next time.
    """
    schedule = claimed.task.schedule
    if schedule.every is None:
        return None
    every = schedule.every
    doublings = min(claimed.task.consecutive_failures, 12)  # with the shortest interval, a second, this exceeds an hour
    wait = min(every * 2**doublings, max(every, LONGEST_WAIT))
    return schedule.after(claimed.next_run, max(now, now + wait - every))


def in_words(error: Exception) -> str:
    """Return one line for the history: code and message or, for a bug, class and message."""
    if isinstance(error, TurkctlError):
        return f"{error.code}: {error.message}" + (f"; {error.hint}" if error.hint else "")
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}"


def log_error(error: Exception) -> None:
    """Log an error that is a bug in turkctl, with its traceback."""
    log("unexpected_error", level=logging.ERROR, trace=error, error=in_words(error))
