"""Pay each bonus exactly once, even after a crash (``workers bonus``).

An assignment and a purpose identify a bonus and its token. Its intent is committed before the request is sent. If the
ledger has no bonus of an assignment, the market is asked what was paid on it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import RefusedError, TurkctlError
from turkctl.fees import FeeRule
from turkctl.mturk.errors import AlreadyExistsError, MarketRefusedError
from turkctl.operations.engine.plan import ALREADY_DONE, SKIPPED, Act, Done, ItemResult, Plan, Step, fail, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.bonuses import enter_found, finish, key_of, payment_of, read_bonuses
from turkctl.operations.intents.outcomes import refused
from turkctl.operations.intents.runs import RunRow, logged
from turkctl.operations.intents.settle import settle
from turkctl.operations.limits.budgets import check_budgets, check_funds
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.payments.caps import CapWatch, within_caps
from turkctl.operations.payments.orders import (
    BonusRequest,
    Order,
    find_candidates,
    orders_of,
    owners_of,
    paid_before,
    participant_rows,
    refuse_ambiguous,
)
from turkctl.operations.selection.work import WorkSelection, misnamed_by, work_elsewhere
from turkctl.store import experiments, intents, market_rules, participants, payments
from turkctl.store.base import Scope
from turkctl.store.intents import TOKEN_TRUSTED, Batch, Intent
from turkctl.store.payments import Payment, PaymentFilter
from turkctl.units import ZERO, format_money, money_text, parse_money
from turkctl.words import counted

CLOCK_HOLDS = 1.0
"""Seconds for which a cached reading of the market's clock may be reused to judge a token's age."""
_CHANGED = "begun earlier with another amount: that amount is paid; run the command again to see what is still owed"
Ledger = dict[str, list[Payment]]


def prepare_bonus(world: World, wanted: WorkSelection, request: BonusRequest) -> tuple[Plan[Intent], Bonus]:
    """Return the plan for the work that matches, and the act that pays it.

    Raises:
        UsageError: the amount or the reason is invalid, the amount is over ``limits.max_bonus``, or a worker that is
            named has several assignments.
        FundsError: the budget of an experiment or the balance does not allow it.
        NotFoundError, WrongMarketError: see :func:`turkctl.operations.selection.work.find_work`.
    """
    request.check()
    now = world.now()
    learn_rules(world)
    settled = settle(world, now)
    found = find_candidates(world, wanted)
    if not request.each:
        refuse_ambiguous(wanted.selection.ids, found.work)
    rows = participant_rows(world, found.work)
    orders, left = orders_of(request, found, wanted.selection.ids, rows)
    plan = plan_orders(world, orders, [*left, *skip(found.idle), *found.failed], now, strict=request.amount is not None)
    wrong = misnamed_by([order.work for order in orders], owners_of(rows))
    unseen = () if found.work else work_elsewhere(world)
    run = logged(world, "bonus")
    return replace(plan, notes=(*settled.notes, *plan.notes, *wrong, *unseen), run=run), Bonus(world, run=run)


def plan_orders(
    world: World,
    orders: Sequence[Order],
    left: Sequence[ItemResult],
    now: datetime,
    *,
    strict: bool,
    ask: bool = True,
) -> Plan[Intent]:
    """Return the plan that pays the orders: nothing twice, nothing over a limit.

    Args:
        world: the database, and the market, which is asked what was paid on assignments that the ledger lacks.
        orders: the bonuses that are wanted.
        left: the results of work that is left out already.
        now: the current time.
        strict: whether an amount over ``limits.max_bonus`` stops everything, or only fails itself.
        ask: whether to ask the market; without that, the plan is only to be shown.

    Raises:
        UsageError, FundsError: see :func:`prepare_bonus`.
    """
    refused: dict[str, MarketRefusedError] = {}
    ledger, begun = _look(world, orders, now, refused, ask=ask)
    with world.database.read() as session:
        waiting = intents.unfinished(session, world.place, intents.BONUS)
        pending = {each.token: each for each in waiting}
        made = [pending.get(each.token, each) for each in _new(session, world, orders, now)]
        steps, out, changed = [], list(left), 0
        for order, intent in zip(orders, made, strict=True):
            reason = paid_before(order, ledger[order.work.assignment_id], begun=intent.token in begun)
            if reason is not None:
                out.append(ItemResult(order.work.assignment_id, SKIPPED, reason))
            elif order.work.assignment_id in refused:
                out.append(fail(order.work.assignment_id, refused[order.work.assignment_id], order.line))
            else:
                steps.append(_step(intent, order))
                changed += Decimal(intent.request["amount"]) != order.amount
        steps, over = within_caps(Scope(session, world.place, now), steps, waiting, strict=strict)
    costs: dict[int | None, Decimal] = defaultdict(lambda: ZERO)
    for step in steps:
        if step.payload.token not in pending:
            costs[step.payload.experiment_id] += step.cost
    if ask:
        check_funds(world, costs, now)
    else:
        with world.database.read() as session:
            check_budgets(Scope(session, world.place, now), costs)
    notes = (f"{counted(changed, 'bonus', 'bonuses')} {_CHANGED}",) if changed else ()
    return Plan("bonus", world.place.mode, tuple(steps), (*out, *over), notes)


def _look(
    world: World, orders: Sequence[Order], now: datetime, refused: dict[str, MarketRefusedError], *, ask: bool
) -> tuple[Ledger, set[str]]:
    """Return the ledger of these assignments, after asking the market about those that the ledger leaves in doubt.

    Return also the tokens of all earlier bonus requests for these assignments, whatever their outcome. Assignments
    that the market refuses to tell about are added to ``refused``.
    """
    names = [order.work.assignment_id for order in orders]
    with world.database.read() as session:
        ledger = _ledger(session, world, names)
        before = intents.by_subject(session, world.place, intents.BONUS, names)
    if not ask:
        return ledger, {each.token for each in before}
    tried, begun = {each.subject for each in before}, {each.token for each in before}
    open_ = [order for order in orders if paid_before(order, ledger[order.work.assignment_id]) is None]
    unsure = [order for order in open_ if not ledger[order.work.assignment_id] or order.work.assignment_id in tried]
    if not unsure:
        return ledger, begun
    untold: dict[str, MarketRefusedError] = {}
    told = read_bonuses(world, [order.work.hit_id for order in unsure], untold)
    enter_found(world, told, now)
    refused |= {each.work.assignment_id: untold[each.work.hit_id] for each in unsure if each.work.hit_id in untold}
    marked = [each for each in unsure if each.row is not None and each.row.status == participants.BONUSED]
    if not (marked or any(told.values())):
        return ledger, begun  # neither the market nor psiTurk has a payment that the ledger lacks
    with world.database.write() as session:
        ledger = _ledger(session, world, names)
        unexplained = [each for each in marked if not ledger[each.work.assignment_id]]
        for row in _enter_psiturk(session, world, unexplained, now):
            ledger[row.assignment_id].append(row)
    return ledger, begun


def _ledger(session: Session, world: World, names: Sequence[str]) -> Ledger:
    found: Ledger = defaultdict(list)
    wanted = PaymentFilter(world.place, kind=payments.BONUS, assignment_ids=list(dict.fromkeys(names)))
    for row in payments.select_payments(session, wanted):
        found[row.assignment_id].append(row)
    return found


def _enter_psiturk(session: Session, world: World, orders: Sequence[Order], now: datetime) -> list[Payment]:
    """Enter and return, with purpose ``auto``, the bonuses that psiTurk says it paid and that nothing else explains.

    They must be in the ledger before turkctl itself writes status 7 into the row, which would look the same.
    """
    rows = []
    for intent in _new(session, world, [replace(order, purpose=payments.AUTO) for order in orders], now):
        row = payment_of(world.place, intent, now)
        row.source, row.token, row.reason = payments.PSITURK, None, None
        row.amount = row.fee = ZERO
        rows.append(row)
    payments.enter_many(session, rows)
    return rows


def _new(session: Session, world: World, orders: Sequence[Order], now: datetime) -> list[Intent]:
    batch = Batch.begin(Scope(session, world.place, now))
    slugs = {order.work.experiment for order in orders if order.work.experiment is not None}
    versions = {slug: experiments.by_slug(session, slug) for slug in slugs}
    numbers = {slug: version.experiment_id for slug, version in versions.items() if version is not None}
    fee = market_rules.fee_at(session, world.place)
    return [_intent(batch, order, fee, numbers.get(order.work.experiment or "")) for order in orders]


def _intent(batch: Batch, order: Order, fee: FeeRule, experiment_id: int | None) -> Intent:
    work, cost = order.work, order.amount + fee.bonus_fee(order.amount)
    request = {
        "worker": work.worker_id,
        "hit": work.hit_id,
        "amount": format_money(order.amount),
        "reason": order.reason,
        "purpose": order.purpose,
    }
    return batch.bonus(work.assignment_id, request, cost, experiment_id=experiment_id)


def _step(intent: Intent, order: Order) -> Step[Intent]:
    return Step(intent.subject, intent, intent.cost, _words(intent, order.amount), order.line)


def _words(intent: Intent, wanted: Decimal) -> str:
    """Return what is paid; and, where the bonus was begun with another amount, the amount wanted now."""
    request, begun = intent.request, Decimal(intent.request["amount"])
    words = f"{money_text(begun)} to {request['worker']} for '{request['purpose']}'"
    same = wanted == begun
    return words if same else f"{words}, the amount it was begun with; this command asks for {money_text(wanted)}"


class Bonus(Act[Intent]):
    """Pays each bonus with its intent's token.

    Args:
        world: database, market and the study's clock.
        clock: this machine's wall clock, in seconds; not a monotonic one, because a machine may sleep between requests.
        run: the run whose number is stored with the requests, so that leftovers can be traced to it.
    """

    def __init__(self, world: World, clock: Callable[[], float] = time.time, run: RunRow | None = None) -> None:
        self._run = run
        self._world = world
        self._mturk = world.mturk
        self._clock = clock
        self._stored: dict[str, Intent] = {}
        self._caps = CapWatch(world.place)
        self._over: dict[str, TurkctlError] = {}
        """The errors, by token, of bonuses that a limit no longer allows."""
        self._seen: tuple[float, datetime] | None = None
        """The time on this machine's clock when the market's clock was last read, and the reading."""

    def prepare(self, steps: Sequence[Step[Intent]]) -> None:
        """Commit the intents of the group that the limits still allow; keep those that another process has begun."""
        now, wanted = self._now(), [step.payload for step in steps]
        with self._world.database.write() as session:
            self._over |= self._caps.refused(session, wanted, now)
            for intent in wanted:
                intent.run = None if self._run is None else self._run.number
            for intent in intents.open_many(session, [each for each in wanted if each.token not in self._over]):
                self._stored[intent.token] = intent

    def perform(self, step: Step[Intent]) -> Done:
        """Pay the bonus; if its token was used before, check in the market's list that it is paid.

        Raises:
            RefusedError: its token is too old to be sent safely, so the next run must look first; or other bonuses
                have reached a limit in the meantime.
            FundsError: other requests have used up the budget in the meantime.
        """
        if step.payload.token in self._over:
            raise self._over[step.payload.token]
        intent = self._stored[step.payload.token]
        if intent.state == intents.DONE:
            return Done(
                ALREADY_DONE,
                f"{money_text(parse_money(intent.request['amount']))} was paid by another run",
                value=None,
                cost=ZERO,
            )
        if self._now() - intent.created > TOKEN_TRUSTED:
            raise RefusedError(
                "an earlier request got no answer, and is too old to be repeated",
                hint="run the command again: it first asks the market whether the bonus was paid",
            )
        asked = intent.request
        try:
            self._mturk.send_bonus(
                asked["worker"], intent.subject, Decimal(asked["amount"]), asked["reason"], intent.token
            )
        except AlreadyExistsError as error:
            self._confirm(intent, error)
        wanted = step.payload.request["amount"]
        detail = None if wanted == asked["amount"] else _words(intent, Decimal(wanted))
        return Done("bonused", detail, value=intent, cost=intent.cost)

    def _now(self) -> datetime:
        """Return the time to within a second; it is cached because in mode local each reading is a transaction."""
        if self._seen is None or not 0 <= self._clock() - self._seen[0] < CLOCK_HOLDS:
            self._seen = (self._clock(), self._world.now())
        return self._seen[1]

    def _confirm(self, intent: Intent, error: AlreadyExistsError) -> None:
        """Raise the error unless the market's list has this bonus besides those paid for other purposes.

        Raises:
            AlreadyExistsError: the list does not have it.
        """
        subject, worker, amount, reason = key_of(intent)
        listed = self._mturk.list_bonuses(assignment_id=subject)
        paid = sum((each.worker_id, each.amount, each.reason) == (worker, amount, reason) for each in listed)
        with self._world.database.read() as session:
            known = _ledger(session, self._world, [subject])[subject]
        others = [row for row in known if row.token != intent.token]
        if paid <= sum((row.worker_id, row.amount, row.reason) == (worker, amount, reason) for row in others):
            raise error

    def record(self, outcomes: Sequence[tuple[Step[Intent], Done | TurkctlError]]) -> None:
        """Enter the payments and finish their intents; an intent without an answer stays unfinished."""
        now = self._world.now()
        done = [each.value for _step, each in outcomes if isinstance(each, Done) and each.value is not None]
        with self._world.database.write() as session:
            finish(session, self._world, [payment_of(self._world.place, each, now) for each in done], done, now)
            for step, outcome in outcomes:
                if not isinstance(outcome, Done | AlreadyExistsError) and refused(outcome):
                    intents.fail(session, step.payload.token, outcome.code, now)
