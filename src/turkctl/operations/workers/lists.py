"""List the known workers, one row each (``workers list``)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from turkctl.operations.engine.world import World
from turkctl.operations.selection.gold import Accuracy, accuracies
from turkctl.operations.selection.work import (
    WorkSelection,
    participants_table,
    psiturk_work,
    refuse_unknown_names,
    work_filter,
)
from turkctl.store import participants, workers
from turkctl.store.assignments import APPROVED, SUBMITTED
from turkctl.store.workers import WorkerRow, WorkFilter, WorkRow
from turkctl.units import ZERO
from turkctl.words import known_name

COLUMNS = ("worker_id", "submitted", "approved", "rejected", "earned", "bonus", "last_seen", "blocked")
KEYS = (*COLUMNS, "assignments")
"""All keys of a row."""
SORTABLE = tuple(name for name in COLUMNS if name != "blocked")
_PSITURKS = ((participants.SUBMITTED, SUBMITTED), (participants.CREDITED, APPROVED), (participants.BONUSED, APPROVED))


def list_workers(
    world: World, wanted: WorkSelection, *, refresh: bool = False, gold: bool = False
) -> list[dict[str, Any]]:
    """Return the rows of ``workers list``, sorted by worker id.

    Work that is only in psiTurk's rows counts if it is submitted or approved there; its reward counts if its HIT is
    ours. ``blocked`` is None unless the market was asked; ``bonus`` is the sum in the ledger of bonuses for the
    selected work, without commission.

    Args:
        world: database, and the market for ``refresh``.
        wanted: the work to select; everybody's if nothing is given.
        refresh: ask the market who is blocked.
        gold: add the number of items with a known answer that each worker was given, and the share answered right.

    Raises:
        NotFoundError: a worker, assignment or experiment is unknown.
        UsageError: the regular expression is invalid, or, with ``gold``, no settings name the field with the answers.
    """
    place = world.place if refresh else world.listing_place
    with world.database.read() as session:
        table = participants_table(session, world)
        narrowed = work_filter(session, place, wanted)
        refuse_unknown_names(session, place, wanted, table)
        found = {row.worker_id: row for row in workers.totals(session, narrowed)}
        bonuses = workers.bonuses(session, narrowed)
        for status, says in _PSITURKS if table is not None else ():
            for work in psiturk_work(session, narrowed, table or "", (status,), says=says).rows:
                found[work.worker_id] = _with(found.get(work.worker_id), work)
        known = accuracies(session, place, wanted.selection) if gold else {}
    blocked = blocked_workers(world) if refresh else None
    rows = [_shown(found[worker], bonuses.get(worker, ZERO), blocked) for worker in sorted(found)]
    return [{**row, **known.get(row["worker_id"], Accuracy()).as_dict()} for row in rows] if gold else rows


def page_of_workers(
    world: World, wanted: WorkSelection, *, by: str = "worker_id", descending: bool = False, limit: int, offset: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """Return a part of the rows of :func:`list_workers`, sorted by one of :data:`SORTABLE`, and the number of all.

    The database sorts, and only the part is read, unless ids are given, psiTurk's rows have work that is stored nowhere
    else, or the rows are sorted by bonus.

    Raises:
        NotFoundError: as :func:`list_workers`.
        UsageError: so too, or the column is unknown.
    """
    known_name(by, SORTABLE, "column to sort by")
    with world.database.read() as session:
        table = participants_table(session, world)
        narrowed = work_filter(session, world.listing_place, wanted)
        whole = by not in workers.TOTALS or narrowed.ids is not None or _has_more(session, narrowed, table)
        if not whole:
            found = workers.totals(session, narrowed, by=by, descending=descending, limit=limit, offset=offset)
            theirs = replace(narrowed, ids=[row.worker_id for row in found])
            bonuses = workers.bonuses(session, theirs) if found else {}
            rows = [_shown(row, bonuses.get(row.worker_id, ZERO), None) for row in found]
            return rows, workers.count_workers(session, narrowed)
    rows = list_workers(world, wanted)
    known = sorted((row for row in rows if row[by] is not None), key=lambda row: row[by], reverse=descending)
    return [*known, *(row for row in rows if row[by] is None)][offset : offset + limit], len(rows)


def _has_more(session: Session, narrowed: WorkFilter, table: str | None) -> bool:
    """Return whether psiTurk's rows have work of these that is not stored."""
    return table is not None and any(
        psiturk_work(session, narrowed, table, (status,), says=says).rows for status, says in _PSITURKS
    )


def _with(row: WorkerRow | None, work: WorkRow) -> WorkerRow:
    """Return the row with one more assignment added."""
    row = row or WorkerRow(work.worker_id, 0, 0, 0, ZERO, None)
    if work.status == SUBMITTED:
        return replace(row, submitted=row.submitted + 1)
    return replace(row, approved=row.approved + 1, earned=row.earned + (work.reward or ZERO))


def blocked_workers(world: World) -> set[str]:
    """Return the workers whom this account blocks, as the market says now.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    return {each.worker_id for each in world.engine().call(lambda: list(world.mturk.list_blocks()))}


def _shown(row: WorkerRow, bonus: Decimal, blocked: set[str] | None) -> dict[str, Any]:
    return {
        "worker_id": row.worker_id,
        "assignments": row.submitted + row.approved + row.rejected,
        "submitted": row.submitted,
        "approved": row.approved,
        "rejected": row.rejected,
        "earned": row.earned,
        "bonus": bonus,
        "last_seen": row.last_seen,
        "blocked": None if blocked is None else row.worker_id in blocked,
    }
