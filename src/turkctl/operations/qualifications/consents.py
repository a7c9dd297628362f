"""Read from the market who agreed to the consent of an experiment, and when."""

from __future__ import annotations

from collections.abc import Iterable

from turkctl.mturk.errors import DoesNotExistError
from turkctl.operations.engine.world import World
from turkctl.store import consents


def read_consents(world: World, experiment_ids: Iterable[int]) -> None:
    """Store new consents of these experiments.

    The market is asked only about a consent under which work is stored of somebody whose agreement is not.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    for experiment_id in experiment_ids:
        with world.database.read() as session:
            wanted = consents.unread(session, world.place, experiment_id)
        for made in wanted:
            type_id = made.type_id
            try:
                held = world.engine().call(lambda: list(world.mturk.holders(type_id)))  # noqa: B023  called at once
            except DoesNotExistError:  # the market dropped it
                continue
            agreed = [(each.worker_id, each.granted) for each in held if each.granted is not None]
            with world.database.write() as session:
                consents.record(session, made, agreed)
