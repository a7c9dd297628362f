"""A HIT's row: load it, write it back with everything that follows from its counters, describe it.

What an account holds for a HIT is a function of the HIT's row (:meth:`Hit.held`); :func:`save` moves the difference,
so that no caller can forget it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from turkctl.fees import MTURK, NONE, FeeRule
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
    opened: int | None = None
    items: int | None = None

    def held(self) -> int:
        """Return the micro-dollars held for this HIT: for open slots until expiry, for work until it is reviewed."""
        slots = self.pending + self.submitted + (self.available if self.open_held else 0)
        return slots * self.unit_cost

    def fee_rule(self, hit_type: HitType) -> FeeRule:
        """Return the rule of the commission that the HIT was posted under.

        With one, an assignment costs at least a cent more than its reward.
        """
        return MTURK if self.unit_cost > hit_type.reward else NONE

    def owner(self) -> Requester:
        """Return the requester that the HIT belongs to."""
        return Requester(self.account, "sandbox" if self.environment == "sandbox" else "production")

    def expired(self, now: int) -> bool:
        """Return whether the HIT can no longer be accepted."""
        return self.expires_at <= now


_BY_ID = select(tables.hit).where(tables.hit.c.id == bindparam("b_id"), tables.hit.c.gone == 0)
_LAST_OPENING = select(func.max(tables.hit.c.opened)).where(tables.hit.c.hit_type_id == bindparam("b_type"))
_WRITTEN = [field.name for field in dataclasses.fields(Hit) if field.name != "seq"]
_PREFIX = "hit_row_"
BESIDE = [column.label(_PREFIX + column.name) for column in tables.hit.c]
"""A HIT's columns, for a statement that reads another table's as well; see :func:`from_beside`."""
_SAVE = tables.hit.update().where(tables.hit.c.seq == bindparam("b_seq"), tables.hit.c.status == bindparam("b_status"))


def load(tx: Tx, hit_id: str) -> Hit:
    """Return the requester's HIT with this id, including a disposed one.

    Raises:
        RequestError: HITDoesNotExist if it is unknown, another requester's, or its data were deleted.
    """
    row = tx.first(_BY_ID, {"b_id": hit_id})
    if row is None or (row.environment, row.account) != (tx.environment, tx.account):
        raise hit_does_not_exist(hit_id)
    return Hit(**members(row))


def load_any(tx: Tx, hit_id: str) -> Hit | None:
    """Return the HIT with this id in the transaction's environment, whoever posted it, or None."""
    if not is_id(hit_id):
        return None
    row = tx.first(_BY_ID, {"b_id": hit_id})
    return None if row is None or row.environment != tx.environment else Hit(**members(row))


def from_beside(row: Row[Any]) -> Hit:
    """Return the HIT of a row that has :data:`BESIDE` among its columns."""
    of_hit = ((name, value) for name, value in members(row).items() if name.startswith(_PREFIX))
    return Hit(**{name.removeprefix(_PREFIX): value for name, value in of_hit})


def insert(tx: Tx, hit: Hit) -> None:
    """Write a new HIT and hold its cost; the database sets ``seq``, the due time follows from the rest.

    Raises:
        RequestError: InsufficientFunds.
    """
    ledger.move(tx, hit.owner(), held=hit.held())
    _set_due(hit)
    hit.opened = last_opening(tx, hit.hit_type_id) + 1
    tx.run(tables.hit.insert(), {name: getattr(hit, name) for name in _WRITTEN})


def save(tx: Tx, before: Hit, hit: Hit, hit_type: HitType | None = None) -> None:
    """Write back a changed copy of ``before``, with its status, due time, the account's holds and the event.

    Raises:
        RequestError: InsufficientFunds if the change holds more than is available.
        ServiceFault: the row changed meanwhile, which the market's lock should prevent.
    """
    hit.touched_at = max(tx.now, before.touched_at)
    hit.status = rules.hit_status(hit.status, available=hit.available, pending=hit.pending, expired=hit.expired(tx.now))
    _set_due(hit)
    if _opens(before, hit):
        hit.opened = last_opening(tx, hit.hit_type_id) + 1
    ledger.move(tx, hit.owner(), held=hit.held() - before.held())
    changes = {name: getattr(hit, name) for name in _WRITTEN if getattr(hit, name) != getattr(before, name)}
    if changes and tx.run(_SAVE, changes | {"b_seq": hit.seq, "b_status": before.status}).rowcount != 1:
        raise ServiceFault(f"Hit {hit.id} was changed by somebody else.")
    if hit.status == rules.REVIEWABLE and before.status in (rules.ASSIGNABLE, rules.UNASSIGNABLE):
        notifications.emit(tx, hit_type or hit_types.load(tx, hit.hit_type_id), "HITReviewable", hit.id)
        if hit.hit_policy is not None:
            tx.reviews.append(("HIT", hit.id))


def _opens(before: Hit, hit: Hit) -> bool:
    """Return whether workers who passed this HIT by may find something in it now."""
    placed = (before.hit_type_id, before.expires_at) != (hit.hit_type_id, hit.expires_at)
    reopened = before.status != rules.ASSIGNABLE or hit.available > before.available
    return hit.status == rules.ASSIGNABLE and (placed or reopened)


def open_again(tx: Tx, hits: Iterable[Hit]) -> None:
    """Let workers who passed these open HITs by find them: one of them may have them now."""
    for hit in hits:
        opened = last_opening(tx, hit.hit_type_id) + 1
        tx.run(tables.hit.update().where(tables.hit.c.seq == hit.seq).values(opened=opened))


def last_opening(tx: Tx, type_id: str) -> int:
    """Return the number of the last opening among the HITs of a type; 0 if there was none."""
    row = tx.first(_LAST_OPENING, {"b_type": type_id})
    assert row is not None
    return row[0] or 0


def copy(hit: Hit) -> Hit:
    """Return a copy to change and pass to :func:`save`."""
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
    """Return the HIT as the API describes it; members without a value are left out."""
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
    """Write new HITs of one owner and type at once, and hold their cost.

    Raises:
        RequestError: InsufficientFunds.
    """
    if not hits:
        return
    ledger.move(tx, hits[0].owner(), held=sum(hit.held() for hit in hits))
    opened = last_opening(tx, hits[0].hit_type_id) + 1
    for hit in hits:
        _set_due(hit)
        hit.opened = opened
    tx.run(tables.hit.insert(), [{name: getattr(hit, name) for name in _WRITTEN} for hit in hits])
