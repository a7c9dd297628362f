"""Read and write money, durations and times. Pure.

Money is :class:`~decimal.Decimal` US dollars; databases hold it as integer micro-dollars. Durations are whole
seconds in a :class:`~datetime.timedelta`. Times are aware and in UTC.
"""

from __future__ import annotations

import re
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from turkctl.errors import UsageError
from turkctl.own_market import DOLLARS
from turkctl.words import meant_or

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

MICROS_PER_DOLLAR = 1_000_000
CENT = Decimal("0.01")
ZERO = Decimal("0.00")
"""Zero dollars, with two decimals."""

_MONEY = re.compile(r"\$?(\d{1,9})(?:\.(\d{1,2}))?", re.ASCII)
_SPACES = " \t\xa0"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])", re.ASCII)
_BARE = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_MAX_SECONDS = 100 * 366 * 86400


def parse_money(text: str) -> Decimal:
    """Return dollars from ``0.50`` or ``$0.50``: not negative, at most two decimals, perhaps with spaces around it.

    Raises:
        UsageError: the text is not such an amount, or continues on another line.
    """
    match = _MONEY.fullmatch(text.strip(_SPACES))
    if match is None:
        raise UsageError(
            f"'{text}' is not an amount of money",
            hint="write dollars with at most two decimals, as in 0.50 or $0.50",
        )
    return Decimal(f"{match[1]}.{match[2] or '00'}").quantize(CENT)


def format_money(amount: Decimal) -> str:
    """Return an amount as ``0.50``: always with cents, more decimals only if there are any."""
    try:
        cents = amount.quantize(CENT)
    except InvalidOperation:
        return str(amount)
    return str(cents if cents == amount else amount.normalize())


def to_micros(amount: Decimal) -> int:
    """Return dollars as integer micro-dollars.

    Raises:
        ValueError: the amount has a fraction of a micro-dollar.
    """
    micros = amount * MICROS_PER_DOLLAR
    if micros != micros.to_integral_value():
        raise ValueError(f"{amount} is not a whole number of micro-dollars")
    return int(micros)


def from_micros(micros: int) -> Decimal:
    """Return micro-dollars as dollars, with two decimals if that is exact."""
    amount = Decimal(micros) / MICROS_PER_DOLLAR
    cents = amount.quantize(CENT)
    return cents if cents == amount else amount


def in_unit(number: str, unit: str = DOLLARS) -> str:
    """Return an amount, already written as a number, with what it is counted in: ``$3.00``, or ``3.00 credits``."""
    sign, rest = ("-", number[1:]) if number.startswith("-") else ("", number)
    return f"{sign}${rest}" if unit == DOLLARS else f"{number} {unit}"


def unit_words(unit: str) -> str:
    """Return what amounts are counted in, as the label of a field says: ``dollars``, or ``credits``."""
    return "dollars" if unit == DOLLARS else unit


_UNIT: ContextVar[str] = ContextVar("unit", default=DOLLARS)


def count_in(unit: str) -> None:
    """Have :func:`money_text` show amounts of this market's unit, in this thread."""
    _UNIT.set(unit)


def unit_in_use() -> str:
    """Return what :func:`money_text` counts amounts in."""
    return _UNIT.get()


def money_text(amount: Decimal) -> str:
    """Return an amount for people, in the unit of the market that the command or the page is about."""
    return in_unit(format_money(amount), _UNIT.get())


def parse_duration(text: str) -> timedelta:
    """Return the duration in ``90s``, ``30m``, ``12h``, ``3d`` or ``1w``; a number without a unit could be anything.

    Raises:
        UsageError: the text is not a duration, not a whole number of seconds, or longer than a century.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    hint = "write a number and its unit: 90s, 30m, 12h or 3d"
    if match is None and (bare := _BARE.fullmatch(text.strip())):
        number = bare[0]
        raise UsageError(f"'{text}' has no unit", hint=f"{number} what? write {number}m or {number}s")
    if match is None:
        raise UsageError(f"'{text}' is not a duration", hint=hint)
    seconds = Decimal(match[1]) * _SECONDS[match[2]]
    if seconds != seconds.to_integral_value():
        raise UsageError(f"'{text}' is not a whole number of seconds", hint=hint)
    if seconds > _MAX_SECONDS:
        raise UsageError(f"'{text}' is longer than a hundred years", hint=hint)
    return timedelta(seconds=int(seconds))


def format_duration(duration: timedelta) -> str:
    """Return the shortest exact form that :func:`parse_duration` reads back: ``90s``, ``30m``, ``3d``."""
    seconds = int(duration.total_seconds())
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def duration_in_words(duration: timedelta) -> str:
    """Return a duration for people, in whole seconds: ``1 hour 30 minutes``."""
    left = int(duration.total_seconds())
    words = []
    for unit, name in (("d", "day"), ("h", "hour"), ("m", "minute"), ("s", "second")):
        number, left = divmod(left, _SECONDS[unit])
        if number:
            words.append(f"{number} {name}" if number == 1 else f"{number} {name}s")
    return " ".join(words) or "0 seconds"


def parse_time(text: str, zone: tzinfo = UTC) -> datetime:
    """Return the time in an ISO 8601 text, in UTC; without an offset it is the time of day in ``zone``.

    Raises:
        UsageError: the text is not such a time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"'{text}' is not a time", hint="write ISO 8601, as in 2026-11-22T09:00 (UTC) or …T09:00+01:00"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise UsageError(f"'{text}' is out of the range of times", hint="give a year between 1 and 9999") from None


def format_time(moment: datetime) -> str:
    """Return a time in ISO 8601, in UTC with ``Z``; fractions of a second only if there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_zone(name: str) -> ZoneInfo:
    """Return the time zone with this name.

    Raises:
        UsageError: there is none; the hint names the nearest.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones  # half of this module's time to import

    with suppress(ZoneInfoNotFoundError, ValueError, OSError):  # names of folders, or paths outside of them
        return ZoneInfo(name)
    known = available_timezones()
    lowered = {each.lower(): each for each in known}
    cities = {each.rpartition("/")[2].lower(): each for each in sorted(known)}
    wanted = name.strip().lower().replace(" ", "_")
    zones = {**cities, **lowered}
    hint = meant_or(wanted, zones, "write it as Europe/Berlin or America/New_York", zones.__getitem__)
    raise UsageError(f"there is no time zone '{name}'", hint=hint)
