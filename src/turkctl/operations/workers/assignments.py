"""List assignments one by one, to look at and decide on (``workers assignments``). Imports no client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from turkctl.operations.engine.world import World
from turkctl.operations.payments.earnings import earning, hourly
from turkctl.operations.selection.work import (
    WorkSelection,
    participants_table,
    psiturk_work,
    refuse_unknown_names,
    work_filter,
)
from turkctl.store import participant_bonuses, participants, work_lists
from turkctl.store.assignments import APPROVED, REJECTED, SUBMITTED
from turkctl.store.base import Place
from turkctl.store.participants import Claim
from turkctl.store.work_lists import ORDERS, ListedWork
from turkctl.store.workers import WorkFilter, WorkRow
from turkctl.units import ZERO
from turkctl.words import known_name

STATUSES = (SUBMITTED, APPROVED, REJECTED)
COLUMNS = (
    "assignment_id",
    "worker_id",
    "experiment",
    "status",
    "submitted",
    "auto_approval",
    "reward",
    "bonus",
    "paid",
    "minutes",
    "feedback",
)
KEYS = (
    *("assignment_id", "worker_id", "hit_id", "experiment", "codeversion", "campaign", "status", "submitted"),
    *(
        "auto_approval",
        "decided",
        "reward",
        "bonus",
        "bonuses",
        "paid",
        "minutes",
        "wage",
        "feedback",
        "mode",
        "market",
    ),
)
"""All keys of a row."""
SORTABLE = (*ORDERS, "bonus", "minutes", "wage")
_PSITURKS = {
    SUBMITTED: (participants.SUBMITTED,),
    APPROVED: (participants.CREDITED, participants.BONUSED),
}
_MINUTE = timedelta(minutes=1)


def list_assignments(
    world: World,
    wanted: WorkSelection,
    statuses: Sequence[str] = (),
    *,
    by: str = "submitted",
    descending: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Return a row with :data:`KEYS` for each assignment that matches, the earliest submission first.

    Those that only psiTurk's rows have come last, and so do those without a value to sort by. ``auto_approval`` is when
    the market approves what nobody has decided on; ``bonus`` is the amount in the participant's row, which
    ``workers bonus --auto`` pays; ``bonuses`` are those in the ledger; ``paid`` is the reward of approved work and the
    bonuses, without commission; ``wage`` is dollars per hour. An amount or a time that is unknown is None.

    Args:
        world: database and settings.
        wanted: which work; all if nothing is given.
        statuses: only those with one of :data:`STATUSES`, in capital or small letters.
        by: one of :data:`SORTABLE` to sort by. For one of :data:`ORDERS`, only the rows that are wanted are read; for
            the others, all that match.
        descending: begin with the latest, or largest.
        limit: number of rows at most.
        offset: number of rows to leave out first.

    Raises:
        NotFoundError: a worker, assignment or experiment is unknown.
        UsageError: a status, the column to sort by, or the regular expression is invalid.
    """
    chosen = _statuses(statuses)
    if known_name(by, SORTABLE, "column to sort by") not in ORDERS:
        rows = list_assignments(world, wanted, statuses)
        return _sorted(rows, by, descending=descending)[offset:][:limit]
    with world.database.read() as session:
        table, narrowed = _narrowed(session, world, wanted)
        stored = work_lists.select_listed(
            session, narrowed, chosen, by=by, descending=descending, limit=limit, offset=offset
        )
        others: list[WorkRow] = []
        if limit is None or len(stored) < limit:
            skip = 0 if stored else max(0, offset - work_lists.count_listed(session, narrowed, chosen))
            others = _unstored(session, narrowed, table, chosen)[skip:]
        others = others if limit is None else others[: limit - len(stored)]
        owed = _owed(session, table, narrowed.place, [each.assignment_id for each in (*stored, *others)])
    rows = [*(_of_stored(each) for each in stored), *(_of_psiturk(each, narrowed.place) for each in others)]
    return [_with_bonus(row, owed) for row in rows]


def _sorted(rows: Sequence[dict[str, Any]], by: str, *, descending: bool) -> list[dict[str, Any]]:
    known = [row for row in rows if row[by] is not None]
    return [
        *sorted(known, key=lambda row: row[by], reverse=descending),
        *(row for row in rows if row[by] is None),
    ]


def _with_bonus(row: Mapping[str, Any], owed: Mapping[Claim, Decimal | None]) -> dict[str, Any]:
    bonus = owed.get((row["assignment_id"], row["worker_id"]))
    return {key: bonus if key == "bonus" else row[key] for key in KEYS}


def count_assignments(world: World, wanted: WorkSelection, statuses: Sequence[str] = ()) -> int:
    """Return how many rows :func:`list_assignments` has without a limit; raises as it does."""
    chosen = _statuses(statuses)
    with world.database.read() as session:
        table, narrowed = _narrowed(session, world, wanted)
        return work_lists.count_listed(session, narrowed, chosen) + len(_unstored(session, narrowed, table, chosen))


def _statuses(names: Sequence[str]) -> list[str]:
    return [known_name(each.capitalize(), STATUSES, "status of assignments") for each in dict.fromkeys(names)]


def _narrowed(session: Session, world: World, wanted: WorkSelection) -> tuple[str | None, WorkFilter]:
    place = world.listing_place
    table = participants_table(session, world)
    narrowed = work_filter(session, place, wanted)
    refuse_unknown_names(session, place, wanted, table)
    return table, narrowed


def _unstored(session: Session, narrowed: WorkFilter, table: str | None, statuses: Sequence[str]) -> list[WorkRow]:
    """Return the work that only psiTurk's rows have."""
    if table is None:
        return []
    return [
        row
        for status, theirs in _PSITURKS.items()
        if not statuses or status in statuses
        for row in psiturk_work(session, narrowed, table, theirs, says=status).rows
    ]


def _owed(
    session: Session, table: str | None, place: Place, assignment_ids: Sequence[str]
) -> dict[Claim, Decimal | None]:
    if table is None or not assignment_ids:
        return {}
    rows = participant_bonuses.read(session, table, place.mode, assignment_ids)
    return {claim: row.amount for claim, row in rows.items()}


def _of_stored(work: ListedWork) -> dict[str, Any]:
    earned = None if work.compensation else earning(work)
    waits = work.status == SUBMITTED
    return {
        **_shared(work),
        "submitted": work.submitted,
        "auto_approval": work.auto_approval if waits else None,
        "decided": None if waits else work.approved if work.status == APPROVED else work.rejected,
        "bonuses": work.paid,
        "paid": work.paid + ((work.reward or ZERO) if work.status == APPROVED else ZERO),
        "minutes": None if work.time is None or work.compensation else round(work.time / _MINUTE, 2),
        "wage": None if earned is None else hourly(earned.dollars, earned.time),
        "feedback": work.feedback,
        "mode": work.mode,
        "market": work.market,
    }


def _of_psiturk(work: WorkRow, place: Place) -> dict[str, Any]:
    """Return the row of work that is not stored: what was paid, and when it was submitted, is not known here."""
    return {**dict.fromkeys(KEYS), **_shared(work), "mode": place.mode}


def _shared(work: WorkRow) -> dict[str, Any]:
    return {
        "assignment_id": work.assignment_id,
        "worker_id": work.worker_id,
        "hit_id": work.hit_id,
        "experiment": work.experiment,
        "codeversion": work.code_version,
        "campaign": work.campaign,
        "status": work.status,
        "reward": work.reward,
    }
