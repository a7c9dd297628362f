"""Labels as they come in: staged whole in a file of its own, then put into the database part by part."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from turkctl.store.label_votes import Vote
from turkctl.store.staging import staging_file

PART = 10_000
"""Labels that are put into the database in one transaction, well below a second."""


class LabelStage:
    """Labels on disk, the last one of each worker on each item: memory stays the same however many there are."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.given = 0
        """Labels put in, repeated ones included."""

    def fill(self, votes: Iterator[Vote]) -> None:
        """Put labels in; a later one replaces the one before."""
        statement = "INSERT OR REPLACE INTO stage (item, worker, value) VALUES (?, ?, ?)"
        while part := list(islice(votes, PART)):
            self._connection.executemany(statement, part)
            self.given += len(part)

    @property
    def kept(self) -> int:
        """Labels of different items and workers."""
        return int(self._connection.execute("SELECT count(*) FROM stage").fetchone()[0])

    def drop_known(self, stored: Iterator[Vote]) -> int:
        """Take out what is stored as it is; how many of the others are stored with another value."""
        changed, run = 0, self._connection.execute
        for vote in stored:
            here = run("SELECT value FROM stage WHERE item = ? AND worker = ?", vote[:2]).fetchone()
            if here is None:
                continue
            if here[0] == vote.value:
                run("DELETE FROM stage WHERE item = ? AND worker = ?", vote[:2])
            else:
                changed += 1
        return changed

    def parts(self) -> Iterator[list[Vote]]:
        """All of them, sorted, so many at a time."""
        cursor = self._connection.execute("SELECT item, worker, value FROM stage ORDER BY item, worker")
        while rows := cursor.fetchmany(PART):
            yield [Vote(*row) for row in rows]


@contextmanager
def staging() -> Iterator[LabelStage]:
    """A stage that is gone afterwards."""
    table = "CREATE TABLE stage (item TEXT, worker TEXT, value TEXT, PRIMARY KEY (item, worker)) WITHOUT ROWID"
    with staging_file(table) as connection:
        yield LabelStage(connection)
