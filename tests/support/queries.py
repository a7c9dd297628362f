"""The statements that a block of a test has a database run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from turkctl.store.engine import Database


class Queries(list[tuple[str, str]]):
    """Statements with their values, in the order in which they were run."""

    @property
    def repeated(self) -> list[tuple[str, str]]:
        """Statements that were run again with the same values."""
        return [each for each in dict.fromkeys(self) if self.count(each) > 1]

    def reading(self, table: str) -> list[str]:
        """Statements that read a table in the first place, and not within another."""
        first = [(statement, " ".join(statement.split()).partition(" FROM ")[2]) for statement, _ in self]
        return [statement for statement, source in first if source.startswith(f"{table} ")]


@contextmanager
def counted(database: Database) -> Iterator[Queries]:
    """Gather what is asked of the database in the block."""
    seen = Queries()

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        seen.append((statement, str(values)))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
