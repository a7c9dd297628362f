"""Repair participants' rows that psiTurk set back to submitted after their work was approved.

psiTurk's server writes status 4 whenever a worker's page reports a submission, even late or twice. That overwrites
turkctl's status, and psiTurk would approve the work once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlmodel import Session

from turkctl.store.assignments import APPROVED, ASSIGNMENTS
from turkctl.store.base import Place
from turkctl.store.participants import BONUSED, CREDITED, SUBMITTED, Claim, move_status, participants_table
from turkctl.store.payments import BONUS, PAYMENTS


@dataclass(frozen=True)
class SetBack:
    """One row that says submitted where the market has said approved."""

    uniqueid: str
    claim: Claim
    bonused: bool
    """Whether the ledger has a bonus for it: psiTurk would pay a row that is only credited again."""


def set_back(session: Session, name: str, place: Place) -> list[SetBack]:
    """Return the submitted rows of this mode whose work is approved, by the same worker, in our own tables."""
    table = participants_table(name)
    same = and_(
        ASSIGNMENTS.c.assignment_id == table.c.assignmentid,
        ASSIGNMENTS.c.worker_id == table.c.workerid,
        ASSIGNMENTS.c.mode == place.mode,
        ASSIGNMENTS.c.market == place.market,
        ASSIGNMENTS.c.status == APPROVED,
    )
    paid = (
        select(PAYMENTS.c.id)
        .where(
            PAYMENTS.c.mode == place.mode,
            PAYMENTS.c.market == place.market,
            PAYMENTS.c.kind == BONUS,
            PAYMENTS.c.assignment_id == table.c.assignmentid,
            PAYMENTS.c.worker_id == table.c.workerid,
        )
        .correlate(table)
        .exists()
    )
    statement = (
        select(table.c.uniqueid, table.c.assignmentid, table.c.workerid, paid)
        .join_from(table, ASSIGNMENTS, same)
        .where(table.c.mode == place.mode, table.c.status == SUBMITTED)
        .order_by(table.c.uniqueid)
    )
    rows = session.connection().execute(statement)
    return [SetBack(row[0], (row[1], row[2]), bool(row[3])) for row in rows]


def credit_again(session: Session, name: str, place: Place, rows: Sequence[SetBack]) -> None:
    """Move those of the rows that still say submitted to credited, or to bonused where a bonus was paid."""
    for new in (CREDITED, BONUSED):
        theirs = [row.uniqueid for row in rows if row.bonused == (new == BONUSED)]
        move_status(session, name, place.mode, theirs, expected=SUBMITTED, new=new)
