"""Reject submitted work, with the reason that the worker reads; participants' rows keep their status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from turkctl.errors import UsageError
from turkctl.operations.engine.plan import Plan, Step, fail, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.settle import settle
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import FoundWork, Work, WorkSelection, find_work
from turkctl.operations.workers.decide import Decide, Verdict, check_feedback
from turkctl.store.assignments import REJECTED, SUBMITTED


def plan_reject(mode: str, found: FoundWork, notes: Sequence[str] = ()) -> Plan[Work]:
    """Return the plan that rejects work marked submitted; work that is already decided is skipped."""
    steps = tuple(
        Step(each.assignment_id, each, detail=each.worker_id) for each in found.work if each.status == SUBMITTED
    )
    decided = [
        (each.assignment_id, f"already {each.status.lower()}") for each in found.work if each.status != SUBMITTED
    ]
    return Plan("reject", mode, steps, (*skip([*decided, *found.idle]), *found.failed), tuple(notes))


def people(plan: Plan[Work]) -> int:
    """Return the number of different workers whose work the plan rejects."""
    return len({step.payload.worker_id for step in plan.steps})


def prepare_reject(world: World, assignment_ids: Sequence[str], feedback: str) -> tuple[Plan[Work], Decide]:
    """Return the plan for these assignments, and the act.

    Raises:
        UsageError: the feedback is missing or too long.
        NotFoundError, WrongMarketError: see :func:`turkctl.operations.selection.work.find_work`.
    """
    check_feedback(feedback)
    if not feedback.strip():
        raise UsageError("a rejection needs a reason, which the worker reads", hint="give it with --feedback")
    now = world.now()
    settled = settle(world, now)
    found = find_work(world, WorkSelection(Selection(ids=tuple(assignment_ids))))
    found = _assignments_only(found, assignment_ids)

    def ask(assignment_id: str) -> None:
        world.mturk.reject(assignment_id, feedback)

    verdict = Verdict("rejected", REJECTED, (SUBMITTED,), ask, feedback)
    return plan_reject(world.place.mode, found, settled.notes), Decide(world, verdict, now)


def _assignments_only(found: FoundWork, ids: Sequence[str]) -> FoundWork:
    """Return the work given by its own id; a worker's id is a failed item, so that not too much is rejected."""
    workers = {each.worker_id for each in found.work} & set(ids)
    wrong = [
        fail(each, UsageError(f"{each} is a worker; give the id of the assignment")) for each in ids if each in workers
    ]
    work = tuple(each for each in found.work if each.assignment_id in ids)
    return replace(found, work=work, failed=(*found.failed, *wrong))
