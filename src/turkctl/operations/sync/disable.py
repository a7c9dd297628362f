"""``sync --disable-unknown``: what only the market has is expired, its work approved, and the HIT deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from turkctl.errors import TurkctlError
from turkctl.fees import assignment_cost
from turkctl.mturk import requirements
from turkctl.mturk.errors import DoesNotExistError, InvalidStateError
from turkctl.mturk.types import Hit
from turkctl.operations.engine.plan import Done, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.sync.unknown import list_account, strangers
from turkctl.store import account_looks
from turkctl.store.assignments import APPROVED, SUBMITTED
from turkctl.store.hits import DISPOSED


def prepare_disable(world: World) -> tuple[Plan[Hit], Disable]:
    """The plan for every HIT of the account that the database does not know, and how it is done.

    The cost is that of the submissions which are waiting now; who is still at work may submit one more.

    Raises:
        UnreachableError: the market is out of reach.
    """
    listed = list_account(world)
    with world.database.read() as session:
        unknown = strangers(session, world, listed)
    steps = tuple(Step(hit.hit_id, hit, _each(hit) * hit.submitted, _words(hit)) for hit in unknown)
    return Plan("disable", world.place.mode, steps), Disable(world)


def _each(hit: Hit) -> Decimal:
    """Dollars for one more approved assignment, commission included."""
    masters = requirements.ask_for_masters(hit.requirements)
    return assignment_cost(hit.reward, hit.max_assignments, masters=masters)


def _words(hit: Hit) -> str:
    return f"{hit.title or 'no title'}: {hit.available} open, {hit.pending} at work, {hit.submitted} submitted"


class Disable:
    """Expires, approves and deletes each; every part is harmless when it is repeated."""

    def __init__(self, world: World) -> None:
        self._mturk = world.mturk
        self._database = world.database
        self._place = world.place
        self._approved: dict[str, set[str]] = defaultdict(set)

    def prepare(self, steps: Sequence[Step[Hit]]) -> None:
        """Nothing: doing it twice does no harm."""

    def perform(self, step: Step[Hit]) -> Done:
        """Ask the market; a HIT with workers at work stays, expired, until they are done.

        Raises:
            MarketRefusedError: the market refused, e.g. to approve for lack of funds.
        """
        try:
            hit = self._mturk.get_hit(step.id)
            if hit.status != DISPOSED:
                self._mturk.expire_hit(step.id)
                self._approve_all(step.id)
                hit = self._mturk.get_hit(step.id)
            if hit.status != DISPOSED and not hit.pending:
                self._mturk.delete_hit(step.id)
        except DoesNotExistError:
            return Done("deleted", cost=self._cost(step))
        if hit.pending:
            return Done("expired", f"{hit.pending} at work: run it again when they are done", cost=self._cost(step))
        return Done("deleted", cost=self._cost(step))

    def _cost(self, step: Step[Hit]) -> Decimal:
        return _each(step.payload) * len(self._approved[step.id])

    def _approve_all(self, hit_id: str) -> None:
        """Approve what is submitted; what an earlier try approved is remembered for the bill."""
        for each in self._mturk.list_assignments(hit_id, [SUBMITTED]):
            self._approved[hit_id].add(each.assignment_id)
            try:
                self._mturk.approve(each.assignment_id)
            except InvalidStateError:
                if self._mturk.get_assignment(each.assignment_id).status != APPROVED:
                    raise

    def record(self, outcomes: Sequence[tuple[Step[Hit], Done | TurkctlError]]) -> None:
        """Take those that are deleted off the number of unknown HITs, which is all that is stored of them."""
        deleted = sum(isinstance(outcome, Done) and outcome.status == "deleted" for _step, outcome in outcomes)
        with self._database.write() as session:
            account_looks.fewer(session, self._place, deleted)
