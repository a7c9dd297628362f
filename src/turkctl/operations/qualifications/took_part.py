"""Keep out workers who already took part, with a qualification of the experiment that new HITs exclude.

It is granted, without a message, to everybody with a submission. Between a submission and the grant a worker can still
accept another HIT: keeping people out is best effort; the guarantee is that each person is counted only once. On
turkctl's own market :mod:`turkctl.operations.qualifications.gate` closes that gap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session

from turkctl.errors import RefusedError, TurkctlError
from turkctl.mturk.errors import DoesNotExistError, MarketRefusedError, NameTakenError
from turkctl.mturk.types import QualificationType
from turkctl.operations.engine.plan import Act, Done, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.people import claims_unknown_hits
from turkctl.store import experiments, meta, participants, people, qualifications
from turkctl.store.experiments import Version
from turkctl.store.qualifications import MadeType

NAME_ID = 12
"""Number of characters of the database's id in a type's name, so that databases of one account do not share types."""


def ensure_type(world: World, version: Version, now: datetime) -> str:
    """Return the id of the experiment's qualification type on this market; the first call creates it.

    Raises:
        RefusedError: the type was created by a request whose answer got lost, and the market does not list it yet.
    """
    with world.database.read() as session:
        known = qualifications.find(session, world.place, version.experiment_id)
        name = f"turkctl: took part in {version.slug} ({meta.database_id(session)[:NAME_ID]})"
    if known is not None:
        return known.type_id
    made = make_type(world, name, f"Took part in: {version.settings['title']}")
    remember_type(world, version, qualifications.TOOK_PART, made.type_id, name, now)
    return made.type_id


def remember_type(world: World, version: Version, purpose: str, type_id: str, name: str, now: datetime) -> None:
    """Store which type the market has for this purpose of the experiment."""
    made = MadeType(
        mode=world.place.mode,
        market=world.place.market,
        experiment_id=version.experiment_id,
        purpose=purpose,
        type_id=type_id,
        name=name,
        created=now,
    )
    with world.database.write() as session:
        qualifications.remember(session, made)


def make_type(world: World, name: str, description: str, keywords: Sequence[str] = ()) -> QualificationType:
    """Create a type, or find the one that an earlier request without an answer created.

    Raises:
        RefusedError: the market does not list that one yet.
    """
    return find_or_create(
        world, name, lambda: world.mturk.create_qualification_type(name, description, keywords=keywords)
    )


def find_or_create(world: World, name: str, create: Callable[[], QualificationType]) -> QualificationType:
    """Create a type as ``create`` says, or find the one of that name.

    Raises:
        RefusedError: see :func:`make_type`.
    """
    engine, mturk = world.engine(), world.mturk
    try:
        return engine.call(create)
    except NameTakenError:
        found = engine.call(lambda: mturk.find_qualification_type(name))
    if found is None:
        raise RefusedError(
            f"the market has a qualification type '{name}' but does not list it yet", hint="try again in a minute"
        )
    return found


def grant_new(
    world: World,
    experiment_id: int,
    now: datetime,
    *,
    purpose: str = qualifications.TOOK_PART,
    within: bool = False,
) -> int:
    """Grant the experiment's qualification to people who took part and lack it; return how many got it.

    They are the workers with a submission on our HITs, and those of complete participants who count for the experiment
    although their HIT is unknown (posted by a psiTurk server).

    With ``purpose`` it is another of its types; ``within`` another act, whose line of the log tells of it.

    Do nothing while the experiment has no type (see :func:`ensure_type`). A worker whom the market refuses for good is
    stored with the market's code, and not tried again.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    with world.database.read() as session:
        made = qualifications.find(session, world.place, experiment_id, purpose)
        workers = [] if made is None else _new_workers(session, world, made)
        if made is not None:
            workers = list(dict.fromkeys([*workers, *qualifications.granted_before(session, made)]))
    if made is None or not workers:
        return 0
    plan = Plan("grant", world.place.mode, tuple(Step(worker, worker) for worker in workers))
    engine = world.engine(journal=lambda _plan: None) if within else world.engine()
    return engine.apply(plan, _Grants(world, made, now)).succeeded


def _new_workers(session: Session, world: World, made: MadeType) -> list[str]:
    """Return who took part and has no grant, by our own HITs and by participants' rows of the experiment."""
    found = qualifications.without_grant(session, made)
    version = experiments.current(session, made.experiment_id)
    table = world.settings["participants_table"]
    if not participants.exists(session, table):
        return found
    if not claims_unknown_hits(session, made.experiment_id, version.code_version):
        return found
    others = people.workers_of_unknown_hits(session, world.place, table, version.code_version)
    return list(dict.fromkeys([*found, *qualifications.ungranted(session, made, others)]))


class _Grants(Act[str]):
    """Grants one type to workers; repeating a grant does no harm."""

    def __init__(self, world: World, made: MadeType, now: datetime) -> None:
        self._world = world
        self._made = made
        self._now = now

    def perform(self, step: Step[str]) -> Done:
        """Ask the market to grant it; the worker gets no message."""
        self._world.mturk.grant(self._made.type_id, step.payload, notify=False)
        return Done("granted")

    def record(self, outcomes: Sequence[tuple[Step[str], Done | TurkctlError]]) -> None:
        """Store who holds the type, and whom the market refuses it."""
        ended: list[tuple[str, str | None]] = []
        with self._world.database.write() as session:
            for step, outcome in outcomes:
                if isinstance(outcome, Done):
                    ended.append((step.payload, None))
                elif isinstance(outcome, DoesNotExistError) and "QualificationType" in f"{outcome.code} {outcome}":
                    qualifications.forget(session, self._made.type_id, self._world.place)
                    return
                elif isinstance(outcome, MarketRefusedError) and not outcome.retryable:
                    ended.append((step.payload, outcome.code))
            qualifications.record_grants(session, self._made, ended, self._now)
