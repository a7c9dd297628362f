"""Wait until what was committed outlives a loss of power: after the market's lock was released, and for many at once.

Commits themselves do not wait for the disk. Whoever must not answer before theirs is safe asks for a flush afterwards,
which covers all commits before it, as both databases write them to one log in their order. So the disk's time is not
part of anybody's turn, and a hundred who submit at the same moment share one wait.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from enum import Enum
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, text

Flush = Callable[[], None]


class Wait(Enum):
    """When the answer to a change waits until a loss of power cannot take the change back."""

    NEVER = "never"
    """Nobody would miss it, or it is made again by itself."""
    USUALLY = "usually"
    """On PostgreSQL, whose users expect it; SQLite's file is as quick as it can be."""
    ALWAYS = "always"
    """On both: it could not be made again."""


_COMMIT_WITH_WAIT = text("SELECT pg_logical_emit_message(true, 'turkctl', '')")
"""A transaction of its own that writes something, so that PostgreSQL waits for the disk as the server is told to."""


class SharedFlush:
    """Runs a flush for all who asked before it began; those who ask meanwhile share the next one."""

    def __init__(self, flush: Flush) -> None:
        """Prepare; ``flush`` makes durable what was committed before it was called."""
        self._flush = flush
        self._changed = threading.Condition()
        self._asked = 0
        self._done = 0
        self._running = False

    def __call__(self) -> None:
        """Return when all that was committed before this call is durable; raises what the flush raises."""
        with self._changed:
            self._asked += 1
            mine = self._asked
            self._changed.wait_for(lambda: self._done >= mine or not self._running)
            if self._done >= mine:
                return
            self._running, covered = True, self._asked
        done = 0
        try:
            self._flush()
            done = covered
        finally:
            with self._changed:
                self._running, self._done = False, max(self._done, done)
                self._changed.notify_all()  # if it failed, each of the others tries it again


def flush_of(engine: Engine) -> Flush:
    """Return what makes the commits of a database durable."""
    return SharedFlush(_of_sqlite(engine) if engine.dialect.name == "sqlite" else _of_postgres(engine))


def _of_postgres(engine: Engine) -> Flush:
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")

    def flush() -> None:
        with alone.connect() as connection:
            connection.execute(_COMMIT_WITH_WAIT)

    return flush


def _of_sqlite(engine: Engine) -> Flush:
    """Return what waits for the write-ahead log, which has all commits that the database's file may not have yet."""

    @cache
    def log_file() -> Path:
        return Path(f"{_file_of(engine)}-wal")

    def flush() -> None:
        try:
            with log_file().open("rb") as log:
                os.fsync(log.fileno())
        except FileNotFoundError:
            return  # whoever removed it had moved all into the database's file, and waited for it

    return flush


def _file_of(engine: Engine) -> str:
    """Return the path of an open database, as SQLite itself knows it; empty if it is in memory."""
    lent = engine.raw_connection()
    try:
        cursor = lent.cursor()
        rows = cursor.execute("PRAGMA database_list").fetchall()
        cursor.close()
    finally:
        lent.close()
    return str(next(path for _, name, path in rows if name == "main"))
