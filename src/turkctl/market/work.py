"""Workers' actions: find, preview, accept, submit and return HITs. To abandon one, let its deadline pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, exists, select

from turkctl.market import (
    answers,
    assignments,
    consents,
    corrections,
    gates,
    hit_items,
    hit_rows,
    hit_types,
    notifications,
    pay,
    questions,
    requirements,
    rules,
    scoring,
    tables,
    workers,
)
from turkctl.market.answers import Fields
from turkctl.market.errors import WorkError
from turkctl.market.hit_rows import Hit
from turkctl.market.requirements import WorkerStanding
from turkctl.market.tx import Tx, members

Answer = dict[str, Any]

_SCAN = 200
"""Number of HITs read in one statement while searching for those that a worker may see."""


def available_hits(tx: Tx, worker_id: str, limit: int, after: str | None) -> list[Answer]:
    """Return HITs that the worker may discover, oldest first: open, not taken, requester not blocking, not guarded.

    Each is the HIT as the API describes it, with ``Qualified`` (whether they may accept it) and ``RequesterId``.

    Args:
        tx: the transaction.
        worker_id: the worker.
        limit: maximum number of HITs.
        after: the id of the last HIT of the previous page.
    """
    worker = workers.at_work(tx, worker_id)
    who, blocked = requirements.standing(tx, worker), workers.blocked_by(tx, worker_id)
    last = 0
    if after is not None:
        hit = hit_rows.load_any(tx, after)
        last = 0 if hit is None else hit.seq
    found: list[Answer] = []
    while len(found) < limit:
        rows = _open_after(tx, worker_id, last)
        for row in rows:
            if row.account not in blocked and len(found) < limit:
                found.extend(_discovered(tx, who, Hit(**members(row))))
        if len(rows) < _SCAN:
            break
        last = rows[-1].seq
    return found


def _open_after(tx: Tx, worker_id: str, last: int) -> Sequence[Row[Any]]:
    taken = tables.assignment
    mine = exists().where(
        taken.c.hit_id == tables.hit.c.id, taken.c.worker_id == worker_id, tables.is_held(taken.c.status)
    )
    statement = (
        select(tables.hit)
        .where(
            tables.hit.c.environment == tx.environment,
            tables.hit.c.status == rules.ASSIGNABLE,
            tables.hit.c.seq > last,
            ~mine,
            ~hit_items.keeps_out(tables.hit.c.id),
        )
        .order_by(tables.hit.c.seq)
        .limit(_SCAN)
    )
    return tx.all(statement, {"b_worker": worker_id})


def _discovered(tx: Tx, who: WorkerStanding, hit: Hit) -> list[Answer]:
    hit_type = hit_types.load(tx, hit.hit_type_id)
    asked = hit_type.marked_requirements()
    if requirements.unmet(who, asked, requirements.DISCOVER) is not None:
        return []
    told = {
        "Qualified": requirements.unmet(who, asked, requirements.ACCEPT) is None,
        "RequesterId": notifications.customer_id(hit.owner()),
    }
    return [hit_rows.describe(hit, hit_type) | told]


def preview(tx: Tx, worker_id: str | None, hit_id: str) -> Answer:
    """Return the HIT as the API describes it, for a worker or a visitor (None) who may preview it.

    Raises:
        WorkError: NoHITsAvailable, DoesNotMeetRequirements.
    """
    hit = _hit(tx, hit_id)
    hit_type = hit_types.load(tx, hit.hit_type_id)
    asked = hit_type.marked_requirements()
    if worker_id is not None:
        _check_qualified(requirements.standing(tx, workers.at_work(tx, worker_id)), asked, requirements.PREVIEW)
    elif any(requirement["ActionsGuarded"] != "Accept" for requirement in asked):
        raise WorkError("DoesNotMeetRequirements", "Only workers with certain qualifications may preview this HIT.")
    return hit_rows.describe(hit, hit_type)


def _hit(tx: Tx, hit_id: str) -> Hit:
    hit = hit_rows.load_any(tx, hit_id)
    if hit is None or hit.status == rules.DISPOSED:
        raise WorkError("NoHITsAvailable", f"There is no HIT {hit_id}.")
    return hit


def _check_qualified(who: WorkerStanding, asked: Sequence[requirements.Requirement], action: str) -> None:
    missed = requirements.unmet(who, asked, action)
    if missed is not None:
        raise WorkError(
            "DoesNotMeetRequirements",
            f"You do not meet a qualification requirement of this HIT ({missed['QualificationTypeId']} "
            f"{missed['Comparator']}).",
        )
    if action == requirements.ACCEPT:
        consents.check(who, asked)


def accept(tx: Tx, worker_id: str, hit_id: str) -> Answer:
    """Take one of the HIT's slots until the deadline. A returned or abandoned HIT may be taken again.

    The gates of the HIT are granted in the same transaction (:mod:`turkctl.market.gates`).

    Returns:
        The assignment (AssignmentId, WorkerId, HITId, AssignmentStatus, AcceptTime, Deadline) and its HIT.

    Raises:
        WorkError: UnknownWorker, NoHITsAvailable, Blocked, AssignmentAlreadyExists, DoesNotMeetRequirements,
            ConsentNeeded, ItemAlreadyAnswered, KnownItemRepeated.
    """
    hit = _hit(tx, hit_id)
    worker = workers.at_work_for(tx, worker_id, hit.account)
    if worker.blocked:
        raise WorkError("Blocked", "The requester of this HIT does not take work from you.")
    return take(tx, requirements.standing(tx, worker), hit, held(tx, worker_id, hit))


def take(tx: Tx, who: WorkerStanding, before: Hit, mine: Row[Any] | None) -> Answer:
    """Accept a HIT as :func:`accept` does, for a worker whom its requester does not block.

    Args:
        tx: the transaction.
        who: the worker.
        before: the HIT, as read in this transaction.
        mine: what the worker has of it already, see :func:`held`.

    Raises:
        WorkError: NoHITsAvailable, AssignmentAlreadyExists, DoesNotMeetRequirements, ConsentNeeded,
            ItemAlreadyAnswered, KnownItemRepeated.
    """
    worker_id: str = who.worker.id
    hit_type = hit_types.load(tx, before.hit_type_id)
    _check_free(tx, before, mine)
    _check_qualified(who, hit_type.marked_requirements(), requirements.ACCEPT)
    hit = hit_rows.copy(before)
    hit.available -= 1
    hit.pending += 1
    shown = hit_items.check(tx, before, worker_id)
    assignment_id = tx.new_id()
    deadline = tx.now + hit_type.assignment_duration * rules.SECOND
    row = assignments.insert(
        tx,
        {
            "id": assignment_id,
            "environment": tx.environment,
            "account": hit.account,
            "hit_id": hit.id,
            "worker_id": worker_id,
            "status": rules.ACCEPTED,
            "accepted_at": tx.now,
            "deadline": deadline,
            "due_at": deadline,
        },
    )
    hit_rows.save(tx, before, hit, hit_type)
    hit_items.take(tx, hit, shown, worker_id, assignment_id)
    gates.close(tx, hit_type, hit, worker_id, assignment_id)
    notifications.emit(tx, hit_type, "AssignmentAccepted", hit.id, assignment_id)
    return assignments.describe(row) | {"HIT": hit_rows.describe(hit, hit_type)}


_HELD = select(tables.assignment).where(
    tables.assignment.c.hit_id == bindparam("b_hit"),
    tables.assignment.c.worker_id == bindparam("b_worker"),
    tables.is_held(tables.assignment.c.status),
)


def held(tx: Tx, worker_id: str, hit: Hit) -> Row[Any] | None:
    """Return the worker's assignment of a HIT that they neither returned nor abandoned; there is at most one."""
    return tx.first(_HELD, {"b_hit": hit.id, "b_worker": worker_id})


