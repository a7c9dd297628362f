"""An archive's folder and the database in it: make, open, lock and identify it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from turkctl import sqlite_files
from turkctl.archive.shapes import KINDS, ItemKind
from turkctl.errors import (
    ConfigError,
    NotFoundError,
    OutputError,
    RefusedError,
    SchemaError,
    UsageError,
    WrongMarketError,
)
from turkctl.paths import exists, is_file, is_folder

DATABASE = "archive.db"
LOCK = "archive.lock"
FORMAT = 1
"""The version of the tables and files; a newer turkctl may write a higher one."""
PRIVATE = 0o700
_BUSY_MS = 30_000
_OWN = """
CREATE TABLE archive (id INTEGER PRIMARY KEY CHECK (id = 1), format INTEGER NOT NULL, made TEXT NOT NULL,
    mode TEXT NOT NULL, market TEXT NOT NULL);
CREATE TABLE run (number INTEGER PRIMARY KEY, began TEXT NOT NULL, ended TEXT, version TEXT NOT NULL);
CREATE TABLE call (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, operation TEXT NOT NULL, members TEXT NOT NULL,
    attempt INTEGER NOT NULL, page INTEGER NOT NULL, token TEXT, empty INTEGER NOT NULL, urgency INTEGER NOT NULL,
    state TEXT NOT NULL, at TEXT, items INTEGER, code TEXT, message TEXT, body BLOB,
    UNIQUE (run, operation, members, attempt, page));
CREATE INDEX call_wanted ON call (urgency, id) WHERE state = 'wanted';
CREATE TABLE answers (assignment_id TEXT NOT NULL, place INTEGER NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (assignment_id, place)) WITHOUT ROWID;
CREATE TABLE batch_rows (assignment_id TEXT PRIMARY KEY, file TEXT NOT NULL, row INTEGER NOT NULL,
    cells TEXT NOT NULL);
CREATE VIEW hit_types AS SELECT hit_type_id, min(title) AS title, min(description) AS description,
    min(keywords) AS keywords, min(reward) AS reward, min(duration_s) AS duration_s,
    min(auto_approval_delay_s) AS auto_approval_delay_s, count(*) AS hits FROM hits GROUP BY hit_type_id;
"""
_INDEXES = """
CREATE INDEX hits_type ON hits (hit_type_id);
CREATE INDEX assignments_hit ON assignments (hit_id);
CREATE INDEX assignments_worker ON assignments (worker_id);
CREATE INDEX bonuses_hit ON bonuses (hit_id);
CREATE INDEX qualifications_type ON qualifications (type_id, status);
CREATE INDEX review_results_hit ON review_results (hit_id);
"""
SIZES = ("max_assignments", "available", "pending", "completed", "value", "ordinal", "run", "requestable")
"""Columns of numbers, besides those that end in ``_s``, which are seconds."""


@dataclass(frozen=True)
class ArchiveIdentity:
    """What an archive is of: the mode, and the market with its account, as far as the key tells."""

    mode: str
    market: str


class ArchiveDatabase:
    """The open database of an archive. One thread uses it at a time; transactions are explicit."""

    def __init__(self, folder: Path, *, writable: bool) -> None:
        self.folder = folder
        self.path = folder / DATABASE
        with self.explained():
            mode = "rw" if writable else "ro"
            self.connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
            )
            self.connection.row_factory = sqlite3.Row
            self.connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the database's errors into ours.

        Raises:
            OutputError: the disk is full or broken; what was committed stays.
            RefusedError: another program holds the database.
            UsageError: the file is not a database, or is damaged.
        """
        try:
            yield
        except sqlite3.DatabaseError as error:
            text = str(error)
            if "full" in text or "I/O" in text:
                hint = "free some space, and run the same command again: what was collected is kept"
                raise OutputError(f"cannot write {self.path}: {text}", hint=hint) from None
            if "locked" in text or "readonly" in text:
                raise RefusedError(
                    f"cannot use {self.path}: {text}", hint="wait for the program that uses it"
                ) from None
            if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError):
                raise
            raise UsageError(
                f"{self.path} cannot be read: {text}", hint="restore the folder from a copy, or archive into a new one"
            ) from None

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Run a transaction; commit unless the block raises."""
        with self.explained():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def all(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self.explained():
            return self.connection.execute(statement, values).fetchall()

    def each(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Iterator[sqlite3.Row]:
        """Yield the rows of a query, a few in memory at a time."""
        with self.explained():
            yield from self.connection.execute(statement, values)

    def one(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """Return the first value of the first row; None if there is none."""
        with self.explained():
            row = self.connection.execute(statement, values).fetchone()
        return None if row is None else row[0]

    @property
    def identity(self) -> ArchiveIdentity:
        """Return what the archive is of."""
        row = self.all("SELECT mode, market FROM archive")[0]
        return ArchiveIdentity(row["mode"], row["market"])

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def is_archive(folder: Path) -> bool:
    """Return whether the folder has an archive's database."""
    return is_file(folder / DATABASE)


