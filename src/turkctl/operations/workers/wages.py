"""List what workers earned per hour, each or by group.

The formula is in :mod:`turkctl.operations.payments.earnings`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from turkctl.operations.engine.world import World
from turkctl.operations.payments.earnings import OF_GROUP, Earning, earning, last_if_missing, summary
from turkctl.operations.selection.work import WorkSelection, participants_table, refuse_unknown_names, work_filter
from turkctl.store import wages
from turkctl.store.wages import TimedWork
from turkctl.words import known_name

OF_WORKER = ("hours", "wage")
GROUPS = ("experiment", "condition", "codeversion", "campaign")
"""Keys by which workers' wages can be grouped."""


def of_workers(world: World, wanted: WorkSelection, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of ``workers list`` with ``hours`` and ``wage`` of the selected work added."""
    by_worker: dict[str, list[Earning]] = defaultdict(list)
    for work in _approved(world, wanted):
        paid = earning(work)
        if paid is not None:
            by_worker[work.worker_id].append(paid)
    sums = {worker: summary(earnings) for worker, earnings in by_worker.items()}
    nothing = summary(())
    return [row | {key: sums.get(row["worker_id"], nothing)[key] for key in OF_WORKER} for row in rows]


def by_group(world: World, wanted: WorkSelection, by: Sequence[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """Return columns and rows of ``workers list --wage --group-by``: a row for each group with approved, timed work.

    The condition is the one in the participant's row; None if there is no row.

    Raises:
        UsageError: a group or the regular expression is invalid.
        NotFoundError: a worker, assignment or experiment is unknown.
    """
    keys = [known_name(each, GROUPS, "group") for each in dict.fromkeys(by)]
    work = _approved(world, wanted)
    with world.database.read() as session:
        table = participants_table(session, world)
        refuse_unknown_names(session, world.listing_place, wanted, table)
        names = [each.assignment_id for each in work] if "condition" in keys else []
        condition = {} if table is None else wages.conditions(session, table, world.settings.mode, names)
    groups: dict[tuple[Any, ...], list[Earning]] = defaultdict(list)
    for each in work:
        paid = earning(each)
        if paid is not None:
            values = {
                "experiment": each.experiment,
                "condition": condition.get((each.assignment_id, each.worker_id)),
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
