"""The market's database: open it, create its tables, and run its two kinds of transactions.

Only one writer runs at a time. On SQLite its transaction begins ``IMMEDIATE``, behind a lock of this process so that
threads queue instead of polling the file; on PostgreSQL it begins by locking the market's one row
(:mod:`turkctl.market.tx`). A reader takes a plain snapshot and never waits for a writer.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    Row,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DisconnectionError,
    IntegrityError,
    NoSuchModuleError,
)
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool
from sqlalchemy.schema import CreateColumn

from turkctl.addresses import mask_url
from turkctl.erasing import clean
from turkctl.errors import ConfigError, DatabaseUnreachableError, SchemaError
from turkctl.market import system_types, tables
from turkctl.market.flushes import Wait, flush_of
from turkctl.sqlite_files import SqliteFile

VERSION = 5
"""The tables' version. An older database gets what it lacks, a newer one is refused."""

_LOOK_AT_DISK = "look whether the disk is full or broken, then send it again"
_WRITE_URL = "write sqlite:///market.db or postgresql+psycopg://user@host/database"
_ADVISORY_LOCK = 0x7475726B  # "turk": taken on PostgreSQL while tables are created
_BUSY_MS = 30_000
_IDLE_SECONDS = 1.0
_LOCKS: dict[str, threading.Lock] = {}
_LOCKS_GUARD = threading.Lock()


