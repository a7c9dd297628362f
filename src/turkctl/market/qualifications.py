"""Qualification types: create, change, find and delete them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, or_, select

from turkctl.market import limits, own_types, paging, rules, scoring, tables
from turkctl.market.errors import (
    RequestError,
    invalid_value,
    permission_denied,
    qualification_type_does_not_exist,
)
from turkctl.market.system_types import OWNER
from turkctl.market.tx import Tx, members, when

Request = dict[str, Any]
Answer = dict[str, Any]

_TYPES = tables.qualification_type


def find(tx: Tx, type_id: str) -> Row[Any]:
    """Return the type with this id, whoever owns it.

    Raises:
        RequestError: QualificationTypeDoesNotExist if it is unknown, deleted or expired.
    """
    row = tx.first(select(_TYPES).where(_TYPES.c.environment == tx.environment, _TYPES.c.id == type_id))
    if row is None or row.deleted:
        raise qualification_type_does_not_exist(type_id)
    return row


def owned(tx: Tx, type_id: str) -> Row[Any]:
    """Return the requester's own type with this id.

    Raises:
        RequestError: QualificationTypeDoesNotExist, or PermissionDenied if another requester owns it.
    """
    row = find(tx, type_id)
    if row.account != tx.account:
        raise permission_denied(f"use the QualificationType {type_id} in this way")
    return row


def describe(row: Row[Any]) -> Answer:
    """Return the type as the API describes it. Callers must show the answer key to its owner only."""
    described = {
        "QualificationTypeId": row.id,
        "CreationTime": when(row.created_at),
        "Name": row.name,
        "Description": row.description,
        "Keywords": row.keywords,
        "QualificationTypeStatus": row.status,
        "Test": row.test,
        "TestDurationInSeconds": row.test_duration,
        "AnswerKey": row.answer_key,
        "RetryDelayInSeconds": row.retry_delay,
        "IsRequestable": bool(row.requestable),
        "AutoGranted": bool(row.auto_granted),
        "AutoGrantedValue": row.auto_value if row.auto_granted else None,
    }
    return {name: value for name, value in described.items() if value is not None}


def _told(tx: Tx, row: Row[Any]) -> Answer:
    described = describe(row)
    if row.account != tx.account:
        described.pop("AnswerKey", None)
    return described


def create_qualification_type(tx: Tx, request: Request) -> Answer:
    """Answer CreateQualificationType: the name must be unique among the requester's own."""
    limits.check(request, "Keywords", "Description", "RetryDelayInSeconds", "TestDurationInSeconds")
    named = select(_TYPES.c.seq).where(
        _TYPES.c.environment == tx.environment,
        _TYPES.c.account == tx.account,
        _TYPES.c.deleted == 0,
        _TYPES.c.name == request["Name"],
    )
    if tx.first(named) is not None:
        raise RequestError(
            "QualificationTypeAlreadyExists",
            "You have already created a QualificationType with this name. A QualificationType's name must be unique "
            "among all of the QualificationTypes created by the same user.",
        )
    row = {
        "id": tx.new_id(),
        "environment": tx.environment,
        "account": tx.account,
        "name": request["Name"],
        "keywords": request.get("Keywords"),
        "description": request["Description"],
        "status": request["QualificationTypeStatus"],
        "requestable": 1,
        "created_at": tx.now,
        "due_at": tx.now + rules.RETENTION,
        **_changes(request),
    }
    _check(row)
    own_types.check_new(row)
    tx.run(_TYPES.insert(), row)
    return {"QualificationType": describe(find(tx, str(row["id"])))}


_COLUMNS = {
    "Description": "description",
    "QualificationTypeStatus": "status",
    "Test": "test",
    "TestDurationInSeconds": "test_duration",
    "AnswerKey": "answer_key",
    "RetryDelayInSeconds": "retry_delay",
    "AutoGranted": "auto_granted",
    "AutoGrantedValue": "auto_value",
}


def _changes(request: Request) -> dict[str, Any]:
    changes = {column: request[name] for name, column in _COLUMNS.items() if request.get(name) is not None}
    limits.check_integer(changes.get("auto_value", 1), "AutoGrantedValue")
    if "auto_granted" in changes:
        changes["auto_granted"] = int(changes["auto_granted"])
    return changes


