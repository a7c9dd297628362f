"""Query psiTurk's table for lists and counts: key columns only, never what the experiment recorded.

A list without an index is one pass over the table. SQLite reads a row's pages up to the last column that is asked for,
so that ``datastring``, psiTurk's last, costs nothing as long as nobody names it; and what is sorted is the key and the
``uniqueid`` alone, the other columns being read afterwards for the rows that are shown. With the indexes of ``db
optimize`` (:mod:`turkctl.store.indexes`) nothing is sorted: those rows are found in the order of an index,
which also has the columns of the common filters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    String,
    TableClause,
    cast,
    func,
    inspect,
    or_,
    select,
    type_coerce,
)
from sqlmodel import Session

from turkctl.store import indexes
from turkctl.store.base import CHUNK, chunks
from turkctl.store.indexes import IndexRead
from turkctl.store.participant_columns import OPTIONAL
from turkctl.store.participants import COMPLETE, CREDITED, participants_table

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
BY_LEDGER, BY_PSITURK = "ledger", "psiturk"
"""Where it is looked up whether a bonus is owed."""
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
    owed: str | None = None
    """Whose bonus is owed: by the ledger, which needs tables of turkctl's own, or as psiTurk alone says."""
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
    """Return psiTurk's columns that the table lacks, without those that only its newer versions have."""
    there = {*OPTIONAL, *(column["name"] for column in inspect(session.connection()).get_columns(name))}
    return [column for column in dict.fromkeys(needed) if column not in there]


def count(session: Session, name: str, wanted: ParticipantFilter) -> int:
    """Return the number of participants that match."""
    source = _counting(session, name, wanted, ())
    statement = select(func.count()).select_from(source.table).where(*source.conditions)
    return int(session.connection().execute(statement.where(*conditions(source.table, wanted))).scalar_one())


def rows(
    session: Session, name: str, wanted: ParticipantFilter, columns: Sequence[str], ordering: Ordering
) -> list[tuple[Any, ...]]:
    """Return the columns (by our names) of those that match. Times have no zone; an invalid time stays text.

    The order is total: where the values are the same, the ``uniqueid`` decides, in the same direction.
    """
    if ordering.limit is not None and ordering.limit <= CHUNK:
        # Sorting whole rows takes twice as long as sorting keys.
        return rows_of(session, name, _ids(session, name, wanted, ordering), columns)
    table = participants_table(name)
    shown = [read_as(session, table.c[COLUMNS[column]]) for column in columns]
    order = in_order(session, table, COLUMNS[ordering.by or "begin_hit"], ordering.descending)
    statement = select(*shown).where(*conditions(table, wanted)).order_by(*order)
    return [_lenient(row, columns) for row in session.connection().execute(_part(statement, ordering))]


