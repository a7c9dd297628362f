"""What the market says about HITs now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from turkctl.errors import NotFoundError
from turkctl.mturk.client import MTurk
from turkctl.mturk.errors import DoesNotExistError, MarketRefusedError
from turkctl.mturk.types import Hit
from turkctl.operations.engine.batch import Engine, read_each
from turkctl.store.hit_changes import Snapshot
from turkctl.store.hits import DISPOSED

_ID = re.compile(r"[A-Z0-9]{1,64}")
"""What the API takes for an id."""


@dataclass(frozen=True)
class Observed:
    """One HIT as the market has it; ``hit`` is None when the market says that it does not exist."""

    hit_id: str
    hit: Hit | None
    read_at: datetime

    @property
    def gone(self) -> bool:
        """Whether the market itself says that it is gone."""
        return self.hit is None or self.hit.status == DISPOSED


def observe(mturk: MTurk, engine: Engine, hit_ids: Sequence[str], now: datetime) -> dict[str, Observed]:
    """Ask GetHIT for each of the HITs, several at a time.

    Raises:
        TurkctlError: the market refused, or did not answer, for another reason than that a HIT does not exist.
    """
    found = {}
    for hit_id, answer in read_each(engine, hit_ids, mturk.get_hit):
        if isinstance(answer, MarketRefusedError) and not isinstance(answer, DoesNotExistError):
            raise answer
        found[hit_id] = Observed(hit_id, None if isinstance(answer, MarketRefusedError) else answer, now)
    return found


def snapshot(hit: Hit, read_at: datetime) -> Snapshot:
    """The market's answer as the store keeps it. A market that tells no expiry is taken to mean none to come."""
    return Snapshot(
        hit_id=hit.hit_id,
        status=hit.status,
        max_assignments=hit.max_assignments,
        available=hit.available,
        pending=hit.pending,
        completed=hit.completed,
        expires=hit.expires or read_at,
        read_at=read_at,
    )


def named_on_market(mturk: MTurk, engine: Engine, hit_ids: Sequence[str], now: datetime) -> list[Hit]:
    """HITs asked for by name that the database does not know, from the market.

    Raises:
        NotFoundError: the market does not know one of them either, or it is no id at all.
    """
    for hit_id in hit_ids:
        if not _ID.fullmatch(hit_id):
            raise NotFoundError(f"'{hit_id}' is no id of a HIT", hint="see: turkctl hits list")
    found = observe(mturk, engine, hit_ids, now)
    missing = [hit_id for hit_id in hit_ids if found[hit_id].gone]
    if missing:
        raise NotFoundError(
            f"HIT {missing[0]} does not exist" + (f", nor do {len(missing) - 1} others" if missing[1:] else ""),
            hint="see: turkctl hits list; check --mode and the endpoint",
        )
    return [seen.hit for seen in found.values() if seen.hit is not None]
