"""Query psiTurk's table for lists and counts: key columns only, never what the experiment recorded.

A list without an index is one pass over the table. SQLite reads a row's pages up to the last column that is asked for,
so that ``datastring``, psiTurk's last, costs nothing as long as nobody names it; and what is sorted is the key and the
``uniqueid`` alone, the other columns being read afterwards for the rows that are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Select,
    String,
    Table,
    cast,
    func,
    inspect,
    or_,
    select,
    type_coerce,
)
from sqlmodel import Session

from turkctl.store.base import CHUNK
from turkctl.store.participants import COMPLETE, participants_table

COLUMNS: Mapping[str, str] = {
    "uniqueid": "uniqueid",
    "assignment_id": "assignmentid",
    "worker_id": "workerid",
    "hit_id": "hitid",
    "condition": "cond",
    "counterbalance": "counterbalance",
    "codeversion": "codeversion",
    "begin_hit": "beginhit",
    "begin_exp": "beginexp",
    "end_hit": "endhit",
    "bonus": "bonus",
    "status": "status",
    "mode": "mode",
    "ip_address": "ipaddress",
    "browser": "browser",
    "platform": "platform",
    "language": "language",
}
"""Our names of psiTurk's columns that lists may show."""
TIMES = ("begin_hit", "begin_exp", "end_hit")
DAY = "day"
DONE = "complete"
GROUPS: Mapping[str, str] = {**COLUMNS, "hit": "hitid", "worker": "workerid", DAY: "beginhit", DONE: "status"}
"""The groups that participants can be counted by, and their columns."""
COUNT = "count"
_CLOSE = 0.00005
"""Dollars. MySQL's FLOAT holds 0.35 as 0.349999994, which equals no number that can be typed."""


@dataclass(frozen=True)
class ParticipantFilter:
    """Which participants; values of one field are alternatives, fields are combined by "and", nothing given is all."""

    modes: Sequence[str] = ()
    conditions: Sequence[int] = ()
    code_versions: Sequence[str] | None = None
    """None selects all; an empty list selects none."""
    statuses: Sequence[int] = ()
    complete: bool | None = None
    workers: Sequence[str] = ()
    hits: Sequence[str] = ()
    campaigns: Sequence[int] = ()
    """Whose HIT one of these campaigns posted; needs tables of turkctl's own."""
    since: datetime | None = None
    """Began at this time or later, by the table's own clock and without zone."""
    until: datetime | None = None
    """Began before this time."""
    where: Sequence[tuple[str, Any]] = field(default=())
    """(column of psiTurk's, value); None is a missing value."""


@dataclass(frozen=True)
class Ordering:
    """The order of a list, and which part of it."""

    by: str | None = None
    """A name of ours, of a column or of a group; None: by their beginning, groups by their columns."""
    descending: bool = False
    limit: int | None = None
    offset: int = 0


def has_nothing(session: Session) -> bool:
    """Return whether the database has no table at all."""
    return not inspect(session.connection()).get_table_names()


def lacking(session: Session, name: str, needed: Sequence[str]) -> list[str]:
    """Return psiTurk's columns that the table lacks."""
    there = {column["name"] for column in inspect(session.connection()).get_columns(name)}
    return [column for column in dict.fromkeys(needed) if column not in there]


def count(session: Session, name: str, wanted: ParticipantFilter) -> int:
    """Return the number of participants that match."""
    table = participants_table(name)
    statement = select(func.count()).select_from(table).where(*conditions(table, wanted))
    return int(session.connection().execute(statement).scalar_one())


def rows(
    session: Session, name: str, wanted: ParticipantFilter, columns: Sequence[str], ordering: Ordering
) -> list[tuple[Any, ...]]:
    """Return the columns (by our names) of those that match. Times have no zone; an invalid time stays text."""
    table = participants_table(name)
    key = table.c[COLUMNS[ordering.by or "begin_hit"]]
    order = [*_nulls_last(session, key, ordering.descending), table.c.uniqueid]
    shown = [_read_as(session, table.c[COLUMNS[column]]) for column in columns]
    where = conditions(table, wanted)
    if ordering.limit is None or ordering.limit > CHUNK:
        found = session.connection().execute(_part(select(*shown).where(*where).order_by(*order), ordering))
        return [_lenient(row, columns) for row in found]
    # Sorting whole rows takes twice as long as sorting keys.
    keys = session.connection().execute(_part(select(table.c.uniqueid).where(*where).order_by(*order), ordering))
    ids = list(keys.scalars())
    whole = session.connection().execute(select(table.c.uniqueid, *shown).where(table.c.uniqueid.in_(ids)))
    by_id = {row[0]: _lenient(row[1:], columns) for row in whole}
    return [by_id[each] for each in ids]


