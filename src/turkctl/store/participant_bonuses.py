"""Read and set the bonus owed by participants' rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select, update
from sqlmodel import Session

from turkctl.store.base import changed_one, chunks
from turkctl.store.participants import Claim, participants_table
from turkctl.units import CENT

TOLERANCE = Decimal("0.000001")
"""Dollars by which psiTurk's FLOAT column may be off a whole cent."""


@dataclass(frozen=True)
class BonusRow:
    """The bonus in one participant's row."""

    uniqueid: str
    status: int | None
    bonus: float | None
    """Dollars, as psiTurk's FLOAT column has them."""

    @property
    def amount(self) -> Decimal | None:
        """Return the dollars that the column stands for; None where it is no whole number of cents above zero."""
        if self.bonus is None or not (math.isfinite(self.bonus) and 0 < self.bonus < 1e9):
            return None
        exact = Decimal(repr(self.bonus))
        amount = exact.quantize(CENT)
        return amount if amount >= CENT and abs(exact - amount) <= TOLERANCE else None


def read(session: Session, name: str, mode: str, assignment_ids: Sequence[str]) -> dict[Claim, BonusRow]:
    """Return the rows that name these assignments in this mode, by assignment and worker.

    Several rows may name one assignment: a worker who returned it left one, and the market gave it to the next.
    """
    table = participants_table(name)
    columns = (table.c.assignmentid, table.c.workerid, table.c.uniqueid, table.c.status, table.c.bonus)
    statement = select(*columns).where(table.c.mode == mode).order_by(table.c.uniqueid)
    parts = (statement.where(table.c.assignmentid.in_(part)) for part in chunks(assignment_ids))
    rows = (row for part in parts for row in session.connection().execute(part))
    return {(row.assignmentid, row.workerid): BonusRow(row.uniqueid, row.status, row.bonus) for row in rows}


def set_bonus(session: Session, name: str, uniqueid: str, *, expected: float | None, bonus: float) -> bool:
    """Write only a row's bonus; return whether it still had the ``expected`` one."""
    table = participants_table(name)
    same = table.c.bonus.is_(None) if expected is None else table.c.bonus == expected
    return changed_one(session, update(table).where(table.c.uniqueid == uniqueid, same).values(bonus=bonus))
