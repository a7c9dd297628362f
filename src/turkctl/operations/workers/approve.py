"""``workers approve`` and ``hits approve``: everything marked submitted is approved and so paid. Never asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from turkctl.operations.engine.plan import Plan, Step, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.settle import settle
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.targets import find_targets
from turkctl.operations.selection.work import (
    FoundWork,
    Work,
    WorkSelection,
    find_work,
    misnamed,
    of_hits,
    participants_table,
    work_elsewhere,
)
from turkctl.operations.sync.run import read_market
from turkctl.operations.workers.decide import Decide, Verdict, check_feedback
from turkctl.store import hits, participant_credits, people
from turkctl.store.assignments import APPROVED, REJECTED, SUBMITTED
from turkctl.units import ZERO

NOTHING_NEW = "nothing is marked submitted; what is new comes in with: turkctl sync"
NOTHING_WAITS = "no work waits for a decision; the market was just asked"


def plan_approve(
    mode: str,
    found: FoundWork,
    named: Sequence[str],
    *,
    override_rejection: bool = False,
    notes: Sequence[str] = (),
    nothing: str = NOTHING_NEW,
) -> Plan[Work]:
    """Approve what is marked submitted, and with ``override_rejection`` what was rejected.

    What is decided already is mentioned as skipped only where it was named, unless psiTurk set its participant's row
    back to submitted: then that row is credited again, without a request. The cost is that of overturned
    rejections: for submitted work reward and commission were committed when its HIT was posted.

    Args:
        mode: of the plan.
        found: the work.
        named: ids that were given one by one.
        override_rejection: approve rejected work, too.
        notes: what the user should hear first.
        nothing: what the user should hear where there is nothing to do.
    """
    wanted = (SUBMITTED, REJECTED) if override_rejection else (SUBMITTED,)
    chosen = [each for each in found.work if each.status in wanted or each.set_back is not None]
    steps = tuple(Step(each.assignment_id, each, _cost(each), each.worker_id) for each in chosen)
    done = {each.assignment_id for each in found.work} - {each.assignment_id for each in chosen}
    left = [each for each in found.work if each.assignment_id in done & set(named)]
    skipped = (*skip([*((each.assignment_id, _reason(each)) for each in left), *found.idle]), *found.failed)
    below = sum(each.status in wanted for each in found.below)
    if below:
        notes = [*notes, f"left out, by --min-gold: {below}; see: turkctl workers list --gold"]
    elif not (steps or skipped):
        notes = [*notes, nothing]
    return Plan("approve", mode, steps, skipped, tuple(notes))


def _cost(work: Work) -> Decimal:
    return work.cost or ZERO if work.status == REJECTED else ZERO


def _reason(work: Work) -> str:
    if work.status == REJECTED:
        return "rejected before; --override-rejection approves it all the same"
    return "approved before"


def prepare_approve(
    world: World, wanted: WorkSelection, *, feedback: str | None = None, override_rejection: bool = False
) -> tuple[Plan[Work], Decide]:
    """The plan for the work that matches, and how it is done.

    Raises:
        UsageError, NotFoundError, WrongMarketError: see :func:`turkctl.operations.selection.work.find_work`.
    """
    now = world.now()
    settled = settle(world, now)
    found = _with_set_back(world, find_work(world, wanted))
    plan = plan_approve(
        world.place.mode,
        found,
        wanted.selection.ids,
        override_rejection=override_rejection,
        notes=(*settled.notes, *_wrong(world, found), *(() if found.work else work_elsewhere(world))),
    )
    return plan, approval(world, now, feedback=feedback, override_rejection=override_rejection)


def _with_set_back(world: World, found: FoundWork) -> FoundWork:
    """What was found, with the participants' rows of approved work that psiTurk set back to submitted."""
    with world.database.read() as session:
        table = participants_table(session, world)
        rows = [] if table is None else participant_credits.set_back(session, table, world.place)
    by_claim = {row.claim: row for row in rows}
    approved = [each for each in found.work if each.status == APPROVED and each.claim in by_claim]
    if not approved:
        return found
    marked = {each.claim: replace(each, set_back=by_claim[each.claim]) for each in approved}
    return replace(found, work=tuple(marked.get(each.claim, each) for each in found.work))


def _wrong(world: World, found: FoundWork) -> tuple[str, ...]:
    return misnamed(world, [each for each in found.work if each.status == SUBMITTED])


def approval(world: World, now: datetime, *, feedback: str | None = None, override_rejection: bool = False) -> Decide:
    """How work is approved.

    Raises:
        UsageError: the feedback is too long.
    """
    check_feedback(feedback)

    def ask(assignment_id: str) -> None:
        world.mturk.approve(assignment_id, feedback, override_rejection=override_rejection)

    follows = (SUBMITTED, REJECTED) if override_rejection else (SUBMITTED,)
    return Decide(world, Verdict("approved", APPROVED, follows, ask, feedback), now)


def prepare_approve_hits(
    world: World, selection: Selection, *, feedback: str | None = None, override_rejection: bool = False
) -> tuple[Plan[Work], Decide]:
    """The plan for all submitted work of the HITs that match, new submissions included, and how it is done.

    Raises:
        UsageError, NotFoundError, WrongMarketError: see :func:`turkctl.operations.selection.targets.find_targets`.
    """
    now = world.now()
    settled = settle(world, now)
    targets = find_targets(world, selection, now)
    ids = [target.hit_id for target in targets.found]
    with world.database.read() as session:
        changing = {row.hit_id for row in people.unfinished(session, world.place, now)}
        rows = hits.select_hits(session, hits.HitFilter(world.place, ids=[each for each in ids if each in changing]))
    read_market(world, rows, now)
    widened = selection.everything or selection.filters
    wanted = WorkSelection(selection) if widened and not selection.ids else of_hits(selection, ids)
    found = _with_set_back(world, find_work(world, wanted)) if ids or widened else FoundWork(())
    found = replace(found, failed=(*found.failed, *targets.failed))
    notes = (*settled.notes, *_wrong(world, found))
    plan = plan_approve(
        world.place.mode, found, (), override_rejection=override_rejection, notes=notes, nothing=NOTHING_WAITS
    )
    return plan, approval(world, now, feedback=feedback, override_rejection=override_rejection)
