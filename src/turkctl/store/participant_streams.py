"""Read all participants of a filter in the order of a list, in parts that are short transactions.

A part begins after the last row of the part before: after its value in the column that the list is sorted by, and its
``uniqueid``. With the indexes of ``db optimize`` that is a search in an index; without one, each part is a pass over
the table, which is why parts are large.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, TableClause, literal, literal_column, select, tuple_
from sqlmodel import Session

from turkctl.store.participant_lists import COLUMNS, ParticipantFilter, conditions, in_index_order, read_as
from turkctl.store.participants import participants_table

PART = 10_000
"""Number of participants in a part."""
Place = tuple[Any, str]
"""Where a row is in the list: its value in the column that the list is sorted by, and its ``uniqueid``."""


def places_after(
    session: Session, name: str, wanted: ParticipantFilter, by: str, after: Place | None, *, descending: bool
) -> list[Place]:
    """Return the places of the next part of those that match; fewer than :data:`PART` are the last ones.

    Args:
        session: a reading session, for this part alone.
        name: of the participants table.
        wanted: the filter.
        by: our name of the column to sort by; missing values come last.
        after: the last place of the part before; None begins.
        descending: the direction, of the ``uniqueid`` too.
    """
    source = in_index_order(session, name, wanted, COLUMNS[by])
    table: TableClause = participants_table(name) if source is None else source.table
    key = _comparable(session, table.c[COLUMNS[by]])
    statement = select(key, table.c.uniqueid).where(*conditions(table, wanted))
    if source is not None:
        statement = statement.where(*source.conditions)
    found: list[Place] = []
    if after is None or after[0] is not None:
        known = statement.where(key.is_not(None), *_beyond([key, table.c.uniqueid], after, descending))
        found = _part(session, known, [key, table.c.uniqueid], PART, descending)
    if len(found) < PART:
        reached = None if after is None or after[0] is not None else (after[1],)
        missing = statement.where(key.is_(None), *_beyond([table.c.uniqueid], reached, descending))
        found += _part(session, missing, [table.c.uniqueid], PART - len(found), descending)
    return found


def _part(
    session: Session, statement: Select[Any], order: Sequence[ColumnElement[Any]], most: int, descending: bool
) -> list[Place]:
    ordered = statement.order_by(*(each.desc() if descending else each.asc() for each in order))
    return [(row[0], row[1]) for row in session.connection().execute(ordered.limit(most))]


def _beyond(
    columns: Sequence[ColumnElement[Any]], place: tuple[Any, ...] | None, descending: bool
) -> list[ColumnElement[bool]]:
    if place is None:
        return []
    reached = tuple_(*(literal(value, column.type) for column, value in zip(columns, place, strict=True)))
    return [tuple_(*columns) < reached if descending else tuple_(*columns) > reached]


def _comparable(session: Session, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column as values that can be compared with it: MySQL's FLOAT shows fewer digits than it has."""
    if isinstance(column.type, Float) and session.connection().dialect.name == "mysql":
        return column + literal_column("0e0")
    return read_as(session, column)
