"""Read the mark that says whether the study acts from this database; see :mod:`turkctl.copying.marks`.

Each writing transaction looks at it, so this needs no model.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from turkctl.copying import marks
from turkctl.copying.marks import MoveMark
from turkctl.store.engine import WRITABLE, Database

MARK = "mark"
"""The key of the mark among the facts about the database; absent: the study acts from it."""
FACTS = "turkctl_meta"
WHAT, SETTING = "the study", "database_url"
_READ = text(f"SELECT value FROM {FACTS} WHERE key = '{MARK}'")  # noqa: S608  two constants


def mark_text(connection: Connection) -> str | None:
    """Return the mark of the database as it is stored; None if it has none."""
    value: str | None = connection.execute(_READ).scalar()
    return value


def refuse_marked(database: Database) -> None:
    """Raise MarkedError if the study was moved from this database, or this is a copy that does not act.

    Raises:
        DatabaseUnreachableError: the database cannot be opened or read.
    """
    mark = read_mark(database)
    if mark is not None and not mark.acts:
        raise marks.refusal(mark, WHAT, database.url_for_people, SETTING)


def read_mark(database: Database) -> MoveMark | None:
    """Return the mark of the database; None if it has none, no tables of ours, or is one that turkctl only reads.

    Raises:
        DatabaseUnreachableError: the database cannot be opened or read.
    """
    if database.dialect not in WRITABLE:
        return None
    with database.read() as session:
        connection = session.connection()
        return marks.read(mark_text(connection)) if inspect(connection).has_table(FACTS) else None


def refuse_in(database: Database, connection: Connection) -> None:
    """Do what :func:`refuse_marked` does, in a transaction, where the database has tables of ours."""
    marks.refuse(mark_text(connection), WHAT, database.url_for_people, SETTING)


def refuse_to_upgrade(database: Database, connection: Connection) -> None:
    """Do the same, but let a copy be upgraded that is kept to be looked at: it must stay readable."""
    mark = marks.read(mark_text(connection))
    if mark is not None and mark.state != marks.KEPT:
        refuse_in(database, connection)


def guard(database: Database) -> None:
    """Have each writing transaction see first that the study acts from this database."""
    if refuse_in not in database.before_writing:
        database.before_writing.append(refuse_in)
