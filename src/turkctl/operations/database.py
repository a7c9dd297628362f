"""The schema of turkctl's database, as the front ends ask for it."""

from __future__ import annotations

from turkctl.errors import DatabaseUnreachableError
from turkctl.settings import Settings, sqlite_path
from turkctl.store import schema
from turkctl.store.engine import Database


def refuse_absent(settings: Settings) -> None:
    """See that a file named by flag or environment is there: to read it would make an empty one.

    The project's own database is made when it is first looked at. Where the folder lacks, opening it says so.

    Raises:
        DatabaseUnreachableError: it is not there.
    """
    path = sqlite_path(settings.database_url)
    named = settings.origins["database_url"].kind in ("flag", "environment")
    if named and path is not None and path.parent.is_dir() and not path.exists():
        raise DatabaseUnreachableError(
            f"there is no database {path}", hint="name another with --database-url, or make it: turkctl db upgrade"
        )


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
