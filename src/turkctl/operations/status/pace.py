"""Work out how fast answers to items come in, and when the last one would be there. Pure: days in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turkctl.store.contents_progress import DayOfContent

DAY = timedelta(days=1)
RECENT = 7
"""Number of days that are recent, and of days with answers that the pace is taken from."""


@dataclass(frozen=True)
class ContentPace:
    """How fast answers that count come in. Days are of UTC; of an item, no more answers count than it wants."""

    today: int = 0
    last_7_days: int = 0
    """Today's included."""
    per_day: float | None = None
    """Answers a day, over the last 7 days with answers; None before the first. Of today, and of the day on which the
    first HIT was posted, only the hours that passed are counted; if all came today, the last 24 hours since then."""
    expected_end: datetime | None = None
    """When all answers are there at this pace, to the minute; None if nothing is missing, or came in the last 7
    days."""


def pace_of(days: Sequence[DayOfContent], posted: datetime | None, now: datetime, missing: int) -> ContentPace:
    """Return the pace of an experiment.

    Args:
        days: its days with answers, in order.
        posted: when its first HIT with an item was posted.
        now: the time that the study lives in.
        missing: number of answers that are still wanted.
    """
    today = now.astimezone(UTC).date()
    recent = [each for each in days if today - timedelta(days=RECENT) < each.day <= today]
    active = [each for each in days if each.day <= today][-RECENT:]
    begun = min(posted or now, now)
    length = sum((_part_of(each, begun, now) for each in active), timedelta())
    if active and active[0].day == today:  # shortly after midnight, today alone is too short to tell
        length = max(length, min(now - begun, DAY))
    rate = sum(each.usable for each in active) / (length / DAY) if length > timedelta() else None
    arrived = sum(each.usable for each in recent)
    return ContentPace(
        today=sum(each.usable for each in recent if each.day == today),
        last_7_days=arrived,
        per_day=None if rate is None else round(rate, 1),
        expected_end=_after(now, missing / rate) if rate and missing and arrived else None,
    )


def _part_of(each: DayOfContent, begun: datetime, now: datetime) -> timedelta:
    """Return how much of a day was there for answers: all of it, unless HITs were posted on it, or it is today."""
    start = datetime.combine(each.day, time(), UTC)
    end = min(start + DAY, now)
    return end - (begun if start < begun < end else start)


def _after(now: datetime, days: float) -> datetime | None:
    """Return the time after a number of days, to the minute; None if it is too far in the future for a calendar."""
    try:
        return (now + timedelta(days=days)).replace(second=0, microsecond=0)
    except OverflowError:
        return None
