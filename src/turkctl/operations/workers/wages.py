"""What people earn in an hour.

A wage is what was paid for approved work, its reward and the bonuses of the ledger, divided by the time from accepting
to submitting it. Of a group, ``wage`` is all dollars over all hours, so that long work weighs more; ``median_wage`` is
the median over its assignments, which a forgotten browser tab does not move. Work whose times the market did not tell
is left out, and so are compensations, which pay for work whose time nobody knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from turkctl.operations.engine.world import World
from turkctl.operations.participants.filters import known_name
from turkctl.operations.selection.work import WorkSelection, participants_table, work_filter
from turkctl.operations.workers.lists import refuse_strangers
from turkctl.store import wages
from turkctl.store.assignments import APPROVED
from turkctl.store.wages import TimedWork
from turkctl.units import CENT

OF_WORKER = ("hours", "wage")
OF_GROUP = ("workers", "assignments", "hours", "wage", "median_wage")
GROUPS = ("experiment", "condition", "codeversion", "campaign")
"""What workers' wages can be grouped by."""
_NO_TIME = timedelta(0)


@dataclass(frozen=True)
class Earning:
    """One assignment that was paid for: whose it is, how long it took, what it earned in dollars."""

    worker_id: str
    time: timedelta
    dollars: Decimal


def hourly(dollars: Decimal, time: timedelta) -> Decimal | None:
    """Dollars an hour, to the cent; None for no time at all."""
    if time <= _NO_TIME:
        return None
    microseconds = time // timedelta(microseconds=1)
    return (dollars * 3_600_000_000 / microseconds).quantize(CENT)


def earning(work: TimedWork) -> Earning | None:
    """What the work earned; None where it is not approved, or its time or reward are not known."""
    if work.status != APPROVED or work.time is None or work.reward is None:
        return None
    return Earning(work.worker_id, work.time, work.reward + work.paid)


def summary(earnings: Sequence[Earning]) -> dict[str, Any]:
    """The columns :data:`OF_GROUP` of a group; hours are a number."""
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


def of_workers(world: World, wanted: WorkSelection, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of ``workers list`` with ``hours`` and ``wage`` of the work that is meant."""
    by_worker: dict[str, list[Earning]] = defaultdict(list)
    for work in _approved(world, wanted):
        paid = earning(work)
        if paid is not None:
            by_worker[work.worker_id].append(paid)
    sums = {worker: summary(earnings) for worker, earnings in by_worker.items()}
    nothing = summary(())
    return [row | {key: sums.get(row["worker_id"], nothing)[key] for key in OF_WORKER} for row in rows]


def by_group(world: World, wanted: WorkSelection, by: Sequence[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows of ``workers list --wage --group-by``: a row per group with approved work that took time.

    The condition is the one in the participant's row; None where there is no row.

    Raises:
        UsageError: no such group, or a bad regular expression.
        NotFoundError: a worker, assignment or experiment that is not known.
    """
    keys = [known_name(each, GROUPS, "group") for each in dict.fromkeys(by)]
    work = _approved(world, wanted)
    with world.database.read() as session:
        table = participants_table(session, world)
        refuse_strangers(session, world.listing_place, wanted, table)
        names = [each.assignment_id for each in work] if "condition" in keys else []
        condition = {} if table is None else wages.conditions(session, table, world.settings.mode, names)
    groups: dict[tuple[Any, ...], list[Earning]] = defaultdict(list)
    for each in work:
        paid = earning(each)
        if paid is not None:
            values = {
                "experiment": each.experiment,
                "condition": condition.get(each.assignment_id),
                "codeversion": each.code_version,
                "campaign": each.campaign,
            }
            groups[tuple(values[key] for key in keys)].append(paid)
    rows = [dict(zip(keys, values, strict=True)) | summary(earnings) for values, earnings in groups.items()]
    rows.sort(key=lambda row: [last_if_missing(row[key]) for key in keys])
    return [*keys, *OF_GROUP], rows


def _approved(world: World, wanted: WorkSelection) -> list[TimedWork]:
    with world.database.read() as session:
        return wages.approved_work(session, work_filter(session, world.listing_place, wanted))


def last_if_missing(value: Any) -> tuple[bool, Any]:
    """A key that sorts missing values after all others."""
    return value is None, 0 if value is None else value
