"""Compile each SQL statement once for all SQLite databases of a test process, and what it shows for all sites.

SQLAlchemy keeps what it compiled for each engine apart, and every test has a database of its own, so a quarter of
the tests' time went into compiling the same statements again. The text of a statement depends on the dialect's
kind and settings alone, and on the columns that the participants table lacks, not on the file behind it. Jinja keeps
its templates for each application apart likewise, and Werkzeug compiles two functions for every address of each.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

_STATEMENTS = 5000
_compiled: LRUCache[Any, Any] = LRUCache(_STATEMENTS)
_make_engine = Engine.__init__
_make_pages = Flask.create_jinja_environment
_builders: dict[Any, Any] = {}
_compile_builder = Rule._compile_builder


class _AnyFile(SQLiteDialect_pysqlite):
    """Methods of SQLite's dialect by which instances that compile alike are one key of the shared statements."""

    def __hash__(self) -> int:
        return hash(_lacks(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SQLiteDialect_pysqlite) and _lacks(self) == _lacks(other)


def _lacks(dialect: SQLiteDialect_pysqlite) -> str:
    """What stands for columns that the participants table lacks."""
    lacks = getattr(dialect, "turkctl_absent_columns", {})
    return repr({table: values for table, values in lacks.items() if values})


def _make_sharing_engine(self: Engine, *args: Any, **options: Any) -> None:
    _make_engine(self, *args, **options)
    if isinstance(self.dialect, SQLiteDialect_pysqlite):
        self._compiled_cache = _compiled


class _CompiledPages(BytecodeCache):
    """Templates by the name of their file and what is written in it."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template what was compiled before."""
        bucket.code = self.kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self.kept[bucket.key, bucket.checksum] = bucket.code


_pages = _CompiledPages()


def _make_sharing_pages(self: Flask) -> Any:
    made = _make_pages(self)
    made.bytecode_cache = _pages
    return made


def _compile_builder_once(self: Rule, append_unknown: bool = True) -> Any:
    if self.defaults:  # they are written into the function
        return _compile_builder(self, append_unknown)
    key = self.rule, tuple(self._trace), append_unknown
    if key not in _builders:
        _builders[key] = _compile_builder(self, append_unknown)
    return _builders[key]


def share() -> None:
    """Let all engines of SQLite and all sites that are made from now on share what was compiled."""
    SQLiteDialect_pysqlite.__hash__ = _AnyFile.__hash__  # type: ignore[method-assign]  # for the tests alone
    SQLiteDialect_pysqlite.__eq__ = _AnyFile.__eq__  # type: ignore[method-assign]  # for the tests alone
    Engine.__init__ = _make_sharing_engine  # type: ignore[method-assign]  # for the tests alone
    Flask.create_jinja_environment = _make_sharing_pages  # type: ignore[method-assign]  # for the tests alone
    Rule._compile_builder = _compile_builder_once  # type: ignore[method-assign]  # for the tests alone
