"""Assignments as the requester sees them: submitted, approved or rejected."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Row, Update, bindparam, select

from turkctl.market import hit_rows, hit_types, ledger, notifications, paging, pay, questions, rules, tables, workers
from turkctl.market.errors import (
    RequestError,
    ServiceFault,
    assignment_does_not_exist,
    invalid_assignment_state,
    invalid_hit_state,
    invalid_value,
    not_valid,
)
from turkctl.market.hit_rows import Hit
from turkctl.market.tx import Tx, is_id, when

Request = dict[str, Any]
Answer = dict[str, Any]

READABLE = ("Reviewable", "Approved", "Rejected")
"""The states of submitted work, in the words of the service's errors."""
_MOST_FEEDBACK = 1024
_CONTROLS = frozenset(map(chr, (*range(9), 11, 12, *range(14, 32))))

_BY_ID = select(tables.assignment).where(tables.assignment.c.id == bindparam("b_id"))


def load_any(tx: Tx, assignment_id: str) -> Row[Any] | None:
    """Return the assignment with this id in the transaction's environment, or None."""
    if not is_id(assignment_id):
        return None
    row = tx.first(_BY_ID, {"b_id": assignment_id})
    return None if row is None or row.environment != tx.environment else row


_WITH_HIT = (
    select(tables.assignment, *hit_rows.BESIDE)
    .join(tables.hit, tables.hit.c.id == tables.assignment.c.hit_id)
    .where(tables.assignment.c.id == bindparam("b_id"), tables.hit.c.gone == 0)
)


def load_with_hit(tx: Tx, assignment_id: str) -> tuple[Row[Any], Hit] | None:
    """Return the assignment with this id, and its HIT, by one statement; None if one is not there any more."""
    if not is_id(assignment_id):
        return None
    row = tx.first(_WITH_HIT, {"b_id": assignment_id})
    return None if row is None or row.environment != tx.environment else (row, hit_rows.from_beside(row))


_INSERT = tables.assignment.insert().returning(tables.assignment)


def insert(tx: Tx, values: Mapping[str, Any]) -> Row[Any]:
    """Write a new assignment and return its row."""
    return tx.connection.execute(_INSERT, values).one()


def load(tx: Tx, assignment_id: str) -> tuple[Row[Any], Hit]:
    """Return the requester's assignment and its HIT.

    Raises:
        RequestError: AssignmentDoesNotExist, or HITDoesNotExist if the HIT's data were deleted.
    """
    row = load_any(tx, assignment_id)
    if row is None or row.account != tx.account:
        raise assignment_does_not_exist(assignment_id)
    return row, hit_rows.load(tx, row.hit_id)


def visible(tx: Tx, assignment_id: str) -> tuple[Row[Any], Hit]:
    """Return the requester's submitted assignment and its HIT.

    Raises:
        RequestError: as :func:`load`; InvalidAssignmentState if it was not submitted.
    """
    row, hit = load(tx, assignment_id)
    if row.status not in rules.VISIBLE:
        raise invalid_assignment_state(*READABLE)
    return row, hit


def describe(row: Row[Any]) -> Answer:
    """Return the assignment as the API describes it; times appear once they apply."""
    described = {
        "AssignmentId": row.id,
        "WorkerId": row.worker_id,
        "HITId": row.hit_id,
        "AssignmentStatus": row.status,
        "AutoApprovalTime": row.auto_approve_at,
        "AcceptTime": row.accepted_at,
        "SubmitTime": row.submitted_at,
        "ApprovalTime": row.approved_at,
        "RejectionTime": row.rejected_at,
        "Deadline": row.deadline,
    }
    told: Answer = {
        name: when(value) if isinstance(value, int) else value for name, value in described.items() if value is not None
    }
    texts = {"Answer": row.answer, "RequesterFeedback": row.feedback}
    return told | {name: value for name, value in texts.items() if value is not None}


def get_assignment(tx: Tx, request: Request) -> Answer:
    """Answer GetAssignment; work that is not submitted yet is refused."""
    row, hit = visible(tx, request["AssignmentId"])
    described = hit_rows.describe(hit, hit_types.load(tx, hit.hit_type_id))
    return {"Assignment": describe(row), "HIT": described}


def list_assignments_for_hit(tx: Tx, request: Request) -> Answer:
    """Answer ListAssignmentsForHIT in the order of submission; the HIT need not be Reviewable."""
    hit = hit_rows.load(tx, request["HITId"])
    statuses = sorted(set(request.get("AssignmentStatuses") or rules.VISIBLE))
    mine = tables.assignment
    statement = select(mine).where(
        mine.c.hit_id == hit.id, mine.c.status.in_(statuses), mine.c.submitted_at <= tx.now - tx.lag
    )
    query = ["ListAssignmentsForHIT", hit.id, statuses]
    page = paging.fetch(tx, request, query, statement, [mine.c.submitted_at, mine.c.seq])
    return paging.listed(page, "Assignments", describe)


