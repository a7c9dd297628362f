"""Enforce the limits on bonuses: per bonus, per worker, per day, and the experiments' budgets.

They are checked when a bonus is planned, and again in the transaction that opens its intent. Such transactions wait for
each other, so that two commands at the same time cannot exceed a limit together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import RefusedError, TurkctlError, UsageError
from turkctl.operations.engine.plan import ItemResult, Step, fail
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.limits.bounds import Bound
from turkctl.operations.limits.budgets import budget_of, over_budget
from turkctl.operations.payments.orders import Order
from turkctl.store import experiments, intents, payments
from turkctl.store.base import Place, Scope
from turkctl.store.experiments import Version
from turkctl.store.intents import Intent
from turkctl.store.payments import PaymentFilter
from turkctl.units import ZERO, money_text

DAY = timedelta(hours=24)


def over_cap(amount: Decimal, cap: Decimal | None) -> TurkctlError | None:
    """Return an error if an amount is over ``limits.max_bonus``, else None."""
    if cap is None or amount <= cap:
        return None
    return _over(amount, "limits.max_bonus", cap)


def _over(amount: Decimal, name: str, cap: Decimal) -> RefusedError:
    return RefusedError(
        f"{money_text(amount)} is over {name} = {money_text(cap)}",
        hint=f"raise {name} in the settings, then run: turkctl experiments configure",
    )


def _over_sum(bound: Bound[Decimal], amount: Decimal) -> RefusedError:
    """Return the error of an amount that is over a limit together with what was, or is being, paid already."""
    error = _over(bound.used + amount, bound.name, bound.allowed)
    before = f"with {money_text(bound.used)} already paid {_BEFORE[bound.name]}"
    return RefusedError(f"{before}, {error.message}", hint=error.hint)


def order_over_cap(world: World, order: Order) -> TurkctlError | None:
    """Return an error if a bonus is over ``limits.max_bonus`` of its experiment, else None."""
    if order.work.experiment is None:
        return None
    with world.database.read() as session:
        version = experiments.by_slug(session, order.work.experiment)
    return None if version is None else over_cap(order.amount, settings_of(version).limits.max_bonus)


def check_cap(session: Session, experiment_id: int | None, amount: Decimal) -> None:
    """Raise if an amount is more than one bonus of the experiment may be.

    Raises:
        UsageError: it is over ``limits.max_bonus``.
    """
    if experiment_id is not None:
        limits = settings_of(experiments.current(session, experiment_id)).limits
        error = over_cap(amount, limits.max_bonus)
        if error is not None:
            raise UsageError(error.message, hint=error.hint)


def within_caps(
    scope: Scope, steps: Sequence[Step[Intent]], waiting: Sequence[Intent], *, strict: bool
) -> tuple[list[Step[Intent]], list[ItemResult]]:
    """Return the steps that the limits on bonuses allow, without looking at budgets, and the results of the others.

    Args:
        scope: its time is the end of the day that ``limits.max_bonus_per_day`` looks back on.
        steps: in the order in which they are to be paid.
        waiting: unfinished bonuses of the place; they may include those to be paid.
        strict: whether an amount over ``limits.max_bonus`` stops everything, or only fails itself.

    Raises:
        UsageError: an amount is over ``limits.max_bonus``, and ``strict`` is set.
    """
    own = {step.payload.token for step in steps}
    others = [each for each in waiting if each.token not in own]
    rooms = {
        number: _BonusRoom(scope, experiments.current(scope.session, number), others)
        for number in {step.payload.experiment_id for step in steps}
        if number is not None
    }
    kept, over = [], []
    for step in steps:
        number = step.payload.experiment_id
        error = None
        if number is not None:
            limit = rooms[number].limits.max_bonus
            error = over_cap(Decimal(step.payload.request["amount"]), limit)
            if error is not None and strict:
                raise UsageError(error.message, hint=error.hint)
            error = error or rooms[number].take(step.payload)
        if error is None:
            kept.append(step)
        else:
            over.append(fail(step.id, error, step.row))
    return kept, over


class CapWatch:
    """Checks the limits again for each group of bonuses, in the transaction that opens their intents."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._versions: dict[int, Version] = {}
        """The experiments by id, as they were when the first bonus of each was to be paid."""

    def refused(self, session: Session, wanted: Sequence[Intent], now: datetime) -> dict[str, TurkctlError]:
        """Return the errors, by token, of bonuses that the limits no longer allow, because others were paid meanwhile.

        Bonuses that were begun, here or in another process, are counted already and go on. Without limits this only
        reads each experiment's settings once.
        """
        limited = [(intent, version) for intent in wanted if (version := self._limited(session, intent)) is not None]
        if not limited:
            return {}
        known = intents.by_subject(session, self._place, intents.BONUS, [intent.subject for intent, _ in limited])
        begun = {each.token for each in known if each.state not in (intents.FAILED, intents.ABANDONED)}
        waiting = intents.unfinished(session, self._place, intents.BONUS)
        rooms: dict[int, _BonusRoom] = {}
        errors: dict[str, TurkctlError] = {}
        for intent, version in limited:
            if intent.token in begun:
                continue
            if version.experiment_id not in rooms:
                room = _BonusRoom(Scope(session, self._place, now), version, waiting, budget=True)
                rooms[version.experiment_id] = room
            error = rooms[version.experiment_id].take(intent)
            if error is not None:
                errors[intent.token] = error
        return errors

    def _limited(self, session: Session, intent: Intent) -> Version | None:
        """Return the current version of the bonus's experiment; None if its settings limit no sum."""
        number = intent.experiment_id
        if number is None:
            return None
        if number not in self._versions:
            self._versions[number] = experiments.current(session, number)
        limits = settings_of(self._versions[number]).limits
        bounds = (limits.max_bonus_per_worker, limits.max_bonus_per_day, limits.budget)
        return None if bounds == (None, None, None) else self._versions[number]


