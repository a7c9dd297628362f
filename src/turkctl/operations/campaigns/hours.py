"""Hours of the day in a named time zone, in which a campaign posts HITs. Pure."""

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
"""Days in which a window opens at least once, even where a place leaves a day out to change sides of the date line."""
_LOOK = timedelta(hours=3)
"""Clocks are never changed twice within this time."""


@dataclass(frozen=True)
class Window:
    """From ``opens`` (included) to ``closes`` (not included), by the wall clock of the zone, on every day.

    A window that closes before it opens goes over midnight; 24:00 is midnight.
    """

    opens: time
    closes: time
    zone: ZoneInfo

    def is_open(self, moment: datetime) -> bool:
        """Whether the moment (aware) lies inside."""
        local = moment.astimezone(self.zone).time()
        if self.opens < self.closes:
            return self.opens <= local < self.closes
        return local >= self.opens or local < self.closes

    def next_open(self, moment: datetime) -> datetime:
        """Return the moment itself while the window is open, else when it opens next, in UTC.

        It can open in two ways: the clocks come to the opening time, in either pass of an hour that they show twice,
        or they are changed and jump inside, past an opening time that they never show.
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
        """As the command line has it: ``09:00-17:00``."""
        return f"{self.opens:%H:%M}-{'24:00' if self.closes == _MIDNIGHT else format(self.closes, '%H:%M')}"

    def __str__(self) -> str:
        return f"{self.hours} {self.zone.key}"


def _clock_changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """Give the moments (UTC) after ``start`` and up to ``end`` from which the zone's clocks are set differently."""
    while start < end:
        later = start + _LOOK
        if _offset(zone, start) != _offset(zone, later):
            yield _change(zone, start, later)
        start = later


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the moment of the one change in between, to the second: changes happen on whole ones."""
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
    """The window that the flags mean; without a time zone, UTC.

    Raises:
        UsageError: no such hours, hours that are all day or none, or no such time zone.
    """
    match = _HOURS.fullmatch(hours.strip())
    hint = "write them as 09:00-17:00"
    if match is None:
        raise UsageError(f"'{hours}' are not hours of the day", hint=hint)
    opens, closes = _time(match[1], match[2], hours, last=False), _time(match[3], match[4], hours, last=True)
    if opens == closes:
        raise UsageError(f"the hours {hours} are none or all of the day", hint="leave --hours out for the whole day")
    return Window(opens, closes, parse_zone("UTC" if timezone is None else timezone))


def _time(hour: str, minute: str, hours: str, *, last: bool) -> time:
    if last and (hour, minute) == ("24", "00"):
        return _MIDNIGHT
    try:
        return time(int(hour), int(minute))
    except ValueError:
        raise UsageError(f"'{hours}' has a time of day that no clock shows", hint="00:00 to 24:00") from None
