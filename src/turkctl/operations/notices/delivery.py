"""Send notices over the channels of the settings, until each channel has each notice.

A notice is claimed before it is sent, and what became of the attempt is written after it: a process that ends in
between leaves the notice to the next look after :data:`CLAIM`. So a channel may get a notice twice, and never not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from turkctl.errors import TurkctlError
from turkctl.store import notices
from turkctl.store.engine import Database
from turkctl.store.leases import Clock, machine_clock
from turkctl.store.notices import Notice
from turkctl.units import format_time

CLAIM = timedelta(minutes=5)
"""How long an attempt is left to the process that began it; a channel takes less than a minute."""
FIRST_WAIT = timedelta(minutes=1)
"""Wait after the first failed attempt; it doubles with each."""
LONGEST_WAIT = timedelta(hours=6)
GIVEN_UP_AFTER = timedelta(days=3)
"""Age at which a notice that could not be delivered is no news any more."""
AT_ONCE = 20
"""Maximum number of notices sent in one look, so that tasks do not wait for a slow channel."""


class Channel(Protocol):
    """A way to tell people."""

    @property
    def name(self) -> str:
        """Return what to call it in messages; it holds no secret."""

    def send(self, event: Mapping[str, Any]) -> None:
        """Send an event with the keys of :func:`as_event`; raise TurkctlError if that fails."""


@dataclass
class DeliveryReport:
    """What one look sent."""

    sent: int = 0
    """Number of notices that every channel has now."""
    failed: dict[str, TurkctlError] = field(default_factory=dict)
    """The error of each channel that failed."""
    unsent: int = 0
    """Number of notices that a failed channel did not get."""
    again: datetime | None = None
    """When the first of them is sent again, by the machine's clock."""
    given_up: list[Notice] = field(default_factory=list)


def deliver(
    database: Database,
    channels: Sequence[Channel],
    stopped: Callable[[], bool] = lambda: False,
    clock: Clock = machine_clock,
) -> DeliveryReport:
    """Send what is due over every channel that does not have it; a channel that fails is not asked again in this look.

    Args:
        database: where the notices are.
        channels: of the settings; without any, notices wait.
        stopped: whether to leave the rest for the next look.
        clock: tells the machine's time.

    Raises:
        DatabaseUnreachableError: the database did not answer.
    """
    report = DeliveryReport()
    if not channels:
        return report
    with database.read() as session:
        now = clock(session)
        old = notices.outdated(session, now - GIVEN_UP_AFTER)
        due = [each for each in notices.due(session, now, AT_ONCE) if each.written >= now - GIVEN_UP_AFTER]
    for notice in old:
        with database.write() as session:
            given_up = notices.give_up(session, notice)
        if given_up and notice.attempts:
            report.given_up.append(notice)
    for notice in due:
        if stopped():
            break
        with database.write() as session:
            claimed = notices.claim(session, notice, clock(session) + CLAIM)
        if claimed:
            _attempt(database, notice, channels, report, clock)
    return report


def _attempt(
    database: Database, notice: Notice, channels: Sequence[Channel], report: DeliveryReport, clock: Clock
) -> None:
    """Send a claimed notice and write down which channels have it."""
    reached = list(notice.reached)
    for channel in channels:
        if channel.name in reached or channel.name in report.failed:
            continue
        try:
            channel.send(as_event(notice))
        except TurkctlError as error:
            report.failed[channel.name] = error
        else:
            reached.append(channel.name)
    complete = all(channel.name in reached for channel in channels)
    with database.write() as session:
        again = None if complete else clock(session) + _wait(notice.attempts)
        notices.attempted(session, notice, reached, again)
    if again is None:
        report.sent += 1
    else:
        report.unsent += 1
        report.again = min(again, report.again or again)


def _wait(before: int) -> timedelta:
    """Return the wait after a failed attempt; ``before`` is the number of attempts before it."""
    doublings = 1 << min(before, 12)  # more than enough for the longest
    return min(FIRST_WAIT * doublings, LONGEST_WAIT)


def as_event(notice: Notice) -> dict[str, Any]:
    """Return a notice as channels get it: plain values, the time in ISO 8601."""
    return {
        "event": notice.event,
        "message": notice.message,
        "mode": notice.mode,
        "experiment": notice.experiment,
        "campaign": notice.campaign,
        "task": notice.task,
        "time": format_time(notice.happened.replace(microsecond=0)),
        "id": notice.key,
    }


def trial(mode: str, now: datetime) -> dict[str, Any]:
    """Return the event of ``notify test``."""
    return {
        "event": "test",
        "message": "turkctl can reach you: this is what `turkctl notify test` sends",
        "mode": mode,
        "experiment": None,
        "campaign": None,
        "task": None,
        "time": format_time(now),
        "id": f"test {format_time(now)}",
    }
