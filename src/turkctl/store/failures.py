"""Translate a database's own errors for the user: one line and what to do, never a password."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from turkctl.addresses import is_secret_name, mask_url
from turkctl.errors import DatabaseUnreachableError, SchemaError, TurkctlError
from turkctl.ids import storable
from turkctl.paths import is_folder

_WAIT = "wait until the other program is done and try again"

# SQLite's errors: (fragment, message, hint).
_SQLITE = (
    ("database is locked", "is locked by another program", _WAIT),
    ("database table is locked", "is locked by another program", _WAIT),
    ("file is not a database", "is not an SQLite database", "name another file with --database-url"),
    ("malformed", "is damaged", "restore it from a copy, or save what can be read with sqlite3's .recover"),
    ("readonly database", "cannot be written", "check the permissions of the file and of its folder"),
    ("disk is full", "cannot grow: the disk is full", "free some space and try again"),
    ("could not decode to utf-8", "holds text that is not UTF-8", "fix it with sqlite3, or leave the column out"),
    ("disk i/o error", "cannot be read or written (disk I/O error)", "check the disk; a network share is not safe"),
)

_EXTRAS = {
    "postgresql": "run: pip install 'turkctl[postgres]'",
    "mysql": "run: pip install 'turkctl[mysql]', and write mysql+pymysql://…",
}

# PostgreSQL's error codes: message and hint.
_UNDEFINED_TABLE = "42P01"
_SERVER = {
    "55P03": ("is busy", _WAIT),  # lock_not_available
    "40P01": ("is busy", _WAIT),  # deadlock_detected
    "42501": ("refuses it", "give the user the right to it, or use a database of its own"),
    "25006": ("cannot be written", "check that it is not a read-only copy"),  # read_only_sql_transaction
}
# MySQL's error numbers: no such table, access denied (three ways), a read-only transaction.
_MYSQL = {1146: _UNDEFINED_TABLE, 1142: "42501", 1143: "42501", 1044: "42501", 1792: "25006"}
_NUMBER_AND_WORDS = 2


def masked(url: URL) -> str:
    """Return the address for messages: no password, whether before the host or in the query."""
    name = url.database  # which SQLAlchemy cannot write if it is not UTF-8
    return mask_url(url.set(database=name and storable(name)).render_as_string(hide_password=False))


def _secrets(url: URL) -> list[str]:
    found = [str(url.password)] if url.password is not None else []
    for key, value in url.query.items():
        if is_secret_name(key):
            found.extend([value] if isinstance(value, str) else value)
    return [secret for secret in found if secret]


def first_line(error: DBAPIError) -> str:
    """Return the first line of the driver's message, without the statement."""
    numbered = _numbered(error)
    lines = (str(error.orig) if numbered is None else numbered[1]).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__


def _numbered(error: DBAPIError) -> tuple[int, str] | None:
    """Return the number and text of an error of PyMySQL; None for other drivers, whose errors have text only."""
    arguments: tuple[object, ...] = error.orig.args if error.orig is not None else ()
    if len(arguments) != _NUMBER_AND_WORDS or not isinstance(arguments[0], int):
        return None
    return arguments[0], str(arguments[1])


def _detail(error: DBAPIError, url: URL) -> str:
    """Return the driver's own first line, without secrets."""
    text = first_line(error)
    for secret in _secrets(url):
        text = text.replace(secret, "***")
    return text


def _cannot_open(url: URL) -> DatabaseUnreachableError:
    path = Path(url.database or "")
    if is_folder(path):
        return DatabaseUnreachableError(f"{path} is a folder, not a database", hint="name a file in it")
    if not is_folder(path.parent):
        return DatabaseUnreachableError(
            f"the database {path} cannot be created: there is no folder {path.parent}",
            hint="create the folder, or name another file with --database-url",
        )
    return DatabaseUnreachableError(
        f"the database {path} cannot be opened",
        hint=f"check the permissions of the file and of the folder {path.parent}, or name another with --database-url",
    )


def _sqlite_failure(error: DBAPIError, url: URL) -> TurkctlError | None:
    text = str(error.orig).lower()
    if "unable to open database file" in text:
        return _cannot_open(url)
    if "no such table" in text:
        return _no_table(error, url)
    for fragment, says, hint in _SQLITE:
        if fragment in text:
            return DatabaseUnreachableError(f"the database {url.database} {says}", hint=hint)
    return None


def _no_table(error: DBAPIError, url: URL) -> SchemaError:
    return SchemaError(f"the database {masked(url)} lacks a table: {first_line(error)}", hint="run: turkctl db upgrade")


def _server_failure(error: DBAPIError, url: URL) -> TurkctlError | None:
    numbered = _numbered(error)
    state = getattr(error.orig, "sqlstate", None) if numbered is None else _MYSQL.get(numbered[0])
    if state == _UNDEFINED_TABLE:
        return _no_table(error, url)
    detail = _detail(error, url)
    if state in _SERVER:
        says, hint = _SERVER[state]
        return DatabaseUnreachableError(f"the database {masked(url)} {says}: {detail}", hint=hint)
    if not isinstance(error, OperationalError) and not error.connection_invalidated:
        return None
    return DatabaseUnreachableError(
        f"the database {masked(url)} cannot be reached: {detail}",
        hint="check that the server runs, and the address, user and password in the URL of the database",
    )


def translated(error: SQLAlchemyError, url: URL) -> TurkctlError | None:
    """Return the error to show for what the driver raised; None if the fault is in turkctl, not in the database."""
    if isinstance(error, PoolTimeoutError):
        return DatabaseUnreachableError(
            f"all connections to {masked(url)} are in use", hint="run fewer commands at once and try again"
        )
    if not isinstance(error, DBAPIError):
        return None
    if url.get_backend_name() == "sqlite":
        return _sqlite_failure(error, url)
    return _server_failure(error, url)


def missing_driver(error: ImportError | NoSuchModuleError, url: URL) -> DatabaseUnreachableError:
    """Return the error for an address whose driver is not installed."""
    backend = url.get_backend_name()
    hint = _EXTRAS.get(backend, f"install a driver for {backend}, or use SQLite or PostgreSQL")
    name = getattr(error, "name", None) or url.drivername
    return DatabaseUnreachableError(f"no driver for {masked(url)} is installed ({name})", hint=hint)
