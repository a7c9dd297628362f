"""Say which acts are possible on the HITs of a list, and why not: by the stored counters, without asking the market.

The reasons are those for which the plans of these acts skip a HIT. The acts look at the market first, so that they may
find something newer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from turkctl.operations.hits.delete import in_the_way
from turkctl.operations.hits.expire import is_over
from turkctl.operations.hits.extend import DELETED
from turkctl.store.base import Place
from turkctl.store.hits import DISPOSED, ENDED
from turkctl.words import known_name

ACTS = ("expire", "approve", "delete", "extend")
VIEWS: Mapping[str, Mapping[str, Any]] = {
    "all": {},
    "unexpired": {"expired": False},
    "reviewable": {"statuses": ENDED},
}
"""psiTurk's names for parts of the list, and the arguments of ``list_hits`` that give them."""
FLAGS: Mapping[str, tuple[str, ...]] = {
    "all": (),
    "unexpired": ("--unexpired",),
    "reviewable": tuple(word for status in ENDED for word in ("--status", status)),
}
"""The same, as flags of ``turkctl hits list``."""


@dataclass(frozen=True)
class _StoredState:
    """The state of a HIT as a row of the list has it."""

    status: str
    submitted: int
    pending: int
    expires: datetime | None
    duration: timedelta | None = None


def view(name: str) -> dict[str, Any]:
    """Return the arguments of :func:`turkctl.operations.hits.lists.list_hits` for one of :data:`VIEWS`.

    Raises:
        UsageError: there is no such view.
    """
    return dict(VIEWS[known_name(name, tuple(VIEWS), "view")])


def actions_of(
    rows: Iterable[Mapping[str, Any]], now: datetime, place: Place | None = None
) -> dict[str, dict[str, str | None]]:
    """Return ``{hit_id: {act: reason}}`` for the acts in :data:`ACTS`; None if the act is possible.

    An extension is possible if it adds time; to add assignments alone, the HIT must not have expired.

    Args:
        rows: as :func:`turkctl.operations.hits.lists.list_hits` returns them.
        now: the time of the list.
        place: where the acts would be done; if given, HITs of other markets can only be looked at.
    """
    return {row["hit_id"]: _actions(row, now, place) for row in rows}


def _actions(row: Mapping[str, Any], now: datetime, place: Place | None) -> dict[str, str | None]:
    if place is not None and (row["mode"], row["market"]) != (place.mode, place.market):
        return dict.fromkeys(ACTS, f"it belongs to the market {row['market']} in mode {row['mode']}")
    deleted = row["status"] == DISPOSED
    return {
        "expire": is_over(row["status"], expired=row["expired"]),
        "approve": _approve(row, deleted=deleted),
        "delete": "already deleted" if deleted else in_the_way(_state(row), now),
        "extend": DELETED if deleted else None,
    }


def _approve(row: Mapping[str, Any], *, deleted: bool) -> str | None:
    if deleted:
        return "already deleted"
    return None if row["submitted"] else "nothing is submitted and undecided"


def _state(row: Mapping[str, Any]) -> _StoredState:
    """Return the state of a HIT; one that expired since the last look, with nobody at work, is reviewable by now."""
    status = ENDED[0] if row["expired"] and not row["pending"] else row["status"]
    return _StoredState(status, row["submitted"], row["pending"], row["expires"])
