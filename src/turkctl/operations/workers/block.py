"""Block and unblock workers of the account; repeating either does no harm (``workers block``, ``unblock``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from turkctl.operations.engine.named import named_workers
from turkctl.operations.engine.plan import Act, Done, ItemResult, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.selection.file_rows import mangled_ids, read_people

NO_REASON = "blocked by the requester"
"""The reason sent if none is given; the market requires one, and only the requester sees it."""


Reasons = Mapping[str, str | None]
"""Workers, each with the reason for blocking or unblocking them."""


def prepare_block(
    world: World, worker_ids: Sequence[str], reason: str | None, *, unblock: bool = False
) -> tuple[Plan[str | None], Block]:
    """Return the plan for these workers, and the act."""
    workers, failed = named_workers((worker_id, None) for worker_id in worker_ids)
    return _plan(world, dict.fromkeys(workers, reason), workers, failed, unblock=unblock)


def prepare_block_file(
    world: World, file: Path, stdin: TextIO, reason: str | None, *, unblock: bool = False
) -> tuple[Plan[str | None], Block]:
    """Return the plan for the workers of a file, each with the reason in its row or ``reason``, and the act.

    Raises:
        UsageError: the file cannot be read, or gives a worker two reasons; nothing is done.
    """
    people = read_people(world, file, stdin, "reason")
    workers, failed = named_workers((row.id, row.row) for row in people.rows)
    reasons: dict[str, str | None] = {row.id: row.texts["reason"] or reason for row in people.once("reason")}
    left = (*failed, *people.nameless)
    plan, act = _plan(world, {worker: reasons[worker] for worker in workers}, workers, left, unblock=unblock)
    return replace(plan, notes=mangled_ids(people.rows)), act


def _plan(
    world: World, reasons: Reasons, rows: Mapping[str, int | None], failed: tuple[ItemResult, ...], *, unblock: bool
) -> tuple[Plan[str | None], Block]:
    steps = tuple(Step(worker, reason, detail=reason, row=rows[worker]) for worker, reason in reasons.items())
    action = "unblock" if unblock else "block"
    return Plan(action, world.place.mode, steps, failed), Block(world, unblock=unblock)


class Block(Act[str | None]):
    """Blocks or unblocks each worker; the payload of a step is its reason."""

    def __init__(self, world: World, *, unblock: bool) -> None:
        self._mturk = world.mturk
        self._unblock = unblock

    def perform(self, step: Step[str | None]) -> Done:
        """Ask the market to block or unblock the worker."""
        if self._unblock:
            self._mturk.unblock(step.id, step.payload)
            return Done("unblocked")
        self._mturk.block(step.id, step.payload or NO_REASON)
        return Done("blocked")
