"""Check budgets and balance before anything that costs money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from turkctl.errors import FundsError
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.terms import terms_of
from turkctl.operations.limits.bounds import Bound
from turkctl.operations.limits.commitments import cost_of_committed, cost_of_undecided
from turkctl.store import experiments, intents, payments, slots
from turkctl.store.base import Scope
from turkctl.store.experiments import Version
from turkctl.units import ZERO, money_text

if TYPE_CHECKING:
    from turkctl.mturk.types import Balance


def committed(scope: Scope, *, experiment_id: int | None = None) -> Decimal:
    """Return the dollars paid or promised: bonuses, and reward and fee of open, pending, unreviewed and approved slots.

    Slots that nobody can take any more (expired) and rejected work do not count. Unfinished intents count in full.

    Args:
        scope: its time is the moment that "expired" refers to.
        experiment_id: counts only this experiment; None counts all.
    """
    held = cost_of_committed(slots.slots(scope, experiment_id=experiment_id))
    bonuses = payments.PaymentFilter(scope.place, kind=payments.BONUS, experiment_id=experiment_id)
    paid = payments.total(scope.session, bonuses)
    return held + paid + intents.outstanding_cost(scope.session, scope.place, experiment_id=experiment_id)


def exposure(scope: Scope) -> Decimal:
    """Return the dollars that open, pending and unreviewed slots may still cost, commission included."""
    undecided = cost_of_undecided(slots.slots(scope))
    return undecided + intents.outstanding_cost(scope.session, scope.place)


def headroom(balance: Balance, exposure: Decimal, min_balance: Decimal | None) -> Decimal:
    """Return the dollars that may still be committed: what is available, less promises that the market does not hold.

    Some markets hold the money for open HITs (then ``available`` no longer includes it), others do not.
    """
    unheld = max(ZERO, exposure - (balance.on_hold or ZERO))
    return balance.available - unheld - (min_balance or ZERO)


def check_funds(world: World, costs: Mapping[int | None, Decimal], now: datetime) -> None:
    """Raise unless budgets and balance allow the costs of a plan.

    Args:
        world: database and market; the balance is read once.
        costs: dollars by experiment; None stands for HITs without an experiment, which have no budget.
        now: the moment that "expired" refers to.

    Raises:
        FundsError: committed dollars and cost together exceed a budget, or the cost exceeds the headroom.
    """
    total = sum(costs.values(), ZERO)
    if not total:
        return
    with world.database.read() as session:
        scope = Scope(session, world.place, now)
        floor = check_budgets(scope, costs)
        promised = exposure(scope)
    balance = world.engine().call(world.mturk.balance)
    room = headroom(balance, promised, floor)
    if total > room:
        raise FundsError(
            f"this costs {money_text(total)}, but the balance leaves {money_text(max(ZERO, room))}",
            hint="see: turkctl balance; open HITs and limits.min_balance reduce what can be spent",
        )


def check_budgets(scope: Scope, costs: Mapping[int | None, Decimal]) -> Decimal:
    """Raise unless the experiments' budgets allow the costs; return the highest minimum balance of them, in dollars.

    In the transaction that opens the intents for these costs, no other process can use the money in between.

    Raises:
        FundsError: committed dollars and cost together exceed a budget.
    """
    floor = ZERO
    for experiment_id, cost in costs.items():
        if experiment_id is not None:
            version = experiments.current(scope.session, experiment_id)
            error = over_budget(version.slug, cost, budget_of(scope, version))
            if error is not None:
                raise error
            floor = max(floor, terms_of(version).min_balance or ZERO)
    return floor


def budget_of(scope: Scope, version: Version) -> Bound[Decimal] | None:
    """Return the experiment's budget in dollars, with what is committed of it; None if it has none."""
    budget = terms_of(version).budget
    if budget is None:
        return None
    return Bound("limits.budget", budget, committed(scope, experiment_id=version.experiment_id))


def over_budget(slug: str, cost: Decimal, budget: Bound[Decimal] | None) -> FundsError | None:
    """Return an error if a cost, in dollars with commission, exceeds the budget; None if it does not."""
    if budget is None or budget.admits(cost):
        return None
    return FundsError(
        f"this costs {money_text(cost)}, and {money_text(budget.used)} is already committed: more than the "
        f"budget of {money_text(budget.allowed)} of experiment {slug}",
        hint="raise limits.budget and run `turkctl experiments configure`, or post less",
    )
