"""Say what happened on standard error, each event once, and send it over the channels of the settings."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from turkctl.errors import TurkctlError
from turkctl.operations.hits.upcoming import tell_of_deadlines
from turkctl.operations.notices.delivery import GIVEN_UP_AFTER, Channel, DeliveryReport, as_event, deliver
from turkctl.scheduler.logs import EVENT, log
from turkctl.scheduler.worlds import Worlds
from turkctl.store import notices, tasks
from turkctl.store.engine import Database
from turkctl.store.leases import Clock, machine_clock
from turkctl.units import format_duration, format_time
from turkctl.words import counted

LOOK_EVERY = 300.0
"""Seconds between looks at the deadlines of all HITs."""


class Teller:
    """Tells of events on behalf of the one process that runs tasks."""

    def __init__(
        self,
        database: Database,
        channels: Sequence[Channel],
        stopped: Callable[[], bool],
        clock: Clock = machine_clock,
    ) -> None:
        """Prepare; nothing is told yet.

        Args:
            database: where the notices are.
            channels: of the settings.
            stopped: whether to leave what is not sent for the next look.
            clock: tells the machine's time.
        """
        self._database = database
        self._channels = channels
        self._stopped = stopped
        self._clock = clock
        self._looked: float | None = None

    def tell(self, worlds: Worlds, own_mode: str) -> int:
        """Look for deadlines, if it is time, then say and send what is new.

        Args:
            worlds: the world of each mode.
            own_mode: the mode of the settings, which is looked at although it may have no task.

        Returns:
            The number of notices that could not be sent and wait for another attempt, or were given up.

        Raises:
            DatabaseUnreachableError: the database did not answer.
        """
        if self._looked is None or time.monotonic() - self._looked >= LOOK_EVERY:
            self._looked = time.monotonic()
            self._look(worlds, own_mode)
        self._say()
        report = deliver(self._database, self._channels, self._stopped, self._clock)
        _log_delivery(report)
        return report.unsent + len(report.given_up)

    def _look(self, worlds: Worlds, own_mode: str) -> None:
        with self._database.read() as session:
            modes = {own_mode, *tasks.modes(session)}
        for mode in sorted(modes):
            try:
                tell_of_deadlines(worlds(mode))
            except TurkctlError as error:  # as when the mode's tasks cannot run, which is said where they are due
                log("deadlines_skipped", level=logging.DEBUG, mode=mode, error=error.message)

    def _say(self) -> None:
        with self._database.read() as session:
            new = notices.unsaid(session)
        if not new:
            return
        for notice in new:
            log(notice.event, level=EVENT, words=notice.message, **_fields(as_event(notice)))
        with self._database.write() as session:
            notices.mark_said(session, new, self._clock(session))


def _fields(event: dict[str, Any]) -> dict[str, Any]:
    """Return what a line for machines has beside its own time and event."""
    return {key: value for key, value in event.items() if key not in ("event", "time")}


def _log_delivery(report: DeliveryReport) -> None:
    for name, error in report.failed.items():
        later = f"; {error.hint}" if error.hint else ""
        again = "" if report.again is None else f"; it is tried again at {format_time(report.again)}"
        log(
            "notices_not_sent",
            level=logging.WARNING,
            words=f"cannot send {counted(report.unsent, 'notice')} to {name}: {error.message}{later}{again}",
            channel=name,
            notices=report.unsent,
            error=error.message,
            again=report.again,
        )
    for notice in report.given_up:
        log(
            "notice_given_up",
            level=logging.WARNING,
            words=f"gave up sending after {format_duration(GIVEN_UP_AFTER)}: {notice.message}",
            **_fields(as_event(notice)),
        )
    if report.sent:
        log("notices_sent", words=f"sent {counted(report.sent, 'notice')}", notices=report.sent)
