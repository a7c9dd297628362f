"""The schema of turkctl's database, as the front ends ask for it."""

from __future__ import annotations

from turkctl.store import schema
from turkctl.store.engine import Database


def upgrade(database: Database, participants_table: str) -> tuple[str | None, str]:
    """Bring the database to this turkctl's schema; the revisions before and after.

    Raises:
        SchemaError: it is newer than this turkctl.
        DatabaseUnreachableError: it cannot be opened or written.
    """
    return schema.upgrade(database, participants_table)


def versions(database: Database) -> tuple[str | None, str]:
    """The revision the database has (None without our tables) and the one this turkctl needs."""
    return schema.current(database), schema.HEAD


def differences(database: Database, participants_table: str) -> list[str]:
    """What in the database is not as this turkctl expects, in words."""
    return schema.check(database, participants_table)
