"""HITs as they are listed. Imports no client: a list needs the store alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from turkctl.errors import UsageError
from turkctl.operations.selection import Selection, hit_filter
from turkctl.operations.world import World
from turkctl.store import hits
from turkctl.store.hits import HitFilter, HitRow

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


def list_hits(
    world: World,
    selection: Selection,
    *,
    statuses: Sequence[str] = (),
    active: bool = False,
    expired: bool = False,
    refresh: bool = False,
) -> list[dict[str, Any]]:
    """The rows of ``hits list``, with the counters that the market last told, or tells now (``refresh``).

    Raises:
        UsageError: a status that HITs do not have, or a bad regular expression.
        NotFoundError: an experiment that is not there.
    """
    for status in statuses:
        if status not in STATUSES:
            raise UsageError(f"'{status}' is not a status of HITs", hint="one of " + ", ".join(STATUSES))
    now = world.now()
    with world.database.read() as session:
        narrowed = hit_filter(session, world.place if refresh else world.listing_place, selection)
    wanted = replace(narrowed, statuses=list(statuses) or None, active=active or None, expired=expired or None, now=now)
    if refresh:
        _refresh(world, narrowed, now)
    with world.database.read() as session:
        return [as_dict(row, now) for row in hits.select_hits(session, wanted)]


def _refresh(world: World, wanted: HitFilter, now: datetime) -> None:
    """Ask the market for the counters of the HITs that match and are not gone, and store them."""
    from turkctl.operations.observe import observe, write_down

    with world.database.read() as session:
        ids = [row.hit_id for row in hits.select_hits(session, wanted) if row.status != hits.DISPOSED]
    seen = observe(world.mturk, world.engine(), ids, now)
    with world.database.write() as session:
        write_down(session, wanted.place, seen.values())


def as_dict(row: HitRow, now: datetime) -> dict[str, Any]:
    """The row of ``hits list``."""
    return {
        "hit_id": row.hit_id,
        "experiment": row.experiment,
        "title": row.title,
        "status": row.status,
        "reward": row.reward,
        "max_assignments": row.max_assignments,
        "available": row.available,
        "pending": row.pending,
        "completed": row.completed,
        "submitted": row.submitted,
        "created": row.created,
        "expires": row.expires,
        "expired": row.expired(now),
        "campaign": row.campaign,
        "codeversion": row.code_version,
        "mode": row.mode,
        "synced": row.synced,
    }