def _check(row: dict[str, Any]) -> None:
    test, key = row.get("test"), row.get("answer_key")
    if test is not None:
        own_types.check_test(test, row.get("keywords"))
        if row.get("test_duration") is None:
            raise invalid_value("A Test needs a TestDurationInSeconds.")
        if row.get("auto_granted"):
            raise invalid_value("A QualificationType with a Test cannot be AutoGranted.")
    if key is not None:
        if test is None:
            raise invalid_value("An AnswerKey needs a Test.")
        scoring.check(key, test)


def update_qualification_type(tx: Tx, request: Request) -> Answer:
    """Answer UpdateQualificationType: name and keywords stay; a new test without a key is graded by hand."""
    limits.check(request, "Description", "RetryDelayInSeconds", "TestDurationInSeconds")
    row = owned(tx, request["QualificationTypeId"])
    changes = _changes(request)
    own_types.refuse_change(row, changes)
    if "test" in changes:
        changes.setdefault("answer_key", None)
    _check(members(row) | changes)
    changes["due_at"] = tx.now + rules.RETENTION
    tx.run(_TYPES.update().where(_TYPES.c.seq == row.seq).values(**changes))
    return {"QualificationType": describe(find(tx, row.id))}


def get_qualification_type(tx: Tx, request: Request) -> Answer:
    """Answer GetQualificationType, including the system's own; only owners see the answer key."""
    return {"QualificationType": _told(tx, find(tx, request["QualificationTypeId"]))}


def list_qualification_types(tx: Tx, request: Request) -> Answer:
    """Answer ListQualificationTypes: every word of Query must occur in name, description or keywords, in any case."""
    mine, requestable = bool(request.get("MustBeOwnedByCaller")), bool(request["MustBeRequestable"])
    words = list(dict.fromkeys((request.get("Query") or "").lower().split()))
    statement = select(_TYPES).where(_TYPES.c.environment == tx.environment, _TYPES.c.deleted == 0)
    if mine:
        statement = statement.where(_TYPES.c.account == tx.account)
    else:
        statement = statement.where(or_(_TYPES.c.account == tx.account, _TYPES.c.status == "Active"))
    if requestable:
        statement = statement.where(_TYPES.c.requestable == 1, _TYPES.c.status == "Active")
    if tx.lag:
        statement = statement.where(or_(_TYPES.c.created_at <= tx.now - tx.lag, _TYPES.c.account == OWNER))
    for word in words:
        statement = statement.where(
            or_(
                *(
                    func.lower(func.coalesce(column, "")).contains(word, autoescape=True)
                    for column in (_TYPES.c.name, _TYPES.c.description, _TYPES.c.keywords)
                )
            )
        )
    query = ["ListQualificationTypes", mine, requestable, words]
    page = paging.fetch(tx, request, query, statement, [_TYPES.c.seq])
    return paging.listed(page, "QualificationTypes", lambda row: _told(tx, row))


def delete_qualification_type(tx: Tx, request: Request) -> Answer:
    """Answer DeleteQualificationType: pending requests are rejected, its HIT types deleted, grants stay.

    The name is free at once; the service could take up to 48 hours.
    """
    remove(tx, owned(tx, request["QualificationTypeId"]))
    return {}


def remove(tx: Tx, row: Row[Any]) -> None:
    """Delete a type, on request or because nobody used it for the retention time."""
    tx.run(_TYPES.update().where(_TYPES.c.seq == row.seq).values(deleted=1, due_at=None))
    asked = tables.qualification_request
    tx.run(
        asked.update()
        .where(asked.c.environment == row.environment, asked.c.type_id == row.id, asked.c.status == "Pending")
        .values(status="Rejected", reason="The QualificationType was deleted.")
    )
    requirement = tables.hit_type_requirement
    requiring = select(requirement.c.hit_type_id).where(
        requirement.c.environment == row.environment, requirement.c.qualification_type_id == row.id
    )
    tx.run(tables.hit_type.update().where(tables.hit_type.c.id.in_(requiring)).values(deleted=1, due_at=None))
    tx.next_generation()


def use(tx: Tx, row: Row[Any]) -> None:
    """Record that the type is in use, so that it is not deleted."""
    tx.run(_TYPES.update().where(_TYPES.c.seq == row.seq).values(due_at=tx.now + rules.RETENTION))


def check_active(row: Row[Any]) -> None:
    """Refuse an inactive type.

    Raises:
        RequestError: InvalidQualificationTypeState.
    """
    if row.status != "Active":
        raise RequestError("InvalidQualificationTypeState", "This operation can be called with a status of: Active")
