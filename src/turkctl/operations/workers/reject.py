"""Reject submitted work, with the reason that the worker reads; participants' rows keep their status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

from turkctl.errors import UsageError
from turkctl.operations.engine.plan import Plan, Step, fail, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.settle import settle
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import FoundWork, Work, WorkSelection, find_work
from turkctl.operations.workers import marks
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
        raise UsageError(marks.NO_REASON, hint="give it with --feedback")
    now = world.now()
    settled = settle(world, now)
    found = find_work(world, WorkSelection(Selection(ids=tuple(assignment_ids))))
    found = _assignments_only(found, assignment_ids)
    return plan_reject(world.place.mode, found, settled.notes), _rejection(world, now, feedback)


def _rejection(world: World, now: datetime, feedback: str | None, own: Mapping[str, str] | None = None) -> Decide:
    def ask(assignment_id: str, told: str | None) -> None:
        world.mturk.reject(assignment_id, told or "")

    return Decide(world, Verdict("rejected", REJECTED, (SUBMITTED,), ask, feedback, own or {}), now)


def prepare_reject_file(
    world: World, file: Path, stdin: TextIO, *, feedback: str | None = None
) -> tuple[Plan[Work], Decide]:
    """Return the plan for the rows of a file that are marked to be rejected, each with its reason, and the act.

    Args:
        world: database and market.
        file: the file; ``-`` is standard input.
        stdin: standard input.
        feedback: the reason for rows that are marked and have none.

    Raises:
        UsageError, NotFoundError, WrongMarketError: see :func:`turkctl.operations.workers.marks.read_decisions` and
            :func:`turkctl.operations.workers.marks.find_decided`; nothing is decided.
    """
    check_feedback(feedback)
    decisions = marks.read_decisions(world, file, stdin, marks.REJECT, feedback)
    now = world.now()
    settled = settle(world, now)
    found = _assignments_only(marks.find_decided(world, decisions), decisions.ids)
    plan = plan_reject(world.place.mode, found, settled.notes)
    act = _rejection(world, now, feedback, marks.texts_of(decisions, found.work))
    return marks.told_by_rows(world, plan, decisions, found), act


def _assignments_only(found: FoundWork, ids: Sequence[str]) -> FoundWork:
    """Return the work given by its own id; a worker's id is a failed item, so that not too much is rejected."""
    workers = {each.worker_id for each in found.work} & set(ids)
    wrong = [
        fail(each, UsageError(f"{each} is a worker; give the id of the assignment")) for each in ids if each in workers
    ]
    work = tuple(each for each in found.work if each.assignment_id in ids)
    return replace(found, work=work, failed=(*found.failed, *wrong))