def _check_free(tx: Tx, hit: Hit, mine: Row[Any] | None) -> None:
    if mine is not None:
        raise WorkError("AssignmentAlreadyExists", "You have already accepted this HIT; each worker may do it once.")
    if hit.status != rules.ASSIGNABLE or hit.expired(tx.now):
        raise WorkError("NoHITsAvailable", f"HIT {hit.id} cannot be accepted any more.")


@dataclass(frozen=True)
class Sent:
    """What is submitted.

    Attributes:
        fields: the answers: question identifier (or form field) to value or values.
        correct: how long the worker can correct them before the requester is told
            (:mod:`turkctl.market.corrections`).
        raw: the request as it came, to be kept beside them; see :func:`as_sent`.
    """

    fields: Fields
    correct: timedelta = timedelta()
    raw: bytes | None = None


def submit(tx: Tx, worker_id: str, assignment_id: str, sent: Sent) -> None:
    """Submit answers.

    Raises:
        WorkError: NotFound, AlreadySubmitted, DeadlinePassed, Returned.
    """
    _submit(tx, *_mine(tx, worker_id, assignment_id), sent)


def _submit(tx: Tx, row: Row[Any], before: Hit, sent: Sent) -> None:
    selections = scoring.selection_names(before.question) if questions.is_form(before.question) else frozenset()
    document = answers.document(sent.fields, selections)
    _keep_as_sent(tx, row, sent.raw)
    if sent.correct or corrections.is_kept(row):
        corrections.keep(tx, row, document, sent.correct // timedelta(milliseconds=1))
    else:
        hand_over(tx, row, before, document, tx.now)


def hand_over(tx: Tx, row: Row[Any], before: Hit, document: str, submitted_at: int) -> None:
    """Give the answers of accepted work to its requester."""
    hit = hit_rows.copy(before)
    hit.pending -= 1
    hit.submitted += 1
    hit_type = hit_types.load(tx, hit.hit_type_id)
    approve_at = max(submitted_at + hit_type.auto_approval_delay * rules.SECOND, tx.now)
    assignments.step(
        tx,
        row,
        rules.SUBMITTED,
        answer=document,
        submitted_at=submitted_at,
        auto_approve_at=approve_at,
        due_at=approve_at,
        told_at=None,
        reopened_at=None,
    )
    workers.count(tx, row.worker_id, submitted=1)
    pay.note(tx, hit_type.id, row.worker_id, row.id, submitted_at - row.accepted_at)
    notifications.emit(tx, hit_type, "AssignmentSubmitted", hit.id, row.id)
    if hit.assignment_policy is not None:
        tx.reviews.append(("Assignment", row.id))
    hit_rows.save(tx, before, hit, hit_type)  # last, so that the cause is announced before HITReviewable


def _keep_as_sent(tx: Tx, row: Row[Any], raw: bytes | None) -> None:
    """Keep a request, in the place of what was sent before a correction."""
    kept = tables.submission
    if corrections.is_kept(row):
        tx.run(kept.delete().where(kept.c.assignment_id == row.id))
    if raw is not None:
        tx.run(kept.insert(), {"assignment_id": row.id, "body": raw})


def submit_from_page(tx: Tx, assignment_id: str, visitor: str | None, sent: Sent) -> None:
    """Submit what a task's page sent: whoever has the assignment's id may, unless they are known as somebody else.

    Raises:
        WorkError: OwnPage if it is a QuestionForm, whose answers its own page checks; else as :func:`submit`.
    """
    row, hit = _mine(tx, visitor, assignment_id)
    if questions.is_form(hit.question):
        raise WorkError("OwnPage", "Submit this task on its own page.")
    _submit(tx, row, hit, sent)


def as_sent(tx: Tx, assignment_id: str) -> bytes | None:
    """Return the request that submitted an assignment, as it came; None if no task did."""
    kept, mine = tables.submission, tables.assignment
    row = tx.first(
        select(kept.c.body)
        .join(mine, mine.c.id == kept.c.assignment_id)
        .where(kept.c.assignment_id == assignment_id, mine.c.environment == tx.environment)
    )
    return None if row is None else row.body


def return_assignment(tx: Tx, worker_id: str, assignment_id: str) -> None:
    """Return the HIT, so that its slot is open again.

    Raises:
        WorkError: NotFound, AlreadySubmitted, DeadlinePassed, Returned.
    """
    row, before = _mine(tx, worker_id, assignment_id)
    if corrections.is_kept(row):
        raise WorkError("AlreadySubmitted", "You submitted this HIT: it can be corrected, but not returned.")
    give_back(tx, row, before, rules.RETURNED)


def give_back(tx: Tx, row: Row[Any], before: Hit, status: str) -> None:
    """Open the slot of accepted work again: it was returned, or abandoned by its deadline."""
    hit = hit_rows.copy(before)
    hit.pending -= 1
    hit.available += 1
    hit_type = hit_types.load(tx, hit.hit_type_id)
    assignments.step(tx, row, status, due_at=None)
    gates.reopen(tx, row)
    hit_items.free(tx, hit, row.id)
    event = "AssignmentReturned" if status == rules.RETURNED else "AssignmentAbandoned"
    notifications.emit(tx, hit_type, event, hit.id, row.id)
    hit_rows.save(tx, before, hit, hit_type)  # last, so that the cause is announced before HITReviewable


_REFUSALS = {
    rules.RETURNED: ("Returned", "You returned this HIT."),
    rules.ABANDONED: ("DeadlinePassed", "The time for this HIT is over."),
}


def _mine(tx: Tx, worker_id: str | None, assignment_id: str) -> tuple[Row[Any], Hit]:
    """Return accepted work of this worker (None: of anybody) and its HIT."""
    found = assignments.load_with_hit(tx, assignment_id)
    if found is None or worker_id not in (None, found[0].worker_id):
        raise WorkError("NotFound", f"You have no assignment {assignment_id}.")
    row, hit = found
    if not corrections.is_open(row):
        raise WorkError(*_REFUSALS.get(row.status, ("AlreadySubmitted", "You have already submitted this HIT.")))
    return row, hit


def messages(tx: Tx, worker_id: str, limit: int) -> list[Answer]:
    """Return the latest messages for a worker, newest first: Subject, MessageText, SendTime, RequesterId."""
    rows = tx.all(
        select(tables.message)
        .where(tables.message.c.environment == tx.environment, tables.message.c.worker_id == worker_id)
        .order_by(tables.message.c.seq.desc())
        .limit(limit)
    )
    return [workers.describe_message(row) for row in rows]


def my_assignments(tx: Tx, worker_id: str, limit: int) -> list[Answer]:
    """Return the worker's latest assignments in any status, newest first, as they see them."""
    mine = tables.assignment
    rows = tx.all(
        select(mine)
        .where(mine.c.environment == tx.environment, mine.c.worker_id == worker_id)
        .order_by(mine.c.seq.desc())
        .limit(limit)
    )
    return [corrections.described(row) for row in rows]


def assignment(tx: Tx, assignment_id: str) -> Answer:
    """Return the assignment with this id in any status, as its worker sees it, with its HIT.

    Raises:
        WorkError: NotFound.
    """
    found = assignments.load_with_hit(tx, assignment_id)
    if found is None:
        raise WorkError("NotFound", f"There is no assignment {assignment_id}.")
    return described(tx, *found)


def described(tx: Tx, row: Row[Any], hit: Hit) -> Answer:
    """Return an assignment as its worker sees it, with its HIT."""
    return corrections.described(row) | {"HIT": hit_rows.describe(hit, hit_types.load(tx, hit.hit_type_id))}
