"""Approve, and so pay, all work marked submitted, without asking (``workers approve``, ``hits approve``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TextIO

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
from turkctl.operations.workers import marks
from turkctl.operations.workers.decide import Decide, Verdict, check_feedback
from turkctl.store import hits, participant_credits, people
from turkctl.store.assignments import APPROVED, REJECTED, SUBMITTED
from turkctl.units import ZERO

NOTHING_NEW = "no work is marked submitted; to read new work from the market, run: turkctl sync"
NOTHING_WAITS = "no work is waiting for a decision; the market was asked just now"


def plan_approve(
    mode: str,
    found: FoundWork,
    named: Sequence[str],
    *,
    override_rejection: bool = False,
    notes: Sequence[str] = (),
    nothing: str | None = NOTHING_NEW,
) -> Plan[Work]:
    """Return the plan that approves work marked submitted and, with ``override_rejection``, rejected work.

    Work that is already decided is a skipped item only if it was given by id. If psiTurk set the participant's row of
    approved work back to submitted, the row is credited again, without a request. Only overturned rejections add to
    the cost: reward and commission of submitted work were committed when its HIT was posted.

    Args:
        mode: the mode of the plan.
        found: the work.
        named: ids that the user gave.
        override_rejection: approve rejected work too.
        notes: notes that the plan shows first.
        nothing: the note if there is nothing to do; None for no note.
    """
    wanted = (SUBMITTED, REJECTED) if override_rejection else (SUBMITTED,)
    chosen = [each for each in found.work if each.status in wanted or each.set_back is not None]
    steps = tuple(Step(each.assignment_id, each, _cost(each), each.worker_id) for each in chosen)
    done = {each.assignment_id for each in found.work} - {each.assignment_id for each in chosen}
    left = [each for each in found.work if each.assignment_id in done & set(named)]
    skipped = (*skip([*((each.assignment_id, _reason(each)) for each in left), *found.idle]), *found.failed)
    below = sum(each.status in wanted for each in found.below)
    if below:
        notes = [*notes, f"left out because of --min-gold: {below}; see: turkctl workers list --gold"]
    elif nothing and not (steps or skipped):
        notes = [*notes, nothing]
    return Plan("approve", mode, steps, skipped, tuple(notes))


def _cost(work: Work) -> Decimal:
    return work.cost or ZERO if work.status == REJECTED else ZERO


def _reason(work: Work) -> str:
    if work.status == REJECTED:
        return "already rejected; to approve it anyway, add --override-rejection"
    return "already approved"


def prepare_approve(
    world: World, wanted: WorkSelection, *, feedback: str | None = None, override_rejection: bool = False
) -> tuple[Plan[Work], Decide]:
    """Return the plan for the work that matches, and the act.

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


def prepare_approve_file(
    world: World, file: Path, stdin: TextIO, *, feedback: str | None = None, override_rejection: bool = False
) -> tuple[Plan[Work], Decide]:
    """Return the plan for the rows of a file that are marked to be approved, and the act.

    Raises:
        UsageError, NotFoundError, WrongMarketError: see :func:`turkctl.operations.workers.marks.read_decisions` and
            :func:`turkctl.operations.workers.marks.find_decided`; nothing is decided.
    """
    check_feedback(feedback)
    decisions = marks.read_decisions(world, file, stdin, marks.APPROVE, feedback)
    now = world.now()
    settled = settle(world, now)
    found = _with_set_back(world, marks.find_decided(world, decisions))
    notes = (*settled.notes, *_wrong(world, found))
    plan = plan_approve(
        world.place.mode, found, decisions.ids, override_rejection=override_rejection, notes=notes, nothing=None
    )
    own = marks.texts_of(decisions, found.work)
    act = approval(world, now, feedback=feedback, override_rejection=override_rejection, own=own)
    return marks.told_by_rows(world, plan, decisions, found), act


def _with_set_back(world: World, found: FoundWork) -> FoundWork:
    """Return the same, with the participants' rows that psiTurk set back to submitted added to their approved work."""
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


def approval(
    world: World,
    now: datetime,
    *,
    feedback: str | None = None,
    override_rejection: bool = False,
    own: Mapping[str, str] | None = None,
) -> Decide:
    """Return the act that approves work; ``own`` has the feedback of assignments with one of their own.

    Raises:
        UsageError: the feedback is too long.
    """
    check_feedback(feedback)

    def ask(assignment_id: str, told: str | None) -> None:
        world.mturk.approve(assignment_id, told, override_rejection=override_rejection)

    follows = (SUBMITTED, REJECTED) if override_rejection else (SUBMITTED,)
    return Decide(world, Verdict("approved", APPROVED, follows, ask, feedback, own or {}), now)


def prepare_approve_hits(
    world: World, selection: Selection, *, feedback: str | None = None, override_rejection: bool = False
) -> tuple[Plan[Work], Decide]:
    """Return the plan for all submitted work of the HITs that match, new submissions included, and the act.

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
