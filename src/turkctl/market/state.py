"""The market's database: opening it, making its tables, and the two kinds of transaction.

A writer is alone. On SQLite its transaction begins ``IMMEDIATE``, behind a lock of this process so that threads
queue instead of polling the file; on PostgreSQL it begins by locking the market's one row (:mod:`turkctl.market.tx`).
A reader takes a plain snapshot and never waits for a writer.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from turkctl.errors import DatabaseUnreachableError, SchemaError
from turkctl.market import system_types, tables

VERSION = 1
"""The tables' version. A database of a newer one is refused."""

_ADVISORY_LOCK = 0x7475726B  # "turk": taken on PostgreSQL while tables are made
_BUSY_MS = 30_000
_LOCKS: dict[str, threading.Lock] = {}
_LOCKS_GUARD = threading.Lock()


class Database:
    """An open database with the market's tables in it. Safe for many threads; several processes may share one."""

    def __init__(self, url: str) -> None:
        """Open ``url`` and make what is missing.

        Raises:
            DatabaseUnreachableError: it cannot be opened.
            SchemaError: it was made by a newer turkctl.
        """
        parsed = make_url(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        self._memory = self.sqlite and parsed.database in (None, "", ":memory:")
        self._lock = threading.Lock() if self._memory else _lock_of(url)
        self.engine = open_engine(url)
        try:
            create(self)
        except OperationalError as error:
            self.engine.dispose()
            raise DatabaseUnreachableError(
                f"the market's database {parsed.render_as_string()} cannot be opened: {error.orig}",
                hint="set market_url to a file that can be written, or to a PostgreSQL database that answers",
            ) from error
        except BaseException:
            self.engine.dispose()
            raise

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may change things; committed unless the block raises."""
        with contextlib.ExitStack() as stack:
            if self.sqlite:
                stack.enter_context(self._lock)
            connection = stack.enter_context(self.engine.connect())
            connection = connection.execution_options(market_write=True)
            stack.enter_context(connection.begin())
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that changes nothing; on PostgreSQL one snapshot for all of its statements."""
        with contextlib.ExitStack() as stack:
            if self._memory:  # one connection for all threads: they take turns
                stack.enter_context(self._lock)
            connection = stack.enter_context(self.engine.connect())
            if not self.sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            stack.enter_context(connection.begin())
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _lock_of(url: str) -> threading.Lock:
    """One lock per file and process, so that two markets opened on one file queue as well."""
    with _LOCKS_GUARD:
        return _LOCKS.setdefault(url, threading.Lock())


def open_engine(url: str) -> Engine:
    """An engine for ``url``, with SQLite's settings and explicit ``BEGIN`` installed."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=16, max_overflow=16, pool_pre_ping=True)
    if parsed.database in (None, "", ":memory:"):
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        engine = create_engine(url, pool_size=16, max_overflow=32)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver would open its transactions too late, at the first write
    for pragma in (f"busy_timeout={_BUSY_MS}", "foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("market_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def create(database: Database) -> None:
    """Make the tables and the market's row where they are missing. Safe when several processes start at once.

    Raises:
        SchemaError: the tables were made by a newer turkctl.
    """
    if _version(database) is None:
        if database.sqlite:
            _use_wal(database.engine)
        with database.write() as connection:
            if not database.sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            tables.add_partial_index()
            tables.metadata.create_all(connection)
            if connection.execute(select(tables.meta.c.id)).first() is None:
                new = {"id": 1, "version": VERSION, "identity": secrets.token_hex(16)}
                connection.execute(tables.meta.insert(), new)
                connection.execute(tables.qualification_type.insert(), system_types.rows())
    version = _version(database)
    if version is not None and version > VERSION:
        raise SchemaError(
            f"the market's database is at version {version}, this turkctl knows version {VERSION}",
            hint="use the newer turkctl that made it, or another market_url",
        )


def _version(database: Database) -> int | None:
    with database.read() as connection:
        if not inspect(connection).has_table(tables.meta.name):
            return None
        return connection.execute(select(tables.meta.c.version)).scalar()


def _use_wal(engine: Engine, *, tries: int = 50, sleep: Callable[[float], None] = time.sleep) -> None:
    """Write-ahead logging, so that readers and the writer do not wait for each other.

    The change needs the file alone for a moment and does not honour the busy timeout, hence the tries.
    """
    connection = engine.raw_connection()
    try:
        for left in range(tries, 0, -1):
            try:
                cursor = connection.cursor()
                cursor.execute("PRAGMA journal_mode=WAL")
                cursor.close()
                return
            except engine.dialect.loaded_dbapi.OperationalError:
                if left == 1:
                    raise
                sleep(0.02)
    finally:
        connection.close()
