"""What the study and the market say of themselves, so that they can be copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection

from turkctl.copying.marks import MoveMark
from turkctl.copying.tables import CopiedTable


class Contents(Protocol):
    """A study, or a market, in whatever database. A connection is to the one that is asked about."""

    @property
    def what(self) -> str:
        """Return what it is, as in ``the study``."""

    @property
    def setting(self) -> str:
        """Return the setting that names its database."""

    def identity(self, connection: Connection) -> str | None:
        """Return the random id that was made with it, which its copies share; None if it is not there."""

    def is_empty(self, connection: Connection) -> bool:
        """Return whether it has no row that somebody would miss: facts about the database itself are none."""

    def owns(self, table: str) -> bool:
        """Return whether a table in an otherwise empty database is its own."""

    def tables(self, connection: Connection, dialect: str) -> Sequence[CopiedTable]:
        """Return the tables that are copied to a database of a dialect, each after those that it refers to."""

    def left_out(self, tables: Sequence[str]) -> Sequence[str]:
        """Return those of a database's tables that stay behind, and that somebody may look for."""

    def at_work(self, connection: Connection) -> Sequence[Mapping[str, Any]]:
        """Return the processes at work with it: what each ``does`` in words, its ``host``, ``pid`` and so on."""

    def mark(self, connection: Connection) -> MoveMark | None:
        """Return its mark."""

    def set_mark(self, connection: Connection, mark: MoveMark) -> None:
        """Give it a mark, in the connection's transaction."""
