"""Read submitted work whose answers are not labels yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS, REJECTED
from turkctl.store.base import chunks
from turkctl.store.contents import CONTENTS, LINKS
from turkctl.store.hits import HITS


@dataclass(frozen=True)
class AnsweredWork:
    """One assignment, with what it answers."""

    row: int
    market: str
    assignment_id: str
    hit_row: int
    hit_id: str
    settings_id: int | None
    worker: str
    rejected: bool
    at: datetime
    answers: dict[str, Any] | None
    document: str | None
    """The unparsed answers, if they are not stored by field."""


def last_row(session: Session) -> int:
    """Return the row of the assignment that was stored last; 0 if there is none."""
    return int(session.connection().execute(select(func.coalesce(func.max(ASSIGNMENTS.c.id), 0))).scalar_one())


def read_after(session: Session, experiment_id: int, mode: str, row: int, limit: int) -> list[AnsweredWork]:
    """Return the experiment's work in rows after this one, up to a limit, in the order of rows."""
    document = case((ASSIGNMENTS.c.answers.is_(None), ASSIGNMENTS.c.answer), else_=None)
    statement = (
        select(
            ASSIGNMENTS.c.id,
            ASSIGNMENTS.c.market,
            ASSIGNMENTS.c.assignment_id,
            HITS.c.id,
            HITS.c.hit_id,
            HITS.c.settings_id,
            ASSIGNMENTS.c.worker_id,
            ASSIGNMENTS.c.status == REJECTED,
            func.coalesce(ASSIGNMENTS.c.submitted, ASSIGNMENTS.c.synced, type_=ASSIGNMENTS.c.synced.type),
            ASSIGNMENTS.c.answers,
            document,
        )
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .where(ASSIGNMENTS.c.id > row, HITS.c.experiment_id == experiment_id, HITS.c.mode == mode)
        .order_by(ASSIGNMENTS.c.id)
        .limit(limit)
    )
    return [AnsweredWork(*found) for found in session.connection().execute(statement)]


def keys_shown(session: Session, hit_rows: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """Return (position, key) of the items that each HIT shows, by its row, without HITs that show none."""
    found: dict[int, list[tuple[int, str]]] = {}
    for part in chunks(list(dict.fromkeys(hit_rows))):
        statement = (
            select(LINKS.c.hit_row, LINKS.c.position, CONTENTS.c.key)
            .join(CONTENTS, LINKS.c.content_id == CONTENTS.c.id)
            .where(LINKS.c.hit_row.in_(part))
        )
        for hit_row, position, key in session.connection().execute(statement):
            found.setdefault(hit_row, []).append((position, key))
    return found
