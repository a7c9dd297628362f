"""Upgrade and check the schema of turkctl's database, for the front ends."""

from __future__ import annotations

from collections.abc import Callable

from turkctl.copying.marks import KEPT
from turkctl.store import marks, schema
from turkctl.store.engine import Database


def upgrade(
    database: Database, participants_table: str, before_making: Callable[[], None] = lambda: None
) -> tuple[str | None, str]:
    """Bring the database to this turkctl's schema; return the revisions before and after.

    ``before_making`` is called before an empty database gets its tables, and may raise.

    Raises:
        SchemaError: it is newer than this turkctl.
        DatabaseUnreachableError: it cannot be opened or written.
    """
    return schema.upgrade(database, participants_table, before_making)


def versions(database: Database) -> tuple[str | None, str]:
    """Return the revision of the database (None without our tables) and the one this turkctl needs."""
    return schema.current(database), schema.HEAD


def refuse_moved(database: Database) -> str | None:
    """Return a note if this is a copy that is kept to be looked at; None if the study acts from this database.

    Raises:
        MarkedError: the study was moved to another database, or this is a copy that was not handed over.
    """
    mark = marks.read_mark(database)
    if mark is not None and mark.state == KEPT:
        return f"it is a copy of {mark.other} to look at, which cannot act"
    marks.refuse_marked(database)
    return None


def differences(database: Database, participants_table: str) -> list[str]:
    """Return, in words, where the database differs from what this turkctl expects."""
    return schema.check(database, participants_table)
