"""Separate the workers that a command names from ids that are invalid."""

from __future__ import annotations

from collections.abc import Iterable

from turkctl.errors import NotFoundError
from turkctl.ids import can_be_worker, quoted
from turkctl.operations.engine.plan import ItemResult, fail

WORKER_COLUMNS = ("worker_id", "worker", "own_id", "id")
"""Names of a file's column of workers; the first that the table has is used."""


def named_workers(ids: Iterable[tuple[str, int | None]]) -> tuple[dict[str, int | None], tuple[ItemResult, ...]]:
    """Return the distinct workers with their rows, and a failed item for each invalid worker id.

    Args:
        ids: worker ids, each with its row in the file; None for ids from the command line.
    """
    workers: dict[str, int | None] = {}
    failed: dict[str, ItemResult] = {}
    for worker, row in ids:
        if can_be_worker(worker):
            workers.setdefault(worker, row)
        else:
            error = NotFoundError(f"{quoted(worker)} is not a worker id", hint="see: turkctl workers list")
            failed.setdefault(worker, fail(worker, error, row))
    return workers, tuple(failed.values())
