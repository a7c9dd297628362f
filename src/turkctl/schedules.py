"""Compute when a recurring task is next due: at an interval, or by a cron line in a time zone.

APScheduler's triggers compute the times. If APScheduler reads a cron line differently from cron, cron's meaning is
used: weekdays are numbered from Sunday (0 or 7), and a line that restricts both the day of the month and the weekday is
due on either. Daylight saving is as APScheduler documents it: a time that the clocks skip is due an hour later by the
clock on the wall, and one that occurs twice is due twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from turkctl.errors import UsageError
from turkctl.units import parse_duration

if TYPE_CHECKING:
    from apscheduler.triggers.base import BaseTrigger

FIELDS = ("minute", "hour", "day", "month", "day_of_week")
"""The fields of a cron line, in order, by APScheduler's names."""

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_JUST_AFTER = timedelta(microseconds=1)


@dataclass(frozen=True)
class Schedule:
    """When a task is due: at an interval, or by a cron line.

    Attributes:
        every: the time between slots; None if there is a cron line.
        cron: the line, with five fields.
        timezone: the IANA name of the zone in which the line is read; None means UTC.
    """

    every: timedelta | None = None
    cron: str | None = None
    timezone: str | None = None

    def after(self, slot: datetime, now: datetime) -> datetime:
        """Return the first time after ``now`` at which the task is due.

        Args:
            slot: a time on the grid of an interval, which never drifts from it; not used by a cron line.
            now: aware, like the result, which is in UTC.

        Raises:
            UsageError: the cron line has no future time.
        """
        if self.cron is None and slot > now:
            return slot
        times = [trigger.get_next_fire_time(None, now + _JUST_AFTER) for trigger in self._triggers(slot)]
        found: list[datetime] = [each for each in times if each is not None]
        if not found:
            raise UsageError(f"'{self.cron}' is never due", hint="its day does not exist, such as 30 February")
        due = min(found).astimezone(UTC)
        return due if due > now or self.every is None else due + self.every

    def _triggers(self, slot: datetime) -> list[BaseTrigger]:
        from apscheduler.triggers.interval import IntervalTrigger

        if self.cron is not None:
            return _of_cron(self.cron, self.timezone)
        assert self.every is not None
        seconds = int(self.every.total_seconds())
        return [IntervalTrigger(seconds=seconds, start_date=slot, timezone=UTC)]


def read_schedule(every: str | None, cron: str | None, timezone: str | None) -> Schedule | None:
    """Return the schedule that somebody typed; None where nothing was said of it.

    Raises:
        UsageError: the interval is no duration, or what was given excludes each other.
    """
    if cron is None and timezone is not None:
        raise UsageError("--timezone needs --cron", hint="give --cron too, or leave it out")
    if cron is not None and every is not None:
        raise UsageError("--every and --cron cannot be used together", hint="give one of them")
    if every is None and cron is None:
        return None
    line = None if cron is None else " ".join(cron.split())
    return Schedule(None if every is None else parse_duration(every), line, timezone)


def check_cron(line: str, timezone: str | None, now: datetime) -> None:
    """Raise if a cron line is invalid or has no future time.

    Raises:
        UsageError: it does not have five fields, one of them is invalid, or it is never due.
    """
    Schedule(cron=line, timezone=timezone).after(now, now)


def _of_cron(line: str, timezone: str | None) -> list[BaseTrigger]:
    """Return the triggers of a line; it is due when any of them is."""
    from apscheduler.triggers.cron import CronTrigger

    parts = line.split()
    if not line.isascii() or len(parts) != len(FIELDS):
        raise UsageError(
            f"--cron {line!a} has {len(parts)} fields; it must have five, in ASCII characters",
            hint='give minute, hour, day, month and weekday in quotes, as in --cron "0 9 * * mon-fri"',
        )
    values = dict(zip(FIELDS, parts, strict=True))
    values["day_of_week"] = ",".join(map(_weekdays, values["day_of_week"].split(",")))
    either = [values]
    if not values["day"].startswith("*") and not values["day_of_week"].startswith("*"):
        either = [values | {"day": "*"}, values | {"day_of_week": "*"}]
    zone: Any = UTC if timezone is None else ZoneInfo(timezone)
    try:
        return [CronTrigger(**each, second=0, timezone=zone) for each in either]
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"--cron '{line}': {error}", hint='give five fields: "30 9 * * mon-fri" is 9:30 on working days'
        ) from None


def _weekdays(item: str) -> str:
    """Return one item of the weekday field by names: ``1-5`` is Monday to Friday, 0 and 7 are Sunday."""
    days, slash, step = item.partition("/")
    first, dash, last = days.partition("-")
    if (days == "*" and not slash) or (slash and not step.isdecimal()) or not int(step or 1):
        return item
    start, end = (0, 6) if days == "*" else (_day(first), _day(last) if dash else 6 if slash else _day(first))
    if start is None or end is None:
        return item
    end = end + 7 if end < start else end
    return ",".join(_DAYS[day % 7] for day in range(start, end + 1, int(step or 1)))


def _day(name: str) -> int | None:
    """Return a weekday's number, 0 to 7, or None if it is invalid; APScheduler then refuses it in its own words."""
    lower = name.lower()
    if lower in _DAYS:
        return _DAYS.index(lower)
    return int(name) if name.isdecimal() and int(name) <= 7 else None
