"""What an experiment's limits still allow: so many HITs, so many dollars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.limits.budgets import ZERO, committed
from turkctl.store import hits, intents
from turkctl.store.base import Place
from turkctl.store.experiments import Version
from turkctl.units import format_money

UNLIMITED = 10**9


@dataclass
class Room:
    """What is left of the limits of one experiment; taken from as HITs are planned or opened."""

    hits: int
    why: str
    """The limit that ``hits`` comes from."""
    budget: Decimal | None
    """Dollars left of the budget."""
    floor: Decimal
    """Dollars that have to stay on the account."""

    def money_refuses(self, cost: Decimal, balance: Decimal) -> str | None:
        """Why a HIT of this cost, in dollars, does not go ahead; ``balance`` is what that leaves of itself."""
        budget = cost if self.budget is None else self.budget
        account = f"the balance less limits.min_balance = ${format_money(self.floor)}" if self.floor else "the balance"
        for what, left in (("limits.budget", budget), (account, balance - self.floor)):
            if cost > left:
                return f"{what} leaves ${format_money(max(ZERO, left))}, the next HIT costs ${format_money(cost)}"
        return None

    def take(self, cost: Decimal) -> None:
        """One HIT of this cost goes ahead."""
        self.hits -= 1
        if self.budget is not None:
            self.budget -= cost


def read_room(session: Session, place: Place, now: datetime, version: Version) -> Room:
    """What is left, HITs of unfinished requests taken off. In the transaction that opens requests, it holds."""
    limits = settings_of(version).limits
    active, total = hits.count_hits(session, place, now, version.experiment_id)
    under_way = intents.unfinished(session, place, intents.CREATE_HIT)
    coming = sum(each.experiment_id == version.experiment_id for each in under_way)
    allowed, why = UNLIMITED, ""
    for name, limit, there in (
        ("max_active_hits", limits.max_active_hits, active),
        ("max_total_hits", limits.max_total_hits, total),
    ):
        if limit is not None and limit - there - coming < allowed:
            allowed, why = max(0, limit - there - coming), f"limits.{name} = {limit:,}"
    budget = None
    if limits.budget is not None:
        budget = limits.budget - committed(session, place, now, experiment_id=version.experiment_id)
    return Room(allowed, why, budget, limits.min_balance or ZERO)
