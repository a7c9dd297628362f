"""Copy a market on SQLite while people work on it: one moment of it, whole and verified."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

from turkctl.errors import DatabaseUnreachableError, UsageError
from turkctl.market.state import MarketDatabase
from turkctl.paths import seen


def copy(database: MarketDatabase, target: Path) -> int:
    """Copy a market into a file that does not exist yet, and return its bytes.

    SQLite's own backup reads one snapshot: in a market that is served, whoever writes meanwhile does not wait.

    Raises:
        UsageError: the market is not on SQLite.
        DatabaseUnreachableError: the copy is not whole.
    """
    if not database.sqlite:
        raise UsageError("only a market on SQLite can be copied this way", hint="use pg_dump")
    with database.reading_file() as source, closing(sqlite3.connect(target, isolation_level=None)) as made:
        cast(sqlite3.Connection, source).backup(made)
        found = made.execute("PRAGMA integrity_check").fetchone()
        there = made.execute("SELECT count(*) FROM market_meta").fetchone()
    if found != ("ok",) or there != (1,):
        raise DatabaseUnreachableError(f"the copy of the market is not whole: {found[0]}", hint="try again")
    size = seen(target)
    return 0 if size is None else size.st_size