def groups(
    session: Session, name: str, wanted: ParticipantFilter, by: Sequence[str], ordering: Ordering
) -> list[tuple[Any, ...]]:
    """Return the values of the groups and their counts; days are ``2026-11-22``, by the table's own clock."""
    table = participants_table(name)
    keys = [_group(session, table.c[GROUPS[each]], each).label(each) for each in by]
    number = func.count().label(COUNT)
    statement = select(*keys, number).select_from(table).where(*conditions(table, wanted)).group_by(*keys)
    named: dict[str, ColumnElement[Any]] = {**dict(zip(by, keys, strict=True)), COUNT: number}
    first = [] if ordering.by is None else _ordered(named[ordering.by], ordering.descending)
    others = [part for key in keys for part in _ordered(key, ordering.descending and ordering.by is None)]
    found = session.connection().execute(_part(statement.order_by(*first, *others), ordering))
    return [_lenient(row, [*by, COUNT]) for row in found]


def find(session: Session, name: str, wanted: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return in full the participants with this uniqueid, assignment or worker, oldest first."""
    table = participants_table(name)
    is_it = or_(table.c.uniqueid == wanted, table.c.assignmentid == wanted, table.c.workerid == wanted)
    statement = select(*(_read_as(session, table.c[column]) for column in columns)).where(is_it)
    if "beginhit" in columns:
        statement = statement.order_by(*_ordered(table.c.beginhit, False))
    found = session.connection().execute(statement.order_by(table.c.uniqueid))
    names = {theirs: ours for ours, theirs in COLUMNS.items()}
    ours = [names.get(column, column) for column in columns]
    return [dict(zip(columns, _lenient(row, ours), strict=True)) for row in found]


def _group(session: Session, column: Column[Any], name: str) -> ColumnElement[Any]:
    if name == DAY:
        return cast(func.date(column), String)
    return _is_complete(column) if name == DONE else _read_as(session, column)


def _is_complete(status: Column[Any]) -> ColumnElement[bool]:
    return func.coalesce(status, -1).in_(COMPLETE)


def _read_as(session: Session, column: Column[Any]) -> ColumnElement[Any]:
    """Return the column; times as text, as SQLite keeps them: invalid ones would make SQLAlchemy fail."""
    plain = isinstance(column.type, DateTime) and session.connection().dialect.name == "sqlite"
    return type_coerce(column, String) if plain else column


def _lenient(row: Sequence[Any], columns: Sequence[str]) -> tuple[Any, ...]:
    """Return the row with its times read where they are times, "complete" a truth value, and bytes as text."""
    return tuple(
        _moment(value) if column in TIMES else bool(value) if column == DONE else as_text(value)
        for column, value in zip(columns, row, strict=True)
    )


def as_text(value: Any) -> Any:
    """Return the value; of bytes, which SQLite keeps in any column, their text, with escapes for what is no UTF-8."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value or None


def _nulls_last(session: Session, key: ColumnElement[Any], descending: bool) -> list[ColumnElement[Any]]:
    """Return the order of :func:`_ordered` in a form that can use an index on the key."""
    if session.connection().dialect.name not in ("sqlite", "postgresql"):
        return _ordered(key, descending)
    return [(key.desc() if descending else key.asc()).nulls_last()]


def _ordered(key: ColumnElement[Any], descending: bool) -> list[ColumnElement[Any]]:
    """Return the order by the key, missing values last in either direction and on either database."""
    return [key.is_(None), key.desc() if descending else key.asc()]


def _part(statement: Select[Any], ordering: Ordering) -> Select[Any]:
    if ordering.limit is None and not ordering.offset:
        return statement
    # SQLite has no OFFSET without a LIMIT.
    return statement.limit(2**62 if ordering.limit is None else ordering.limit).offset(ordering.offset)


def conditions(table: Table, wanted: ParticipantFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of the WHERE clause, joined by "and"."""
    lists = {
        "mode": wanted.modes,
        "cond": wanted.conditions,
        "status": wanted.statuses,
        "workerid": wanted.workers,
        "hitid": wanted.hits,
    }
    found: list[ColumnElement[bool]] = [table.c[column].in_(values) for column, values in lists.items() if values]
    if wanted.code_versions is not None:
        found.append(table.c.codeversion.in_(wanted.code_versions))
    if wanted.complete is not None:
        done = _is_complete(table.c.status)
        found.append(done if wanted.complete else ~done)
    if wanted.campaigns:
        from turkctl.store.hits import HITS  # costs start-up, and few lists need it

        posted = select(HITS.c.hit_id).where(HITS.c.campaign_id.in_(wanted.campaigns), HITS.c.mode == table.c.mode)
        found.append(table.c.hitid.in_(posted.correlate(table)))
    if wanted.since is not None:
        found.append(table.c.beginhit >= wanted.since)
    if wanted.until is not None:
        found.append(table.c.beginhit < wanted.until)
    return [*found, *(_has(table.c[column], value) for column, value in wanted.where)]


def _has(column: Column[Any], value: Any) -> ColumnElement[bool]:
    if value is None:
        return column.is_(None)
    return func.abs(column - value) < _CLOSE if isinstance(value, float) else column == value
