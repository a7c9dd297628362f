"""Look up archived items by the columns of their tables, as they came. Safe for many threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from turkctl.archive.folder import ArchiveDatabase, opened_archive
from turkctl.archive.shapes import KINDS

Item = dict[str, Any]
_COLUMNS = {kind.table: frozenset(kind.names) for kind in KINDS}


class ArchivedItems:
    """The items of one archive."""

    def __init__(self, folder: Path) -> None:
        """Check that there is an archive.

        Raises:
            NotFoundError, SchemaError, UsageError: see :func:`turkctl.archive.folder.opened_archive`.
        """
        with opened_archive(folder):
            self._folder = folder
        self._own = threading.local()
        self._opened: list[ArchiveDatabase] = []

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._opened:
            self._opened.pop().close()

    @property
    def _database(self) -> ArchiveDatabase:
        found: ArchiveDatabase | None = getattr(self._own, "database", None)
        if found is None:
            found = self._own.database = ArchiveDatabase(self._folder, writable=False)
            self._opened.append(found)
        return found

    def one(self, table: str, **equal: Any) -> Item | None:
        """Return the item whose columns have these values; the newest if there are several."""
        where, values = _where(table, equal)
        order = " ORDER BY rowid DESC LIMIT 1"
        body = self._database.one(f"SELECT body FROM {table}{where}{order}", values)  # noqa: S608  # names are ours
        return None if body is None else json.loads(body)

    def page(
        self, table: str, first: int, most: int, *, latest_expiration_first: bool = False, **equal: Any
    ) -> list[tuple[Item, Mapping[str, Any]]]:
        """Return items with their columns, in the order in which the market listed them.

        Args:
            table: where they are.
            first: how many are left out before.
            most: how many are returned at most.
            latest_expiration_first: in that order instead.
            equal: values of columns, or lists of possible values.
        """
        where, values = _where(table, equal)
        order = "expires DESC, rowid DESC" if latest_expiration_first else "rowid"
        rows = self._database.all(
            f"SELECT * FROM {table}{where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608  # names are ours
            [*values, most, first],
        )
        return [(json.loads(row["body"]), dict(row)) for row in rows]

    def requiring(self, type_id: str, first: int, most: int) -> list[Item]:
        """Return HITs that require a qualification."""
        rows = self._database.all(
            "SELECT body FROM hits WHERE EXISTS (SELECT 1 FROM json_each(body, '$.QualificationRequirements') needed"
            " WHERE json_extract(needed.value, '$.QualificationTypeId') = ?) ORDER BY rowid LIMIT ? OFFSET ?",
            (type_id, most, first),
        )
        return [json.loads(row["body"]) for row in rows]

    def types(self, *, own: bool) -> list[Item]:
        """Return qualification types as the market listed them, with those of others that HITs require if asked."""
        rows = self._database.all("SELECT body FROM qualification_types ORDER BY rowid")
        if not own:
            rows += self._database.all(
                "SELECT body FROM qualification_type_details WHERE type_id NOT IN"
                " (SELECT type_id FROM qualification_types) ORDER BY type_id"
            )
        return [json.loads(row["body"]) for row in rows]


def _where(table: str, equal: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
    tests: list[str] = []
    values: list[Any] = []
    for name, value in equal.items():
        if name not in _COLUMNS[table]:
            raise ValueError(f"{table} has no column {name}")
        several = value if isinstance(value, list | tuple) else [value]
        tests.append(f"{name} IN ({', '.join('?' * len(several))})")
        values += several
    return (f" WHERE {' AND '.join(tests)}" if tests else "", values)
