"""Expire HITs, so that nobody new can start; workers can finish. The most expensive come first (``hits expire``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from turkctl.errors import TurkctlError
from turkctl.operations.engine.plan import Act, Done, Plan, Step, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.settle import settle
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.targets import Target, find_targets
from turkctl.store import hit_changes, hits
from turkctl.units import money_text


def plan_expire(mode: str, targets: Sequence[Target], now: datetime) -> Plan[Target]:
    """Return the plan to expire open HITs, one reward after another, the highest first.

    HITs of one reward are expired at the same time, begun in decreasing order of the dollars at stake; those with
    unknown open slots come first. HITs that have already expired are skipped.
    """
    over = {target.hit_id: is_over(target.status, expired=target.expired(now)) for target in targets}
    todo = [target for target in targets if over[target.hit_id] is None]
    todo.sort(key=_dearest_first)
    steps = tuple(Step(target.hit_id, target, detail=_stake(target), wave=target.reward) for target in todo)
    return Plan("expire", mode, steps, skip((hit_id, why) for hit_id, why in over.items() if why is not None))


def _dearest_first(target: Target) -> tuple[Decimal, bool, Decimal, str]:
    return -target.reward, target.at_stake is not None, -(target.at_stake or Decimal(0)), target.hit_id


def is_over(status: str, *, expired: bool) -> str | None:
    """Return why a HIT is not expired; None if it can be."""
    if status == hits.DISPOSED:
        return "already deleted"
    return "already expired" if expired else None


def _stake(target: Target) -> str:
    if target.at_stake is None:
        return f"{target.title}: number of open slots unknown"
    return f"{target.title}: {target.available} open, {money_text(target.at_stake)} at stake"


def prepare_expire(world: World, selection: Selection) -> tuple[Plan[Target], Expire]:
    """Return the plan for the HITs that match, and the act that applies it; settle unfinished posts first.

    Raises:
        UsageError, NotFoundError, WrongMarketError: see :func:`turkctl.operations.selection.targets.find_targets`.
    """
    now = world.now()
    settled = settle(world, now)
    targets = find_targets(world, selection, now)
    plan = plan_expire(world.place.mode, targets.found, now)
    return replace(plan, skipped=(*plan.skipped, *targets.failed), notes=settled.notes), Expire(world, now)


class Expire(Act[Target]):
    """The act of setting the expiry of each HIT to the past; expiring twice does no harm."""

    def __init__(self, world: World, now: datetime) -> None:
        self._database = world.database
        self._mturk = world.mturk
        self._place = world.place
        self._now = now

    def perform(self, step: Step[Target]) -> Done:
        """Expire the HIT on the market."""
        self._mturk.expire_hit(step.id)
        return Done("expired")

    def record(self, outcomes: Sequence[tuple[Step[Target], Done | TurkctlError]]) -> None:
        """Store the new expiry of the HITs that the database knows."""
        done = [step for step, outcome in outcomes if isinstance(outcome, Done) and step.payload.known]
        if done:
            with self._database.write() as session:
                for step in done:
                    hit_changes.mark_expired(session, self._place, step.id, self._now)
