"""Expire unknown HITs, approve their work and delete them (``sync --disable-unknown``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from turkctl.errors import TurkctlError
from turkctl.fees import FeeRule
from turkctl.mturk import requirements
from turkctl.mturk.errors import DoesNotExistError, InvalidStateError
from turkctl.mturk.types import Hit
from turkctl.operations.engine.plan import Act, Done, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.sync.unknown import list_account, unknown_hits
from turkctl.store import account_looks, market_rules
from turkctl.store.assignments import APPROVED, SUBMITTED
from turkctl.store.hits import DISPOSED


def prepare_disable(world: World) -> tuple[Plan[Hit], Disable]:
    """Return the plan for every HIT of the account that the database does not know, and the act.

    The cost covers the submissions that are waiting now; workers who are still at work may add to it.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    listed = list_account(world)
    learn_rules(world)
    with world.database.read() as session:
        unknown = unknown_hits(session, world, listed)
        fee = market_rules.fee_at(session, world.place)
    steps = tuple(Step(hit.hit_id, hit, _each(hit, fee) * hit.submitted, _words(hit)) for hit in unknown)
    return Plan("disable", world.place.mode, steps), Disable(world, fee)


def _each(hit: Hit, fee: FeeRule) -> Decimal:
    """Return the dollars that each approved assignment costs, commission included."""
    masters = requirements.ask_for_masters(hit.requirements)
    return fee.assignment_cost(hit.reward, hit.max_assignments, masters=masters)


def _words(hit: Hit) -> str:
    return f"{hit.title or 'no title'}: {hit.available} open, {hit.pending} at work, {hit.submitted} submitted"


class Disable(Act[Hit]):
    """Expires each HIT, approves its work and deletes it; every step may be repeated without harm."""

    def __init__(self, world: World, fee: FeeRule) -> None:
        self._fee = fee
        self._mturk = world.mturk
        self._database = world.database
        self._place = world.place
        self._approved: dict[str, set[str]] = defaultdict(set)

    def perform(self, step: Step[Hit]) -> Done:
        """Expire, approve and delete; a HIT with workers at work is only expired until they are done.

        Raises:
            MarketRefusedError: the market refused, for example to approve, for lack of funds.
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
            return Done("expired", f"{hit.pending} at work: run this again when they are done", cost=self._cost(step))
        return Done("deleted", cost=self._cost(step))

    def _cost(self, step: Step[Hit]) -> Decimal:
        return _each(step.payload, self._fee) * len(self._approved[step.id])

    def _approve_all(self, hit_id: str) -> None:
        """Approve what is submitted; what an earlier attempt approved still counts towards the cost."""
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
