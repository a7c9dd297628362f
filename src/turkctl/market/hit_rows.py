"""A HIT's row: loading it, writing it back with everything that follows from its counters, describing it.

What an account holds for a HIT is a function of the HIT's row (:meth:`Hit.held`); :func:`save` moves the difference,
so no caller can forget to.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from turkctl.market import hit_types, ledger, notifications, rules, tables
from turkctl.market.errors import ServiceFault, hit_does_not_exist
from turkctl.market.hit_types import HitType
from turkctl.market.requester import Requester
from turkctl.market.tx import Tx, is_id, members, when


@dataclass
class Hit:
    """A HIT as stored: times in epoch milliseconds, money in micro-dollars."""

    seq: int
    id: str
    environment: str
    account: str
    hit_type_id: str
    layout_id: str | None
    question: str
    annotation: str | None
    assignment_policy: str | None
    hit_policy: str | None
    status: str
    listed: int
    gone: int
    max_assignments: int
    available: int
    pending: int
    submitted: int
    completed: int
    unit_cost: int
    open_held: int
    created_at: int
    expires_at: int
    touched_at: int
    due_at: int | None

    def held(self) -> int:
        """Micro-dollars that the account holds for this HIT: open slots until expiry, work until it is reviewed."""
        slots = self.pending + self.submitted + (self.available if self.open_held else 0)
        return slots * self.unit_cost

    def owner(self) -> Requester:
        """The requester it belongs to."""
        return Requester(self.account, "sandbox" if self.environment == "sandbox" else "production")

    def expired(self, now: int) -> bool:
        """Whether nobody may accept it any more."""
        return self.expires_at <= now


_BY_ID = select(tables.hit).where(tables.hit.c.id == bindparam("b_id"), tables.hit.c.gone == 0)
_WRITTEN = [field.name for field in dataclasses.fields(Hit) if field.name != "seq"]
_EXPECTED = (tables.hit.c.seq == bindparam("b_seq"), tables.hit.c.status == bindparam("b_status"))


def load(tx: Tx, hit_id: str) -> Hit:
    """The requester's HIT of that id, also a disposed one.

    Raises:
        RequestError: HITDoesNotExist: unknown, somebody else's, or its data are gone.
    """
    row = tx.first(_BY_ID, {"b_id": hit_id})
    if row is None or (row.environment, row.account) != (tx.environment, tx.account):
        raise hit_does_not_exist(hit_id)
    return Hit(**members(row))


def load_any(tx: Tx, hit_id: str) -> Hit | None:
    """The HIT of that id in the environment at hand, whoever posted it; None where there is none any more."""
    if not is_id(hit_id):
        return None
    row = tx.first(_BY_ID, {"b_id": hit_id})
    return None if row is None or row.environment != tx.environment else Hit(**members(row))


def insert(tx: Tx, hit: Hit) -> None:
    """Write a new HIT; its ``seq`` is the database's, its due time follows from the rest. Holds its cost.

    Raises:
        RequestError: InsufficientFunds.
    """
    ledger.move(tx, hit.owner(), held=hit.held())
    _set_due(hit)
    tx.run(tables.hit.insert(), {name: getattr(hit, name) for name in _WRITTEN})


def save(tx: Tx, before: Hit, hit: Hit, hit_type: HitType | None = None) -> None:
    """Write back a changed copy of ``before``: status, due time, the account's holds and the event follow.

    Raises:
        RequestError: InsufficientFunds, where the change holds more than is available.
        ServiceFault: the row is not what it was; nothing that the market's lock allows.
    """
    hit.touched_at = max(tx.now, before.touched_at)
    hit.status = rules.hit_status(hit.status, available=hit.available, pending=hit.pending, expired=hit.expired(tx.now))
    _set_due(hit)
    ledger.move(tx, hit.owner(), held=hit.held() - before.held())
    changes = {name: getattr(hit, name) for name in _WRITTEN if getattr(hit, name) != getattr(before, name)}
    if changes:
        statement = tables.hit.update().where(*_EXPECTED)
        if tx.run(statement, changes | {"b_seq": hit.seq, "b_status": before.status}).rowcount != 1:
            raise ServiceFault(f"Hit {hit.id} was changed by somebody else.")
    if hit.status == rules.REVIEWABLE and before.status in (rules.ASSIGNABLE, rules.UNASSIGNABLE):
        notifications.emit(tx, hit_type or hit_types.load(tx, hit.hit_type_id), "HITReviewable", hit.id)
        if hit.hit_policy is not None:
            tx.reviews.append(("HIT", hit.id))


def copy(hit: Hit) -> Hit:
    """A copy to change and give to :func:`save`."""
    return dataclasses.replace(hit)


def _set_due(hit: Hit) -> None:
    hit.due_at = rules.hit_due(
        status=hit.status,
        gone=bool(hit.gone),
        expired=not hit.open_held,
        expires_at=hit.expires_at,
        touched_at=hit.touched_at,
        busy=hit.pending > 0 or hit.submitted > 0,
    )


def describe(hit: Hit, hit_type: HitType) -> dict[str, Any]:
    """The HIT as the API answers it; members without a value are left out."""
    described = {
        "HITId": hit.id,
        "HITTypeId": hit.hit_type_id,
        "HITGroupId": hit_type.group_id,
        "HITLayoutId": hit.layout_id,
        "CreationTime": when(hit.created_at),
        "Title": hit_type.title,
        "Description": hit_type.description,
        "Question": hit.question,
        "Keywords": hit_type.keywords,
        "HITStatus": hit.status,
        "MaxAssignments": hit.max_assignments,
        "Reward": ledger.money_text(hit_type.reward),
        "AutoApprovalDelayInSeconds": hit_type.auto_approval_delay,
        "Expiration": when(hit.expires_at),
        "AssignmentDurationInSeconds": hit_type.assignment_duration,
        "RequesterAnnotation": hit.annotation,
        "QualificationRequirements": hit_type.requirement_list(),
        "HITReviewStatus": "NotReviewed",
        "NumberOfAssignmentsPending": hit.pending,
        "NumberOfAssignmentsAvailable": hit.available,
        "NumberOfAssignmentsCompleted": hit.completed,
    }
    return {name: value for name, value in described.items() if value is not None}


def insert_many(tx: Tx, hits: list[Hit]) -> None:
    """Write new HITs of one owner in one go, and hold their cost.

    Raises:
        RequestError: InsufficientFunds.
    """
    if not hits:
        return
    ledger.move(tx, hits[0].owner(), held=sum(hit.held() for hit in hits))
    for hit in hits:
        _set_due(hit)
    tx.run(tables.hit.insert(), [{name: getattr(hit, name) for name in _WRITTEN} for hit in hits])
