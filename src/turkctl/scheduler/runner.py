"""Run tasks when they are due: hold the lease, look at every poll, stop on request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from turkctl.errors import DatabaseReplacedError, InterruptedByUserError, TurkctlError
from turkctl.operations.intents.lines import leaving_line
from turkctl.operations.notices.delivery import Channel
from turkctl.operations.tasks.kinds import RunSummary
from turkctl.operations.tasks.manage import finished_run, request_run, withdraw_request
from turkctl.operations.tasks.scheduler import POLL
from turkctl.scheduler.due import SchedulerReport, in_words, nothing_due, run_due, sweep
from turkctl.scheduler.kinds import act_on
from turkctl.scheduler.lease import LeaseLostError, SchedulerKeeper, SchedulerRunningError
from turkctl.scheduler.logs import log
from turkctl.scheduler.telling import Teller
from turkctl.scheduler.worlds import Worlds
from turkctl.store import tasks
from turkctl.store.leases import Clock, machine_clock
from turkctl.store.tasks import Task
from turkctl.units import format_duration

if TYPE_CHECKING:
    from turkctl.context import Context

LOOK_AGAIN = 1.0
"""Seconds between checks whether the scheduler has carried out a requested run."""


class Runner:
    """The one process that runs tasks.

    Attributes:
        stop: set it, from any thread or signal handler, to finish the current item and stop.
        report: what was run so far.
    """

    def __init__(
        self,
        context: Context,
        *,
        stop: threading.Event | None = None,
        keeper: SchedulerKeeper | None = None,
        act: Callable[[Task, datetime], RunSummary] | None = None,
        channels: Sequence[Channel] | None = None,
        clock: Clock = machine_clock,
    ) -> None:
        """Prepare; nothing is opened or requested yet.

        Args:
            context: the context of the mode that the process was started in; other modes' tasks get their own worlds.
            stop: the event that stops the runner.
            keeper: holds the lease.
            act: runs a task once; by default as its kind says, in the world of its mode.
            channels: what events are sent over; by default those of the settings.
            clock: tells the machine's time, by which events are sent.
        """
        self.stop = stop or threading.Event()
        self.report = SchedulerReport()
        self._database = context.database
        self._keeper = keeper or SchedulerKeeper(context.database)
        self._worlds = Worlds(context, self.stop, self._keeper.beat)
        self._act = act or self._act_by_kind
        self._mode = context.settings.mode
        over = context.channels() if channels is None else channels
        self._teller = Teller(context.database, over, self.stop.is_set, clock)
        self._until_idle = False

    def once(self, only: str | None = None) -> SchedulerReport:
        """Run what is due, or only the named task if it is due, and stop.

        Raises:
            SchedulerRunningError: another process runs tasks.
            LeaseLostError: the lease ended meanwhile.
            DatabaseUnreachableError: the database did not answer.
        """
        with self._keeper.held():
            try:
                self._run_due(only)
                if only is None:
                    self._tell()
            finally:
                self._worlds.close()
        return self.report

    def run(self, poll: timedelta = POLL, *, until_idle: bool = False) -> SchedulerReport:
        """Run what is due at every ``poll`` until :attr:`stop` is set.

        Args:
            poll: time between looks at the database.
            until_idle: stop when nothing is due and no campaign is active.

        Raises:
            SchedulerRunningError: another process runs tasks, or took over while this one was delayed.
            DatabaseUnreachableError: the database did not answer at the start; later, only that look is skipped.
            DatabaseReplacedError: the database's file was replaced or removed.
        """
        self._until_idle = until_idle
        with self._keeper.held():
            words = f"the scheduler looks for due tasks every {format_duration(poll)}, until Ctrl-C or SIGTERM"
            log("scheduler_started", words=words, poll=poll, epoch=self._keeper.epoch)
            try:
                self._loop(poll)
            finally:
                self._worlds.close()
                log("scheduler_stopped", runs=self.report.runs, failing=len(self.report.failing))
        return self.report

    def _look(self) -> None:
        """Renew the lease, run what is due, and stop if nothing else was requested."""
        self._keeper.acquire()
        self._run_due()
        self._tell()
        if self._until_idle and self._idle():
            self.stop.set()

    def _run_due(self, only: str | None = None) -> int:
        sweep(self._database, self._worlds.now, self._keeper.epoch)
        return run_due(
            self._database,
            self._worlds.now,
            self._act,
            lease=self._keeper,
            stopped=self.stop.is_set,
            report=self.report,
            only=only,
        )

    def _tell(self) -> None:
        """Tell of what happened, once its outcome is stored."""
        self.report.untold = self._teller.tell(self._worlds, self._mode)

    def _idle(self) -> bool:
        if not nothing_due(self._database, self._worlds.now):
            return False
        with self._database.read() as session:
            return tasks.active_campaigns(session) == 0

    def _act_by_kind(self, task: Task, now: datetime) -> RunSummary:
        world = self._worlds(task.mode, task)
        with leaving_line(world):
            summary = act_on(task, world, now)
            if summary.error is not None and world.origin.tally.is_empty:
                world.origin.tally.say(summary.error)
        return summary

    def _loop(self, poll: timedelta) -> None:
        """Look at every ``poll`` until :attr:`stop` is set; an error ends that look, not the loop."""
        while not self.stop.is_set():
            try:
                self._look()
            except (SchedulerRunningError, DatabaseReplacedError):
                raise
            except LeaseLostError as error:  # the next look requests it again, and stops if another process has it
                log("lease_lost", level=logging.ERROR, words=error.message, error=error.message)
            except Exception as error:  # noqa: BLE001  # the loop survives any error of a look, and logs it
                unexpected = None if isinstance(error, TurkctlError) else error
                words = f"looking for due tasks failed, it is tried again: {in_words(error)}"
                log("tick_failed", level=logging.ERROR, words=words, trace=unexpected, error=in_words(error))
            self.stop.wait(poll.total_seconds())


def run_by_hand(
    context: Context, name: str, stop: threading.Event, on_wait: Callable[[SchedulerRunningError], None]
) -> dict[str, Any]:
    """Run a task now: in this process or, if a scheduler is running, by waiting for it to run the task.

    Args:
        context: the context of the task's mode.
        name: the task's name.
        stop: set it to stop; the current item finishes.
        on_wait: called once, with the error that says which process runs tasks instead.

    Returns:
        The run, as shown in the history.

    Raises:
        NotFoundError, WrongMarketError: see :func:`turkctl.operations.tasks.manage.find_task`.
        InterruptedByUserError: ``stop`` was set before the task was run.
    """
    after = request_run(context, name)
    told = False
    while True:
        try:
            Runner(context, stop=stop).once(only=name)
        except SchedulerRunningError as held:
            if not told:
                on_wait(held)
            told = True
        made = finished_run(context, name, after)
        if made is not None:
            return made
        if stop.wait(LOOK_AGAIN):
            withdraw_request(context, name)
            raise InterruptedByUserError(f"task {name} was not run", hint="its schedule has not changed")