def approve_assignment(tx: Tx, request: Request) -> Answer:
    """Answer ApproveAssignment for submitted work or, with OverrideRejection, work rejected in the last 30 days."""
    check_feedback(request.get("RequesterFeedback"))
    row, hit = load(tx, request["AssignmentId"])
    _check_lag(tx, row)
    if row.status == rules.REJECTED and request.get("OverrideRejection"):
        if hit.status == rules.DISPOSED:
            raise invalid_hit_state(hit.status, rules.REVIEWING, rules.REVIEWABLE)
        if row.submitted_at + rules.OVERRIDE_LIMIT < tx.now:
            raise invalid_assignment_state(rules.SUBMITTED)
    elif row.status != rules.SUBMITTED:
        raise invalid_assignment_state(rules.SUBMITTED)
    approve(tx, row, hit, request.get("RequesterFeedback"))
    return {}


def approve(tx: Tx, row: Row[Any], before: Hit, feedback: str | None) -> None:
    """Approve submitted or rejected work: charge what was held, or take the cost of a rejection from the balance.

    Raises:
        RequestError: InsufficientFunds.
    """
    hit = hit_rows.copy(before)
    if row.status == rules.SUBMITTED:
        hit.submitted -= 1
        hit.completed += 1
    hit_type = hit_types.load(tx, hit.hit_type_id)
    hit_rows.save(tx, before, hit, hit_type)
    ledger.move(tx, hit.owner(), charged=hit.unit_cost)
    fee = hit.unit_cost - hit_type.reward
    ledger.charge(tx, hit.owner(), "reward", hit_type.reward, fee, row.id)
    overturned = row.status == rules.REJECTED
    step(tx, row, rules.APPROVED, approved_at=tx.now, feedback=feedback or row.feedback, due_at=None)
    workers.count(tx, row.worker_id, approved=1, rejected=-1 if overturned else 0)
    if overturned:
        pay.note(tx, hit_type.id, row.worker_id, row.id, row.submitted_at - row.accepted_at)
    notifications.emit(tx, hit_type, "AssignmentApproved", hit.id, row.id)


def reject_assignment(tx: Tx, request: Request) -> Answer:
    """Answer RejectAssignment; only submitted work can be rejected, at no cost."""
    check_feedback(request["RequesterFeedback"])
    row, before = load(tx, request["AssignmentId"])
    _check_lag(tx, row)
    if row.status != rules.SUBMITTED:
        raise invalid_assignment_state(rules.SUBMITTED)
    reject(tx, row, before, request["RequesterFeedback"])
    return {}


def reject(tx: Tx, row: Row[Any], before: Hit, feedback: str) -> None:
    """Reject submitted work and release what was held for it."""
    hit = hit_rows.copy(before)
    hit.submitted -= 1
    hit.completed += 1
    hit_type = hit_types.load(tx, hit.hit_type_id)
    hit_rows.save(tx, before, hit, hit_type)
    step(tx, row, rules.REJECTED, rejected_at=tx.now, feedback=feedback, due_at=None)
    pay.forget(tx, hit_type.id, row.worker_id, row.id)
    workers.count(tx, row.worker_id, rejected=1)
    notifications.emit(tx, hit_type, "AssignmentRejected", hit.id, row.id)


def step(tx: Tx, row: Row[Any], status: str, **changes: Any) -> None:
    """Move an assignment to its next status.

    Raises:
        ServiceFault: the state machine has no such step, or the row has changed meanwhile.
    """
    if (row.status, status) not in rules.TRANSITIONS:
        raise ServiceFault(f"Assignment {row.id} cannot go from {row.status} to {status}.")
    values = {f"b_{name}": value for name, value in changes.items()}
    values |= {"b_seq": row.seq, "b_expected": row.status, "b_status": status}
    if tx.run(_stepping(*changes), values).rowcount != 1:
        raise ServiceFault(f"Assignment {row.id} was changed by somebody else.")


@cache
def _stepping(*names: str) -> Update:
    """Build the statement once for each set of columns: building it costs more than running it."""
    mine = tables.assignment.c
    expected = (mine.seq == bindparam("b_seq"), mine.status == bindparam("b_expected"))
    columns = {name: bindparam(f"b_{name}", type_=mine[name].type) for name in ("status", *names)}
    return tables.assignment.update().where(*expected).values(columns)


def check_feedback(feedback: str | None) -> None:
    """Refuse feedback that has control characters or more than 1,024 characters.

    Raises:
        MarketError: InvalidParameterValue if there are control characters.
    """
    if feedback is None:
        return
    if len(feedback) > _MOST_FEEDBACK:
        raise not_valid(feedback[:40] + "…", "RequesterFeedback", "It must not be longer than 1024 characters.")
    if _CONTROLS & set(feedback):
        raise invalid_value("RequesterFeedback contains control characters.")


def _check_lag(tx: Tx, row: Row[Any]) -> None:
    if tx.lag and row.submitted_at is not None and row.submitted_at > tx.now - tx.lag:
        raise invalid_assignment_state(rules.SUBMITTED)


def get_file_upload_url(tx: Tx, request: Request) -> Answer:
    """Answer GetFileUploadURL, always with a refusal: questions that take a file ended in 2017.

    Raises:
        MarketError: as GetAssignment, else InvalidParameterValue, since no question of the HIT takes a file.
    """
    _, hit = visible(tx, request["AssignmentId"])
    questions.check(hit.question)
    raise RequestError("InvalidParameterValue", f"The question {request['QuestionIdentifier']} does not take a file.")
