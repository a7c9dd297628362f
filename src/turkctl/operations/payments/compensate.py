"""Pay somebody who did the work but could not submit it (``workers compensate``).

The market pays only for submitted assignments. So a HIT is posted that only this worker can see, and the worker gets a
message. The steps are committed before the first request, so that an interrupted run continues where it stopped:

- the name of the qualification type is made from the token, so that it is found again;
- the HIT is posted with the token, so that it is posted only once;
- the message is marked as sent before it is sent, so that it is sent at most once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import TurkctlError, UsageError
from turkctl.fees import MTURK
from turkctl.ids import can_be_worker, quoted
from turkctl.mturk.errors import (
    AnswerLostError,
    MarketFaultError,
    MarketRefusedError,
)
from turkctl.mturk.types import NotifyFailure
from turkctl.operations.engine.plan import ALREADY_DONE, FAILED, BatchResult, ItemError, ItemResult, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_active_experiment
from turkctl.operations.intents.compensations import GOT_IT, SUBJECT, Compensation, link_to
from turkctl.operations.intents.outcomes import for_good, post_once, refused
from turkctl.operations.intents.runs import Command, RunRow, find_run, glance_at_runs
from turkctl.operations.intents.settle import enter_posts, settle
from turkctl.operations.limits.budgets import check_budgets, check_funds
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.payments.caps import check_cap
from turkctl.operations.qualifications.took_part import make_type
from turkctl.store import hits, intents, market_rules
from turkctl.store.base import Scope
from turkctl.store.hits import Hit as StoredHit
from turkctl.store.intents import Batch, Intent
from turkctl.units import CENT, ZERO, format_money, money_text

LIFETIME = timedelta(days=14)
MAX_REASON = 1000
"""Most characters of a reason: the message that includes it may have at most 4,096."""


@dataclass(frozen=True)
class CompensateRequest:
    """The arguments of ``workers compensate``; ``amount`` in dollars."""

    worker_id: str
    amount: Decimal
    reason: str
    experiment: str | None = None
    lifetime: timedelta = LIFETIME
    new: bool = False
    """Begin another compensation, even if one with the same arguments was interrupted."""
    resume: bool = False
    """Continue an interrupted compensation even if it is old."""

    def check(self) -> None:
        """Raise if an argument is invalid.

        Raises:
            UsageError: the market would refuse it.
        """
        if not self.worker_id.strip():
            raise UsageError("the worker id is empty", hint="see: turkctl workers list")
        if not can_be_worker(self.worker_id):
            raise UsageError(f"{quoted(self.worker_id)} is not a worker id", hint="see: turkctl workers list")
        if self.amount < CENT:
            raise UsageError(
                f"--amount must be at least 0.01, not {format_money(self.amount)}", hint="give --amount 0.01 or more"
            )
        if not self.reason.strip():
            raise UsageError("--reason is empty", hint="say what the worker is paid for; they read it in the message")
        if len(self.reason) > MAX_REASON:
            raise UsageError(
                f"--reason must have at most {MAX_REASON:,} characters, not {len(self.reason):,}", hint="shorten it"
            )
        if not timedelta(seconds=30) <= self.lifetime <= timedelta(days=365):
            raise UsageError("--lifetime must be between 30 seconds and 365 days", hint="write 12h or 14d, for example")


@dataclass(frozen=True)
class Case:
    """A compensation, its two intents as they were when it was planned, and its run."""

    what: Compensation
    post: Intent
    message: Intent
    run: RunRow


def prepare_compensate(world: World, request: CompensateRequest) -> Plan[Case]:
    """Return the plan of one step: an unfinished compensation with the same arguments, else a new one.

    Raises:
        UsageError, NotFoundError: an argument is invalid, the amount is over ``limits.max_bonus``, or the experiment is
            unknown.
        FundsError: the experiment's budget or the balance does not allow it.
        RunAtWorkError, RunOvertakenError, StaleRunError: see :func:`turkctl.operations.intents.runs.find_run`.
    """
    request.check()
    now, place = world.now(), world.place
    with world.database.read() as session:
        slug = request.experiment
        experiment_id = None if slug is None else find_active_experiment(session, slug, world.settings).experiment_id
    what = Compensation(request.worker_id, request.amount, request.reason, request.lifetime, MTURK, experiment_id)
    what.request("", "0")  # raises if the reason has characters that an HTML page cannot contain
    learn_rules(world)
    with world.database.read() as session:
        what = replace(what, fee=market_rules.fee_at(session, place))
    command = Command("workers compensate", what.arguments(), None, request.new, request.resume)
    before = glance_at_runs(world, command)
    settled = settle(world, now)
    run = find_run(world, command, now, before)
    with world.database.read() as session:
        case = _interrupted(run.opened(session), run)
        if case is None:
            check_cap(session, what.experiment_id, what.amount)
            batch = Batch.begin(Scope(session, place, now))
            both = batch.compensation(what.worker_id, what.stored(), what.cost, experiment_id=what.experiment_id)
            case = Case(what, *both, run)
    notes = (*settled.beside(run), *(run.note(int(not _is_done(case)), "pay", "payment")))
    if _is_done(case):
        done = ItemResult(what.worker_id, ALREADY_DONE, f"HIT {case.post.result}")
        return Plan("compensate", place.mode, (), (done,), notes, run)
    cost = ZERO if case.post.state == intents.DONE else what.cost
    counted = run.left is not None and case.post.state in intents.UNFINISHED
    check_funds(world, {experiment_id: ZERO if counted else cost}, now)
    detail = f"{money_text(what.amount)} to one worker, by a HIT that only they can see"
    return Plan("compensate", place.mode, (Step(what.worker_id, case, cost, detail),), notes=notes, run=run)


def _interrupted(opened: Sequence[Intent], run: RunRow) -> Case | None:
    """Return the compensation that an interrupted run has opened; None if it has opened nothing yet."""
    both = {intent.kind: intent for intent in opened}
    if not both:
        return None
    post = both[intents.COMPENSATE]
    return Case(Compensation.restore(post.request), post, both[intents.MESSAGE], run)


def _is_done(case: Case) -> bool:
    return case.post.state == case.message.state == intents.DONE


def compensate(world: World, plan: Plan[Case]) -> BatchResult:
    """Create the qualification type, post the HIT and send the message. A refusal by the market is a failed item.

    Raises:
        UnreachableError: the market cannot be reached; the same command continues from there.
    """
    assert plan.run is not None, "a compensation is a run"
    with plan.run.kept(plan) as kept:
        result = BatchResult(plan.action, plan.mode, [*map(_carry_out(world), plan.steps), *plan.skipped])
        kept.close(result)
    return result


def _carry_out(world: World) -> Callable[[Step[Case]], ItemResult]:
    def carry_out(step: Step[Case]) -> ItemResult:
        going = _Compensation(world, step)
        try:
            return going.run()
        except MarketRefusedError as error:
            if not (going.gave_up or for_good(error)):
                step.payload.run.leave_undone()
            return ItemResult(step.id, FAILED, step.detail, ItemError.of(error))

    return carry_out


class _Compensation:
    """Carries out one compensation."""

    def __init__(self, world: World, step: Step[Case]) -> None:
        self._world = world
        self._mturk = world.mturk
        self._engine = world.engine()
        self._now = world.now()
        self._step = step
        self._case = step.payload
        self.gave_up = False

    def run(self) -> ItemResult:
        post, message = self._open()
        if post.state != intents.DONE:
            self._post(post)
        hit = self._stored(post)
        detail = f"HIT {hit.hit_id}; {self._write(message, hit)}"
        return ItemResult(self._step.id, "compensated", detail, cost=self._step.cost)

    def _open(self) -> tuple[Intent, Intent]:
        """Commit both intents and return them. An intent that the market refused earlier begins anew.

        Raises:
            FundsError: other requests have used up the budget since the plan was made.
        """
        with self._world.database.write() as session:
            self._check_again(session)
            wanted = [_afresh(intent, self._now) for intent in (self._case.post, self._case.message)]
            for intent in wanted:
                intent.run = self._case.run.number
            post, message = intents.open_many(session, wanted)
        return post, message

    def _check_again(self, session: Session) -> None:
        stored = intents.get(session, self._case.post.token)
        if stored is None or stored.state in (intents.FAILED, intents.ABANDONED):
            costs = {self._case.what.experiment_id: self._case.what.cost}
            check_budgets(Scope(session, self._world.place, self._now), costs)

    def _post(self, post: Intent) -> None:
        type_id = self._qualification(post)
        with self._world.database.write() as session:
            intents.mark_sent(session, post.token, self._now)
        request = self._case.what.request(post.token, type_id)
        try:
            hit = self._engine.call(lambda: post_once(self._mturk, request, post.token))
        except MarketRefusedError as error:
            if refused(error):
                with self._world.database.write() as session:
                    intents.fail(session, post.token, error.code, self._now)
            raise
        with self._world.database.write() as session:
            enter_posts(Scope(session, self._world.place, self._now), [(post, hit)])

    def _qualification(self, post: Intent) -> str:
        """Create a qualification type, grant it to this worker only, and return its id.

        If the market refuses the worker for good, delete the type again and give the compensation up.
        """
        about = "For one worker, who is paid for work that could not be submitted."
        type_id = make_type(self._world, f"turkctl: compensation {post.token[:32]}", about).type_id
        worker_id = self._case.what.worker_id
        try:
            self._engine.call(lambda: self._mturk.grant(type_id, worker_id, notify=False))
        except MarketRefusedError as error:
            if not error.retryable:
                self._engine.call(lambda: self._mturk.delete_qualification_type(type_id))
                self._give_up(error)
            raise
        return type_id

    def _give_up(self, error: TurkctlError) -> None:
        self.gave_up = True
        with self._world.database.write() as session:
            for intent in (self._case.post, self._case.message):
                intents.abandon(session, intent.token, error.code, self._now)

    def _stored(self, post: Intent) -> StoredHit:
        with self._world.database.read() as session:
            done = intents.get(session, post.token)
            hit = None if done is None else hits.get(session, self._world.place, done.result or "")
        assert hit is not None, "it was entered when its intent was completed"
        return hit

    def _write(self, message: Intent, hit: StoredHit) -> str:
        """Send the message unless that was begun before; return the outcome in words."""
        with self._world.database.write() as session:
            if not intents.mark_sent(session, message.token, self._now):
                intents.complete(session, message.token, "interrupted", self._now)
                return "the message may have been sent before the interruption, so it is not sent again"
        text = self._case.what.message(hit.expires, link_to(hit, self._mturk.endpoint))
        became = self._send(text)
        with self._world.database.write() as session:
            intents.complete(session, message.token, became, self._now)
        return became

    def _send(self, text: str) -> str:
        try:
            failed = self._engine.call(lambda: self._notify(text))
        except MarketRefusedError as error:
            return f"the message failed: {error.message}"
        if failed:
            reason = failed[0].message or failed[0].code
            return f"the message did not reach the worker ({reason}): tell them where to find the HIT"
        return GOT_IT

    def _notify(self, text: str) -> tuple[NotifyFailure, ...]:
        """Send the message with one request; without an answer it may have been sent, so it is not sent again."""
        try:
            return self._mturk.notify([self._case.what.worker_id], SUBJECT, text)
        except (AnswerLostError, MarketFaultError) as error:
            raise MarketRefusedError("no answer came, so it may have been sent", code=error.code) from error


def _afresh(intent: Intent, now: datetime) -> Intent:
    """Return an intent that was refused or given up as a new one; a message that may have been sent stays as it is."""
    may_be_out = intent.kind == intents.MESSAGE and intent.sent is not None
    return intent if may_be_out else intents.afresh(intent, now)
