"""Find HITs of the account that this database does not know; they are reported, and only changed on request.

A HIT is unknown if it has no row, none of our requests may have posted it, and neither psiTurk's table of HITs nor a
participant's row names it. HITs named there were posted by psiTurk (:mod:`turkctl.operations.sync.of_psiturk`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from turkctl.mturk.types import Hit
from turkctl.operations.engine.world import World
from turkctl.store import hits, intents, psiturk_hits


def unknown_hits(session: Session, world: World, listed: Sequence[Hit]) -> list[Hit]:
    """Return those of the HITs that nothing in the database knows, in the order given."""
    rest = without_row(session, world, listed)
    if not rest:
        return []
    named = psiturk_hits.names(session, world.place, world.settings["participants_table"], [hit.hit_id for hit in rest])
    tokens = [hit.annotation for hit in rest if hit.annotation]
    ours = intents.known_tokens(session, tokens)
    return [hit for hit in rest if hit.annotation not in ours and hit.hit_id not in named]


def list_account(world: World) -> list[Hit]:
    """Return all HITs of the account.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    return world.engine().call(lambda: list(world.mturk.list_hits()))


def without_row(session: Session, world: World, listed: Sequence[Hit]) -> list[Hit]:
    """Return those of the HITs that have no row, even if other tables name them."""
    missing = set(hits.unknown_ids(session, world.place, [hit.hit_id for hit in listed]))
    return [hit for hit in listed if hit.hit_id in missing]
