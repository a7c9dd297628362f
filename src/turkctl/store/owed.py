"""Count the bonuses in participants' rows that were not paid yet, of every experiment at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, TableClause, and_, case, exists, func, or_, select
from sqlmodel import Session

from turkctl.store.assignments import APPROVED, ASSIGNMENTS
from turkctl.store.base import Place
from turkctl.store.hits import HITS, in_place
from turkctl.store.participants import BONUSED, CREDITED, participants_table
from turkctl.store.payments import AUTO, BONUS, MARKET, PAYMENTS, PSITURK


@dataclass(frozen=True)
class OwedGroup:
    """Assignments of one experiment for which the same bonus is owed."""

    experiment_id: int | None
    code_version: str | None
    """Of the participants whose HIT is unknown here."""
    bonus: float
    """Dollars, as psiTurk's FLOAT column has them."""
    assignments: int


def bonuses_owed(session: Session, place: Place, name: str, worker: str | None = None) -> list[OwedGroup]:
    """Return the unpaid bonuses in the participants' rows of approved work, by experiment and amount.

    With ``worker``, only those of this worker.

    Approved is what the market or psiTurk says is. A bonus of the purpose ``auto`` counts as paid, one that the market
    or psiTurk alone knows of, and one that psiTurk says it paid and the ledger does not explain.
    """
    table = participants_table(name)
    key = (HITS.c.experiment_id, case((HITS.c.id.is_(None), table.c.codeversion)), table.c.bonus)
    statement = _owed(place, table, (*key, func.count())).group_by(*key)
    if worker is not None:
        statement = statement.where(table.c.workerid == worker)
    return [OwedGroup(*row) for row in session.connection().execute(statement)]


def hits_owing(session: Session, place: Place, name: str, experiment_id: int) -> dict[str, int]:
    """Return the experiment's HITs on which such bonuses are owed, each with the number of assignments."""
    statement = _owed(place, participants_table(name), (HITS.c.hit_id, func.count()))
    statement = statement.where(HITS.c.experiment_id == experiment_id).group_by(HITS.c.hit_id)
    return {row[0]: row[1] for row in session.connection().execute(statement)}


def _owed(place: Place, table: TableClause, columns: tuple[Any, ...]) -> Select[Any]:
    """Select columns of the unpaid bonuses in the participants' rows of approved work."""
    return (
        select(*columns)
        .join_from(table, HITS, and_(HITS.c.mode == table.c.mode, HITS.c.hit_id == table.c.hitid), isouter=True)
        .where(table.c.mode == place.mode, *unpaid(table))
        .where(or_(HITS.c.id.is_(None), and_(*in_place(place))))
    )


def unpaid(table: TableClause) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a participant's bonus is owed; they need turkctl's tables."""
    ours = exists().where(
        ASSIGNMENTS.c.mode == table.c.mode,
        ASSIGNMENTS.c.assignment_id == table.c.assignmentid,
        ASSIGNMENTS.c.worker_id == table.c.workerid,
        ASSIGNMENTS.c.status == APPROVED,
    )
    mine = and_(PAYMENTS.c.mode == table.c.mode, PAYMENTS.c.assignment_id == table.c.assignmentid)
    bonus = and_(mine, PAYMENTS.c.kind == BONUS)
    paid = exists().where(bonus, or_(PAYMENTS.c.purpose == AUTO, PAYMENTS.c.source.in_((MARKET, PSITURK))))
    by_psiturk = and_(table.c.status == BONUSED, ~exists().where(bonus))
    return table.c.bonus > 0, or_(ours, table.c.status.in_((CREDITED, BONUSED))), ~paid, ~by_psiturk
