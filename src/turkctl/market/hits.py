"""HITs: create, read and list them."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, Select, select

from turkctl.market import (
    hit_items,
    hit_rows,
    hit_types,
    layouts,
    limits,
    notifications,
    paging,
    questions,
    review,
    rules,
    tables,
    tokens,
)
from turkctl.market.errors import hit_already_exists, qualification_type_does_not_exist
from turkctl.market.hit_rows import Hit
from turkctl.market.hit_types import HitType
from turkctl.market.tx import Tx, members

Request = dict[str, Any]
Answer = dict[str, Any]


def create_hit(tx: Tx, request: Request) -> Answer:
    """Answer CreateHIT: find or create the HIT type, then create the HIT."""
    _refuse_repeat(tx, "CreateHIT", request)
    return _create(tx, "CreateHIT", hit_types.find_or_create(tx, request), request)


def create_hit_with_hit_type(tx: Tx, request: Request) -> Answer:
    """Answer CreateHITWithHITType."""
    _refuse_repeat(tx, "CreateHITWithHITType", request)
    return _create(tx, "CreateHITWithHITType", hit_types.owned(tx, request["HITTypeId"]), request)


def _refuse_repeat(tx: Tx, operation: str, request: Request) -> None:
    earlier = tokens.seen(tx, operation, request)
    if earlier is not None:
        raise hit_already_exists(earlier)


def _create(tx: Tx, operation: str, hit_type: HitType, request: Request) -> Answer:
    hit, shown = prepare(tx, hit_type, request), hit_items.told(request)
    hit.items = len(shown) or None
    hit_rows.insert(tx, hit)
    if shown:
        hit_items.tell(tx, hit, shown)
    hit_types.touch(tx, hit_type)
    tokens.remember(tx, operation, request, hit.id)
    notifications.emit(tx, hit_type, "HITCreated", hit.id)
    return {"HIT": hit_rows.describe(hit, hit_type)}


def prepare(tx: Tx, hit_type: HitType, request: Request) -> Hit:
    """Return a new HIT of this type, checked but not yet written.

    Raises:
        MarketError: a value is out of range, or the question or layout is invalid.
    """
    limits.check_hit(request)
    question = layouts.question(tx, request)
    questions.check(question)
    slots = request.get("MaxAssignments") or 1
    return Hit(
        seq=0,
        id=tx.new_id(),
        environment=tx.environment,
        account=tx.account,
        hit_type_id=hit_type.id,
        layout_id=request.get("HITLayoutId"),
        question=question,
        annotation=request.get("RequesterAnnotation"),
        assignment_policy=_policy(request, "AssignmentReviewPolicy"),
        hit_policy=_policy(request, "HITReviewPolicy"),
        status=rules.ASSIGNABLE,
        listed=1,
        gone=0,
        max_assignments=slots,
        available=slots,
        pending=0,
        submitted=0,
        completed=0,
        unit_cost=hit_type.unit_cost(slots, tx.fee),
        open_held=1,
        created_at=tx.now,
        expires_at=tx.now + request["LifetimeInSeconds"] * rules.SECOND,
        touched_at=tx.now,
        due_at=None,
    )


def _policy(request: Request, member: str) -> str | None:
    policy = request.get(member)
    if policy is None:
        return None
    review.check_policy(member, policy)
    return json.dumps(policy)


def get_hit(tx: Tx, request: Request) -> Answer:
    """Answer GetHIT; a disposed HIT is returned as Disposed until its data are deleted."""
    hit = hit_rows.load(tx, request["HITId"])
    return {"HIT": hit_rows.describe(hit, hit_types.load(tx, hit.hit_type_id))}


def _mine(tx: Tx) -> Select[Any]:
    mine = select(tables.hit).where(tables.hit.c.environment == tx.environment, tables.hit.c.account == tx.account)
    return mine.where(tables.hit.c.created_at <= tx.now - tx.lag) if tx.lag else mine


def _described(tx: Tx, row: Row[Any]) -> Answer:
    hit = Hit(**members(row))
    return hit_rows.describe(hit, hit_types.load(tx, hit.hit_type_id))


def list_hits(tx: Tx, request: Request) -> Answer:
    """Answer ListHITs: all but disposed ones, oldest first."""
    statement = _mine(tx).where(tables.hit.c.listed == 1)
    page = paging.fetch(tx, request, ["ListHITs"], statement, [tables.hit.c.seq])
    return paging.listed(page, "HITs", lambda row: _described(tx, row))


def list_reviewable_hits(tx: Tx, request: Request) -> Answer:
    """Answer ListReviewableHITs: Reviewable ones, or those with the status given; latest expiration first."""
    status, type_id = request.get("Status") or rules.REVIEWABLE, request.get("HITTypeId")
    statement = _mine(tx).where(tables.hit.c.status == status)
    if type_id is not None:
        statement = statement.where(tables.hit.c.hit_type_id == hit_types.owned(tx, type_id).id)
    keys = [tables.hit.c.expires_at, tables.hit.c.seq]
    page = paging.fetch(tx, request, ["ListReviewableHITs", status, type_id], statement, keys, descending=True)
    return paging.listed(page, "HITs", lambda row: _described(tx, row))


def list_hits_for_qualification_type(tx: Tx, request: Request) -> Answer:
    """Answer ListHITsForQualificationType: HITs, except disposed ones, whose type requires that qualification."""
    type_id = request["QualificationTypeId"]
    known = select(tables.qualification_type.c.seq).where(
        tables.qualification_type.c.environment == tx.environment,
        tables.qualification_type.c.id == type_id,
        tables.qualification_type.c.deleted == 0,
    )
    if tx.first(known) is None:
        raise qualification_type_does_not_exist(type_id)
    requirement = tables.hit_type_requirement
    requiring = select(requirement.c.hit_type_id).where(
        requirement.c.environment == tx.environment, requirement.c.qualification_type_id == type_id
    )
    statement = _mine(tx).where(tables.hit.c.listed == 1, tables.hit.c.hit_type_id.in_(requiring))
    page = paging.fetch(tx, request, ["ListHITsForQualificationType", type_id], statement, [tables.hit.c.seq])
    return paging.listed(page, "HITs", lambda row: _described(tx, row))


def bulk(tx: Tx, request: Request, count: int) -> list[str]:
    """Insert ``count`` HITs of one CreateHIT request at once, without tokens and events; return their ids."""
    hit_type = hit_types.find_or_create(tx, request)
    made = [prepare(tx, hit_type, request) for _ in range(count)]
    hit_rows.insert_many(tx, made)
    hit_types.touch(tx, hit_type)
    return [hit.id for hit in made]