class MarketDatabase:
    """An open database with the market's tables. Safe for many threads; several processes may share one."""

    def __init__(self, url: str, before_making: Callable[[], None] = lambda: None) -> None:
        """Open ``url`` and create what is missing; ``before_making`` is called before there is a new market.

        Raises:
            ConfigError: ``url`` is not the address of a usable database.
            DatabaseUnreachableError: the database cannot be opened.
            SchemaError: it was created by a newer turkctl.
        """
        parsed = _parsed(url)
        self._name = mask_url(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        self._memory = self.sqlite and parsed.database in (None, "", ":memory:")
        self._lock = threading.Lock() if self._memory else _lock_of(url)
        self.engine = open_engine(url)
        self._flush = flush_of(self.engine)
        try:
            create(self, before_making)
        except BaseException:
            self.engine.dispose()
            raise

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseError, sqlite3.DatabaseError) as error:
            if isinstance(error, IntegrityError | DataError):
                raise  # a bug in the market, not a fault of the database
            cause = error.orig if isinstance(error, DatabaseError) else error
            raise DatabaseUnreachableError(
                f"the market's database {self._name} cannot be used: {cause}",
                hint="set market_url to a file that can be written, or to a PostgreSQL database that answers",
            ) from error

    @contextlib.contextmanager
    def write(self, wait: Wait = Wait.USUALLY) -> Iterator[Connection]:
        """Run a transaction that may change things; commit unless the block raises.

        What a killed process has committed is there in any case. With :attr:`Wait.ALWAYS`, an error waits as well, as
        it may tell of what somebody else has committed.

        Args:
            wait: whether to return only when it outlives a loss of power, too; nobody else's turn waits for that.
        """
        try:
            with self._turn() as connection:
                yield connection
        except Exception:
            if wait is Wait.ALWAYS:
                self.flush(wait)
            raise
        self.flush(wait)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[Connection]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._answering())
            if self.sqlite:
                stack.enter_context(self._lock)
            connection = stack.enter_context(self.engine.connect())
            connection = connection.execution_options(market_write=True)
            stack.enter_context(connection.begin())
            yield connection

    def flush(self, wait: Wait) -> None:
        """Wait until all that was committed outlives a loss of power, where ``wait`` says so."""
        if wait is Wait.NEVER or self._memory or (self.sqlite and wait is not Wait.ALWAYS):
            return
        try:
            with self._answering():
                self._flush()
        except OSError as error:
            raise DatabaseUnreachableError(
                f"the market's database {self._name} cannot be written to the disk: {error}", hint=_LOOK_AT_DISK
            ) from error

    def first(self, statement: Executable, values: Mapping[str, Any]) -> Row[Any] | None:
        """Return the first row of one statement that changes nothing, at a single message to PostgreSQL."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._answering())
            if self._memory:
                stack.enter_context(self._lock)
            connection = stack.enter_context(self.engine.connect())
            if not self.sqlite:
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            return connection.execute(statement, values).first()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Run a transaction that changes nothing; on PostgreSQL it is one snapshot for all of its statements."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._answering())
            if self._memory:  # all threads share one connection, so they take turns
                stack.enter_context(self._lock)
            connection = stack.enter_context(self.engine.connect())
            if not self.sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            stack.enter_context(connection.begin())
            yield connection

    @contextlib.contextmanager
    def reading_file(self) -> Iterator[Any]:
        """Lend a connection of SQLite's own driver, outside of any transaction."""
        with self._answering():
            lent = self.engine.raw_connection()
            try:
                yield lent.driver_connection
            finally:
                lent.close()

    def use_wal(self) -> None:
        """Turn on write-ahead logging, so that readers and the writer do not wait for each other.

        The change needs exclusive use of the file and ignores the busy timeout, hence several attempts.
        """
        with self._answering():
            _use_wal(self.engine)

    def clean(self, names: Sequence[str]) -> str | None:
        """Write the files anew without what was deleted; return in words what remains to be done, if anything does.

        Args:
            names: the tables that were changed.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._answering())
            if self.sqlite:
                stack.enter_context(self._lock)
            return clean(self.engine, names)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect().import_dbapi()
    except ArgumentError:
        raise ConfigError(f"market_url '{mask_url(url)}' is not the address of a database", hint=_WRITE_URL) from None
    except NoSuchModuleError:
        raise ConfigError(f"market_url names an unknown kind of database: {parsed.drivername}", _WRITE_URL) from None
    except ImportError as error:
        raise ConfigError(
            f"the database driver '{error.name}' is not installed", hint="pip install 'turkctl[postgres]'"
        ) from None
    return parsed


def _lock_of(url: str) -> threading.Lock:
    """Return the lock for this file in this process, so that two markets opened on one file queue as well."""
    with _LOCKS_GUARD:
        return _LOCKS.setdefault(url, threading.Lock())


def open_engine(url: str) -> Engine:
    """Return an engine for ``url``, with SQLite's settings and explicit ``BEGIN`` installed."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = create_engine(url, pool_size=16, max_overflow=16)
        _see_to_idle(engine)
        return engine
    if parsed.database in (None, "", ":memory:"):
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        engine = create_engine(url, pool_size=16, max_overflow=32)
        _see_to_file(engine, str(parsed.database))
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _see_to_idle(engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
    """Ask connections that were idle for some time whether they still live, as after a restart of the server.

    Asking each time would cost every transaction another trip to the server.
    """

    def check_in(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = clock()

    def check_out(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if clock() - record.info.get("idle_since", clock()) < _IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error  # the pool then tries another one

    event.listen(engine, "checkin", check_in)
    event.listen(engine, "checkout", check_out)


def _see_to_file(engine: Engine, name: str) -> None:
    """Before the first connection, create a new file for its owner alone, and refuse an empty one."""
    if not name.startswith("file:"):
        file = SqliteFile(Path(name))
        event.listen(engine, "do_connect", lambda *_: file.open())


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver would open its transactions too late, at the first write
    for pragma in (f"busy_timeout={_BUSY_MS}", "foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("market_write", False) else "BEGIN")


def create(database: MarketDatabase, before_making: Callable[[], None] = lambda: None) -> None:
    """Create the tables, their columns, their indexes and the market's row if they are missing.

    Safe if several processes start at once. ``before_making`` is called where there is no market yet; it may raise.

    Raises:
        SchemaError: the tables were created by a newer turkctl.
    """
    version = _version(database)
    if version is None:
        before_making()
    if version is None and database.sqlite:
        database.use_wal()
    if version is None or version < VERSION:
        with database.write() as connection:
            _complete(connection)
    version = _version(database)
    if version is not None and version > VERSION:
        raise SchemaError(
            f"the market's database is at version {version}, this turkctl knows version {VERSION}",
            hint="use the newer turkctl that made it, or another market_url",
        )


def _complete(connection: Connection) -> None:
    """Add what an empty or older database lacks; added columns must allow null."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    tables.add_partial_index()
    older = set(inspect(connection).get_table_names())
    tables.metadata.create_all(connection)
    for name in tables.DROPPED_INDEXES:
        connection.execute(text(f"DROP INDEX IF EXISTS {name}"))
    for table in tables.metadata.sorted_tables:
        if table.name not in older:
            continue  # it was made just now, whole
        there = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
        indexed = {index["name"] for index in inspect(connection).get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexed:
                index.create(connection)
    if connection.execute(select(tables.meta.c.id)).first() is None:
        new = {"id": 1, "version": VERSION, "identity": secrets.token_hex(16)}
        connection.execute(tables.meta.insert(), new)
        connection.execute(tables.qualification_type.insert(), system_types.rows())
    outdated = tables.meta.c.version < VERSION
    connection.execute(tables.meta.update().where(outdated).values(version=VERSION))


def _version(database: MarketDatabase) -> int | None:
    with database.read() as connection:
        if not inspect(connection).has_table(tables.meta.name):
            return None
        return connection.execute(select(tables.meta.c.version)).scalar()


def _use_wal(engine: Engine, *, tries: int = 50, sleep: Callable[[float], None] = time.sleep) -> None:
    connection = engine.raw_connection()
    try:
        for left in range(tries, 0, -1):
            try:
                cursor = connection.cursor()
                cursor.execute("PRAGMA journal_mode=WAL")
                cursor.close()
                return
            except sqlite3.OperationalError:
                if left == 1:
                    raise
                sleep(0.02)
    finally:
        connection.close()
