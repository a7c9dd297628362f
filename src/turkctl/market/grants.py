"""Qualifications of workers: grant, revoke and look them up; requests for qualifications."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from turkctl import own_market
from turkctl.market import answers, limits, own_types, paging, qualifications, scoring, tables, workers
from turkctl.market.answers import Fields
from turkctl.market.errors import RequestError, WorkError, permission_denied
from turkctl.market.rules import SECOND
from turkctl.market.tx import Tx, when

Request = dict[str, Any]
Answer = dict[str, Any]

_GRANTS = tables.grant
_REQUESTS = tables.qualification_request


def held(tx: Tx, type_id: str, worker_id: str) -> Row[Any] | None:
    """Return the row of a qualification that a worker holds or held, or None."""
    return tx.first(
        select(_GRANTS).where(
            _GRANTS.c.environment == tx.environment, _GRANTS.c.type_id == type_id, _GRANTS.c.worker_id == worker_id
        )
    )


def holds(tx: Tx, type_id: str, worker_id: str) -> bool:
    """Return whether a worker holds a qualification now."""
    row = held(tx, type_id, worker_id)
    return row is not None and row.status == "Granted"


def give(tx: Tx, type_id: str, worker_id: str, value: int, assignment_id: str | None = None) -> None:
    """Grant the qualification or overwrite its value; accepting ``assignment_id``, if given, is what grants it."""
    number = limits.check_integer(value, "IntegerValue")
    changes = {"value": number, "status": "Granted", "at": tx.now, "assignment_id": assignment_id}
    row = held(tx, type_id, worker_id)
    if row is None:
        new = {"environment": tx.environment, "type_id": type_id, "worker_id": worker_id}
        tx.run(_GRANTS.insert(), new | changes)
    else:
        tx.run(_GRANTS.update().where(_GRANTS.c.seq == row.seq).values(**changes))


def associate_qualification_with_worker(tx: Tx, request: Request) -> Answer:
    """Answer AssociateQualificationWithWorker: own types only; a repeat overwrites; pending requests stay."""
    qualification = qualifications.owned(tx, request["QualificationTypeId"])
    own_types.refuse_grant(qualification)
    worker_id = workers.known(tx, request["WorkerId"]).id
    value = request.get("IntegerValue")
    give(tx, qualification.id, worker_id, 1 if value is None else value)
    qualifications.use(tx, qualification)
    if request.get("SendNotification", True):
        workers.send(tx, worker_id, "Qualification granted", f"You now hold: {qualification.name}")
    return {}


def disassociate_qualification_from_worker(tx: Tx, request: Request) -> Answer:
    """Answer DisassociateQualificationFromWorker; the worker is told only if a reason is given."""
    qualification = qualifications.owned(tx, request["QualificationTypeId"])
    worker_id = workers.known(tx, request["WorkerId"]).id
    row = _held(tx, qualification.id, worker_id)
    tx.run(_GRANTS.update().where(_GRANTS.c.seq == row.seq).values(status="Revoked"))
    if request.get("Reason"):
        workers.send(tx, worker_id, f"Qualification revoked: {qualification.name}", request["Reason"])
    return {}


def _held(tx: Tx, type_id: str, worker_id: str) -> Row[Any]:
    row = held(tx, type_id, worker_id)
    if row is None:
        raise RequestError(
            "QualificationDoesNotExist",
            f"Qualification of type {type_id} for worker {worker_id} does not exist.",
        )
    if row.status != "Granted":
        raise RequestError("InvalidQualificationState", "This operation can be called with a status of: Granted")
    return row


def _described(row: Row[Any]) -> Answer:
    return {
        "QualificationTypeId": row.type_id,
        "WorkerId": row.worker_id,
        "GrantTime": when(row.at),
        "IntegerValue": row.value,
        "Status": row.status,
    }


def get_qualification_score(tx: Tx, request: Request) -> Answer:
    """Answer GetQualificationScore: own types only; never held and revoked give two different errors."""
    qualification = qualifications.owned(tx, request["QualificationTypeId"])
    worker_id = workers.known(tx, request["WorkerId"]).id
    return {"Qualification": _described(_held(tx, qualification.id, worker_id))}


def list_workers_with_qualification_type(tx: Tx, request: Request) -> Answer:
    """Answer ListWorkersWithQualificationType: Granted unless Revoked is requested, in the order of grants."""
    type_id = qualifications.owned(tx, request["QualificationTypeId"]).id
    status = request.get("Status") or "Granted"
    statement = select(_GRANTS).where(
        _GRANTS.c.environment == tx.environment, _GRANTS.c.type_id == type_id, _GRANTS.c.status == status
    )
    query = ["ListWorkersWithQualificationType", type_id, status]
    page = paging.fetch(tx, request, query, statement, [_GRANTS.c.seq])
    return paging.listed(page, "Qualifications", _described)


def list_qualification_requests(tx: Tx, request: Request) -> Answer:
    """Answer ListQualificationRequests: pending requests, for one type or for all of the requester's own."""
    type_id = request.get("QualificationTypeId")
    statement = select(_REQUESTS).where(
        _REQUESTS.c.environment == tx.environment, _REQUESTS.c.account == tx.account, _REQUESTS.c.status == "Pending"
    )
    if type_id is not None:
        statement = statement.where(_REQUESTS.c.type_id == qualifications.owned(tx, type_id).id)
    page = paging.fetch(tx, request, ["ListQualificationRequests", type_id], statement, [_REQUESTS.c.seq])
    return paging.listed(page, "QualificationRequests", _request_described)


