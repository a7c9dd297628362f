"""Times and spans of time as people read them: short, local, in words. Pure: the present and the zone are arguments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

_UNITS = (
    (timedelta(days=1), "days"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)
_DAYS = {-1: "yesterday", 0: "today", 1: "tomorrow"}
_SECOND = timedelta(seconds=1)


def short_time(moment: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """Return a time without its zone, to the minute: ``today 14:05``, ``4 May 09:00``, ``4 May 2025 09:00``.

    Args:
        moment: aware.
        now: aware; says which day is today and which year needs no mention.
        zone: where the clock hangs; this machine's zone by default.
    """
    local, today = _local(moment, zone), _local(now, zone)
    day = _DAYS.get((local.date() - today.date()).days)
    if day is None:
        year = "" if local.year == today.year else f" {local.year:04}"
        day = f"{local.day} {local:%b}{year}"
    return f"{day} {local:%H:%M}"


def zone_name(moment: datetime, zone: tzinfo | None = None) -> str:
    """Return what the zone is called at that moment, as in ``CET``; ``UTC+0530`` where it has no name."""
    local = _local(moment, zone)
    name = local.tzname() or ""
    return name if name[:1].isalpha() else f"UTC{local:%z}"


def local_time(moment: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """Return :func:`short_time` with its zone: ``today 14:05 CET``."""
    return f"{short_time(moment, now, zone)} {zone_name(moment, zone)}"


def when(moment: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """Return :func:`local_time` and how far off that is: ``today 14:05 CET (in 2 h)``."""
    return f"{local_time(moment, now, zone)} ({in_words(moment - now)})"


def in_words(delta: timedelta) -> str:
    """Return how far off something is: ``in 2 h``, ``3 min ago``, or ``now`` for less than a second."""
    if abs(delta) < _SECOND:
        return "now"
    return f"in {span(delta)}" if delta > timedelta(0) else f"{span(-delta)} ago"


def span(delta: timedelta) -> str:
    """Return a span of time in the largest unit of which it has two, rounded down: ``90 min``, ``47 h``, ``3 days``."""
    for unit, name in _UNITS:
        if delta >= 2 * unit:
            return f"{delta // unit} {name}"
    return f"{max(delta, timedelta(0)) // _SECOND} s"


def _local(moment: datetime, zone: tzinfo | None) -> datetime:
    try:
        return moment.astimezone(zone)
    except (OverflowError, OSError, ValueError):  # the first and the last day of all times, in some zones
        return moment.astimezone(UTC)
