"""Compile each SQL statement once for all SQLite databases of a test process.

SQLAlchemy keeps what it compiled for each engine apart, and every test has a database of its own, so a quarter of
the tests' time went into compiling the same statements again. The text of a statement depends on the dialect's
kind and settings alone, not on the file behind it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

_STATEMENTS = 5000
_compiled: LRUCache[Any, Any] = LRUCache(_STATEMENTS)
_make_engine = Engine.__init__


class _AnyFile(SQLiteDialect_pysqlite):
    """Methods of SQLite's dialect by which all its instances are one key of the shared statements."""

    def __hash__(self) -> int:
        return hash(SQLiteDialect_pysqlite)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SQLiteDialect_pysqlite)


def _make_sharing_engine(self: Engine, *args: Any, **options: Any) -> None:
    _make_engine(self, *args, **options)
    if isinstance(self.dialect, SQLiteDialect_pysqlite):
        self._compiled_cache = _compiled


def share() -> None:
    """Let all engines of SQLite that are made from now on share their compiled statements."""
    SQLiteDialect_pysqlite.__hash__ = _AnyFile.__hash__  # type: ignore[method-assign]  # for the tests alone
    SQLiteDialect_pysqlite.__eq__ = _AnyFile.__eq__  # type: ignore[method-assign]  # for the tests alone
    Engine.__init__ = _make_sharing_engine  # type: ignore[method-assign]  # for the tests alone
