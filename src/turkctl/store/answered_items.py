"""Read what one assignment answered, and the items that its HIT showed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.base import Place
from turkctl.store.contents import CONTENTS, LINKS
from turkctl.store.hits import HITS
from turkctl.store.workers import at_place


@dataclass(frozen=True)
class StoredAnswer:
    """What a worker handed in, and where the settings of its HIT are."""

    worker_id: str
    hit_row: int | None
    """None, like the next two, where the HIT is not ours."""
    experiment_id: int | None
    settings_id: int | None
    answers: dict[str, Any] | None
    """By field; None if they were not read, or could not be parsed."""
    document: str | None
    """As the market has them."""


@dataclass(frozen=True)
class ShownItem:
    """An item of content at its place in a HIT."""

    position: int
    """From 1."""
    key: str
    data: dict[str, Any]
    gold: str | None
    """The known answer."""
    removed: datetime | None


def stored_answer(session: Session, place: Place, assignment_id: str) -> StoredAnswer | None:
    """Return what an assignment of this place answered; None if it is not stored."""
    statement = (
        select(
            ASSIGNMENTS.c.worker_id,
            HITS.c.id,
            HITS.c.experiment_id,
            HITS.c.settings_id,
            ASSIGNMENTS.c.answers,
            ASSIGNMENTS.c.answer,
        )
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id, isouter=True)
        .where(*at_place(place), ASSIGNMENTS.c.assignment_id == assignment_id)
        .order_by(ASSIGNMENTS.c.id)
        .limit(1)
    )
    row = session.connection().execute(statement).one_or_none()
    return None if row is None else StoredAnswer(*row)


def items_shown(session: Session, hit_row: int) -> list[ShownItem]:
    """Return the items that a HIT shows, by position; removed ones are included."""
    statement = (
        select(LINKS.c.position, CONTENTS.c.key, CONTENTS.c.data, CONTENTS.c.gold, CONTENTS.c.removed)
        .join_from(LINKS, CONTENTS, LINKS.c.content_id == CONTENTS.c.id)
        .where(LINKS.c.hit_row == hit_row)
        .order_by(LINKS.c.position)
    )
    return [ShownItem(*row) for row in session.connection().execute(statement)]
