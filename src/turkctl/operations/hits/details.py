"""Show one HIT in full, with its assignments.

Separate from :mod:`turkctl.operations.hits.lists`, which needs neither the client nor a sync.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from turkctl.mturk.types import Assignment, Hit
from turkctl.operations.answers.items import AnswerFields, as_rows
from turkctl.operations.engine.world import World
from turkctl.operations.hits.lists import as_dict, state_of
from turkctl.operations.selection.hits import refuse_elsewhere
from turkctl.operations.sync.answers import parsed, unpacked
from turkctl.operations.sync.observe import one_on_market
from turkctl.operations.sync.run import read_market
from turkctl.store import answered_items, hits
from turkctl.store.answered_items import ShownHit
from turkctl.store.base import Place
from turkctl.store.hits import HitFilter


def show_hit(world: World, hit_id: str, *, keep: bool = True) -> dict[str, Any]:
    """Return a HIT as the market has it now, with its submitted assignments; bring the database's row up to date.

    ``items`` are those that it shows; ``results`` of an assignment are its answers, each with the key of its item, or
    with all ``keys`` if it is about all of them.

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
        shown = answered_items.shown_by_hits(session, {(hit_id, place.mode)}).get((hit_id, place.mode))
        patterns = () if shown is None else AnswerFields().of(session, shown.settings_id, shown.experiment_id)
    items = _items(shown)
    if known and known[0].status == hits.DISPOSED:
        return {**as_dict(known[0], now), "items": items, "assignments": []}
    hit = one_on_market(world.mturk, engine, hit_id, now)
    submitted = engine.call(lambda: list(world.mturk.list_assignments(hit_id)))
    if keep:
        read_market(world, known, now, known={hit_id: hit})
    ours = as_dict(known[0], now) if known else {}
    assignments = [_assignment(each, shown, patterns) for each in submitted]
    return {**_shown(hit, ours, place, now), "items": items, "assignments": assignments}


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


def _items(shown: ShownHit | None) -> list[dict[str, Any]]:
    return [
        {"position": item.position, "key": item.key, "gold": item.gold, "data": item.data}
        for item in (() if shown is None else shown.items)
    ]


def _assignment(each: Assignment, shown: ShownHit | None, patterns: Sequence[str]) -> dict[str, Any]:
    answers = parsed(each.answer)
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
        "answers": answers,
        "results": [] if answers is None or shown is None else as_rows(unpacked(answers), patterns, shown.items),
        "answer": each.answer,
    }
