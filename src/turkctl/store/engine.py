"""Connect to a database: an engine with the right pragmas, and sessions that read or write.

Both databases behave alike. Writing sessions of all processes come one after another (SQLite's driver would open a
transaction only at the first write, PostgreSQL would run two side by side, and either would lose updates of a "read,
compute, write" without an error); reading sessions do not wait, see one snapshot, and cannot write. So keep
sessions short, and none open across a request to the market.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlmodel import Session

from turkctl.erasing import clean
from turkctl.errors import ConfigError, SchemaError, UsageError
from turkctl.sqlite_files import SqliteFile
from turkctl.store import failures

WRITABLE = ("sqlite", "postgresql")
"""The databases that turkctl writes to. It only reads MySQL: participants can be listed and exported."""
READ_ONLY_HINT = "use SQLite or PostgreSQL; in others, turkctl can only list, count, show and export participants"
WAIT_MS = 5000
"""How long a writer waits for another one, in milliseconds."""
CONNECT_TIMEOUT_S = 10
_POLL_S = 0.001
_READING = "turkctl_reading"
_SWITCHES = 100  # with eight processes at once, a handful is enough
_WRITER_LOCK = 0x7475726B63746C  # "turkctl"; PostgreSQL's advisory locks are per database


@dataclass(frozen=True)
class Database:
    """A database that can be read and written. Any thread may ask for a session, and must not share it."""

    engine: Engine
    url: URL
    file: SqliteFile | None = None
    """Its file, on SQLite."""
    before_writing: list[Callable[[Database, Connection], None]] = field(default_factory=list, compare=False)
    """Called at the beginning of each writing transaction; they may raise."""

    @property
    def url_for_people(self) -> str:
        """Return the address without its password."""
        return failures.masked(self.url)

    @property
    def dialect(self) -> str:
        """Return ``sqlite``, ``postgresql`` or, only for reading, ``mysql`` (also for MariaDB)."""
        return self.engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session on one snapshot of the database; it cannot write.

        Raises:
            DatabaseUnreachableError: the database cannot be opened or read.
            DatabaseReplacedError: its file is not the one that was opened first.
            SchemaError: it lacks a table that was asked for.
        """
        options: dict[str, Any] = {_READING: True}
        if self.dialect == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        elif self.dialect == "mysql":
            options |= {"isolation_level": "REPEATABLE READ"}
        with self._connection(options) as connection, Session(connection, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session whose work is committed at the end, or not at all if the block raises.

        Raises:
            DatabaseUnreachableError: the database cannot be opened or written, or stays locked for five seconds.
            MarkedError: the study was moved to another database, or this one is a copy that does not act.
            SchemaError: it lacks a table that was asked for, or is of a kind that turkctl only reads.
        """
        if self.dialect not in WRITABLE:
            raise SchemaError(f"turkctl does not write to {self.dialect}", hint=READ_ONLY_HINT)
        with self._connection({}) as connection, Session(connection, expire_on_commit=False) as session:
            for check in self.before_writing:
                check(self, session.connection())
            yield session
            session.commit()

    @contextmanager
    def outside_transactions(self) -> Iterator[Connection]:
        """Yield a connection without a transaction, for PostgreSQL: each statement takes effect at once.

        Raises:
            DatabaseUnreachableError: the database cannot be opened or written.
        """
        with self._connection({_READING: True, "isolation_level": "AUTOCOMMIT"}) as connection:
            yield connection

    @contextmanager
    def _connection(self, options: dict[str, Any]) -> Iterator[Connection]:
        if self.file is not None:
            self.file.check()
        with self.translating(), self.engine.connect() as connection:
            yield connection.execution_options(**options) if options else connection

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Turn the driver's failures inside the block into turkctl's errors."""
        try:
            yield
        except SQLAlchemyError as error:
            shown = failures.translated(error, self.url)
            if shown is None:
                raise
            raise shown from error
        except UnicodeEncodeError as error:  # an argument of the command line that is not valid text
            raise UsageError(
                f"{error.object!a} is not text that a database can hold", hint="write it in UTF-8"
            ) from None

    def clean(self, names: Sequence[str]) -> str | None:
        """Write the files anew without what was deleted; return in words what this cannot reach.

        Args:
            names: the tables that were changed.

        Raises:
            DatabaseUnreachableError: the database cannot be opened or written.
        """
        with self.translating():
            return clean(self.engine, names)

    def close(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()


def parse_url(text: str) -> URL:
    """Parse a database's address; ``postgres://`` and ``postgresql://`` mean psycopg 3, ``mysql://`` PyMySQL.

    Raises:
        ConfigError: it is invalid, or names an SQLite database in memory, which would be lost when the command ends.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # its message may quote the password
        raise ConfigError(
            "the address of the database is invalid",
            hint="write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME, a password's @ : / as %40 %3A %2F",
        ) from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername in ("mysql", "mariadb", "mariadb+pymysql"):
        url = url.set(drivername="mysql+pymysql")
    if url.get_backend_name() == "sqlite" and (url.database or ":memory:") == ":memory:":
        raise ConfigError("an SQLite database in memory is gone when the command ends", hint="write sqlite:///FILE")
    return url


def connect(url: str) -> Database:
    """Return the database at ``url``. The first session connects (and creates an SQLite file).

    Raises:
        ConfigError: see :func:`parse_url`.
        DatabaseUnreachableError: the driver for it is not installed.
    """
    parsed = parse_url(url)
    options: dict[str, Any] = {}
    if parsed.get_backend_name() != "sqlite":
        options["pool_pre_ping"] = True  # a server may have been restarted since the last use
    if parsed.get_backend_name() in ("postgresql", "mysql") and "connect_timeout" not in parsed.query:
        options["connect_args"] = {"connect_timeout": CONNECT_TIMEOUT_S}
    try:
        engine = create_engine(parsed, **options)
    except (ImportError, NoSuchModuleError) as error:
        raise failures.missing_driver(error, parsed) from None
    file = None
    if engine.dialect.name == "sqlite":
        file = _file_of(parsed)
        if file is not None:
            event.listen(engine, "do_connect", lambda *_: file.open())
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _begin_postgresql)
    elif engine.dialect.name == "mysql":
        event.listen(engine, "begin", _begin_mysql)
    return Database(engine, parsed, file)


def _file_of(url: URL) -> SqliteFile | None:
    """Return the file of an SQLite database; None for one of SQLite's own URIs, such as ``file:x.db?mode=ro``."""
    name = url.database or ""
    return None if name.startswith("file:") else SqliteFile(Path(name))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Set the pragmas of a new connection; WAL only for a file without a table, which turkctl creates."""
    connection.isolation_level = None  # the driver must not open transactions of its own; _begin_sqlite does
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout={WAIT_MS:d}")
        cursor.execute("PRAGMA foreign_keys=ON")
        tables = "SELECT count(*) FROM sqlite_master"
        if (_patiently(cursor, tables) or cursor.execute(tables).fetchall()) == [(0,)]:
            _use_write_ahead_log(cursor)
    finally:
        cursor.close()


def _use_write_ahead_log(cursor: Any) -> None:
    """Switch to WAL, which SQLite refuses at once, whatever the timeout, while others do the same.

    A writing transaction does wait for them, so an empty one goes before each further try. Once one has switched, the
    switch of all others has nothing to do and succeeds.
    """
    for _ in range(_SWITCHES):
        with suppress(sqlite3.OperationalError):
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute("COMMIT")
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Connection) -> None:
    reading = bool(connection.get_execution_options().get(_READING))
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
    if reading:
        connection.exec_driver_sql("BEGIN")
    _take_lock(connection, "SELECT 1 FROM sqlite_master LIMIT 1" if reading else "BEGIN IMMEDIATE")


def _take_lock(connection: Connection, statement: str) -> None:
    """Run a statement that locks the file; raise its failures like those of any other statement."""
    cursor = connection.connection.cursor()
    try:
        taken = _patiently(cursor, statement) is not None
    finally:
        cursor.close()
    if not taken:
        connection.exec_driver_sql(statement)


def _patiently(cursor: Any, statement: str) -> list[Any] | None:
    """Try a statement that locks the file for up to :data:`WAIT_MS`; return its rows, or None if it failed.

    SQLite's own waiting ends up trying ten times a second. Beside a program that commits one small change after
    another, like psiTurk's server in a busy hour, that misses the moments in which the file is free.
    """
    deadline = time.monotonic() + WAIT_MS / 1000
    cursor.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < deadline:
            try:
                found: list[Any] = cursor.execute(statement).fetchall()
            except sqlite3.Error as error:
                if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                    return None
            else:
                return found
            time.sleep(_POLL_S)
    finally:
        cursor.execute(f"PRAGMA busy_timeout={WAIT_MS:d}")
    return None


def _begin_postgresql(connection: Connection) -> None:
    if not connection.get_execution_options().get(_READING):
        connection.exec_driver_sql(
            f"SELECT set_config('lock_timeout', '{WAIT_MS:d}', true), pg_advisory_xact_lock({_WRITER_LOCK:d})"
        )


def _begin_mysql(connection: Connection) -> None:
    """Begin a read-only transaction on one snapshot."""
    connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
