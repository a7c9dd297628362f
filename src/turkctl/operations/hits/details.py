"""Show one HIT in full, with its assignments.

Separate from :mod:`turkctl.operations.hits.lists`, which needs neither the client nor a sync.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from turkctl.mturk.types import Assignment, Hit
from turkctl.operations.engine.world import World
from turkctl.operations.hits.lists import as_dict, state_of
from turkctl.operations.selection.hits import refuse_elsewhere
from turkctl.operations.sync.answers import parsed
from turkctl.operations.sync.observe import one_on_market
from turkctl.operations.sync.run import read_market
from turkctl.store import hits
from turkctl.store.base import Place
from turkctl.store.hits import HitFilter


def show_hit(world: World, hit_id: str, *, keep: bool = True) -> dict[str, Any]:
    """Return a HIT as the market has it now, with its submitted assignments; bring the database's row up to date.

    Args:
        world: database, market and clock.
        hit_id: of the HIT.
        keep: store what the market says; a page that anybody may open only shows it.

    Raises:
        NotFoundError: neither the market nor the database knows the HIT.
    """
    place, now, engine = world.place, world.now(), world.engine()
    with world.database.read() as session:
        known = hits.select_hits(session, HitFilter(place, ids=[hit_id]))
        if not known:
            refuse_elsewhere(session, place, hit_id)
    if known and known[0].status == hits.DISPOSED:
        return {**as_dict(known[0], now), "assignments": []}
    hit = one_on_market(world.mturk, engine, hit_id, now)
    submitted = engine.call(lambda: list(world.mturk.list_assignments(hit_id)))
    if keep:
        read_market(world, known, now, known={hit_id: hit})
    ours = as_dict(known[0], now) if known else {}
    return {**_shown(hit, ours, place, now), "assignments": [_assignment(each) for each in submitted]}


def _shown(hit: Hit, ours: Mapping[str, Any], place: Place, now: datetime) -> dict[str, Any]:
    return {
        "hit_id": hit.hit_id,
        "experiment": ours.get("experiment"),
        "title": hit.title,
        "description": hit.description,
        "keywords": list(hit.keywords),
        **state_of(hit, now),
        "duration": hit.duration,
        "auto_approval_delay": hit.auto_approval_delay,
        "campaign": ours.get("campaign"),
        "codeversion": ours.get("codeversion"),
        "mode": place.mode,
        "market": place.market,
        "hit_type_id": hit.hit_type_id,
        "hit_group_id": hit.hit_group_id,
        "annotation": hit.annotation,
        "requirements": [dict(requirement) for requirement in hit.requirements],
    }


def _assignment(each: Assignment) -> dict[str, Any]:
    return {
        "assignment_id": each.assignment_id,
        "worker_id": each.worker_id,
        "status": each.status,
        "accepted": each.accepted,
        "submitted": each.submitted,
        "auto_approval": each.auto_approval,
        "approved": each.approved,
        "rejected": each.rejected,
        "feedback": each.feedback,
        "answers": parsed(each.answer),
        "answer": each.answer,
    }
