"""``hits extend``: more assignments, more time."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import TurkctlError, UsageError
from turkctl.fees import LARGE_HIT, reward_fee
from turkctl.mturk.errors import AlreadyExistsError
from turkctl.mturk.requirements import ask_for_masters
from turkctl.mturk.types import Hit
from turkctl.operations.engine.plan import Done, Plan, Step, fail, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.outcomes import refused
from turkctl.operations.intents.settle import settle
from turkctl.operations.limits.budgets import check_budgets, check_funds
from turkctl.operations.limits.campaigns import check_extensions
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.targets import Target, find_targets
from turkctl.operations.sync.observe import Observed, observe, snapshot
from turkctl.store import hit_changes, hits, intents, meta
from turkctl.store.base import Place
from turkctl.store.hits import DISPOSED
from turkctl.store.intents import Intent
from turkctl.units import format_duration, format_time

ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Extension:
    """What one HIT gets: an intent for its new assignments, a new end of its time, or both."""

    hit: Hit
    intent: Intent | None
    expires: datetime | None


def plan_extend(
    session: Session,
    place: Place,
    targets: Sequence[Target],
    seen: Mapping[str, Observed],
    *,
    assignments: int,
    lifetime: timedelta | None,
    now: datetime,
) -> Plan[Extension]:
    """What each HIT would get; time is added to its expiry, or to now where that is past.

    Raises:
        UsageError: nothing to add, or a HIT of nine or fewer assignments would have ten or more, which the market
            refuses because the commission differs.
    """
    if assignments < 0 or (assignments == 0 and lifetime is None):
        raise UsageError("nothing to add", hint="give --assignments N (1 or more), --lifetime D, or both")
    batch = secrets.token_hex(16)
    database_id = meta.database_id(session)
    steps, skipped = [], []
    for index, target in enumerate(targets):
        hit = seen[target.hit_id].hit
        if hit is None or hit.status == DISPOSED:
            skipped.append((target.hit_id, "deleted: it cannot be extended"))
            continue
        _check_size(hit, assignments)
        if lifetime is None and hit.expires is not None and hit.expires <= now:
            skipped.append((target.hit_id, "its time is over, so that nobody could take more: add --lifetime too"))
            continue
        token = intents.token(database_id, intents.EXTEND_HIT, batch, index)
        intent = _intent(place, hit, assignments, token, batch, now) if assignments else None
        if intent is not None:
            row = hits.get(session, place, hit.hit_id)
            intent.experiment_id = None if row is None else row.experiment_id
        expires = None if lifetime is None else max(hit.expires or now, now) + lifetime
        steps.append(_step(Extension(hit, intent, expires), assignments, lifetime))
    return Plan("extend", place.mode, tuple(steps), skip(skipped))


def _check_size(hit: Hit, assignments: int) -> None:
    total = hit.max_assignments + assignments
    if hit.max_assignments < LARGE_HIT <= total:
        room = LARGE_HIT - 1 - hit.max_assignments
        raise UsageError(
            f"HIT {hit.hit_id} would go from {hit.max_assignments} to {total} assignments; the market refuses ten or "
            "more on a HIT made with fewer, because the commission differs",
            hint=(f"add at most {room}, or " if room else "") + "post another HIT: turkctl hits create",
        )


def _intent(place: Place, hit: Hit, assignments: int, token: str, batch: str, now: datetime) -> Intent:
    fee = reward_fee(hit.reward, hit.max_assignments, masters=ask_for_masters(hit.requirements))
    total = hit.max_assignments + assignments
    return Intent(
        token=token,
        kind=intents.EXTEND_HIT,
        mode=place.mode,
        market=place.market,
        batch=batch,
        digest=token,
        subject=hit.hit_id,
        request={"assignments": assignments, "total": total},
        cost=(hit.reward + fee) * assignments,
        created=now,
    )


def _step(extension: Extension, assignments: int, lifetime: timedelta | None) -> Step[Extension]:
    words = [f"{assignments} more assignments" if assignments else ""]
    if lifetime is not None and extension.expires is not None:
        words.append(f"{format_duration(lifetime)} more time, until {format_time(extension.expires)}")
    cost = extension.intent.cost if extension.intent else ZERO
    return Step(extension.hit.hit_id, extension, cost, " and ".join(filter(None, words)))


def prepare_extend(
    world: World, hit_ids: Sequence[str], *, assignments: int, lifetime: timedelta | None
) -> tuple[Plan[Extension], Extend]:
    """The plan for these HITs, as the market has them now, and how it is done.

    Raises:
        FundsError: the budget of an experiment or a campaign, or the balance, does not allow it.
        UsageError, NotFoundError, WrongMarketError: see :func:`plan_extend` and
            :func:`turkctl.operations.selection.targets.find_targets`.
    """
    now = world.now()
    settled = settle(world, now)
    targets = find_targets(world, Selection(ids=tuple(dict.fromkeys(hit_ids))), now)
    seen = observe(world.mturk, world.engine(), [target.hit_id for target in targets.found], now)
    refused = [fail(each.hit_id, each.refused) for each in seen.values() if each.refused is not None]
    told = [target for target in targets.found if seen[target.hit_id].refused is None]
    with world.database.read() as session:
        plan = plan_extend(session, world.place, told, seen, assignments=assignments, lifetime=lifetime, now=now)
    wanted = [step.payload.intent for step in plan.steps if step.payload.intent is not None]
    check_funds(world, costs_of(wanted), now)
    with world.database.read() as session:
        check_extensions(session, wanted, now)
    left = (*plan.skipped, *refused, *targets.failed)
    return replace(plan, skipped=left, notes=settled.notes), Extend(world, now)


def costs_of(wanted: Sequence[Intent]) -> dict[int | None, Decimal]:
    """What the extensions cost each experiment; None stands for HITs of no experiment."""
    costs: dict[int | None, Decimal] = {}
    for intent in wanted:
        costs[intent.experiment_id] = costs.get(intent.experiment_id, ZERO) + intent.cost
    return costs


class Extend:
    """Adds time first, so that new assignments can be taken at once, then assignments by their intent's token."""

    def __init__(self, world: World, now: datetime) -> None:
        self._database = world.database
        self._mturk = world.mturk
        self._place = world.place
        self._now = now

    def prepare(self, steps: Sequence[Step[Extension]]) -> None:
        """Commit the intents of the group.

        Raises:
            FundsError: what others have begun since the plan was made leaves no room for it.
        """
        wanted = [step.payload.intent for step in steps if step.payload.intent is not None]
        if wanted:
            with self._database.write() as session:
                check_budgets(session, self._place, costs_of(wanted), self._now)
                check_extensions(session, wanted, self._now)
                intents.open_many(session, wanted)
                for intent in wanted:
                    intents.mark_sent(session, intent.token, self._now)

    def perform(self, step: Step[Extension]) -> Done:
        """Ask the market, then read what the HIT has become."""
        if step.payload.expires is not None:
            self._mturk.set_expiration(step.id, step.payload.expires)
        if step.payload.intent is not None:
            try:
                self._mturk.extend_hit(step.id, step.payload.intent.request["assignments"], step.payload.intent.token)
            except AlreadyExistsError:
                if self._mturk.get_hit(step.id).max_assignments < step.payload.intent.request["total"]:
                    raise
        return Done("extended", value=self._mturk.get_hit(step.id))

    def record(self, outcomes: Sequence[tuple[Step[Extension], Done | TurkctlError]]) -> None:
        """Store the new counters and finish the intents; one without an answer stays unfinished."""
        with self._database.write() as session:
            for step, outcome in outcomes:
                intent = step.payload.intent
                if isinstance(outcome, Done):
                    hit_changes.update_counters(session, self._place, snapshot(outcome.value, self._now))
                    if intent is not None:
                        intents.complete(session, intent.token, step.id, self._now)
                elif intent is not None and refused(outcome):
                    intents.fail(session, intent.token, outcome.code, self._now)
