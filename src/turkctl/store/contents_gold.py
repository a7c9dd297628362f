"""Read workers' answers to content with a known answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.base import Place
from turkctl.store.contents import CONTENTS, LINKS
from turkctl.store.hits import HITS
from turkctl.store.intents import DONE, INTENTS, UNFINISHED
from turkctl.store.people import hits_at


@dataclass(frozen=True)
class Known:
    """An item with a known answer, and its position in a HIT."""

    position: int
    key: str
    answer: str


@dataclass(frozen=True)
class Places:
    """Numbers of places that HITs gave to items, those of HITs to be confirmed included."""

    uses: Mapping[int, int]
    """Number of HITs that show each item with a known answer, for those that any does."""
    known: int = 0
    """Places of such items in HITs with the current settings."""
    others: int = 0
    """Places of other items in them."""


def places(session: Session, place: Place, experiment_id: int, settings_id: int) -> Places:
    """Return what an experiment's HITs showed: the known items in all of them, the places of the current settings'."""
    here = (INTENTS.c.mode == place.mode, INTENTS.c.market == place.market, INTENTS.c.experiment_id == experiment_id)
    live = INTENTS.c.state.in_((*UNFINISHED, DONE))
    shown = (
        select(LINKS.c.content_id, func.count().label("hits"))
        .join_from(LINKS, INTENTS, LINKS.c.token == INTENTS.c.token)
        .join(CONTENTS, LINKS.c.content_id == CONTENTS.c.id)
        .where(*here, live, CONTENTS.c.gold.is_not(None))
        .group_by(LINKS.c.content_id)
    )
    is_known = case((CONTENTS.c.gold.is_not(None), 1), else_=0)
    sums = (
        select(func.coalesce(func.sum(is_known), 0), func.count())
        .join_from(LINKS, CONTENTS, LINKS.c.content_id == CONTENTS.c.id)
        .join(HITS, LINKS.c.hit_row == HITS.c.id)
        .where(*hits_at(place), HITS.c.experiment_id == experiment_id, HITS.c.settings_id == settings_id)
    )
    known, total = session.connection().execute(sums).one()
    uses = {row[0]: int(row[1]) for row in session.connection().execute(shown)}
    return Places(uses, int(known), int(total) - int(known))


@dataclass(frozen=True)
class Submission:
    """A worker's submission on a HIT that shows such items."""

    worker_id: str
    experiment_id: int
    settings_id: int | None
    answers: dict[str, Any] | None
    document: str | None
    """The unparsed answers, if they are not stored by field."""
    known: list[Known]


def submissions(
    session: Session, place: Place, experiment_ids: Collection[int] | None, worker_id: str | None = None
) -> Iterator[Submission]:
    """Return all submissions on HITs that show items with a known answer, of all or of these experiments.

    With ``worker_id``, only those of that worker are read. The first that was submitted comes first.

    Rejected work is included: it tells as much about the worker. An item that got its known answer after it was
    shown counts, and a removed one does.
    """
    shown = _shown(session, place, experiment_ids, worker_id)
    hit_rows = select(LINKS.c.hit_row).join(CONTENTS, LINKS.c.content_id == CONTENTS.c.id)
    document = case((ASSIGNMENTS.c.answers.is_(None), ASSIGNMENTS.c.answer), else_=None)
    statement = (
        select(
            ASSIGNMENTS.c.worker_id,
            HITS.c.id,
            HITS.c.experiment_id,
            HITS.c.settings_id,
            ASSIGNMENTS.c.answers,
            document.label("document"),
        )
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .where(*_narrowed(place, experiment_ids), HITS.c.id.in_(hit_rows.where(CONTENTS.c.gold.is_not(None))))
    )
    if worker_id is not None:
        statement = statement.where(ASSIGNMENTS.c.worker_id == worker_id)
    statement = statement.order_by(ASSIGNMENTS.c.submitted, ASSIGNMENTS.c.id)
    for row in session.connection().execute(statement).yield_per(1000):
        yield Submission(
            row.worker_id, row.experiment_id, row.settings_id, row.answers, row.document, shown.get(row.id, [])
        )


def _shown(
    session: Session, place: Place, experiment_ids: Collection[int] | None, worker_id: str | None
) -> dict[int, list[Known]]:
    """Return the items with a known answer of each HIT, by its row."""
    statement: Select[Any] = (
        select(LINKS.c.hit_row, LINKS.c.position, CONTENTS.c.key, CONTENTS.c.gold)
        .join_from(LINKS, CONTENTS, LINKS.c.content_id == CONTENTS.c.id)
        .join(HITS, LINKS.c.hit_row == HITS.c.id)
        .where(*_narrowed(place, experiment_ids), CONTENTS.c.gold.is_not(None))
    )
    if worker_id is not None:
        theirs = select(ASSIGNMENTS.c.hit_row).where(ASSIGNMENTS.c.worker_id == worker_id)
        statement = statement.where(LINKS.c.hit_row.in_(theirs))
    found: dict[int, list[Known]] = {}
    for hit_row, position, key, gold in session.connection().execute(statement):
        found.setdefault(hit_row, []).append(Known(position, key, gold))
    return found


def _narrowed(place: Place, experiment_ids: Collection[int] | None) -> list[ColumnElement[bool]]:
    here = hits_at(place)
    return here if experiment_ids is None else [*here, HITS.c.experiment_id.in_(experiment_ids)]
