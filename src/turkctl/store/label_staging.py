"""Stage all labels of an input in a file, to write them to the database part by part."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice

from turkctl.store.label_votes import Vote
from turkctl.store.staging import staging_file

PART = 10_000
"""Number of labels written in one transaction, well below a second."""


class LabelStage:
    """Labels on disk, the last one of each worker on each item: memory use stays constant."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.given = 0
        """Number of labels put in, repeated ones included."""

    def fill(self, votes: Iterator[Vote]) -> None:
        """Put labels in; a later one replaces the one before."""
        statement = "INSERT OR REPLACE INTO stage (item, worker, value) VALUES (?, ?, ?)"
        while part := list(islice(votes, PART)):
            self._connection.executemany(statement, part)
            self.given += len(part)

    def drop_values(self, counts: Mapping[str, int]) -> None:
        """Remove the labels with these values, of which so many were put in, as if they had never been."""
        self._connection.executemany("DELETE FROM stage WHERE value = ?", [(value,) for value in counts])
        self.given -= sum(counts.values())

    @property
    def kept(self) -> int:
        """Return the number of labels with different items and workers."""
        return int(self._connection.execute("SELECT count(*) FROM stage").fetchone()[0])

    def drop_known(self, stored: Iterator[Vote]) -> int:
        """Remove labels that are already stored; return how many of the others are stored with another value."""
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
        """Yield all labels, sorted, in parts."""
        cursor = self._connection.execute("SELECT item, worker, value FROM stage ORDER BY item, worker")
        while rows := cursor.fetchmany(PART):
            yield [Vote(*row) for row in rows]


@contextmanager
def staging() -> Iterator[LabelStage]:
    """Yield a stage that is deleted afterwards."""
    table = "CREATE TABLE stage (item TEXT, worker TEXT, value TEXT, PRIMARY KEY (item, worker)) WITHOUT ROWID"
    with staging_file(table) as connection:
        yield LabelStage(connection)
