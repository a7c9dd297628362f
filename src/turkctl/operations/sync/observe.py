"""Ask the market about HITs by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from turkctl.errors import NotFoundError
from turkctl.ids import can_be_id, quoted
from turkctl.mturk.client import MTurk
from turkctl.mturk.errors import DoesNotExistError, MarketRefusedError
from turkctl.mturk.types import Hit
from turkctl.operations.engine.batch import Engine, read_each
from turkctl.operations.engine.plan import ItemResult, fail
from turkctl.store.hit_changes import Snapshot
from turkctl.store.hits import DISPOSED


@dataclass(frozen=True)
class Observed:
    """A HIT as the market has it; ``hit`` is None if the market says that it does not exist, or refuses to answer."""

    hit_id: str
    hit: Hit | None
    read_at: datetime
    refused: MarketRefusedError | None = None
    """Why the market refused to answer."""

    @property
    def gone(self) -> bool:
        """Return whether the market says that it is gone."""
        return self.refused is None and (self.hit is None or self.hit.status == DISPOSED)


def observe(mturk: MTurk, engine: Engine, hit_ids: Sequence[str], now: datetime) -> dict[str, Observed]:
    """Call GetHIT for each of the HITs, several at a time; return the answers by id.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    found = {}
    for hit_id, answer in read_each(engine, hit_ids, mturk.get_hit):
        if isinstance(answer, DoesNotExistError):
            found[hit_id] = Observed(hit_id, None, now)
        elif isinstance(answer, MarketRefusedError):
            found[hit_id] = Observed(hit_id, None, now, answer)
        else:
            found[hit_id] = Observed(hit_id, answer, now)
    return found


def snapshot(hit: Hit, read_at: datetime) -> Snapshot:
    """Return the market's answer as the store keeps it; without an expiry, the HIT counts as expired when read."""
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


def named_on_market(
    mturk: MTurk, engine: Engine, hit_ids: Sequence[str], now: datetime
) -> tuple[list[Hit], list[ItemResult]]:
    """Return the HITs with these ids, which the database does not know, and a failed item for each that is no HIT.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    failed = [fail(hit_id, _no_id(hit_id)) for hit_id in hit_ids if not can_be_id(hit_id)]
    found = observe(mturk, engine, [hit_id for hit_id in hit_ids if can_be_id(hit_id)], now)
    failed += [fail(each.hit_id, each.refused or _missing(each.hit_id)) for each in found.values() if _lacks(each)]
    return [each.hit for each in found.values() if each.hit is not None and not each.gone], failed


def one_on_market(mturk: MTurk, engine: Engine, hit_id: str, now: datetime) -> Hit:
    """Return the HIT with this id, which the database does not know.

    Raises:
        NotFoundError: the market does not know it either, or the id is invalid.
        MarketRefusedError: the market refused to answer.
        UnreachableError: the market cannot be reached.
    """
    if not can_be_id(hit_id):
        raise _no_id(hit_id)
    found = observe(mturk, engine, [hit_id], now)[hit_id]
    if found.hit is None or found.gone:
        raise found.refused or _missing(hit_id)
    return found.hit


def _lacks(seen: Observed) -> bool:
    return seen.gone or seen.refused is not None


def _no_id(hit_id: str) -> NotFoundError:
    return NotFoundError(f"{quoted(hit_id)} is not a HIT id", hint="see: turkctl hits list")


def _missing(hit_id: str) -> NotFoundError:
    return NotFoundError(f"HIT {hit_id} does not exist", hint="see: turkctl hits list; check --mode and the endpoint")
