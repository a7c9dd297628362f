"""Say what of a database belongs to the market, so that it can be copied to another one; keep the mark of a move."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, inspect, select

from turkctl.copying import marks
from turkctl.copying.marks import MoveMark
from turkctl.copying.tables import CopiedTable, has_no_rows
from turkctl.market import servers, tables

WHAT, SETTING = "the market", "market_url"
_PREFIX = "market_"


class MarketContents:
    """A market as it is copied, with its people, HITs, answers and money; not the processes that serve it."""

    what = WHAT
    setting = SETTING

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Prepare; ``clock`` returns epoch seconds of the machine."""
        self._clock = clock

    def identity(self, connection: Connection) -> str | None:
        """Return the random id of the market; None if there is none."""
        if not inspect(connection).has_table(tables.meta.name):
            return None
        found: str | None = connection.execute(select(tables.meta.c.identity)).scalar()
        return found

    def is_empty(self, connection: Connection) -> bool:
        """Return whether the market has no row that somebody would miss: it is made with the API's own types."""
        made = {tables.meta.name, tables.server.name, tables.qualification_type.name}
        return has_no_rows(connection, [name for name in tables.metadata.tables if name not in made])

    def owns(self, table: str) -> bool:
        """Return whether a table is the market's."""
        return table.startswith(_PREFIX)

    def tables(self, connection: Connection, dialect: str) -> Sequence[CopiedTable]:  # noqa: ARG002  as for the study
        """Return all tables with what lasts."""
        tables.add_partial_index()
        cleared = {tables.meta.name: frozenset({tables.meta.c.mark.name})}
        return [
            CopiedTable(table, cleared=cleared.get(table.name, frozenset()), filled=table is not tables.server)
            for table in tables.metadata.sorted_tables
        ]

    def left_out(self, tables: Sequence[str]) -> Sequence[str]:  # noqa: ARG002  as for the study
        """Return none: the study says what else is in a database that they share."""
        return ()

    def at_work(self, connection: Connection) -> Sequence[Mapping[str, Any]]:
        """Return the processes that serve the market."""
        found = servers.alive(connection, self._clock)
        return [{"does": "turkctl market serve", "host": host, "pid": pid} for host, pid in found]

    def mark(self, connection: Connection) -> MoveMark | None:
        """Return the market's mark."""
        return marks.read(connection.execute(select(tables.meta.c.mark)).scalar())

    def set_mark(self, connection: Connection, mark: MoveMark) -> None:
        """Give the market a mark, in the connection's transaction."""
        connection.execute(tables.meta.update().values(mark=mark.text()))
