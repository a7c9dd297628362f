"""Explain what prevents deleting, extending, approving and paying bonuses, and until when (``hits why``).

The answers come from the acts themselves: each is planned, and its reasons for skipping something are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from turkctl.errors import TurkctlError
from turkctl.mturk.types import Assignment, Hit
from turkctl.operations.engine.plan import FAILED, ItemResult
from turkctl.operations.engine.world import World
from turkctl.operations.hits.deadlines import OVERRIDABLE
from turkctl.operations.hits.delete import last_moment, obstacle
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection, refuse_elsewhere
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.observe import one_on_market
from turkctl.operations.sync.run import read_market
from turkctl.store import hits
from turkctl.store.assignments import REJECTED, SUBMITTED
from turkctl.store.hits import DISPOSED, HitFilter
from turkctl.words import counted, plural

COLUMNS = ("act", "id", "can", "why", "clears", "mend")


@dataclass(frozen=True)
class Obstacle:
    """One act on a HIT or an assignment: whether it is possible, and if not, why, until when, and how to fix that."""

    act: str
    id: str
    why: str | None = None
    clears: datetime | None = None
    """When the obstacle disappears by itself; None if it does not, or if that is unknown."""
    fix: str | None = None
    can: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the row that is shown."""
        return {name: getattr(self, "fix" if name == "mend" else name) for name in COLUMNS}


def explain(world: World, hit_id: str, *, keep: bool = True) -> list[dict[str, Any]]:
    """Return the rows of ``hits why``: delete and extend for the HIT, approve and bonus for each assignment.

    Args:
        world: database, market and clock.
        hit_id: of the HIT.
        keep: store what the market says; a page that anybody may open only shows it.

    Raises:
        NotFoundError: neither the market nor the database knows the HIT.
        WrongMarketError: it belongs to another mode or market.
        UnreachableError: the market cannot be reached.
    """
    now = world.now()
    with world.database.read() as session:
        known = hits.select_hits(session, HitFilter(world.place, ids=[hit_id]))
        if not known:
            refuse_elsewhere(session, world.place, hit_id)
    if known and known[0].status == DISPOSED:
        acts = ("delete", "extend", "approve", "bonus")
        return [Obstacle(act, hit_id, "the HIT is deleted").as_dict() for act in acts]
    hit = one_on_market(world.mturk, world.engine(), hit_id, now)
    work = world.engine().call(lambda: list(world.mturk.list_assignments(hit_id)))
    if keep:
        read_market(world, known, now, known={hit_id: hit})
    found = [_delete(hit, work, now), _extend(world, hit)]
    if not work:
        found += [_nothing_yet(act, hit, now) for act in ("approve", "bonus")]
    found += [_approve(each, now) for each in work]
    return [each.as_dict() for each in (*found, *_bonuses(world, work))]


def _delete(hit: Hit, work: Sequence[Assignment], now: datetime) -> Obstacle:
    reason = obstacle(hit, now, force=False)
    if reason is None:
        return Obstacle("delete", hit.hit_id, can=True, fix=f"turkctl hits delete {hit.hit_id}")
    if hit.submitted:
        by_itself = [each.auto_approval for each in work if each.status == SUBMITTED and each.auto_approval]
        clears = max(by_itself, default=None)
        return Obstacle("delete", hit.hit_id, reason, clears, f"turkctl hits approve {hit.hit_id}")
    if hit.pending:
        return Obstacle("delete", hit.hit_id, reason, last_moment(hit, now))
    return Obstacle("delete", hit.hit_id, reason, hit.expires, f"turkctl hits expire {hit.hit_id}")


def _extend(world: World, hit: Hit) -> Obstacle:
    try:
        plan, _act = prepare_extend(world, ExtendRequest((hit.hit_id,), assignments=1, new=True))
    except TurkctlError as error:
        return Obstacle("extend", hit.hit_id, error.message, fix=error.hint)
    if plan.skipped:
        return Obstacle(
            "extend", hit.hit_id, plan.skipped[0].detail, fix=f"turkctl hits extend {hit.hit_id} --lifetime 1d"
        )
    return Obstacle("extend", hit.hit_id, can=True, fix=f"turkctl hits extend {hit.hit_id} --assignments 1")


def _nothing_yet(act: str, hit: Hit, now: datetime) -> Obstacle:
    if hit.pending:
        who = f"{counted(hit.pending, 'worker')} {plural(hit.pending, 'is', 'are')} at work"
        return Obstacle(act, hit.hit_id, f"nothing is submitted; {who}", last_moment(hit, now))
    open_ = 0 if hit.expired(now) else hit.available
    words = f"{counted(open_, 'slot')} {plural(open_, 'is', 'are')} open" if open_ else "and nobody can start any more"
    return Obstacle(act, hit.hit_id, f"nothing is submitted; {words}")


def _approve(work: Assignment, now: datetime) -> Obstacle:
    name = work.assignment_id
    if work.status == SUBMITTED:
        return Obstacle("approve", name, can=True, fix=f"turkctl workers approve {name}")
    if work.status != REJECTED:
        return Obstacle("approve", name, "already approved")
    if work.submitted is not None and work.submitted + OVERRIDABLE <= now:
        return Obstacle("approve", name, "rejected; the 30 days after the submission to override that are over")
    until = None if work.submitted is None else work.submitted + OVERRIDABLE
    return Obstacle("approve", name, "rejected", until, f"turkctl workers approve {name} --override-rejection")


def _bonuses(world: World, work: Sequence[Assignment]) -> list[Obstacle]:
    """Return what ``workers bonus --auto`` would do for each; all of them can get a bonus of another purpose."""
    if not work:
        return []
    names = tuple(each.assignment_id for each in work)
    try:
        plan, _act = prepare_bonus(world, WorkSelection(Selection(ids=names)), BonusRequest("asked by hits why"))
    except TurkctlError as error:
        return [Obstacle("bonus --auto", name, error.message, fix=error.hint) for name in names]
    left = {item.id: item for item in plan.skipped}
    return [_bonus(name, left.get(name)) for name in names]


def _bonus(name: str, left: ItemResult | None) -> Obstacle:
    if left is None:
        return Obstacle("bonus --auto", name, can=True, fix=f"turkctl workers bonus {name} --auto --reason TEXT")
    reason = left.error.message if left.status == FAILED and left.error is not None else left.detail
    return Obstacle("bonus --auto", name, reason, fix=f"turkctl workers bonus {name} --amount A --reason TEXT")
