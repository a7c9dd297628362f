"""Compute what an experiment's limits still allow: HITs and dollars. Only this module counts HITs against limits."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from turkctl.errors import RefusedError
from turkctl.operations.experiments.terms import terms_of
from turkctl.operations.limits.bounds import Bound
from turkctl.operations.limits.budgets import budget_of
from turkctl.store import hits, intents
from turkctl.store.base import Scope
from turkctl.store.experiments import Version
from turkctl.store.intents import Intent
from turkctl.units import ZERO, money_text
from turkctl.words import counted, plural

UNLIMITED = 10**9


@dataclass
class Room:
    """What is left of the limits of one experiment; it shrinks as HITs are planned or opened."""

    counts: list[Bound[int]]
    """The limits on the number of HITs."""
    budget: Bound[Decimal] | None
    """The budget in dollars."""
    floor: Decimal
    """Dollars that must stay on the account."""

    @property
    def hits(self) -> int:
        """Return the number of HITs that may still be posted."""
        return max(0, min((bound.left for bound in self.counts), default=UNLIMITED))

    @property
    def why(self) -> str:
        """Return the limit that :attr:`hits` comes from, as in ``limits.max_total_hits = 10``."""
        least = min(self.counts, key=lambda bound: bound.left, default=None)
        return "" if least is None else f"{least.name} = {least.allowed:,}"

    def money_refuses(self, cost: Decimal, balance: Decimal) -> str | None:
        """Return why a HIT of this cost cannot be posted, or None; ``balance`` is what is left of it, in dollars."""
        budget = cost if self.budget is None else self.budget.left
        account = f"the balance less limits.min_balance = {money_text(self.floor)}" if self.floor else "the balance"
        for what, left in (("limits.budget", budget), (account, balance - self.floor)):
            if cost > left:
                return f"{what} leaves {money_text(max(ZERO, left))}, but the next HIT costs {money_text(cost)}"
        return None

    def take(self, cost: Decimal) -> None:
        """Count one HIT of this cost, in dollars."""
        for bound in self.counts:
            bound.take(1)
        if self.budget is not None:
            self.budget.take(cost)


def read_room(scope: Scope, version: Version) -> Room:
    """Return what is left after unfinished requests; in the transaction that opens requests, it cannot change."""
    counts = hit_bounds(scope, version, intents.unfinished(scope.session, scope.place, intents.CREATE_HIT))
    return Room(counts, budget_of(scope, version), terms_of(version).min_balance or ZERO)


def hit_bounds(scope: Scope, version: Version, waiting: Iterable[Intent]) -> list[Bound[int]]:
    """Return an experiment's limits on the number of HITs; HITs and requests for HITs count against them.

    Args:
        scope: its time is the moment that "active" refers to.
        version: the experiment's current version.
        waiting: unfinished requests of the place, which may still become HITs.
    """
    limits = terms_of(version)
    if limits.max_active_hits is None and limits.max_total_hits is None:
        return []
    active, total = hits.count_hits(scope, version.experiment_id)
    coming = sum(each.kind == intents.CREATE_HIT and each.experiment_id == version.experiment_id for each in waiting)
    return [
        Bound(f"limits.{name}", allowed, there + coming)
        for name, allowed, there in (
            ("max_active_hits", limits.max_active_hits, active),
            ("max_total_hits", limits.max_total_hits, total),
        )
        if allowed is not None
    ]


def check_counts(scope: Scope, version: Version, wanted: Collection[str]) -> None:
    """Raise unless the limits on the number of HITs allow these requests.

    Args:
        scope: its time is the moment that "active" refers to.
        version: the experiment's current version.
        wanted: the tokens of the requests; other unfinished requests count as posted.

    Raises:
        RefusedError: the experiment would have more active HITs, or more HITs in total, than it allows.
    """
    asked = intents.unfinished(scope.session, scope.place, intents.CREATE_HIT)
    for bound in hit_bounds(scope, version, [each for each in asked if each.token not in wanted]):
        if not bound.admits(len(wanted)):
            raise RefusedError(
                f"{bound.name} = {bound.allowed:,} does not allow {counted(len(wanted), 'more HIT')}: "
                f"{counted(bound.used, 'HIT')} already {plural(bound.used, 'counts', 'count')} against it",
                hint=f"raise {bound.name}, post fewer HITs, or expire some",
            )
