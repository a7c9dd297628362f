"""Block and unblock workers of the account; repeating either does no harm (``workers block``, ``unblock``)."""

from __future__ import annotations

from collections.abc import Sequence

from turkctl.operations.engine.named import named_workers
from turkctl.operations.engine.plan import Act, Done, Plan, Step
from turkctl.operations.engine.world import World

NO_REASON = "blocked by the requester"
"""The reason sent if none is given; the market requires one, and only the requester sees it."""


def prepare_block(
    world: World, worker_ids: Sequence[str], reason: str | None, *, unblock: bool = False
) -> tuple[Plan[str], Block]:
    """Return the plan for these workers, and the act."""
    workers, failed = named_workers((worker_id, None) for worker_id in worker_ids)
    steps = tuple(Step(worker_id, worker_id, detail=reason) for worker_id in workers)
    action = "unblock" if unblock else "block"
    return Plan(action, world.place.mode, steps, failed), Block(world, reason, unblock=unblock)


class Block(Act[str]):
    """Blocks or unblocks each worker."""

    def __init__(self, world: World, reason: str | None, *, unblock: bool) -> None:
        self._mturk = world.mturk
        self._reason = reason
        self._unblock = unblock

    def perform(self, step: Step[str]) -> Done:
        """Ask the market to block or unblock the worker."""
        if self._unblock:
            self._mturk.unblock(step.payload, self._reason)
            return Done("unblocked")
        self._mturk.block(step.payload, self._reason or NO_REASON)
        return Done("blocked")
