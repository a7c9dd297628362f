"""Read a list of HITs page by page, with the acts that are possible on each, and when the last sync looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from turkctl.errors import TurkctlError, UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.hits.actions import actions_of, view
from turkctl.operations.hits.lists import STATUSES, as_dict
from turkctl.operations.selection.hits import Selection, hit_filter
from turkctl.store import account_looks, hits
from turkctl.store.base import Place
from turkctl.store.hits import HitRow
from turkctl.words import known_name

SORTABLE = tuple(hits.SORTABLE)
"""The columns by which a page can be sorted."""
NEWEST = "created"
_MOST_SKIPPED = 2**53


@dataclass(frozen=True)
class HitQuery:
    """Which HITs, and in which order; the newest come first by default.

    Attributes:
        selection: by experiment, campaign, code version or ids; all if nothing is given.
        view: a name of :data:`turkctl.operations.hits.actions.VIEWS`.
        status: only those with this status; None: any.
        sort: one of :data:`SORTABLE`.
        descending: the highest first.
        ended: also those of experiments that have ended, where the selection names none.
    """

    selection: Selection = field(default_factory=Selection)
    view: str = "all"
    status: str | None = None
    sort: str | None = None
    descending: bool = False
    ended: bool = True


@dataclass(frozen=True)
class HitPage:
    """One page of a list of HITs.

    Attributes:
        rows: as :func:`turkctl.operations.hits.lists.list_hits` returns them.
        actions: by HIT and act, why the act is not possible; None where it is.
        total: number of HITs of the whole list.
        has_more: whether there is a page after this one.
    """

    rows: Sequence[dict[str, Any]]
    actions: Mapping[str, Mapping[str, str | None]]
    total: int
    has_more: bool


@dataclass(frozen=True)
class LastLook:
    """The last sync that listed the account's HITs.

    Attributes:
        looked: when; of several markets, the earliest.
        unknown: number of HITs of the account that this database did not know.
    """

    looked: datetime
    unknown: int


def page_of_hits(world: World, query: HitQuery, page: int, size: int) -> HitPage:
    """Return a page, numbered from 1, of the HITs that match, with their stored counters.

    Raises:
        UsageError: a status, a view or a column to sort by is unknown.
        NotFoundError: an experiment or a campaign is unknown.
    """
    now, skipped = world.now(), (page - 1) * size
    order = NEWEST if query.sort is None else known_name(query.sort, SORTABLE, "column to sort by")
    descending = query.descending or query.sort is None
    narrow = view(query.view)
    statuses = _statuses(query.status, narrow.get("statuses"))
    expired = narrow.get("expired")
    with world.database.read() as session:
        found = hit_filter(session, world.listing_place, query.selection)
        wanted = replace(
            found,
            statuses=statuses,
            expired=expired,
            disposed=False if expired is False else None,
            ended=None if query.ended or query.selection.names else False,
            now=now,
        )
        total = hits.count(session, wanted)
        part: list[HitRow] = []
        if 0 <= skipped <= min(total, _MOST_SKIPPED):
            part = hits.select_part(session, wanted, order, descending=descending, limit=size, offset=skipped)
    rows = [as_dict(row, now) for row in part]
    return HitPage(rows, actions_here(world, rows), total, skipped + len(rows) < total)


def actions_here(world: World, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str | None]]:
    """Return what :func:`turkctl.operations.hits.actions.actions_of` does, for the market of the world.

    Which market that is has to be asked only if rows belong to several.
    """
    place: Place | None = None
    if len({row["market"] for row in rows}) > 1:
        try:
            place = world.place
        except TurkctlError:
            place = None
    return actions_of(rows, world.now(), place)


def _statuses(status: str | None, of_view: Sequence[str] | None) -> list[str] | None:
    """Return the statuses that both the view and the filter allow; None for all."""
    if status is None:
        return None if of_view is None else list(of_view)
    if status not in STATUSES:
        raise UsageError(f"'{status}' is not a status of HITs", hint="give one of " + ", ".join(STATUSES))
    return [status] if of_view is None or status in of_view else []


def last_look(world: World) -> LastLook | None:
    """Return when the last sync of this mode looked; None if none did."""
    with world.database.read() as session:
        looks = account_looks.read(session, world.listing_place)
    if not looks:
        return None
    return LastLook(min(look.looked for look in looks), sum(look.unknown for look in looks))
