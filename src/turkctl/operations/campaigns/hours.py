"""Parse and apply the hours of the day, in a named time zone, in which a campaign posts HITs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from turkctl.errors import UsageError
from turkctl.units import parse_zone

_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_MIDNIGHT = time(0, 0)
_DAYS = 4
"""Number of days in which a window opens at least once, even if a place skips a day to cross the date line."""
_LOOK = timedelta(hours=3)
"""A span of time within which clocks are never changed twice."""


@dataclass(frozen=True)
class Window:
    """The hours from ``opens`` (included) to ``closes`` (excluded), by the wall clock of the zone, on every day.

    A window that closes before it opens spans midnight; 24:00 is midnight.
    """

    opens: time
    closes: time
    zone: ZoneInfo

    def is_open(self, moment: datetime) -> bool:
        """Return whether the moment (aware) is inside the window."""
        local = moment.astimezone(self.zone).time()
        if self.opens < self.closes:
            return self.opens <= local < self.closes
        return local >= self.opens or local < self.closes

    def next_open(self, moment: datetime) -> datetime:
        """Return the moment itself if the window is open then, else when it opens next, in UTC.

        A window can open in two ways: the clocks reach the opening time, in either pass of an hour that they show
        twice, or they are put forward past the opening time, so that they never show it.
        """
        if self.is_open(moment):
            return moment
        start = moment.astimezone(UTC)
        first = moment.astimezone(self.zone).date()
        openings = (
            datetime.combine(first + timedelta(days=days), self.opens, self.zone).replace(fold=fold).astimezone(UTC)
            for days in range(_DAYS)
            for fold in (0, 1)
        )
        changes = _clock_changes(self.zone, start, start + timedelta(days=_DAYS))
        return min(each for each in (*openings, *changes) if each >= start and self.is_open(each))

    @property
    def hours(self) -> str:
        """Return the hours as the command line takes them: ``09:00-17:00``."""
        return f"{self.opens:%H:%M}-{'24:00' if self.closes == _MIDNIGHT else format(self.closes, '%H:%M')}"

    def __str__(self) -> str:
        return f"{self.hours} {self.zone.key}"


def _clock_changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the moments (UTC) after ``start`` and up to ``end`` at which the zone's clocks are changed."""
    while start < end:
        later = start + _LOOK
        if _offset(zone, start) != _offset(zone, later):
            yield _change(zone, start, later)
        start = later


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the moment of the one change in between, to the second: changes happen on whole seconds."""
    before, after = before.replace(microsecond=0), after.replace(microsecond=0)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        if _offset(zone, middle) == _offset(zone, before):
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def parse_window(hours: str, timezone: str | None) -> Window:
    """Return the window of the options; without a time zone, in UTC.

    Raises:
        UsageError: the hours are invalid or of length zero, or the time zone is unknown.
    """
    match = _HOURS.fullmatch(hours.strip())
    hint = "write them as 09:00-17:00"
    if match is None:
        raise UsageError(f"'{hours}' is not a valid value of --hours", hint=hint)
    opens, closes = _time(match[1], match[2], hours, last=False), _time(match[3], match[4], hours, last=True)
    if opens == closes:
        raise UsageError(f"--hours {hours} starts and ends at the same time", hint="omit --hours to post all day")
    return Window(opens, closes, parse_zone("UTC" if timezone is None else timezone))


def _time(hour: str, minute: str, hours: str, *, last: bool) -> time:
    if last and (hour, minute) == ("24", "00"):
        return _MIDNIGHT
    try:
        return time(int(hour), int(minute))
    except ValueError:
        raise UsageError(f"--hours {hours} has an invalid time of day", hint="use times from 00:00 to 24:00") from None
