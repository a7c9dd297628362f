"""HIT types: what HITs have in common. The same values always give the same type."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from turkctl.fees import FeeRule
from turkctl.market import limits, own_types, requirements, rules, tables
from turkctl.market.errors import invalid_value
from turkctl.market.tx import Tx, members
from turkctl.units import from_micros, to_micros


@dataclass(frozen=True)
class HitType:
    """A HIT type as stored: reward in micro-dollars, durations in seconds."""

    id: str
    environment: str
    account: str
    digest: str
    group_id: str
    title: str
    description: str
    keywords: str | None
    reward: int
    assignment_duration: int
    auto_approval_delay: int
    requirements: str
    notification: str | None
    notification_active: int
    deleted: int
    created_at: int
    due_at: int | None

    def requirement_list(self) -> list[dict[str, Any]]:
        """Return the requirements as the API writes them."""
        return own_types.unmarked(self.marked_requirements())

    def marked_requirements(self) -> list[dict[str, Any]]:
        """Return the requirements with what this market knows of their types, to compare workers with."""
        found: list[dict[str, Any]] = json.loads(self.requirements)
        return found

    def unit_cost(self, max_assignments: int, fee: FeeRule) -> int:
        """Return the micro-dollars that one approved assignment costs, commission included."""
        masters = requirements.asks_for_masters(self.environment, self.requirement_list())
        return to_micros(fee.assignment_cost(from_micros(self.reward), max_assignments, masters=masters))


_AT_ONCE = 500
"""Types that are read with one statement."""
_BY_ID = select(tables.hit_type).where(tables.hit_type.c.id == bindparam("b_id"))
_BY_DIGEST = select(tables.hit_type).where(
    tables.hit_type.c.environment == bindparam("b_environment"),
    tables.hit_type.c.account == bindparam("b_account"),
    tables.hit_type.c.digest == bindparam("b_digest"),
    tables.hit_type.c.deleted == 0,
)


def load(tx: Tx, type_id: str) -> HitType:
    """Return the type of a HIT, whoever owns it, even if it is deleted."""
    found: HitType | None = tx.shared.types.get(tx.generation, ("id", type_id))
    if found is None:
        row = tx.first(_BY_ID, {"b_id": type_id})
        assert row is not None, "a HIT's type is a foreign key"
        found = HitType(**members(row))
        tx.shared.types.put(tx.generation, ("id", type_id), found)
    return found


def load_all(tx: Tx, type_ids: Sequence[str]) -> list[HitType]:
    """Return the types with these ids, in any order; those that are not in memory are read at once."""
    known = [tx.shared.types.get(tx.generation, ("id", type_id)) for type_id in type_ids]
    found: list[HitType] = [each for each in known if each is not None]
    missing = [type_id for type_id, each in zip(type_ids, known, strict=True) if each is None]
    for start in range(0, len(missing), _AT_ONCE):
        few = tables.hit_type.c.id.in_(missing[start : start + _AT_ONCE])
        for row in tx.all(select(tables.hit_type).where(few)):
            found.append(HitType(**members(row)))
            tx.shared.types.put(tx.generation, ("id", row.id), found[-1])
    return found


def owned(tx: Tx, type_id: str) -> HitType:
    """Return the requester's type with this id.

    Raises:
        RequestError: InvalidParameterValue if it does not exist or is deleted.
    """
    row = tx.first(_BY_ID, {"b_id": type_id})
    if row is None or row.deleted or (row.environment, row.account) != (tx.environment, tx.account):
        raise invalid_value(f"HITType {type_id} does not exist.")
    return HitType(**members(row))


def find_or_create(tx: Tx, request: dict[str, Any]) -> HitType:
    """Return the requester's type with these values; create it if there is none.

    Identity is title, description, keywords, reward, assignment duration, automatic approval delay and
    qualification requirements (in any order).

    Raises:
        MarketError: a value or a requirement is invalid.
    """
    wanted = _normalized(request)
    digest = _digest(wanted)
    key = ("digest", tx.environment, tx.account, digest)
    found: HitType | None = tx.shared.types.get(tx.generation, key)
    if found is None:
        values = {"b_environment": tx.environment, "b_account": tx.account, "b_digest": digest}
        row = tx.first(_BY_DIGEST, values)
        if row is None:
            return _create(tx, wanted, digest)
        found = HitType(**members(row))
        tx.shared.types.put(tx.generation, key, found)
    return found


def touch(tx: Tx, hit_type: HitType) -> None:
    """Record that the type is in use, so that it is not deleted; writes at most once a day."""
    if hit_type.due_at is not None and hit_type.due_at > tx.now + rules.RETENTION - rules.DAY:
        return
    due = tx.now + rules.RETENTION
    tx.run(tables.hit_type.update().where(tables.hit_type.c.id == hit_type.id).values(due_at=due))
    asked = [item["QualificationTypeId"] for item in hit_type.requirement_list()]
    tx.run(
        tables.qualification_type.update()
        .where(
            tables.qualification_type.c.environment == tx.environment,
            tables.qualification_type.c.id.in_(asked),
            tables.qualification_type.c.due_at.is_not(None),
            tables.qualification_type.c.deleted == 0,
        )
        .values(due_at=due)
    )
    tx.next_generation()  # the copies in memory have the old time


def create_hit_type(tx: Tx, request: dict[str, Any]) -> dict[str, Any]:
    """Answer CreateHITType."""
    hit_type = find_or_create(tx, request)
    touch(tx, hit_type)
    return {"HITTypeId": hit_type.id}


def _normalized(request: dict[str, Any]) -> dict[str, Any]:
    limits.check_hit_type(request)
    return {
        "title": request["Title"],
        "description": request["Description"],
        "keywords": request.get("Keywords"),
        "reward": limits.money(request["Reward"], "Reward"),
        "assignment_duration": request["AssignmentDurationInSeconds"],
        "auto_approval_delay": request.get("AutoApprovalDelayInSeconds", rules.DEFAULT_AUTO_APPROVAL),
        "requirements": requirements.normalized(request.get("QualificationRequirements") or []),
    }


def _digest(wanted: dict[str, Any]) -> str:
    ordered = sorted(json.dumps(item, sort_keys=True) for item in wanted["requirements"])
    return hashlib.sha256(json.dumps(wanted | {"requirements": ordered}, sort_keys=True).encode()).hexdigest()


def _create(tx: Tx, wanted: dict[str, Any], digest: str) -> HitType:
    requirements.check(tx, wanted["requirements"])
    hit_type = HitType(
        id=tx.new_id(),
        environment=tx.environment,
        account=tx.account,
        digest=digest,
        group_id=tx.new_id(),
        notification=None,
        notification_active=0,
        deleted=0,
        created_at=tx.now,
        due_at=tx.now + rules.RETENTION,
        **(wanted | {"requirements": json.dumps(own_types.marked(tx, wanted["requirements"]))}),
    )
    tx.run(tables.hit_type.insert(), vars(hit_type))
    asked = {item["QualificationTypeId"] for item in wanted["requirements"]}
    if asked:
        rows = [
            {"environment": tx.environment, "qualification_type_id": type_id, "hit_type_id": hit_type.id}
            for type_id in sorted(asked)
        ]
        tx.run(tables.hit_type_requirement.insert(), rows)
    return hit_type
