"""Compute what people earn per hour.

A wage is what was paid for approved work (its reward and the bonuses of the ledger), divided by the time from accepting
to submitting it. For a group, ``wage`` is all dollars divided by all hours, so that long work weighs more;
``median_wage`` is the median over its assignments, which a forgotten browser tab does not change. Work without times
from the market is left out, and so are compensations, which pay for work of unknown duration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from turkctl.store.assignments import APPROVED
from turkctl.store.wages import TimedWork
from turkctl.units import CENT

OF_GROUP = ("workers", "assignments", "hours", "wage", "median_wage")


_NO_TIME = timedelta(0)


@dataclass(frozen=True)
class Earning:
    """A paid assignment: its worker, how long it took, and what it earned in dollars."""

    worker_id: str
    time: timedelta
    dollars: Decimal


def hourly(dollars: Decimal, time: timedelta) -> Decimal | None:
    """Return dollars per hour, rounded to the cent; None if the time is zero."""
    if time <= _NO_TIME:
        return None
    microseconds = time // timedelta(microseconds=1)
    return (dollars * 3_600_000_000 / microseconds).quantize(CENT)


def earning(work: TimedWork) -> Earning | None:
    """Return what the work earned; None if it is not approved, or its time or reward is unknown."""
    if work.status != APPROVED or work.time is None or work.reward is None:
        return None
    return Earning(work.worker_id, work.time, work.reward + work.paid)


def summary(earnings: Sequence[Earning]) -> dict[str, Any]:
    """Return the columns :data:`OF_GROUP` of a group; hours are a number."""
    time = sum((each.time for each in earnings), _NO_TIME)
    each_wage = [wage for each in earnings if (wage := hourly(each.dollars, each.time)) is not None]
    return {
        "workers": len({each.worker_id for each in earnings}),
        "assignments": len(earnings),
        "hours": _hours(time),
        "wage": hourly(sum((each.dollars for each in earnings), Decimal("0.00")), time),
        "median_wage": median(each_wage).quantize(CENT) if each_wage else None,
    }


def _hours(time: timedelta) -> float:
    return round(time / timedelta(hours=1), 3)


def last_if_missing(value: Any) -> tuple[bool, Any]:
    """Return a sort key that puts missing values after all others."""
    return value is None, 0 if value is None else value
