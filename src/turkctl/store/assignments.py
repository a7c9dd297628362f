"""Store and read assignments: a worker's work on a HIT, as the market last reported it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Index, Text, UniqueConstraint, bindparam, func, or_, select, update
from sqlmodel import Field, Session

from turkctl.store.base import Place, TurkctlTable, chunks, upsert
from turkctl.store.hits import HITS
from turkctl.store.types import Json, UtcTime

SUBMITTED = "Submitted"
APPROVED = "Approved"
REJECTED = "Rejected"


class Assignment(TurkctlTable, table=True):
    """One assignment. The market reports it once it is submitted."""

    __tablename__ = "turkctl_assignment"
    __table_args__ = (
        UniqueConstraint("market", "assignment_id"),
        Index(None, "mode", "market", "hit_id"),
        Index(None, "mode", "market", "worker_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    assignment_id: str = Field(max_length=64, index=True)
    hit_id: str = Field(max_length=64)
    hit_row: int | None = Field(default=None, foreign_key="turkctl_hit.id", index=True)
    """Our row of that HIT; None as long as we have none."""
    worker_id: str = Field(max_length=64)
    status: str = Field(max_length=16)
    """``Submitted``, ``Approved`` or ``Rejected``."""
    accepted: datetime | None = Field(default=None, sa_type=UtcTime)
    submitted: datetime | None = Field(default=None, sa_type=UtcTime)
    auto_approval: datetime | None = Field(default=None, sa_type=UtcTime)
    """When the market approves it automatically."""
    deadline: datetime | None = Field(default=None, sa_type=UtcTime)
    approved: datetime | None = Field(default=None, sa_type=UtcTime)
    rejected: datetime | None = Field(default=None, sa_type=UtcTime)
    feedback: str | None = Field(default=None, sa_type=Text)
    answer: str | None = Field(default=None, sa_type=Text)
    """The QuestionFormAnswers document, unchanged."""
    synced: datetime = Field(sa_type=UtcTime)
    """When the market was asked, before its answer."""
    answers: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """The answer by field; None if the document could not be read, or was stored before answers were parsed."""
    our_decision: str | None = Field(default=None, max_length=16)
    """``Approved`` or ``Rejected`` where turkctl itself made this decision; None where it made none."""


ASSIGNMENTS = Assignment.__table__


@dataclass(frozen=True)
class Review:
    """The approval or rejection of an assignment."""

    assignment_id: str
    at: datetime
    feedback: str | None = None
    ours: bool = False
    """Whether turkctl made the decision; else it was found to be made."""


def upsert_many(session: Session, rows: Sequence[Assignment]) -> None:
    """Store what the market said, in bulk; keep rows that were read from the market later.

    Rows may belong to several HITs and places. This function fills in their ``hit_row``. What turkctl decided stays as
    it is: the market does not say who made a decision.
    """
    for part in chunks(rows):
        known = _hit_rows(session, part)
        values = [
            row.checked(without="id") | {"hit_row": known.get((row.mode, row.market, row.hit_id))} for row in part
        ]
        for each in values:
            del each["our_decision"]
        upsert(session, ASSIGNMENTS, ["market", "assignment_id"], values, newer_by="synced")


def get(session: Session, place: Place, assignment_id: str) -> Assignment | None:
    """Return the assignment in full, answer included, read anew; None if it is unknown in this place."""
    statement = select(Assignment).where(*_at(place), ASSIGNMENTS.c.assignment_id == assignment_id)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def statuses(session: Session, place: Place, hit_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return ``{hit_id: {assignment_id: status}}`` of the stored assignments of these HITs."""
    found: dict[str, dict[str, str]] = {}
    columns = (ASSIGNMENTS.c.hit_id, ASSIGNMENTS.c.assignment_id, ASSIGNMENTS.c.status)
    for part in chunks(list(dict.fromkeys(hit_ids))):
        statement = select(*columns).where(*_at(place), ASSIGNMENTS.c.hit_id.in_(part))
        for hit_id, assignment_id, status in session.connection().execute(statement):
            found.setdefault(hit_id, {})[assignment_id] = status
    return found


def decide_many(
    session: Session, place: Place, new: str, decisions: Sequence[Review], *, expected: Sequence[str]
) -> None:
    """Record decisions of one kind, in bulk; skip unknown assignments and those no longer in ``expected``."""
    moment = "approved" if new == APPROVED else "rejected"
    statement = (
        update(ASSIGNMENTS)
        .where(
            *_at(place),
            ASSIGNMENTS.c.assignment_id == bindparam("b_id"),
            or_(*(ASSIGNMENTS.c.status == status for status in expected)),  # IN cannot be repeated with many rows
        )
        .values(
            status=new,
            synced=bindparam("b_at"),
            feedback=func.coalesce(bindparam("b_feedback"), ASSIGNMENTS.c.feedback),
            our_decision=func.coalesce(bindparam("b_ours"), ASSIGNMENTS.c.our_decision),
            **{moment: bindparam("b_at")},
        )
    )
    rows = [
        {
            "b_id": each.assignment_id,
            "b_at": each.at,
            "b_feedback": each.feedback,
            "b_ours": new if each.ours else None,
        }
        for each in decisions
    ]
    if rows:
        session.connection().execute(statement, rows)


def _at(place: Place) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ASSIGNMENTS.c.mode == place.mode, ASSIGNMENTS.c.market == place.market


def _hit_rows(session: Session, rows: Sequence[Assignment]) -> dict[tuple[str, str, str], int]:
    ids = {row.hit_id for row in rows}
    statement = select(HITS.c.id, HITS.c.mode, HITS.c.market, HITS.c.hit_id).where(HITS.c.hit_id.in_(ids))
    return {(row.mode, row.market, row.hit_id): row.id for row in session.connection().execute(statement)}
