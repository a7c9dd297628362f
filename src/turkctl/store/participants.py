"""Define psiTurk's participants table, column for column, so that turkctl and psiTurk can share a database.

Source: the ``Participant`` model of psiTurk 3 (table ``assignments`` unless configured otherwise). Its times have no
zone. turkctl creates the table only in databases of its own; reading it needs no table of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Column, DateTime, Float, Integer, MetaData, String, Table, Text, func, inspect, select, update
from sqlmodel import Session

from turkctl.errors import ConfigError
from turkctl.store.base import PREFIX, chunks, insert_ignoring
from turkctl.store.participant_columns import OPTIONAL, OptionalColumn

DEFAULT_NAME = "assignments"

STATUS_NAMES = (
    "not_accepted",
    "allocated",
    "started",
    "completed",
    "submitted",
    "credited",
    "quit_early",
    "bonused",
)
"""By psiTurk's number."""
COMPLETE = (3, 4, 5, 7)
SUBMITTED = 4
CREDITED = 5
BONUSED = 7
HANDED_IN = (SUBMITTED, CREDITED, BONUSED)


@cache
def participants_table(name: str) -> Table:
    """Return the table under the name in the settings.

    Raises:
        ConfigError: the name is that of a table of turkctl's own, or empty.
    """
    if not name or name.startswith(PREFIX):
        raise ConfigError(f"'{name}' cannot be the participants table", hint=f"psiTurk's own is '{DEFAULT_NAME}'")
    return Table(
        name,
        MetaData(),
        Column("uniqueid", String(128), primary_key=True),
        Column("assignmentid", String(128), nullable=False),
        Column("workerid", String(128), nullable=False),
        Column("hitid", String(128), nullable=False),
        Column("ipaddress", String(128)),
        Column("browser", String(128)),
        Column("platform", String(128)),
        Column("language", String(128)),
        Column("cond", Integer),
        Column("counterbalance", Integer),
        Column("codeversion", String(128)),
        Column("beginhit", DateTime),
        Column("beginexp", DateTime),
        Column("endhit", DateTime),
        OptionalColumn("bonus", Float, default=0),
        Column("status", Integer, default=1),
        OptionalColumn("mode", String(128)),
        Column("datastring", Text),
    )


Claim = tuple[str, str]
"""An assignment and the worker who did it: together they name a row, and neither does so alone."""


@dataclass(frozen=True)
class KnownIds:
    """The ids in participants' rows."""

    hit_ids: frozenset[str]
    assignment_ids: frozenset[str]


def exists(session: Session, name: str) -> bool:
    """Return whether the database has the table."""
    return inspect(session.connection()).has_table(name)


def missing_columns(session: Session, name: str) -> list[str]:
    """Return psiTurk's columns that the table of this name lacks, without those that only its newer versions have."""
    there = {*OPTIONAL, *(column["name"] for column in inspect(session.connection()).get_columns(name))}
    return [column.name for column in participants_table(name).columns if column.name not in there]


def count(session: Session, name: str, *, mode: str | None = None) -> int:
    """Return the number of participants of one mode, or of all modes if none is given."""
    table = participants_table(name)
    statement = select(func.count()).select_from(table)
    if mode is not None:
        statement = statement.where(table.c.mode == mode)
    return int(session.connection().execute(statement).scalar_one())


def any_bonus(session: Session, name: str, mode: str) -> bool:
    """Return whether any participant of this mode has a bonus in their row."""
    table = participants_table(name)
    statement = select(table.c.uniqueid).where(table.c.mode == mode, table.c.bonus > 0).limit(1)
    return session.connection().execute(statement).first() is not None


def known_ids(session: Session, name: str, mode: str) -> KnownIds:
    """Return the HIT and assignment ids of the participants of this mode."""
    table = participants_table(name)
    statement = select(table.c.hitid, table.c.assignmentid).where(table.c.mode == mode)
    rows = session.connection().execute(statement).all()
    return KnownIds(frozenset(row.hitid for row in rows), frozenset(row.assignmentid for row in rows))


def claims(session: Session, name: str, mode: str, assignment_ids: Sequence[str]) -> dict[str, dict[str, int | None]]:
    """Return ``{assignment id: {worker id: status}}`` of the participants of this mode who name these assignments."""
    table = participants_table(name)
    statement = select(table.c.assignmentid, table.c.workerid, table.c.status).where(table.c.mode == mode)
    found: dict[str, dict[str, int | None]] = {}
    for part in chunks(list(dict.fromkeys(assignment_ids))):
        rows = statement.where(table.c.assignmentid.in_(part)).order_by(table.c.uniqueid)
        for assignment_id, worker_id, status in session.connection().execute(rows):
            found.setdefault(assignment_id, {})[worker_id] = status
    return found


def insert_new(session: Session, name: str, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows whose ``uniqueid`` is new; return their number."""
    table = participants_table(name)
    added = 0
    for part in chunks(rows):
        ids = [row["uniqueid"] for row in part]
        there = session.connection().execute(select(func.count()).where(table.c.uniqueid.in_(ids))).scalar_one()
        insert_ignoring(session, table, ["uniqueid"], part)
        added += len(part) - int(there)
    return added


def move_status(session: Session, name: str, mode: str, uniqueids: Sequence[str], *, expected: int, new: int) -> None:
    """Set the status of participants of this mode to ``new`` if it is the ``expected`` one."""
    table = participants_table(name)
    statement = update(table).where(table.c.mode == mode, table.c.status == expected).values(status=new)
    for part in chunks(uniqueids):
        session.connection().execute(statement.where(table.c.uniqueid.in_(part)))


def credit(session: Session, name: str, mode: str, uniqueids: Sequence[str]) -> None:
    """Record in the participants table that work was approved; only submitted rows change."""
    move_status(session, name, mode, uniqueids, expected=SUBMITTED, new=CREDITED)


def uniqueid(worker_id: str, assignment_id: str) -> str:
    """Return the key of a participant, as psiTurk makes it."""
    return f"{worker_id}:{assignment_id}"
