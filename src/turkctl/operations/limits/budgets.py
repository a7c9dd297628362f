"""What is committed and what is left: the guards before anything that costs money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlmodel import Session

from turkctl.errors import FundsError
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.terms import terms_of
from turkctl.operations.limits.bounds import Bound
from turkctl.operations.limits.commitments import cost_of_committed, cost_of_undecided
from turkctl.store import experiments, intents, payments, slots
from turkctl.store.base import Place
from turkctl.store.experiments import Version
from turkctl.units import ZERO, format_money

if TYPE_CHECKING:
    from turkctl.mturk.types import Balance


def committed(session: Session, place: Place, now: datetime, *, experiment_id: int | None = None) -> Decimal:
    """Dollars paid or promised: bonuses, and reward and fee for every slot open, pending, unreviewed or approved.

    Slots that nobody can take any more (expired) and rejected work are released. Unfinished intents count in full.

    Args:
        session: on turkctl's database.
        place: mode and market.
        now: the moment that "expired" refers to.
        experiment_id: only this experiment's.
    """
    held = cost_of_committed(slots.slots(session, place, now, experiment_id=experiment_id))
    paid = payments.total(session, payments.PaymentFilter(place, kind=payments.BONUS, experiment_id=experiment_id))
    return held + paid + intents.outstanding_cost(session, place, experiment_id=experiment_id)


def exposure(session: Session, place: Place, now: datetime) -> Decimal:
    """Dollars that open, pending and unreviewed slots may still cost, commission included."""
    undecided = cost_of_undecided(slots.slots(session, place, now))
    return undecided + intents.outstanding_cost(session, place)


def headroom(balance: Balance, exposure: Decimal, min_balance: Decimal | None) -> Decimal:
    """Dollars that may still be committed: what is available, less what we promised and the market does not hold.

    Some markets hold the money for open HITs (then it is gone from ``available``), others do not.
    """
    unheld = max(ZERO, exposure - (balance.on_hold or ZERO))
    return balance.available - unheld - (min_balance or ZERO)


def check_funds(world: World, costs: Mapping[int | None, Decimal], now: datetime) -> None:
    """See that budgets and balance allow what a plan costs.

    Args:
        world: the balance is read once.
        costs: dollars by experiment; None stands for HITs of no experiment, which have no budget.
        now: the moment that "expired" refers to.

    Raises:
        FundsError: committed and cost together pass a budget, or the cost is more than the headroom.
    """
    total = sum(costs.values(), ZERO)
    if not total:
        return
    with world.database.read() as session:
        floor = check_budgets(session, world.place, costs, now)
        promised = exposure(session, world.place, now)
    balance = world.engine().call(world.mturk.balance)
    room = headroom(balance, promised, floor)
    if total > room:
        raise FundsError(
            f"this costs ${format_money(total)} and the balance leaves ${format_money(max(ZERO, room))}",
            hint="see: turkctl balance; open HITs and limits.min_balance count against it",
        )


def check_budgets(session: Session, place: Place, costs: Mapping[int | None, Decimal], now: datetime) -> Decimal:
    """See that the experiments' budgets allow it; the highest balance, in dollars, that one of them wants kept.

    In a transaction that opens the intents of what costs it, this holds whatever other processes post meanwhile.

    Raises:
        FundsError: committed and cost together pass a budget.
    """
    floor = ZERO
    for experiment_id, cost in costs.items():
        if experiment_id is not None:
            version = experiments.current(session, experiment_id)
            error = over_budget(version.slug, cost, budget_of(session, place, now, version))
            if error is not None:
                raise error
            floor = max(floor, terms_of(version).min_balance or ZERO)
    return floor


def budget_of(session: Session, place: Place, now: datetime, version: Version) -> Bound[Decimal] | None:
    """Return the experiment's budget in dollars, with what is committed of it; None where it has none."""
    budget = terms_of(version).budget
    if budget is None:
        return None
    return Bound("limits.budget", budget, committed(session, place, now, experiment_id=version.experiment_id))


def over_budget(slug: str, cost: Decimal, budget: Bound[Decimal] | None) -> FundsError | None:
    """Return the error of a cost, in dollars with commission, that passes the budget; None where it does not."""
    if budget is None or budget.admits(cost):
        return None
    return FundsError(
        f"this costs ${format_money(cost)}, and ${format_money(budget.used)} is committed already: more than the "
        f"budget of ${format_money(budget.allowed)} that experiment {slug} has",
        hint="raise limits.budget and run `turkctl experiments configure`, or post less",
    )
