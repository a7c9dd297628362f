"""Import psiTurk's HITs: those that the market still knows, with its counters.

psiTurk stores only ids. A HIT without counters would make campaigns count unknown slots, so a HIT is imported only
once the market has described it; until then it is known through its participants' rows, and they count by their own
code version.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from turkctl.errors import TurkctlError
from turkctl.ids import can_be_id
from turkctl.mturk.types import Hit
from turkctl.operations.engine.world import World
from turkctl.operations.intents.posts import found_row
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.psiturk.items import KEPT, SKIPPED, TAKEN, ImportItem
from turkctl.operations.psiturk.jobs import MODES
from turkctl.operations.sync.observe import observe
from turkctl.operations.sync.run import read_market
from turkctl.store import experiments, hits, market_rules
from turkctl.store.hits import HitFilter
from turkctl.store.psiturk import People


def take_hits(
    world: World,
    people: dict[str, list[People]],
    hit_ids: Sequence[str],
    experiment: experiments.Version | None,
) -> list[ImportItem]:
    """Ask the market for psiTurk's HITs of this mode and store those of the experiment's code version.

    Args:
        world: database and market.
        people: participants by HIT.
        hit_ids: the ids in psiTurk's table.
        experiment: as it is configured; None if it is not configured yet.
    """
    mode, items = world.settings.mode, []
    wanted = []
    for hit_id in hit_ids:
        reason = _not_asked_for(mode, people.get(hit_id, []), experiment)
        if reason is None:
            wanted.append(hit_id)
        else:
            items.append(ImportItem("hit", hit_id, None, SKIPPED, reason))
    if not wanted or experiment is None:
        return items
    try:
        return items + _ask(world, people, wanted, experiment)
    except TurkctlError as error:
        reason = f"the market could not be reached ({error.message}); run this again later"
        return items + [ImportItem("hit", hit_id, None, SKIPPED, _known(people, hit_id, reason)) for hit_id in wanted]


def _not_asked_for(mode: str, people: Sequence[People], experiment: experiments.Version | None) -> str | None:
    modes, versions = {each.mode for each in people if each.mode}, {each.code_version for each in people}
    if mode == "local":
        return "it is not on the built-in market: run this again with --mode sandbox or --mode live"
    if modes and mode not in modes:
        other = next((each for each in MODES if each in modes), None)
        if other is None:
            return f"its participants are of mode {min(modes)}: it was never on the market"
        return f"it is of mode {other}: run this again with --mode {other}"
    if experiment is None:
        return "its experiment is not configured yet: run this again when it is"
    if versions - {None} - {experiment.code_version}:
        return "its participants have another code version than the experiment: they count by their own"
    return None


def _known(people: dict[str, list[People]], hit_id: str, reason: str) -> str:
    number = sum(each.number for each in people.get(hit_id, []))
    return f"{reason}; known through {number} participants until then" if number else reason


def _ask(
    world: World,
    people: dict[str, list[People]],
    wanted: Sequence[str],
    experiment: experiments.Version,
) -> list[ImportItem]:
    place, now = world.place, world.now()
    with world.database.read() as session:
        fresh = hits.unknown_ids(session, place, wanted)
    items = [ImportItem("hit", hit_id, hit_id, KEPT, "already known") for hit_id in wanted if hit_id not in set(fresh)]
    if fresh:
        world.mturk.balance()  # one request without a retry: an unreachable market is noticed at once
    seen = observe(world.mturk, world.engine(), [hit_id for hit_id in fresh if can_be_id(hit_id)], now)
    adopted: dict[str, Hit] = {}
    for hit_id in fresh:
        if hit_id not in seen:
            items.append(ImportItem("hit", hit_id, None, SKIPPED, "no market can have a HIT with this id"))
            continue
        if (refused := seen[hit_id].refused) is not None:
            raise refused
        hit = seen[hit_id].hit
        if hit is None or seen[hit_id].gone:
            detail = "the market no longer has it; its participants count by their code version"
            items.append(ImportItem("hit", hit_id, None, SKIPPED, detail))
        elif not people.get(hit_id) and not hit.available and not hit.pending:
            items.append(ImportItem("hit", hit_id, None, SKIPPED, "nobody took part in it, and nobody can now"))
        else:
            adopted[hit_id] = hit
            detail = (
                f"{hit.available} of {hit.max_assignments} assignments open, code version {experiment.code_version}"
            )
            items.append(ImportItem("hit", hit_id, hit_id, TAKEN, detail))
    if adopted:
        _store(world, adopted, experiment, now)
    return items


def _store(world: World, adopted: dict[str, Hit], experiment: experiments.Version, now: datetime) -> None:
    place = world.place
    learn_rules(world)
    with world.database.write() as session:
        for hit_id in hits.unknown_ids(session, place, list(adopted)):
            row = found_row(
                adopted[hit_id],
                place,
                now,
                market_rules.fee_at(session, place),
                experiment_id=experiment.experiment_id,
                code_version=experiment.code_version,
                origin=hits.PSITURK,
            )
            hits.insert(session, row)
    with world.database.read() as session:
        rows = hits.select_hits(session, HitFilter(place, ids=list(adopted)))
    read_market(world, rows, now, known=adopted)
