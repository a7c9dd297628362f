"""What an experiment's limits still allow: a number of HITs, and dollars. Limits on HITs are counted here alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import RefusedError
from turkctl.operations.experiments.terms import terms_of
from turkctl.operations.limits.bounds import Bound
from turkctl.operations.limits.budgets import budget_of
from turkctl.store import hits, intents
from turkctl.store.base import Place
from turkctl.store.experiments import Version
from turkctl.store.intents import Intent
from turkctl.units import ZERO, format_money

UNLIMITED = 10**9


@dataclass
class Room:
    """What is left of the limits of one experiment; taken from as HITs are planned or opened."""

    counts: list[Bound[int]]
    """Of numbers of HITs."""
    budget: Bound[Decimal] | None
    """In dollars."""
    floor: Decimal
    """Dollars that have to stay on the account."""

    @property
    def hits(self) -> int:
        """HITs that may still be posted."""
        return max(0, min((bound.left for bound in self.counts), default=UNLIMITED))

    @property
    def why(self) -> str:
        """The limit that :attr:`hits` comes from, in words."""
        least = min(self.counts, key=lambda bound: bound.left, default=None)
        return "" if least is None else f"{least.name} = {least.allowed:,}"

    def money_refuses(self, cost: Decimal, balance: Decimal) -> str | None:
        """Return why a HIT of this cost does not go ahead; ``balance`` is what that leaves of itself. In dollars."""
        budget = cost if self.budget is None else self.budget.left
        account = f"the balance less limits.min_balance = ${format_money(self.floor)}" if self.floor else "the balance"
        for what, left in (("limits.budget", budget), (account, balance - self.floor)):
            if cost > left:
                return f"{what} leaves ${format_money(max(ZERO, left))}, the next HIT costs ${format_money(cost)}"
        return None

    def take(self, cost: Decimal) -> None:
        """One HIT of this cost goes ahead."""
        for bound in self.counts:
            bound.take(1)
        if self.budget is not None:
            self.budget.take(cost)


def read_room(session: Session, place: Place, now: datetime, version: Version) -> Room:
    """Return what is left, unfinished requests taken off. In the transaction that opens requests, it holds."""
    counts = hit_bounds(session, place, now, version, intents.unfinished(session, place, intents.CREATE_HIT))
    budget = budget_of(session, place, now, version)
    return Room(counts, budget, terms_of(version).min_balance or ZERO)


def hit_bounds(
    session: Session, place: Place, now: datetime, version: Version, waiting: Iterable[Intent]
) -> list[Bound[int]]:
    """Return an experiment's limits on numbers of HITs, with what counts against them: HITs, and requests for some.

    Args:
        session: on turkctl's database.
        place: mode and market.
        now: the moment that "active" refers to.
        version: of the experiment.
        waiting: unfinished requests of the place, which may still become HITs.
    """
    limits = terms_of(version)
    if limits.max_active_hits is None and limits.max_total_hits is None:
        return []
    active, total = hits.count_hits(session, place, now, version.experiment_id)
    coming = sum(each.kind == intents.CREATE_HIT and each.experiment_id == version.experiment_id for each in waiting)
    return [
        Bound(f"limits.{name}", allowed, there + coming)
        for name, allowed, there in (
            ("max_active_hits", limits.max_active_hits, active),
            ("max_total_hits", limits.max_total_hits, total),
        )
        if allowed is not None
    ]


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
    others = [each for each in intents.unfinished(session, place, intents.CREATE_HIT) if each.token not in wanted]
    for bound in hit_bounds(session, place, now, version, others):
        if not bound.admits(len(wanted)):
            raise RefusedError(
                f"{len(wanted)} more HITs on top of {bound.used} would pass {bound.name} = {bound.allowed}",
                hint=f"raise {bound.name}, post fewer, or expire some",
            )
