"""What the market says about HITs now, and writing it down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from turkctl.errors import NotFoundError
from turkctl.mturk.client import MTurk
from turkctl.mturk.errors import DoesNotExistError
from turkctl.mturk.types import Hit
from turkctl.operations.engine import Engine
from turkctl.store import hits
from turkctl.store.base import Place
from turkctl.store.hits import DISPOSED, Snapshot

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

    def read(hit_id: str) -> Observed:
        try:
            return Observed(hit_id, engine.call(lambda: mturk.get_hit(hit_id)), now)
        except DoesNotExistError:
            return Observed(hit_id, None, now)

    if not hit_ids:
        return {}
    with ThreadPoolExecutor(min(engine.workers, len(hit_ids)), thread_name_prefix="turkctl") as pool:
        return {found.hit_id: found for found in pool.map(read, hit_ids)}


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


def write_down(session: Session, place: Place, seen: Iterable[Observed]) -> None:
    """Store what was observed of HITs that the database knows; those that are gone are marked disposed."""
    for each in seen:
        if each.gone:
            hits.mark_disposed(session, place, each.hit_id, each.read_at)
        elif each.hit is not None:
            hits.update_counters(session, place, snapshot(each.hit, each.read_at))


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
