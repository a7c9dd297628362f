"""The two ends of a copy: a database each, with one connection, and one transaction at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from turkctl import sqlite_files
from turkctl.addresses import mask_url
from turkctl.errors import TurkctlError, UsageError

Translate = Callable[[SQLAlchemyError, URL], TurkctlError | None]
"""Returns the error to show for what a driver raised; None if the fault is in turkctl."""
_CACHE_KB = 65_536
WAIT_MS = 5000
"""How long whoever writes at the moment is waited for, in milliseconds."""


class Side:
    """A database at one end of a copy. Begin, do something, commit; what is not committed leaves nothing behind.

    Attributes:
        url: its address.
        name: the same without the password.
    """

    def __init__(self, url: URL, translate: Translate) -> None:
        """Prepare; nothing is opened yet."""
        self.url = url
        self.name = mask_url(url.render_as_string(hide_password=False))
        self._translate = translate
        self._engine = create_engine(url, poolclass=NullPool)
        self._connection: Connection | None = None
        self._cache_kb: int | None = None
        if self.sqlite:
            event.listen(self._engine, "connect", self._prepare_sqlite)
            event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    @property
    def sqlite(self) -> bool:
        """Return whether it is SQLite; else it is PostgreSQL."""
        return self._engine.dialect.name == "sqlite"

    @property
    def file(self) -> Path | None:
        """Return its file, on SQLite."""
        return Path(self.url.database or "") if self.sqlite else None

    @property
    def connection(self) -> Connection:
        """Return the connection, whose transaction has begun."""
        assert self._connection is not None, "begin comes first"
        return self._connection

    def begin(self) -> None:
        """Begin a transaction; on SQLite nobody else writes from now on. Nothing happens where one has begun."""
        if self._connection is not None:
            return
        self._make()
        with self.translating():
            connection = self._engine.connect()
            try:
                connection.begin()
                if not self.sqlite:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {WAIT_MS:d}")
            except BaseException:
                connection.close()
                raise
        self._connection = connection

    def lock(self, names: Sequence[str]) -> None:
        """Let nobody else write these tables until the transaction ends; they can be read."""
        if not self.sqlite and names:
            quoted = ", ".join(map(self.quote, names))
            with self.translating():
                self.connection.exec_driver_sql(f"LOCK TABLE {quoted} IN EXCLUSIVE MODE")

    def quote(self, name: str) -> str:
        """Return the name of a table or column as it is written in a statement."""
        return self._engine.dialect.identifier_preparer.quote(name)

    def tables(self) -> list[str]:
        """Return the names of its tables."""
        with self.translating():
            return inspect(self.connection).get_table_names()

    def journal_mode(self) -> str | None:
        """Return how SQLite keeps changes that are not in the file yet; None on PostgreSQL."""
        if not self.sqlite:
            return None
        return str(self.connection.exec_driver_sql("PRAGMA journal_mode").scalar())

    def require_unicode(self) -> None:
        """Raise UsageError if a PostgreSQL database could not hold every text."""
        if self.sqlite:
            return
        encoding = self.connection.execute(text("SHOW server_encoding")).scalar()
        if encoding != "UTF8":
            raise UsageError(
                f"the database {self.name} has the encoding {encoding}, which cannot hold every text",
                hint="make another one: createdb --encoding UTF8 --template template0 NAME",
            )

    @property
    def cursor(self) -> Any:
        """Return a new cursor of the driver itself, in this transaction."""
        driver: Any = self.connection.connection.driver_connection
        return driver.cursor()

    def reader(self) -> Any:
        """Return a new cursor of the driver that holds few rows at a time, however many it yields."""
        driver: Any = self.connection.connection.driver_connection
        if self.sqlite:
            return driver.cursor()
        cursor = driver.cursor(name="turkctl_copy")
        cursor.itersize = 200  # one row may have a megabyte
        return cursor

    @property
    def driver_error(self) -> type[Exception]:
        """Return what the driver's own errors have in common."""
        found: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        return found

    def commit(self) -> None:
        """Make what was done last, and let others write again."""
        connection, self._connection = self.connection, None
        with self.translating():
            try:
                connection.commit()
            finally:
                connection.close()

    def expect_much(self) -> None:
        """Prepare SQLite for one great transaction: its log need not wait for the disk, its index fits in memory."""
        if self.sqlite and self._connection is None:
            self._cache_kb = _CACHE_KB
            self._make()
            self.use_journal("wal")

    def use_journal(self, mode: str) -> None:
        """Let SQLite keep changes that are not in the file yet in this way from now on, for all programs."""
        if self.sqlite:
            with self.translating(), self._engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.execute(f"PRAGMA journal_mode={mode}")

    def _make(self) -> None:
        if self.file is not None:
            with suppress(OSError):  # connecting will report what is wrong with the folder
                sqlite_files.make(self.file)
            sqlite_files.refuse_empty(self.file)

    def _prepare_sqlite(self, connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not open transactions of its own
        connection.execute(f"PRAGMA busy_timeout={WAIT_MS:d}")
        if self._cache_kb is not None:
            connection.execute(f"PRAGMA cache_size=-{self._cache_kb:d}")

    def close(self) -> None:
        """Undo what was not committed, and disconnect."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()
        self._engine.dispose()

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Turn failures of this database inside the block into turkctl's errors."""
        try:
            yield
        except SQLAlchemyError as error:
            shown = self._translate(error, self.url)
            if shown is None:
                raise
            raise shown from error
