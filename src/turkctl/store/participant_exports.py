"""Read what the experiment recorded in pages: each is one short transaction, bounded in rows and bytes.

A long read would block psiTurk's writer on SQLite, so pages follow the key: the key's own index first tells where a
page ends, then the rows up to there are read, and the page is cut short if it grows too large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Table, Text, case, cast, inspect, literal, select, type_coerce
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.participant_lists import ParticipantFilter, conditions, read_as
from turkctl.store.participants import participants_table

PAGE_KEYS = 1000
"""Number of rows that one transaction examines, whether they match or not."""
PAGE_BYTES = 4_000_000
"""What is recorded in the rows that one transaction returns; a single row may have more."""
_FETCHED = 20
"""Rows that a server sends at once: the page may be cut short after any of them."""


@dataclass(frozen=True)
class ExportPage:
    """Some of the rows that match, in the order of the key."""

    rows: Sequence[tuple[Any, ...]]
    """The columns asked for and at the end the datastring; text, or bytes where the database does not check text."""
    after: str | None
    """The key after which to go on; None: nothing is left."""


def has_answers(session: Session) -> bool:
    """Return whether turkctl stores answers in this database."""
    inspector = inspect(session.connection())
    name = ASSIGNMENTS.name
    return inspector.has_table(name) and any(each["name"] == "answers" for each in inspector.get_columns(name))


def read_page(
    session: Session,
    name: str,
    wanted: ParticipantFilter,
    columns: Sequence[str],
    after: str | None,
    *,
    answers: bool = False,
) -> ExportPage:
    """Return the next page of participants that match and have recorded data.

    Args:
        session: a reading session, for this page alone.
        name: of the participants table.
        wanted: the filter.
        columns: psiTurk's names, ``uniqueid`` first; times come as the database keeps them.
        after: the key of the page before; None begins.
        answers: where psiTurk recorded nothing, take what was submitted to the market (:func:`has_answers`)
            for the answers to its questions.
    """
    table = participants_table(name)
    end = _end_of_page(session, table, after)
    recorded = _recorded(session, table, answers=answers)
    statement = select(*(read_as(session, table.c[column]) for column in columns), recorded)
    statement = statement.where(*conditions(table, wanted), recorded.is_not(None))
    statement = statement.where(*_between(table, after, end)).order_by(table.c.uniqueid)
    rows: list[tuple[Any, ...]] = []
    size = 0
    options = {"stream_results": True, "max_row_buffer": _FETCHED}
    with session.connection().execute(statement, execution_options=options) as found:
        for row in found:
            if size > PAGE_BYTES and row[0] != rows[-1][0]:
                return ExportPage(rows, rows[-1][0])
            rows.append(tuple(row))
            size += len(row[-1])
    return ExportPage(rows, end)


def _end_of_page(session: Session, table: Table, after: str | None) -> str | None:
    """Return the key of the last row of a full page; None if less than a page is left."""
    key = table.c.uniqueid
    statement = select(key).where(*_between(table, after, None)).order_by(key).limit(1).offset(PAGE_KEYS - 1)
    found: str | None = session.connection().execute(statement).scalar()
    return found


def _between(table: Table, after: str | None, end: str | None) -> list[ColumnElement[bool]]:
    key = table.c.uniqueid
    return [*([] if after is None else [key > after]), *([] if end is None else [key <= end])]


def _recorded(session: Session, table: Table, *, answers: bool) -> ColumnElement[Any]:
    """Select the datastring; on SQLite as bytes, since one row that is not UTF-8 would fail the whole query."""
    found: ColumnElement[Any] = table.c.datastring
    if answers:
        found = case((found.is_(None), _submitted(table)), else_=found)
    return cast(found, LargeBinary) if session.connection().dialect.name == "sqlite" else found


def _submitted(table: Table) -> ColumnElement[Any]:
    """Select the participant's answers on the market, in the form of psiTurk's datastring; null if there are none."""
    by_field = type_coerce(ASSIGNMENTS.c.answers, Text)
    statement = select(literal('{"questiondata": ') + by_field + literal("}")).where(
        ASSIGNMENTS.c.assignment_id == table.c.assignmentid,
        ASSIGNMENTS.c.worker_id == table.c.workerid,
        ASSIGNMENTS.c.mode == table.c.mode,
    )
    return statement.limit(1).correlate(table).scalar_subquery()
