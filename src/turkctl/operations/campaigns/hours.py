"""Hours of the day in a named time zone, in which a campaign posts HITs. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from turkctl.errors import UsageError
from turkctl.units import parse_zone

_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_MIDNIGHT = time(0, 0)


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
        """The moment itself while the window is open, else when it opens next, in UTC."""
        if self.is_open(moment):
            return moment
        local = moment.astimezone(self.zone)
        for days in range(3):
            day = local.date() + timedelta(days=days)
            # An opening that the clocks jump over on this day is the same moment an hour later by the wall clock.
            opening = datetime.combine(day, self.opens, self.zone).astimezone(UTC)
            if opening > moment:
                return opening
        raise AssertionError("a window opens once a day")

    @property
    def hours(self) -> str:
        """As the command line has it: ``09:00-17:00``."""
        return f"{self.opens:%H:%M}-{'24:00' if self.closes == _MIDNIGHT else format(self.closes, '%H:%M')}"

    def __str__(self) -> str:
        return f"{self.hours} {self.zone.key}"


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
