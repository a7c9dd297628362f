"""Gates: qualification types that the market grants to workers who accept a HIT that requires their absence.

So nobody can take two HITs behind one gate, however quick they are. MTurk has no such feature; a requester asks for it
with a keyword of the type (:data:`turkctl.own_market.GRANT_ON_ACCEPT`), which other markets ignore.

A HIT that requires the type's presence instead marks those who accept it, and keeps out nobody: that is for studies
whose people another study keeps out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from turkctl.market import grants, hit_types, qualifications, rules, tables
from turkctl.market.hit_rows import Hit
from turkctl.market.hit_types import HitType
from turkctl.market.own_types import OWN
from turkctl.market.requirements import Requirement
from turkctl.market.tx import Tx
from turkctl.own_market import GRANT_ON_ACCEPT, kinds

VALUE = 1
"""The value of a granted gate."""

_TYPES = tables.qualification_type
_GRANTS = tables.grant


def close(tx: Tx, hit_type: HitType, hit: Hit, worker_id: str, assignment_id: str) -> None:
    """Grant the worker the gates of a HIT that they accept in this transaction.

    Only gates of the HIT's own requester: no other requester's HIT can keep workers out of theirs.
    """
    wanted = {each["QualificationTypeId"] for each in hit_type.marked_requirements() if _closes(each)}
    if not wanted:
        return
    mine = (_TYPES.c.environment == tx.environment, _TYPES.c.account == hit.account, _TYPES.c.deleted == 0)
    for row in tx.all(select(_TYPES).where(*mine, _TYPES.c.id.in_(sorted(wanted)))):
        if GRANT_ON_ACCEPT in kinds(row.keywords):
            if not grants.holds(tx, row.id, worker_id):
                grants.give(tx, row.id, worker_id, VALUE, assignment_id)
            qualifications.use(tx, row)


def _closes(requirement: Requirement) -> bool:
    """Return whether accepting a HIT with this requirement closes its gate, if it is one.

    A HIT that requires the absence also for being seen belongs to another study, which only looks at the gate.
    """
    if requirement["Comparator"] == "DoesNotExist":
        return bool(requirement["ActionsGuarded"] == "Accept")
    return requirement["Comparator"] == "Exists" and requirement.get(OWN) == GRANT_ON_ACCEPT


def reopen(tx: Tx, assignment: Row[Any]) -> None:
    """Take back what this assignment granted, since it was returned or abandoned. Other grants stay.

    A gate that other work of the same person closes too stays closed, by that work.
    """
    granted = (
        _GRANTS.c.environment == assignment.environment,
        _GRANTS.c.worker_id == assignment.worker_id,
        _GRANTS.c.assignment_id == assignment.id,
        _GRANTS.c.status == "Granted",
    )
    rows = tx.all(select(_GRANTS.c.seq, _GRANTS.c.type_id).where(*granted))
    others = _closed_by_others(tx, assignment, [row.type_id for row in rows]) if rows else {}
    for row in rows:
        kept = others.get(row.type_id)
        changes = {"assignment_id": kept} if kept else {"status": "Revoked", "assignment_id": None}
        tx.run(_GRANTS.update().where(_GRANTS.c.seq == row.seq).values(**changes))


def _closed_by_others(tx: Tx, assignment: Row[Any], type_ids: Sequence[str]) -> dict[str, str]:
    """Return which of these gates another assignment of the same person closes, with that assignment."""
    taken, hit, asked = tables.assignment.c, tables.hit.c, tables.hit_type_requirement.c
    rows = tx.all(
        select(taken.id, hit.hit_type_id)
        .join(tables.hit, hit.id == taken.hit_id)
        .join(tables.hit_type_requirement, asked.hit_type_id == hit.hit_type_id)
        .where(
            taken.environment == assignment.environment,
            taken.worker_id == assignment.worker_id,
            taken.status.in_(rules.HELD),
            taken.id != assignment.id,
            asked.environment == assignment.environment,
            asked.qualification_type_id.in_(type_ids),
        )
        .distinct()
    )
    return {
        each["QualificationTypeId"]: row.id
        for row in rows
        for each in hit_types.load(tx, row.hit_type_id).marked_requirements()
        if each["QualificationTypeId"] in type_ids and _closes(each)
    }