def rows_of(session: Session, name: str, uniqueids: Sequence[str], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the columns (by our names) of these participants, in this order, without those who are not there."""
    table = participants_table(name)
    shown = [read_as(session, table.c[COLUMNS[column]]) for column in columns]
    by_id: dict[str, tuple[Any, ...]] = {}
    for part in chunks(uniqueids):
        found = session.connection().execute(select(table.c.uniqueid, *shown).where(table.c.uniqueid.in_(part)))
        by_id |= {row[0]: _lenient(row[1:], columns) for row in found}
    return [by_id[each] for each in uniqueids if each in by_id]


def _ids(session: Session, name: str, wanted: ParticipantFilter, ordering: Ordering) -> list[str]:
    column = COLUMNS[ordering.by or "begin_hit"]
    source = in_index_order(session, name, wanted, column)
    if source is None:
        table: TableClause = participants_table(name)
        statement = select(table.c.uniqueid).where(*conditions(table, wanted))
    else:
        table = source.table
        statement = select(table.c.uniqueid).where(*conditions(table, wanted), *source.conditions)
        known = _excludes_missing(wanted, column)
        if ordering.descending and not known and session.connection().dialect.name == "postgresql":
            return _known_before_missing(session, statement, table, column, ordering)
    order = in_order(session, table, column, ordering.descending, missing=not _excludes_missing(wanted, column))
    return list(session.connection().execute(_part(statement.order_by(*order), ordering)).scalars())


def _excludes_missing(wanted: ParticipantFilter, column: str) -> bool:
    """Return whether the filter leaves nobody without a value in psiTurk's column."""
    excluding: dict[str, object] = {
        "mode": wanted.modes,
        "cond": wanted.conditions,
        "codeversion": wanted.code_versions is not None,
        "status": wanted.statuses or wanted.complete,
        "beginhit": wanted.since or wanted.until,
    }
    return bool(excluding.get(column))


def _known_before_missing(
    session: Session, statement: Select[Any], table: TableClause, column: str, ordering: Ordering
) -> list[str]:
    """Return the part of a descending list in two steps: PostgreSQL's index, read backwards, has missing values first.

    Args:
        session: a reading session.
        statement: selects the ids that match.
        table: the participants table.
        column: psiTurk's name of the column to sort by.
        ordering: the part; it has a limit.
    """
    run, limit = session.connection().execute, ordering.limit or 0
    key, last = table.c[column], table.c.uniqueid.desc()
    known = statement.where(key.is_not(None))
    found = list(run(_part(known.order_by(key.desc(), last), ordering)).scalars())
    if len(found) == limit:
        return found
    number = 0 if found else run(select(func.count()).select_from(known.subquery())).scalar_one()
    skipped = 0 if found else max(0, ordering.offset - int(number))
    rest = statement.where(key.is_(None)).order_by(last).limit(limit - len(found)).offset(skipped)
    return [*found, *run(rest).scalars()]


def in_index_order(session: Session, name: str, wanted: ParticipantFilter, column: str) -> IndexRead | None:
    """Return how to read the participants in the order of an index that has what the filter asks for, if there is one.

    Args:
        session: a reading session.
        name: of the participants table.
        wanted: the filter; one that names few people finds them faster by other indexes.
        column: psiTurk's name of the column to sort by.
    """
    what = indexes.ORDERS.get(column)
    return indexes.reading(session, name, what) if what is not None and _by_common_columns(wanted) else None


def _by_common_columns(wanted: ParticipantFilter) -> bool:
    return not (wanted.workers or wanted.hits or wanted.campaigns or wanted.owed or wanted.where)


def _counting(session: Session, name: str, wanted: ParticipantFilter, by: Sequence[str]) -> IndexRead:
    covered = all(GROUPS[each] in indexes.COLUMNS[indexes.COUNTS] for each in by) and _by_common_columns(wanted)
    found = indexes.reading(session, name, indexes.COUNTS) if covered else None
    return IndexRead(participants_table(name)) if found is None else found


def groups(
    session: Session, name: str, wanted: ParticipantFilter, by: Sequence[str], ordering: Ordering
) -> list[tuple[Any, ...]]:
    """Return the values of the groups and their counts; days are ``2026-11-22``, by the table's own clock."""
    source = _counting(session, name, wanted, by)
    table = source.table
    keys = [_group(session, table.c[GROUPS[each]], each).label(each) for each in by]
    number = func.count().label(COUNT)
    statement = select(*keys, number).select_from(table).where(*conditions(table, wanted), *source.conditions)
    statement = statement.group_by(*keys)
    named: dict[str, ColumnElement[Any]] = {**dict(zip(by, keys, strict=True)), COUNT: number}
    first = [] if ordering.by is None else _ordered(named[ordering.by], ordering.descending)
    others = [part for key in keys for part in _ordered(key, ordering.descending and ordering.by is None)]
    found = session.connection().execute(_part(statement.order_by(*first, *others), ordering))
    return [_lenient(row, [*by, COUNT]) for row in found]


def find(session: Session, name: str, wanted: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return in full the participants with this uniqueid, assignment or worker, oldest first."""
    table = participants_table(name)
    is_it = or_(table.c.uniqueid == wanted, table.c.assignmentid == wanted, table.c.workerid == wanted)
    statement = select(*(read_as(session, table.c[column]) for column in columns)).where(is_it)
    if "beginhit" in columns:
        statement = statement.order_by(*_ordered(table.c.beginhit, False))
    found = session.connection().execute(statement.order_by(table.c.uniqueid))
    names = {theirs: ours for ours, theirs in COLUMNS.items()}
    ours = [names.get(column, column) for column in columns]
    return [dict(zip(columns, _lenient(row, ours), strict=True)) for row in found]


def _group(session: Session, column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    if name == DAY:
        return cast(func.date(column), String)
    return _is_complete(column) if name == DONE else read_as(session, column)


def _is_complete(status: ColumnElement[Any]) -> ColumnElement[bool]:
    return func.coalesce(status, -1).in_(COMPLETE)


def read_as(session: Session, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column; times as text, as SQLite keeps them: invalid ones would make SQLAlchemy fail."""
    plain = isinstance(column.type, DateTime) and session.connection().dialect.name == "sqlite"
    return type_coerce(column, String) if plain else column


def _lenient(row: Sequence[Any], columns: Sequence[str]) -> tuple[Any, ...]:
    """Return the row with its times read where they are times, "complete" a truth value, and bytes as text."""
    return tuple(
        moment(value) if column in TIMES else bool(value) if column == DONE else as_text(value)
        for column, value in zip(columns, row, strict=True)
    )


def as_text(value: Any) -> Any:
    """Return the value; of bytes, which SQLite keeps in any column, their text, with escapes for what is no UTF-8."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def moment(value: Any) -> Any:
    """Return a time as SQLite keeps it, as text, as a time; an invalid one stays text, an empty one is missing."""
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value or None


def in_order(
    session: Session, table: TableClause, column: str, descending: bool, *, missing: bool = True
) -> list[ColumnElement[Any]]:
    """Return the total order of a list, missing values last, in a form that can use an index if there is one.

    Args:
        session: a session of the database.
        table: the participants table.
        column: psiTurk's name of the column to sort by.
        descending: the direction, of the ``uniqueid`` too.
        missing: whether there may be missing values. Where there are none, SQLite must not be asked to put them last:
            it would sort what it finds for each of several values.
    """
    key, last = table.c[column], table.c.uniqueid
    last_in_direction = last.desc() if descending else last.asc()
    if column == last.name:
        return [last_in_direction]
    if session.connection().dialect.name not in ("sqlite", "postgresql"):
        return [*_ordered(key, descending), last_in_direction]
    first = key.desc() if descending else key.asc()
    return [first.nulls_last() if missing else first, last_in_direction]


def _ordered(key: ColumnElement[Any], descending: bool) -> list[ColumnElement[Any]]:
    """Return the order by the key, missing values last in either direction and on either database."""
    return [key.is_(None), key.desc() if descending else key.asc()]


def _part(statement: Select[Any], ordering: Ordering) -> Select[Any]:
    if ordering.limit is None and not ordering.offset:
        return statement
    # SQLite has no OFFSET without a LIMIT.
    return statement.limit(2**62 if ordering.limit is None else ordering.limit).offset(ordering.offset)


def conditions(table: TableClause, wanted: ParticipantFilter) -> list[ColumnElement[bool]]:
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
        # Without a function around the column, so that PostgreSQL can guess how many there are.
        status = table.c.status
        found.append(status.in_(COMPLETE) if wanted.complete else or_(status.is_(None), status.not_in(COMPLETE)))
    if wanted.campaigns:
        from turkctl.store.hits import HITS  # costs start-up, and few lists need it

        posted = select(HITS.c.hit_id).where(HITS.c.campaign_id.in_(wanted.campaigns), HITS.c.mode == table.c.mode)
        found.append(table.c.hitid.in_(posted.correlate(table)))
    if wanted.owed is not None:
        found += _owed(table, wanted.owed)
    if wanted.since is not None:
        found.append(table.c.beginhit >= wanted.since)
    if wanted.until is not None:
        found.append(table.c.beginhit < wanted.until)
    return [*found, *(_has(table.c[column], value) for column, value in wanted.where)]


def _owed(table: TableClause, by: str) -> Sequence[ColumnElement[bool]]:
    if by == BY_PSITURK:
        return table.c.bonus > 0, table.c.status == CREDITED
    from turkctl.store.owed import unpaid  # costs start-up, and few lists need it

    return unpaid(table)


def _has(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    if value is None:
        return column.is_(None)
    return func.abs(column - value) < _CLOSE if isinstance(value, float) else column == value