_BEFORE = {"limits.max_bonus_per_worker": "to this worker", "limits.max_bonus_per_day": "in the last 24 hours"}
"""Which earlier bonuses count against a limit, in words."""


class _BonusRoom:
    """The amounts that one experiment's limits still allow: per worker, per day and, on request, of the budget."""

    def __init__(self, scope: Scope, version: Version, waiting: Iterable[Intent], *, budget: bool = False) -> None:
        session = scope.session
        number = version.experiment_id
        self.limits = settings_of(version).limits
        self._slug = version.slug
        wanted = PaymentFilter(scope.place, kind=payments.BONUS, experiment_id=number)
        most, most_a_day = self.limits.max_bonus_per_worker, self.limits.max_bonus_per_day
        paid = defaultdict(lambda: ZERO, {} if most is None else payments.by_worker(session, wanted))
        today = replace(wanted, since=scope.now - DAY)
        day = ZERO if most_a_day is None else payments.total(session, today, fees=False)
        for intent in waiting:
            if intent.experiment_id == number:
                paid[intent.request["worker"]] += Decimal(intent.request["amount"])
                day += Decimal(intent.request["amount"])
        self._paid = paid
        self._workers: dict[str, Bound[Decimal]] = {}
        self._day = [] if most_a_day is None else [Bound("limits.max_bonus_per_day", most_a_day, day)]
        self._budget = budget_of(scope, version) if budget else None

    def take(self, intent: Intent) -> TurkctlError | None:
        """Count the bonus and return None, or return the error of the limit that it would exceed."""
        amount = Decimal(intent.request["amount"])
        bounds = [*self._of_worker(intent.request["worker"]), *self._day]
        passed = next((bound for bound in bounds if not bound.admits(amount)), None)
        if passed is not None:
            return _over_sum(passed, amount)
        error = over_budget(self._slug, intent.cost, self._budget)
        if error is not None:
            return error
        for bound in bounds:
            bound.take(amount)
        if self._budget is not None:
            self._budget.take(intent.cost)
        return None

    def _of_worker(self, worker: str) -> list[Bound[Decimal]]:
        most = self.limits.max_bonus_per_worker
        if most is None:
            return []
        return [self._workers.setdefault(worker, Bound("limits.max_bonus_per_worker", most, self._paid[worker]))]