def make_folder(folder: Path) -> None:
    """Make the folder of an archive, which its owner alone can read; one that is an archive already stays as it is.

    Raises:
        UsageError: it is neither an archive nor empty, or cannot be made.
    """
    if is_archive(folder):
        return
    try:
        if is_folder(folder) and {each.name for each in folder.iterdir()} - {LOCK}:
            raise UsageError(
                f"{folder} is not empty, and not an archive", hint="name a folder that is empty or does not exist yet"
            )
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        folder.chmod(PRIVATE)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}", hint="name another folder") from None


def prepare(folder: Path, identity: ArchiveIdentity, now: str) -> None:
    """Make the tables of an archive of this market, unless they are there; the folder is held.

    Raises:
        UsageError: what is there is not an archive.
        OutputError: the disk is full.
        SchemaError: a newer turkctl made it.
        WrongMarketError: it is an archive of another market or account.
    """
    try:
        sqlite_files.make(folder / DATABASE)
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {error.strerror}", hint="free some space") from None
    with closing(ArchiveDatabase(folder, writable=True)) as database:
        if not database.one("SELECT count(*) FROM sqlite_master"):
            with database.write() as connection:
                for statement in _statements():
                    connection.execute(statement)
                row = (FORMAT, now, identity.mode, identity.market)
                connection.execute("INSERT INTO archive VALUES (1, ?, ?, ?, ?)", row)
        _check(database)
        found = database.identity
        if found.mode == identity.mode and found.market == identity.market.partition("#")[0]:
            with database.write() as connection:  # made of downloaded files, before the account was known
                connection.execute("UPDATE archive SET market = ?", (identity.market,))
            found = identity
    if found != identity:
        raise WrongMarketError(
            f"{folder} is an archive of {found.market} (mode {found.mode}), not of {identity.market}"
            f" (mode {identity.mode})",
            hint="name another folder, or give the --mode, --endpoint-url and --profile of that account",
        )


def _statements() -> Iterator[str]:
    for kind in KINDS:
        columns = [f"{name} {_type_of(name)}" for name in kind.names]
        own = ["body TEXT NOT NULL", "first_run INTEGER NOT NULL", "last_run INTEGER NOT NULL"]
        own += ["attempt INTEGER NOT NULL", "page INTEGER NOT NULL", f"UNIQUE ({', '.join(kind.key)})"]
        yield f"CREATE TABLE {kind.table} ({', '.join([*columns, *own])})"
    for script in (_OWN, _INDEXES):
        yield from (each for each in script.split(";") if each.strip())


def _type_of(column: str) -> str:
    return "INTEGER" if column in SIZES or column.endswith("_s") else "TEXT"


def _check(database: ArchiveDatabase) -> None:
    if database.one("SELECT 1 FROM sqlite_master WHERE name = 'archive'") is None:
        raise NotFoundError(
            f"{database.folder} is not an archive: its {DATABASE} is another database", hint="name another folder"
        )
    found = database.one("SELECT format FROM archive")
    if found is None or found > FORMAT:
        raise SchemaError(
            f"{database.folder} is an archive of format {found}, this turkctl knows format {FORMAT}",
            hint="use the newer turkctl that made it",
        )


@contextmanager
def opened_archive(folder: Path, *, writable: bool = False) -> Iterator[ArchiveDatabase]:
    """Open an archive.

    Raises:
        NotFoundError: there is none.
        SchemaError: a newer turkctl made it.
    """
    if not is_archive(folder):
        what = "is not an archive" if exists(folder) else "does not exist"
        raise NotFoundError(f"{folder} {what}", hint="make one with: turkctl archive create FOLDER")
    with closing(ArchiveDatabase(folder, writable=writable)) as database:
        _check(database)
        yield database


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder for the block: one command at a time changes it. The system lets it go if the process dies.

    Raises:
        RefusedError: another command holds it.
        ConfigError: the lock cannot be made.
    """
    try:
        sqlite_files.make(folder / LOCK)
        connection = sqlite3.connect(folder / LOCK, timeout=0, isolation_level=None)
    except (OSError, sqlite3.DatabaseError) as error:
        raise ConfigError(f"cannot lock {folder}: {error}", hint="name a folder that you can write to") from None
    with closing(connection):
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError:
            raise RefusedError(
                f"another command is at work on the archive {folder}", hint="wait until it ends, or stop it"
            ) from None
        yield


@cache
def upsert(kind: ItemKind) -> str:
    """Return the statement that enters an item, or brings it up to date."""
    names = [*kind.names, "body", "first_run", "last_run", "attempt", "page"]
    changed = [name for name in names if name not in (*kind.key, "first_run")]
    updates = ", ".join(f"{name} = excluded.{name}" for name in changed)
    marks = ", ".join(f":{name}" for name in names)
    return (
        f"INSERT INTO {kind.table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608  # names are ours
        f" ON CONFLICT ({', '.join(kind.key)}) DO UPDATE SET {updates}"
    )
