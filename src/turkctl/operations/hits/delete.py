"""``hits delete``: what is reviewable with nothing left to decide; all else is skipped with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from turkctl.errors import TurkctlError
from turkctl.mturk.errors import DoesNotExistError, InvalidStateError
from turkctl.mturk.types import Hit
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
from turkctl.words import plural

REVIEWABLE = ("Reviewable", "Reviewing")


@dataclass(frozen=True)
class Deletion:
    """One HIT to delete; ``expire_first`` when it is still open and ``--force`` was given."""

    hit_id: str
    known: bool
    expire_first: bool


def obstacle(hit: Hit, now: datetime, *, force: bool) -> str | None:
    """What stands in the way of deleting a HIT; None when nothing does.

    Source: DeleteHIT needs Reviewable or Reviewing, and every submission approved or rejected.
    """
    if hit.submitted:
        return f"{hit.submitted} submitted {plural(hit.submitted, 'waits', 'wait')} for approval or rejection"
    if hit.pending:
        return f"{hit.pending} at work, at the latest until {format_time(last_moment(hit, now))}"
    if hit.status in REVIEWABLE or force:
        return None
    return f"still open until {format_time(hit.expires or now)}: expire it first, or add --force"


def last_moment(hit: Hit, now: datetime) -> datetime:
    """When those at work have to be done: they may have started until the HIT's expiry, and no later than now.

    A HIT that was expired by hand has an expiry of long ago, which says nothing about when they started.
    """
    duration = hit.duration or timedelta()
    until = (hit.expires or now) + duration
    return until if until > now else now + duration


def plan_delete(
    mode: str, targets: Sequence[Target], seen: Mapping[str, Observed], now: datetime, *, force: bool
) -> Plan[Deletion]:
    """Delete what the market just said can be deleted.

    Args:
        mode: the mode.
        targets: the HITs that match.
        seen: each as the market has it now.
        now: for the reasons.
        force: expire open ones first.
    """
    steps, skipped, failed = [], [], []
    for target in targets:
        hit, refused = seen[target.hit_id].hit, seen[target.hit_id].refused
        if refused is not None:
            failed.append(fail(target.hit_id, refused))
        elif hit is None or hit.status == DISPOSED:
            skipped.append((target.hit_id, "deleted before"))
        elif reason := obstacle(hit, now, force=force):
            skipped.append((target.hit_id, reason))
        else:
            deletion = Deletion(target.hit_id, target.known, expire_first=hit.status not in REVIEWABLE)
            steps.append(Step(target.hit_id, deletion, detail=target.title))
    return Plan("delete", mode, tuple(steps), (*skip(skipped), *failed))


def prepare_delete(world: World, selection: Selection, *, force: bool) -> tuple[Plan[Deletion], Delete]:
    """The plan for what matches, as the market has it now, and how it is done.

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
    """Read work that is not stored yet: once a HIT is deleted, nobody can tell any more who did it.

    Returns:
        The HITs that the market would not tell about: these have to stay.
    """
    there = {hit_id: each.hit for hit_id, each in seen.items() if each.hit is not None and not each.gone}
    with world.database.read() as session:
        rows = hits.select_hits(session, HitFilter(world.place, ids=list(there)))
    return read_market(world, rows, now, known=there).failed


class Delete(Act[Deletion]):
    """Deletes each HIT, expiring it first where that was agreed to; twice does no harm."""

    def __init__(self, world: World, now: datetime) -> None:
        self._database = world.database
        self._mturk = world.mturk
        self._place = world.place
        self._now = now
        self._expired: set[str] = set()
        """HITs that were expired, whether or not they could be deleted then."""

    def perform(self, step: Step[Deletion]) -> Done:
        """Ask the market; "deleted already" counts as done, also by an earlier try whose answer was lost."""
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
        """Mark the HITs that the database knows as disposed: the market itself has said so. Others may be expired."""
        known = [(step.id, isinstance(outcome, Done)) for step, outcome in outcomes if step.payload.known]
        if known:
            with self._database.write() as session:
                for hit_id, done in known:
                    if done:
                        hit_changes.mark_disposed(session, self._place, hit_id, self._now)
                    elif hit_id in self._expired:
                        hit_changes.mark_expired(session, self._place, hit_id, self._now)
