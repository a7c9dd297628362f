"""Create SQLite databases as files that only their owner can read; refuse empty files; notice replaced ones.

A new file is a complete database without tables before it gets its name. So a file of 0 bytes, or one truncated by a
disk or a copy, is never mistaken for a new database.
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
from turkctl.paths import exists, is_file, is_lost, seen

LOGS = ("-wal", "-journal")
"""Endings of the files in which SQLite keeps changes that the database itself does not have yet, or has half."""
_LOOKS = 10
_LOOK_S = 0.02
"""Seconds between looks at an empty file: other programs create a file first and fill it right after."""


@dataclass
class SqliteFile:
    """The file of an engine, and its identity when it was first opened."""

    path: Path
    seen: tuple[int, int] | None = None
    """Its device and inode."""

    def open(self) -> None:
        """Make sure before each connection that there is a database to connect to; create it the first time.

        Raises:
            DatabaseUnreachableError: the file has 0 bytes, or is missing and what SQLite kept beside it is not.
            DatabaseReplacedError: it was removed or replaced since the first connection.
        """
        if self.seen is not None:
            self.check()
            return
        with suppress(OSError):  # connecting will report what is wrong with the folder
            make(self.path)
        refuse_empty(self.path)
        self.seen = _identity(self.path)

    def check(self) -> None:
        """Raise DatabaseReplacedError unless the file is the one opened first, if any was."""
        if self.seen is not None and _identity(self.path) != self.seen:
            what = "was replaced" if exists(self.path) else "was removed"
            raise DatabaseReplacedError(
                f"the database {self.path} {what} while this program used it; nothing more is done",
                hint="put the right file back, then start again",
            )


def make(path: Path) -> None:
    """Create a database without tables that only its owner can read; an existing one stays unchanged.

    Raises:
        DatabaseUnreachableError: what SQLite kept beside a lost one would be taken for a part of it.
        OSError: it cannot be written.
    """
    if not exists(path):
        _refuse_leftovers(path)
        with suppress(FileExistsError):  # another process was quicker
            outputs.create(path, _without_tables(), private=True)


def make_over_empty(path: Path) -> None:
    """Replace a file of 0 bytes by a database without tables; any other file stays unchanged.

    Raises:
        DatabaseUnreachableError: what SQLite kept beside a lost one would be taken for a part of it.
        OSError: it cannot be written.
    """
    if _stays_empty(path):
        _refuse_leftovers(path)
        outputs.replace(path, _without_tables(), private=True)


def _refuse_leftovers(path: Path) -> None:
    """Raise if SQLite would play the log of a database that is lost into a new one, which then is neither."""
    for ending in LOGS:
        log = path.with_name(path.name + ending)
        found = seen(log)
        if found is not None and found.st_size and is_lost(path):
            raise DatabaseUnreachableError(
                f"the database {path} is lost, but the log {log} that SQLite kept beside it is there",
                hint=f"put both back from a copy; to start with a new database, move {log.name} elsewhere first",
            )


def refuse_empty(path: Path) -> None:
    """Raise DatabaseUnreachableError if a file has 0 bytes: it was a database, or it is a mistake."""
    if _stays_empty(path):
        raise DatabaseUnreachableError(
            f"{path} is an empty file, not a database",
            hint="restore it from a copy, or remove it to start with a new database",
        )


def _stays_empty(path: Path) -> bool:
    for _ in range(_LOOKS):
        if not _is_empty(path):
            return False
        time.sleep(_LOOK_S)
    return True


def _is_empty(path: Path) -> bool:
    return is_file(path) and is_lost(path)


def _identity(path: Path) -> tuple[int, int] | None:
    found = seen(path)
    return None if found is None else (found.st_dev, found.st_ino)


@cache
def _without_tables() -> bytes:
    import tempfile  # only needed to create a database

    with tempfile.TemporaryDirectory(prefix="turkctl-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "new.db"
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA user_version=0")  # writes the first page
        return file.read_bytes()
