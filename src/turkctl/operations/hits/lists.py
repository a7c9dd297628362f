"""List HITs. Imports no client: a list needs only the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from turkctl.accounts import with_market
from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.selection.hits import Selection, hit_filter, refuse_elsewhere
from turkctl.store import hits
from turkctl.store.base import Place
from turkctl.store.hits import HitFilter, HitRow

if TYPE_CHECKING:
    from turkctl.mturk.types import Hit

STATUSES = ("Assignable", "Unassignable", "Reviewable", "Reviewing", "Disposed")
COLUMNS = (
    "hit_id",
    "experiment",
    "status",
    "reward",
    "max_assignments",
    "available",
    "pending",
    "submitted",
    "completed",
    "expires",
    "expired",
)
KEYS = (*COLUMNS, "title", "created", "campaign", "codeversion", "mode", "market", "synced", "origin")
"""All keys of a row."""


def columns_of(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the columns of the list; who posted a HIT, and its market, are included only if rows differ in them."""
    origin = ("origin",) if any(row["origin"] == hits.PSITURK for row in rows) else ()
    return with_market((*COLUMNS, *origin), rows)


def list_hits(
    world: World,
    selection: Selection,
    *,
    statuses: Sequence[str] = (),
    active: bool = False,
    expired: bool | None = None,
    refresh: bool = False,
    ended: bool = True,
) -> list[dict[str, Any]]:
    """Return the rows of ``hits list``, with the counters last read from the market, or read now with ``refresh``.

    Args:
        world: database, and the market for ``refresh`` and ``all_studies``.
        selection: which HITs; all if nothing is given.
        statuses: only those with one of these.
        active: only those that workers can start on.
        expired: only those whose lifetime is over; False: only those whose lifetime is not, and that are not deleted.
        refresh: ask the market for the counters first.
        ended: also those of experiments that have ended; ``False`` leaves out only what the selection does not name.

    Raises:
        UsageError: a status or a regular expression is invalid.
        NotFoundError: an id, an experiment or a campaign is unknown.
        WrongMarketError: an id belongs to another mode or market.
    """
    for status in statuses:
        if status not in STATUSES:
            raise UsageError(f"'{status}' is not a status of HITs", hint="give one of " + ", ".join(STATUSES))
    database, now = world.database, world.now()
    place = world.place if refresh else world.listing_place
    with database.read() as session:
        narrowed = hit_filter(session, place, selection)
        refuse_unknown(session, place, selection.ids)
    wanted = replace(
        narrowed,
        statuses=list(statuses) or None,
        active=active or None,
        expired=expired,
        disposed=False if expired is False else None,
        ended=None if ended or selection.names else False,
        now=now,
    )
    if refresh:
        _refresh(world, narrowed, now)
    with database.read() as session:
        rows = [as_dict(row, now) for row in hits.select_hits(session, wanted)]
    if selection.all_studies and not selection.filters and not selection.ids:
        rows += _unknown(world, statuses, active=active, expired=expired, now=now)
    return rows


def refuse_unknown(session: Session, place: Place, ids: Sequence[str]) -> None:
    """Raise unless the database knows all these HITs in this place.

    Raises:
        NotFoundError: a HIT is unknown.
        WrongMarketError: a HIT belongs to another mode or market.
    """
    for hit_id in hits.unknown_ids(session, place, ids):
        refuse_elsewhere(session, place, hit_id)
        raise NotFoundError(
            f"this database has no HIT {hit_id}",
            hint=f"look for it on the market: turkctl hits show {hit_id}",
        )


def _unknown(
    world: World, statuses: Sequence[str], *, active: bool, expired: bool | None, now: datetime
) -> list[dict[str, Any]]:
    """Return the rows of HITs that only the market knows."""
    from turkctl.operations.selection.targets import unknown_on_market

    rows = [_of_market(hit, world.place, now) for hit in unknown_on_market(world)]
    if statuses:
        rows = [row for row in rows if row["status"] in statuses]
    if active:
        rows = [row for row in rows if row["status"] == STATUSES[0] and not row["expired"]]
    return rows if expired is None else [row for row in rows if row["expired"] == expired]


def _of_market(hit: Hit, place: Place, now: datetime) -> dict[str, Any]:
    return {
        "hit_id": hit.hit_id,
        "experiment": None,
        "title": hit.title,
        **state_of(hit, now),
        "campaign": None,
        "codeversion": None,
        "mode": place.mode,
        "market": place.market,
        "synced": now,
        "origin": None,
    }


def _refresh(world: World, wanted: HitFilter, now: datetime) -> None:
    """Bring the HITs that match and are not deleted up to date, with their submissions."""
    from turkctl.operations.sync.of_psiturk import enter_psiturk
    from turkctl.operations.sync.run import read_market

    entered = enter_psiturk(world, now)
    with world.database.read() as session:
        rows = hits.select_hits(session, replace(wanted, disposed=False))
    read_market(world, rows, now, known=entered)


def state_of(hit: Hit | HitRow, now: datetime) -> dict[str, Any]:
    """Return what every row shows of a HIT's state: status, reward, counters and times."""
    return {
        "status": hit.status,
        "reward": hit.reward,
        "max_assignments": hit.max_assignments,
        "available": hit.available,
        "pending": hit.pending,
        "completed": hit.completed,
        "submitted": hit.submitted,
        "created": hit.created,
        "expires": hit.expires,
        "expired": hit.expired(now),
    }


def as_dict(row: HitRow, now: datetime) -> dict[str, Any]:
    """Return the row of ``hits list``; a deleted HIT has no open or pending slots, even if its last counters did."""
    return {
        "hit_id": row.hit_id,
        "experiment": row.experiment,
        "title": row.title,
        **state_of(row, now),
        **({"available": 0, "pending": 0} if row.status == hits.DISPOSED else {}),
        "campaign": row.campaign,
        "codeversion": row.code_version,
        "mode": row.mode,
        "market": row.market,
        "synced": row.synced,
        "origin": row.origin,
    }
