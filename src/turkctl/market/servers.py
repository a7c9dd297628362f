"""Remember which processes serve the market, so that nobody moves it meanwhile.

Each says every few seconds that it is there. One that was killed counts for a minute more.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from turkctl.market import tables
from turkctl.market.flushes import Wait

if TYPE_CHECKING:
    from turkctl.market.state import MarketDatabase

EVERY = 20.0
"""Seconds between the signs of life of a process."""
LASTS = 60.0
"""Seconds for which one holds."""


class MarketPresence:
    """Says that this process serves the market."""

    def __init__(self, database: MarketDatabase, clock: Callable[[], float] = time.time) -> None:
        """Prepare; nothing is said yet.

        Args:
            database: of the market.
            clock: epoch seconds of the machine.
        """
        self._database = database
        self._clock = clock
        self._id = secrets.token_hex(16)
        self._said: float | None = None

    def begin(self) -> None:
        """Say that this process serves the market.

        Raises:
            MarkedError: the market was moved, or is a copy that does not act.
        """
        with self._database.write(Wait.NEVER) as connection:
            self._database.refuse_marked(connection)
            connection.execute(tables.server.delete().where(tables.server.c.seen_at < self._oldest()))
            row = {"id": self._id, "host": socket.gethostname()[:255], "pid": os.getpid(), "seen_at": self._ms()}
            connection.execute(tables.server.insert(), row)
        self._said = self._clock()

    def go_on(self) -> None:
        """Say so again if it is time, or for the first time if that failed.

        Raises:
            MarkedError: the market was moved.
        """
        now = self._clock()
        if self._said is None:
            self.begin()
        if self._said is None or 0 <= now - self._said < EVERY:
            return
        mine = tables.server.c.id == self._id
        with self._database.write(Wait.NEVER) as connection:
            self._database.refuse_marked(connection)
            connection.execute(tables.server.update().where(mine).values(seen_at=self._ms()))
        self._said = now

    def end(self) -> None:
        """Say that this process serves it no more."""
        if self._said is None:
            return
        self._said = None
        with self._database.write(Wait.NEVER) as connection:
            connection.execute(tables.server.delete().where(tables.server.c.id == self._id))

    def _ms(self) -> int:
        return int(self._clock() * 1000)

    def _oldest(self) -> int:
        return int((self._clock() - LASTS) * 1000)


def alive(connection: Connection, clock: Callable[[], float] = time.time) -> list[tuple[str, int]]:
    """Return host and pid of the processes that serve the market."""
    there = tables.server.c
    oldest = int((clock() - LASTS) * 1000)
    rows = connection.execute(select(there.host, there.pid).where(there.seen_at >= oldest))
    return [(row.host, row.pid) for row in rows]
