"""Tell the workers whom a command names from ids that can be nobody's."""

from __future__ import annotations

from collections.abc import Iterable

from turkctl.errors import NotFoundError
from turkctl.ids import can_be_worker, quoted
from turkctl.operations.engine.plan import ItemResult, fail


def named_workers(ids: Iterable[tuple[str, int | None]]) -> tuple[dict[str, int | None], tuple[ItemResult, ...]]:
    """Return the workers that are named, each once with its row, and a failed item for each id that can be nobody's.

    Args:
        ids: each with the row of the file that has it; None on the command line.
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
