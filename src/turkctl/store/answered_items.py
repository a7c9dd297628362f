"""Read what assignments answered, and the items that their HITs showed."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Select, case, cast, inspect, select
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.base import Place, chunks
from turkctl.store.contents import CONTENTS, LINKS
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.hits import HITS
from turkctl.store.participants import participants_table
from turkctl.store.workers import WorkFilter, at_place, narrowing

PAGE = 500
"""Number of assignments that one transaction returns at most."""
_FETCHED = 20
"""Rows that a server sends at once, where each may have megabytes."""


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
    return items_by_hit(session, [hit_row]).get(hit_row, [])


def items_by_hit(session: Session, hit_rows: Collection[int]) -> dict[int, list[ShownItem]]:
    """Return the items that HITs show, by the HIT's row and position, without HITs that show none."""
    found: dict[int, list[ShownItem]] = {}
    columns = (LINKS.c.position, CONTENTS.c.key, CONTENTS.c.data, CONTENTS.c.gold, CONTENTS.c.removed)
    for part in chunks(sorted(hit_rows)):
        statement = (
            select(LINKS.c.hit_row, *columns)
            .join_from(LINKS, CONTENTS, LINKS.c.content_id == CONTENTS.c.id)
            .where(LINKS.c.hit_row.in_(part))
            .order_by(LINKS.c.hit_row, LINKS.c.position)
        )
        for hit_row, *item in session.connection().execute(statement):
            found.setdefault(hit_row, []).append(ShownItem(*item))
    return found


def are_there(session: Session) -> bool:
    """Return whether any HIT of this database shows items; psiTurk's own database has no such table."""
    inspector = inspect(session.connection())
    if not all(inspector.has_table(each.name) for each in (HITS, LINKS, CONTENTS)):
        return False
    return (
        session.connection().execute(select(LINKS.c.token).where(LINKS.c.hit_row.is_not(None)).limit(1)).first()
        is not None
    )


@dataclass(frozen=True)
class ShownHit:
    """A HIT that shows items."""

    experiment_id: int
    settings_id: int | None
    items: list[ShownItem]


def shown_by_hits(session: Session, hits: Collection[tuple[str, str]]) -> dict[tuple[str, str], ShownHit]:
    """Return the HITs that show items among these, by id and mode."""
    rows: dict[tuple[str, str], Any] = {}
    for part in chunks(sorted({hit_id for hit_id, _mode in hits})):
        columns = (HITS.c.hit_id, HITS.c.mode, HITS.c.id, HITS.c.experiment_id, HITS.c.settings_id)
        here = (HITS.c.hit_id.in_(part), HITS.c.experiment_id.is_not(None))
        for row in session.connection().execute(select(*columns).where(*here)):
            rows[row.hit_id, row.mode] = row
    items = items_by_hit(session, {row.id for row in rows.values()})
    return {
        hit: ShownHit(row.experiment_id, row.settings_id, items[row.id])
        for hit, row in rows.items()
        if hit in hits and row.id in items
    }


@dataclass(frozen=True)
class ItemWork:
    """An assignment on a HIT that shows items."""

    row: int
    assignment_id: str
    worker_id: str
    hit_id: str
    hit_row: int
    experiment_id: int
    settings_id: int | None
    experiment: str
    """Slug."""
    status: str
    submitted: datetime | None
    mode: str
    answers: dict[str, Any] | None
    document: str | None
    """The unparsed answers, if they are not stored by field."""


_WORK: dict[str, ColumnElement[Any]] = {
    "row": ASSIGNMENTS.c.id,
    "hit_row": HITS.c.id,
    "experiment_id": HITS.c.experiment_id,
    "settings_id": HITS.c.settings_id,
    "experiment": EXPERIMENTS.c.slug,
    "document": case((ASSIGNMENTS.c.answers.is_(None), ASSIGNMENTS.c.answer), else_=None),
}
"""Where the fields of an :class:`ItemWork` come from that are not columns of that name."""


def work_ids(
    session: Session, wanted: WorkFilter, statuses: Sequence[str] = (), *, key: str | None = None
) -> array[int]:
    """Return the rows of the work on HITs that show items, in the order in which it was stored.

    They are read at once: no index gives a page of them, and eight bytes for each are little.

    Args:
        session: a reading session.
        wanted: which work.
        statuses: only work with one of these; any if there are none.
        key: only work on HITs that show an item with this key.
    """
    shown: ColumnElement[bool] = select(LINKS.c.hit_row).where(LINKS.c.hit_row == HITS.c.id).correlate(HITS).exists()
    if key is not None:
        with_item = select(LINKS.c.hit_row).join(CONTENTS, LINKS.c.content_id == CONTENTS.c.id)
        shown = HITS.c.id.in_(with_item.where(CONTENTS.c.key == key, LINKS.c.hit_row.is_not(None)))
    statement = (
        select(ASSIGNMENTS.c.id)
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .where(*at_place(wanted.place), *narrowing(session, wanted, ASSIGNMENTS), shown)
        .order_by(ASSIGNMENTS.c.id)
    )
    if statuses:
        statement = statement.where(ASSIGNMENTS.c.status.in_(statuses))
    found = session.connection().execute(statement, execution_options={"stream_results": True})
    return array("q", found.scalars())


def read_work(session: Session, rows: Sequence[int]) -> list[ItemWork]:
    """Return the work in these rows, at most :data:`PAGE`, in the order in which it was stored."""
    statement: Select[*tuple[Any, ...]] = (
        select(*(_WORK[each.name] if each.name in _WORK else ASSIGNMENTS.c[each.name] for each in fields(ItemWork)))
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .join(EXPERIMENTS, HITS.c.experiment_id == EXPERIMENTS.c.id)
        .where(ASSIGNMENTS.c.id.in_(rows))
        .order_by(ASSIGNMENTS.c.id)
    )
    return [ItemWork(*row) for row in session.connection().execute(statement)]


def recorded(session: Session, name: str, work: Sequence[ItemWork]) -> Iterator[tuple[str, str, str | bytes]]:
    """Yield (assignment, worker, datastring) of the participants who did this work and have something recorded.

    They are found by psiTurk's ``uniqueid``, which is indexed in every table. On SQLite a datastring comes as bytes,
    since one that is not UTF-8 would fail the whole query.
    """
    table = participants_table(name)
    data: ColumnElement[Any] = table.c.datastring
    if session.connection().dialect.name == "sqlite":
        data = cast(data, LargeBinary)
    known = {f"{each.worker_id}:{each.assignment_id}": each for each in work}
    for part in chunks(list(known)):
        here = (table.c.uniqueid.in_(part), table.c.datastring.is_not(None))
        statement = select(table.c.uniqueid, data).where(*here).order_by(table.c.uniqueid)
        options = {"stream_results": True, "max_row_buffer": _FETCHED}
        with session.connection().execute(statement, execution_options=options) as found:
            for uniqueid, text in found:
                yield known[uniqueid].assignment_id, known[uniqueid].worker_id, text
