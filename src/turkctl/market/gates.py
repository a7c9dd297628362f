"""Gates: qualification types that the market grants to workers who accept a HIT that requires their absence.

So nobody can take two HITs behind one gate, however quick they are. MTurk has no such feature; a requester asks for it
with a keyword of the type (:data:`turkctl.own_market.GRANT_ON_ACCEPT`), which other markets ignore.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Row, select

from turkctl.market import grants, qualifications, tables
from turkctl.market.hit_rows import Hit
from turkctl.market.hit_types import HitType
from turkctl.market.tx import Tx
from turkctl.own_market import GRANT_ON_ACCEPT

VALUE = 1
"""The value of a granted gate."""

_TYPES = tables.qualification_type
_GRANTS = tables.grant


def close(tx: Tx, hit_type: HitType, hit: Hit, worker_id: str, assignment_id: str) -> None:
    """Grant the worker the gates of a HIT that they accept in this transaction.

    Only gates of the HIT's own requester: no other requester's HIT can keep workers out of theirs.
    """
    absent = {
        requirement["QualificationTypeId"]
        for requirement in hit_type.requirement_list()
        if requirement["Comparator"] == "DoesNotExist"
    }
    if not absent:
        return
    mine = (_TYPES.c.environment == tx.environment, _TYPES.c.account == hit.account, _TYPES.c.deleted == 0)
    for row in tx.all(select(_TYPES).where(*mine, _TYPES.c.id.in_(sorted(absent)))):
        if GRANT_ON_ACCEPT in re.split(r"[,\s]+", row.keywords or ""):
            grants.give(tx, row.id, worker_id, VALUE, assignment_id)
            qualifications.use(tx, row)


def reopen(tx: Tx, assignment: Row[Any]) -> None:
    """Take back what this assignment granted, since it was returned or abandoned. Other grants stay."""
    granted = (
        _GRANTS.c.environment == assignment.environment,
        _GRANTS.c.worker_id == assignment.worker_id,
        _GRANTS.c.assignment_id == assignment.id,
        _GRANTS.c.status == "Granted",
    )
    tx.run(_GRANTS.update().where(*granted).values(status="Revoked", assignment_id=None))
