"""Delete qualification types, named by the user or those of an experiment that ends (``qualifications delete``).

A type is kept while something needs it: an experiment whose HITs ask for it, one whose participants it keeps out of
another, or HITs that were posted with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlmodel import Session

from turkctl.errors import NotFoundError, RefusedError, TurkctlError
from turkctl.mturk.errors import DoesNotExistError
from turkctl.mturk.requirements import to_api
from turkctl.operations.engine.plan import ALREADY_DONE, Act, Done, ItemResult, Plan, Step, fail, skip
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.experiments.study_rules import naming
from turkctl.operations.qualifications.by_name import NamedType, find_type
from turkctl.operations.qualifications.consents import read_consents
from turkctl.store import experiments, qualifications
from turkctl.store.experiments import Version
from turkctl.store.qualifications import GATE, TOOK_PART, MadeType
from turkctl.words import counted, plural

ACTION = "delete types"


def prepare_delete_types(world: World, names: Sequence[str]) -> tuple[Plan[str], DeleteTypes]:
    """Return the plan for deleting the types of these names or ids, and the act.

    Raises:
        RefusedError: one of them is needed; nothing is deleted.
        UnreachableError: the market cannot be reached.
    """
    found: dict[str, NamedType] = {}
    failed: list[ItemResult] = []
    for name in dict.fromkeys(names):
        try:
            named = find_type(world, name)
        except NotFoundError as error:
            failed.append(fail(name, error))
        else:
            found.setdefault(named.type_id, named)
    for named in found.values():
        _refuse_needed(world, named)
    steps = tuple(Step(type_id, type_id, detail=named.name) for type_id, named in found.items())
    _read_consents(world, [named.made for named in found.values() if named.made is not None])
    return Plan(ACTION, world.place.mode, steps, tuple(failed)), DeleteTypes(world)


def _refuse_needed(world: World, named: NamedType) -> None:
    with world.database.read() as session:
        active = experiments.list_all(session, inactive=False)
        made = named.made
        of = None if made is None else experiments.current(session, made.experiment_id)
        users = _users(session, active, named.type_id, named.name, made, of)
    if of is not None and of.active:
        raise RefusedError(
            f"qualification '{named.name}' belongs to the experiment {of.slug}, which is configured",
            hint=f"to delete it with the experiment's other types, run: turkctl experiments end {of.slug}",
        )
    if users:
        raise RefusedError(
            f"qualification '{named.name}' is needed by {', '.join(users)}",
            hint="remove it from their settings and run: turkctl experiments configure; or end them first",
        )
    asking = _asking(world, named.type_id)
    if asking:
        raise RefusedError(
            f"{counted(asking, 'HIT')} on the market {plural(asking, 'asks', 'ask')} for qualification '{named.name}'",
            hint="delete these HITs first: see turkctl hits list",
        )


def prepare_delete_types_of(
    world: World, version: Version, *, leaving: Collection[str] = ()
) -> tuple[Plan[str], DeleteTypes]:
    """Return the plan for deleting the types that were made for an experiment on this market, and the act.

    Types that others need are skipped, with the reason.

    Args:
        world: database and market.
        version: of the experiment.
        leaving: HITs that are about to be deleted, so that they need nothing.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    with world.database.read() as session:
        others = [each for each in experiments.list_all(session, inactive=False) if each.slug != version.slug]
        of_it = [
            each
            for each in qualifications.made_types(session, world.place)
            if each.experiment_id == version.experiment_id
        ]
        users = {each.type_id: _users(session, others, each.type_id, each.name, each, version) for each in of_it}
    steps, skipped = [], []
    for made in of_it:
        reason = _kept_for(made, users[made.type_id]) or _kept_by_hits(world, made, leaving)
        if reason is None:
            steps.append(Step(made.type_id, made.type_id, detail=made.name))
        else:
            skipped.append((made.type_id, reason))
    _read_consents(world, [each for each in of_it if each.type_id not in dict(skipped)])
    return Plan(ACTION, world.place.mode, tuple(steps), skip(skipped)), DeleteTypes(world)


def _kept_for(made: MadeType, users: Sequence[str]) -> str | None:
    return f"{_its(made)} is needed by {', '.join(users)}" if users else None


def _kept_by_hits(world: World, made: MadeType, leaving: Collection[str]) -> str | None:
    asking = _asking(world, made.type_id, leaving)
    return f"{_its(made)} stays: {counted(asking, 'HIT')} {plural(asking, 'asks', 'ask')} for it" if asking else None


def _its(made: MadeType) -> str:
    """Return what an experiment's type is for, in words."""
    return f"its qualification '{made.purpose.partition(' ')[0].replace('_', ' ')}'"


def _asking(world: World, type_id: str, leaving: Collection[str] = ()) -> int:
    """Return how many HITs on the market ask for a type, other than those that are about to be deleted."""
    try:
        asking = world.engine().call(lambda: [each.hit_id for each in world.mturk.hits_that_require(type_id)])
    except DoesNotExistError:
        return 0
    return sum(hit_id not in leaving for hit_id in asking)


def _users(
    session: Session,
    active: Sequence[Version],
    type_id: str,
    name: str,
    made: MadeType | None,
    of: Version | None,
) -> list[str]:
    """Return the active experiments that need a type: by name or id, or to keep out who took part in another."""
    asking = {each.slug for each in active if {type_id, name} & set(_asked_for(each))}
    if of is not None and made is not None and made.purpose in (TOOK_PART, GATE):
        asking |= set(naming(session, of.slug)) & {each.slug for each in active}
    return [f"experiment {slug}" for slug in sorted(asking)]


def _asked_for(version: Version) -> Iterator[str]:
    for requirement in to_api(settings_of(version).qualifications, "production"):
        yield requirement["QualificationTypeId"]


def _read_consents(world: World, made: Sequence[MadeType]) -> None:
    """Store who agreed to the consents that types carry: after they are deleted, the market no longer tells."""
    read_consents(world, sorted({each.experiment_id for each in made}))


class DeleteTypes(Act[str]):
    """The act of deleting each type; deleting twice does no harm."""

    def __init__(self, world: World) -> None:
        self._world = world

    def perform(self, step: Step[str]) -> Done:
        """Delete the type; one that the market no longer has is done already."""
        try:
            self._world.mturk.delete_qualification_type(step.payload)
        except DoesNotExistError:
            return Done(ALREADY_DONE, step.detail)
        return Done("deleted", step.detail)

    def record(self, outcomes: Sequence[tuple[Step[str], Done | TurkctlError]]) -> None:
        """Forget the types that are gone; who was kept out by them stays known."""
        gone = [step.payload for step, outcome in outcomes if isinstance(outcome, Done)]
        if gone:
            with self._world.database.write() as session:
                for type_id in gone:
                    qualifications.delete_type(session, type_id, self._world.place)
