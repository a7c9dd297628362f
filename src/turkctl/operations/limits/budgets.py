"""What is committed and what is left: the guards before anything that costs money."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import FundsError, RefusedError
from turkctl.fees import assignment_cost
from turkctl.mturk.types import Balance
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.project.experiments import Limits
from turkctl.store import experiments, hits, intents, payments, slots
from turkctl.store.base import Place
from turkctl.store.experiments import Version
from turkctl.units import format_money

ZERO = Decimal("0.00")


def committed(session: Session, place: Place, now: datetime, *, experiment_id: int | None = None) -> Decimal:
    """Dollars paid or promised: bonuses, and reward and fee for every slot open, pending, unreviewed or approved.

    Slots that nobody can take any more (expired) and rejected work are released. Unfinished intents count in full.

    Args:
        session: on turkctl's database.
        place: mode and market.
        now: the moment that "expired" refers to.
        experiment_id: only this experiment's.
    """
    total = ZERO
    for group in slots.slots(session, place, now, experiment_id=experiment_id):
        each = assignment_cost(group.reward, group.max_assignments, masters=group.masters)
        total += each * group.committed
    total += payments.total(session, payments.PaymentFilter(place, kind=payments.BONUS, experiment_id=experiment_id))
    return total + intents.outstanding_cost(session, place, experiment_id=experiment_id)


def exposure(session: Session, place: Place, now: datetime) -> Decimal:
    """Dollars that open, pending and unreviewed slots may still cost, commission included."""
    total = ZERO
    for group in slots.slots(session, place, now):
        each = assignment_cost(group.reward, group.max_assignments, masters=group.masters)
        total += each * group.undecided
    return total + intents.outstanding_cost(session, place)


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
            limits = settings_of(version).limits
            spent = committed(session, place, now, experiment_id=experiment_id)
            error = over_budget(version.slug, cost, spent, limits)
            if error is not None:
                raise error
            floor = max(floor, limits.min_balance or ZERO)
    return floor


def over_budget(slug: str, cost: Decimal, spent: Decimal, limits: Limits) -> FundsError | None:
    """The error of a cost that passes the budget together with what was ``spent``; in dollars, commission included."""
    if limits.budget is None or spent + cost <= limits.budget:
        return None
    return FundsError(
        f"this costs ${format_money(cost)}, and ${format_money(spent)} is committed already: more than the budget "
        f"of ${format_money(limits.budget)} that experiment {slug} has",
        hint="raise limits.budget and run `turkctl experiments configure`, or post less",
    )


def check_counts(wanted: Collection[str], session: Session, place: Place, now: datetime, version: Version) -> None:
    """See that the limits on numbers of HITs allow it.

    Args:
        wanted: the tokens of what is to be posted; other unfinished requests count as posted.
        session: on turkctl's database.
        place: mode and market.
        now: the moment that "active" refers to.
        version: of the experiment.

    Raises:
        RefusedError: more HITs, active or in all, than the experiment allows.
    """
    active, total = hits.count_hits(session, place, now, version.experiment_id)
    others = [each for each in intents.unfinished(session, place, intents.CREATE_HIT) if each.token not in wanted]
    coming = sum(each.experiment_id == version.experiment_id for each in others)
    limits, new = settings_of(version).limits, len(wanted)
    for name, allowed, there in (
        ("max_active_hits", limits.max_active_hits, active + coming),
        ("max_total_hits", limits.max_total_hits, total + coming),
    ):
        if allowed is not None and there + new > allowed:
            raise RefusedError(
                f"{new} more HITs on top of {there} would pass limits.{name} = {allowed}",
                hint=f"raise limits.{name}, post fewer, or expire some",
            )
