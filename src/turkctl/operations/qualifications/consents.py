"""Read from the market who agreed to the consent of an experiment, and when."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from turkctl.mturk.errors import DoesNotExistError
from turkctl.mturk.types import Qualification
from turkctl.operations.engine.world import World
from turkctl.store import consents


def read_consents(world: World, experiment_ids: Iterable[int]) -> None:
    """Store new consents of these experiments.

    The market is asked only about a consent under which work is stored of somebody whose agreement is not.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    with world.database.read() as session:
        known = experiment_ids if consents.are_there(session) else ()
        wanted = [each for number in known for each in consents.unread(session, world.place, number)]
    for made in wanted:
        try:
            held = world.engine().call(partial(_holders, world, made.type_id))
        except DoesNotExistError:  # the market dropped it
            continue
        agreed = [(each.worker_id, each.granted) for each in held if each.granted is not None]
        with world.database.write() as session:
            consents.record(session, made, agreed)


def _holders(world: World, type_id: str) -> list[Qualification]:
    return list(world.mturk.holders(type_id))
