"""Keeping out workers who took part already: a qualification of the experiment's own, required absent on new HITs.

Granted silently to everybody with a submission. Between a submission and the grant a worker can still take another
HIT: prevention is best effort, counting each person once is the guarantee.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from turkctl.errors import RefusedError, TurkctlError
from turkctl.mturk.errors import DoesNotExistError, MarketRefusedError, NameTakenError
from turkctl.mturk.types import QualificationType
from turkctl.operations.plan import Done, Plan, Step
from turkctl.operations.world import World
from turkctl.store import meta, qualifications
from turkctl.store.experiments import Version
from turkctl.store.qualifications import MadeType

NAME_ID = 12
"""Characters of the database's id in a type's name: two databases of one account have types of their own."""


def ensure_type(world: World, version: Version, now: datetime) -> str:
    """The id of the experiment's qualification type on this market, which is made at the first call.

    Raises:
        RefusedError: the type was made by a request whose answer got lost, and the market does not list it yet.
    """
    with world.database.read() as session:
        known = qualifications.find(session, world.place, version.experiment_id)
        name = f"turkctl: took part in {version.slug} ({meta.database_id(session)[:NAME_ID]})"
    if known is not None:
        return known.type_id
    made = _make(world, name, version)
    with world.database.write() as session:
        qualifications.remember(
            session,
            MadeType(
                mode=world.place.mode,
                market=world.place.market,
                experiment_id=version.experiment_id,
                purpose=qualifications.TOOK_PART,
                type_id=made.type_id,
                name=name,
                created=now,
            ),
        )
    return made.type_id


def _make(world: World, name: str, version: Version) -> QualificationType:
    engine, mturk = world.engine(), world.mturk
    description = f"Took part in: {version.settings['title']}"
    try:
        return engine.call(lambda: mturk.create_qualification_type(name, description))
    except NameTakenError:
        found = engine.call(lambda: mturk.find_qualification_type(name))
    if found is None:
        raise RefusedError(
            f"the market has a qualification type '{name}' and does not list it yet", hint="try again in a minute"
        )
    return found


def grant_new(world: World, experiment_id: int, now: datetime) -> int:
    """Grant the experiment's qualification to workers who have submitted since the last time; how many got it.

    Does nothing while the experiment has no type (see :func:`ensure_type`). A worker whom the market refuses for good
    is remembered, with the market's code, and not tried again.

    Raises:
        UnreachableError: the market is out of reach.
    """
    with world.database.read() as session:
        made = qualifications.find(session, world.place, experiment_id)
        workers = [] if made is None else qualifications.without_grant(session, made)
    if made is None or not workers:
        return 0
    plan = Plan("grant", world.place.mode, tuple(Step(worker, worker) for worker in workers))
    return world.engine().apply(plan, _Grants(world, made, now)).succeeded


class _Grants:
    """Grants one type to workers. Twice does no harm."""

    def __init__(self, world: World, made: MadeType, now: datetime) -> None:
        self._world = world
        self._made = made
        self._now = now

    def prepare(self, steps: Sequence[Step[str]]) -> None:
        """Nothing."""

    def perform(self, step: Step[str]) -> Done:
        """Ask the market; the worker is not told."""
        self._world.mturk.grant(self._made.type_id, step.payload, notify=False)
        return Done("granted")

    def record(self, outcomes: Sequence[tuple[Step[str], Done | TurkctlError]]) -> None:
        """Remember who has it, and whom the market will not give it."""
        ended: list[tuple[str, str | None]] = []
        with self._world.database.write() as session:
            for step, outcome in outcomes:
                if isinstance(outcome, Done):
                    ended.append((step.payload, None))
                elif isinstance(outcome, DoesNotExistError):
                    qualifications.forget(session, self._made.type_id, self._world.place)
                    return
                elif isinstance(outcome, MarketRefusedError) and not outcome.retryable:
                    ended.append((step.payload, outcome.code))
            qualifications.record_grants(session, self._made, ended, self._now)
