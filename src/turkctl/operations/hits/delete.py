"""Delete reviewable HITs without undecided work; skip all others with the reason (``hits delete``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from turkctl.errors import TurkctlError
from turkctl.mturk.errors import DoesNotExistError, InvalidStateError
from turkctl.operations.engine.plan import ALREADY_DONE, Act, Done, ItemResult, Plan, Step, fail, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.settle import settle
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.targets import Target, find_targets
from turkctl.operations.sync.observe import Observed, observe
from turkctl.operations.sync.run import read_market
from turkctl.store import hit_changes, hits
from turkctl.store.hits import DISPOSED, HitFilter
from turkctl.units import format_time
from turkctl.words import counted, plural

REVIEWABLE = ("Reviewable", "Reviewing")


@dataclass(frozen=True)
class Deletion:
    """A HIT to delete; ``expire_first`` if it is still open and ``--force`` was given."""

    hit_id: str
    known: bool
    expire_first: bool


class HitState(Protocol):
    """What decides whether a HIT can be deleted, by the market's answer or by what is stored."""

    @property
    def status(self) -> str:
        """Return the market's status."""

    @property
    def submitted(self) -> int:
        """Return the number of assignments that wait for a decision."""

    @property
    def pending(self) -> int:
        """Return the number of workers at work."""

    @property
    def expires(self) -> datetime | None:
        """Return until when workers can start on it."""

    @property
    def duration(self) -> timedelta | None:
        """Return how long a worker has; None if unknown."""


def obstacle(hit: HitState, now: datetime, *, force: bool) -> str | None:
    """Return why a HIT cannot be deleted, with what to do; None if it can.

    DeleteHIT requires the status Reviewable or Reviewing, and that every submission is approved or rejected.
    """
    reason = in_the_way(hit, now)
    if reason is None or hit.submitted or hit.pending:
        return reason
    return None if force else f"{reason}: expire it first, or add --force"


def in_the_way(hit: HitState, now: datetime) -> str | None:
    """Return why a HIT cannot be deleted as it is; None if it can."""
    if hit.submitted:
        work = counted(hit.submitted, "submitted assignment")
        return f"{work} {plural(hit.submitted, 'waits', 'wait')} for approval or rejection"
    if hit.pending:
        who = f"{counted(hit.pending, 'worker')} {plural(hit.pending, 'is', 'are')} still at work"
        return who if hit.duration is None else f"{who}, until {format_time(last_moment(hit, now))} at the latest"
    return None if hit.status in REVIEWABLE else f"still open until {format_time(hit.expires or now)}"


def last_moment(hit: HitState, now: datetime) -> datetime:
    """Return when all workers must be done: they may have started until the HIT's expiry, but no later than now.

    A HIT that was expired by a command has an expiry long ago, which does not show when they started.
    """
    duration = hit.duration or timedelta()
    until = (hit.expires or now) + duration
    return until if until > now else now + duration


def plan_delete(
    mode: str, targets: Sequence[Target], seen: Mapping[str, Observed], now: datetime, *, force: bool
) -> Plan[Deletion]:
    """Return the plan to delete the HITs that can be deleted, by what the market has just answered.

    Args:
        mode: the mode.
        targets: the HITs that match.
        seen: the state of each on the market.
        now: the current time.
        force: expire open HITs first.
    """
    steps, skipped, failed = [], [], []
    for target in targets:
        hit, refused = seen[target.hit_id].hit, seen[target.hit_id].refused
        if refused is not None:
            failed.append(fail(target.hit_id, refused))
        elif hit is None or hit.status == DISPOSED:
            skipped.append((target.hit_id, "already deleted"))
        elif reason := obstacle(hit, now, force=force):
            skipped.append((target.hit_id, reason))
        else:
            deletion = Deletion(target.hit_id, target.known, expire_first=hit.status not in REVIEWABLE)
            steps.append(Step(target.hit_id, deletion, detail=target.title))
    return Plan("delete", mode, tuple(steps), (*skip(skipped), *failed))


def prepare_delete(world: World, selection: Selection, *, force: bool) -> tuple[Plan[Deletion], Delete]:
    """Return the plan for the HITs that match, by their current state on the market, and the act that applies it.

    Raises:
        UsageError, NotFoundError, WrongMarketError: see :func:`turkctl.operations.selection.targets.find_targets`.
    """
    now = world.now()
    settled = settle(world, now)
    targets = find_targets(world, selection, now)
    seen = observe(world.mturk, world.engine(), [target.hit_id for target in targets.found], now)
    unread = _read_last_work(world, seen, now)
    kept = {item.id for item in unread}
    readable = [target for target in targets.found if target.hit_id not in kept]
    plan = plan_delete(world.place.mode, readable, seen, now, force=force)
    left = (*plan.skipped, *unread, *targets.failed)
    return replace(plan, skipped=left, notes=settled.notes), Delete(world, now)


def _read_last_work(world: World, seen: Mapping[str, Observed], now: datetime) -> tuple[ItemResult, ...]:
    """Read work that is not stored yet: after a HIT is deleted, the market no longer tells who did it.

    Returns:
        A failed item for each HIT that could not be read, which must therefore stay.
    """
    there = {hit_id: each.hit for hit_id, each in seen.items() if each.hit is not None and not each.gone}
    with world.database.read() as session:
        rows = hits.select_hits(session, HitFilter(world.place, ids=list(there)))
    return read_market(world, rows, now, known=there).failed


class Delete(Act[Deletion]):
    """The act of deleting each HIT, after expiring it if that was agreed to; deleting twice does no harm."""

    def __init__(self, world: World, now: datetime) -> None:
        self._database = world.database
        self._mturk = world.mturk
        self._place = world.place
        self._now = now
        self._expired: set[str] = set()
        """The HITs that were expired, even if they could not be deleted afterwards."""

    def perform(self, step: Step[Deletion]) -> Done:
        """Delete the HIT; "already deleted" counts as done, because the answer to an earlier try may be lost."""
        if step.payload.expire_first:
            self._mturk.expire_hit(step.id)
            self._expired.add(step.id)
        try:
            self._mturk.delete_hit(step.id)
        except DoesNotExistError:
            return Done(ALREADY_DONE)
        except InvalidStateError as error:
            if error.state != DISPOSED:
                raise
            return Done(ALREADY_DONE)
        return Done("deleted")

    def record(self, outcomes: Sequence[tuple[Step[Deletion], Done | TurkctlError]]) -> None:
        """Mark deleted HITs as disposed and the others as expired if they were, where the database knows them."""
        known = [(step.id, isinstance(outcome, Done)) for step, outcome in outcomes if step.payload.known]
        if known:
            with self._database.write() as session:
                for hit_id, done in known:
                    if done:
                        hit_changes.mark_disposed(session, self._place, hit_id, self._now)
                    elif hit_id in self._expired:
                        hit_changes.mark_expired(session, self._place, hit_id, self._now)
