"""SQLite databases as files: made for their owner alone, never out of an empty file, and missed when they are replaced.

A new file is a whole database without tables before anybody sees it under its name. So a file of 0 bytes, or one that
a disk or a copy cut off, is never taken for a new database.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from turkctl import outputs
from turkctl.errors import DatabaseReplacedError, DatabaseUnreachableError

_LOOKS = 10
_LOOK_S = 0.02
"""Other programs make a file first and fill it at once."""


@dataclass
class SqliteFile:
    """The file behind an engine, and which one it was when it was first opened."""

    path: Path
    seen: tuple[int, int] | None = None
    """Its device and inode."""

    def open(self) -> None:
        """See to it, before each connection, that there is a database to connect to: make it, the first time.

        Raises:
            DatabaseUnreachableError: the file has 0 bytes.
            DatabaseReplacedError: it is gone, or another one, since the first connection.
        """
        if self.seen is not None:
            self.check()
            return
        with suppress(OSError):  # connecting will say what is wrong with the folder
            make(self.path)
        refuse_empty(self.path)
        self.seen = _identity(self.path)

    def check(self) -> None:
        """Raise DatabaseReplacedError unless the file is the one that was opened first, if any was."""
        if self.seen is not None and _identity(self.path) != self.seen:
            what = "was replaced" if self.path.exists() else "was removed"
            raise DatabaseReplacedError(
                f"the database {self.path} {what} while this program used it; nothing more is done",
                hint="see that the right file is there, then start again",
            )


def make(path: Path) -> None:
    """Make a database without tables, which only its owner can read; one that is there stays as it is.

    Raises:
        OSError: it cannot be written.
    """
    if not path.exists():
        with suppress(FileExistsError):  # another process was quicker
            outputs.create(path, _without_tables(), private=True)


def refuse_empty(path: Path) -> None:
    """Raise DatabaseUnreachableError where a file has 0 bytes: it was a database, or it is a mistake."""
    for _ in range(_LOOKS):
        if not _is_empty(path):
            return
        time.sleep(_LOOK_S)
    raise DatabaseUnreachableError(
        f"{path} is an empty file, not a database",
        hint="restore it from a copy, or remove it to begin with a new database",
    )


def _is_empty(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size == 0
    except OSError:
        return False


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@cache
def _without_tables() -> bytes:
    import tempfile  # only where a database is made

    with tempfile.TemporaryDirectory(prefix="turkctl-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "new.db"
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA user_version=0")  # writes the first page
        return file.read_bytes()