def _request_described(row: Row[Any]) -> Answer:
    described = {
        "QualificationRequestId": row.id,
        "QualificationTypeId": row.type_id,
        "WorkerId": row.worker_id,
        "Test": row.test,
        "Answer": row.answer,
        "SubmitTime": when(row.at),
    }
    return {name: value for name, value in described.items() if value is not None}


def _pending(tx: Tx, request_id: str) -> Row[Any]:
    row = tx.first(select(_REQUESTS).where(_REQUESTS.c.id == request_id))
    if row is None or row.environment != tx.environment:
        raise RequestError("QualificationRequestDoesNotExist", f"QualificationRequest {request_id} does not exist.")
    if row.account != tx.account:
        raise permission_denied(f"decide on the QualificationRequest {request_id}")
    if row.status != "Pending":
        raise RequestError(
            "InvalidQualificationRequestState", "This operation can be called with a status of: Submitted"
        )
    return row


def _decide(tx: Tx, row: Row[Any], status: str, reason: str | None = None) -> None:
    tx.run(_REQUESTS.update().where(_REQUESTS.c.seq == row.seq).values(status=status, reason=reason))


def accept_qualification_request(tx: Tx, request: Request) -> Answer:
    """Answer AcceptQualificationRequest: grant the value given, by default 1."""
    row = _pending(tx, request["QualificationRequestId"])
    qualification = qualifications.owned(tx, row.type_id)
    qualifications.check_active(qualification)
    value = request.get("IntegerValue")
    give(tx, row.type_id, row.worker_id, 1 if value is None else value)
    qualifications.use(tx, qualification)
    _decide(tx, row, "Granted")
    return {}


def reject_qualification_request(tx: Tx, request: Request) -> Answer:
    """Answer RejectQualificationRequest."""
    row = _pending(tx, request["QualificationRequestId"])
    _decide(tx, row, "Rejected", request.get("Reason"))
    if request.get("Reason"):
        workers.send(tx, row.worker_id, "Your request for a qualification was rejected", request["Reason"])
    return {}


def request_qualification(tx: Tx, worker_id: str, type_id: str, fields: Fields | None) -> Answer:
    """Request a qualification for a worker, with the answers to its test if it has one.

    It is granted at once if the type is granted automatically or its key scores the answers; otherwise the requester
    decides. The time that the worker took for the test is not checked.

    Returns:
        QualificationRequestId, Status (Granted or Pending) and, if granted, IntegerValue.

    Raises:
        WorkError: worker or type unknown, not requestable, already requested, or a test without answers.
    """
    workers.at_work(tx, worker_id)
    qualification = _requestable(tx, type_id, worker_id)
    if qualification.test is not None and fields is None:
        raise WorkError("AnswersNeeded", "This qualification has a test.")
    answer = None
    if fields is not None and qualification.test is not None:
        answer = answers.document(fields, scoring.selection_names(qualification.test))
    value = _value(qualification, answer)
    row = {
        "id": tx.new_id(),
        "environment": tx.environment,
        "account": qualification.account,
        "type_id": type_id,
        "worker_id": worker_id,
        "status": "Pending" if value is None else "Granted",
        "test": qualification.test,
        "answer": answer,
        "at": tx.now,
    }
    tx.run(_REQUESTS.insert(), row)
    qualifications.use(tx, qualification)
    told = {"QualificationRequestId": row["id"], "Status": row["status"]}
    if value is None:
        return told
    give(tx, type_id, worker_id, value)
    return told | {"IntegerValue": value}


def _value(qualification: Row[Any], answer: str | None) -> int | None:
    if qualification.auto_granted:
        return int(qualification.auto_value)
    if qualification.answer_key is not None and answer is not None:
        return scoring.score(qualification.answer_key, answers.read(answer))
    return None


def _requestable(tx: Tx, type_id: str, worker_id: str) -> Row[Any]:
    try:
        qualification = qualifications.find(tx, type_id)
    except RequestError as error:
        raise WorkError("QualificationTypeDoesNotExist", error.message) from None
    ours = own_market.kinds(qualification.keywords)
    if ours or not qualification.requestable or qualification.status != "Active":
        raise WorkError("NotRequestable", "This qualification cannot be requested.")
    last = tx.first(
        select(_REQUESTS.c.status, _REQUESTS.c.at)
        .where(
            _REQUESTS.c.environment == tx.environment,
            _REQUESTS.c.worker_id == worker_id,
            _REQUESTS.c.type_id == type_id,
        )
        .order_by(_REQUESTS.c.seq.desc())
        .limit(1)
    )
    if last is not None:
        refusal = why_not_again(tx, last.status, last.at, qualification.retry_delay)
        if refusal is not None:
            raise refusal
    return qualification


def why_not_again(tx: Tx, status: str, asked_at: int, retry_delay: int | None) -> WorkError | None:
    """Return why a qualification cannot be requested again by who asked for it; None if it can be.

    Args:
        tx: the transaction.
        status: of the last request.
        asked_at: when that was made.
        retry_delay: seconds after which the type lets people ask again; None: never.
    """
    if status == "Pending":
        return WorkError("QualificationRequestPending", "Your request for this qualification is not decided yet.")
    if retry_delay is None:
        return WorkError("QualificationTypeDoesNotAllowRetake", "This qualification can be requested once only.")
    if asked_at + retry_delay * SECOND > tx.now:
        return WorkError(
            "QualificationTypeRetryDelayNotElapsed", "It is too early to request this qualification again."
        )
    return None
