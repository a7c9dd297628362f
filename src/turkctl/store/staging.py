"""Collect and check a long input in a separate file before it touches the database.

So memory stays the same however long the input is, and no lock on turkctl's database is held meanwhile.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

CACHE_KIB = 32_768
"""Memory for pages of the file."""


@contextmanager
def staging_file(table: str) -> Iterator[sqlite3.Connection]:
    """Yield a database with this one table, inside a transaction; delete it afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="turkctl-", ignore_cleanup_errors=True) as folder,
        closing(sqlite3.connect(Path(folder) / "stage.db", isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA journal_mode=OFF")  # a crash loses it, which is acceptable
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB:d}")
        connection.execute(table)
        connection.execute("BEGIN")
        yield connection
