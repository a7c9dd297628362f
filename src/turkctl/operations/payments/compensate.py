"""``workers compensate``: pay somebody who did the work and could not submit it.

The market pays for submitted assignments only. So a HIT is made that this one worker alone can see, and the worker is
told. What is to be done is committed before the first request; a run that was interrupted goes on where it stood:

- the qualification type has a name made from the token, so that it is found again;
- the HIT is posted with the token, so that it is posted once;
- the message is marked sent before it is sent, so that it goes out at most once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import RefusedError, TurkctlError, UsageError
from turkctl.mturk.errors import (
    AlreadyExistsError,
    AnswerLostError,
    MarketFaultError,
    MarketRefusedError,
    NameTakenError,
)
from turkctl.mturk.types import Hit, HitRequest, NotifyFailure
from turkctl.operations.engine.plan import ALREADY_DONE, FAILED, BatchResult, ItemError, ItemResult, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import the_experiment
from turkctl.operations.intents.compensations import SUBJECT, Compensation, link_to
from turkctl.operations.intents.outcomes import for_good, posted_before, refused
from turkctl.operations.intents.runs import Command, RunRow, find_run, glance_at_runs
from turkctl.operations.intents.settle import enter_hit, settle
from turkctl.operations.limits.budgets import check_budgets, check_funds
from turkctl.operations.payments.caps import check_cap
from turkctl.store import hits, intents, meta
from turkctl.store.base import Place
from turkctl.store.hits import Hit as StoredHit
from turkctl.store.intents import Intent
from turkctl.units import CENT, ZERO, format_money

LIFETIME = timedelta(days=14)
MAX_REASON = 1000
"""Characters: the message that it is part of has at most 4,096."""


@dataclass(frozen=True)
class CompensateRequest:
    """The arguments of ``workers compensate``; ``amount`` in dollars."""

    worker_id: str
    amount: Decimal
    reason: str
    experiment: str | None = None
    lifetime: timedelta = LIFETIME
    new: bool = False
    """Begin another, though one of the same arguments may have been interrupted."""
    resume: bool = False
    """Take up an interrupted one even if it is old."""

    def check(self) -> None:
        """See that the market could take it.

        Raises:
            UsageError: it could not.
        """
        if not self.worker_id.strip():
            raise UsageError("the worker's id is empty", hint="see: turkctl workers list")
        if self.amount < CENT:
            raise UsageError(
                f"--amount must be at least 0.01, not {format_money(self.amount)}", hint="give 0.01 or more"
            )
        if not self.reason.strip():
            raise UsageError("--reason is empty", hint="say what the worker is paid for: it is part of the message")
        if len(self.reason) > MAX_REASON:
            raise UsageError(f"--reason has at most {MAX_REASON:,} characters, this one {len(self.reason):,}")
        if not timedelta(seconds=30) <= self.lifetime <= timedelta(days=365):
            raise UsageError("--lifetime lies outside 30 seconds to 365 days", hint="write 12h or 14d")


@dataclass(frozen=True)
class Case:
    """One compensation with its two intents, as they were when it was planned, and the run that it is."""

    what: Compensation
    post: Intent
    letter: Intent
    run: RunRow


def prepare_compensate(world: World, request: CompensateRequest) -> Plan[Case]:
    """The plan of one step: an unfinished compensation of the same arguments, else a new one.

    Raises:
        UsageError, NotFoundError: bad arguments, an amount over ``limits.max_bonus``, or no such experiment.
        FundsError: the experiment's budget or the balance does not allow it.
        RunAtWorkError, RunOvertakenError, StaleRunError: see :func:`turkctl.operations.intents.runs.find_run`.
    """
    request.check()
    now, place = world.now(), world.place
    with world.database.read() as session:
        slug = request.experiment
        experiment_id = None if slug is None else the_experiment(session, slug, world.settings).experiment_id
    what = Compensation(request.worker_id, request.amount, request.reason, request.lifetime, experiment_id)
    what.request("", "0")  # refuses a reason that no page can hold
    command = Command("workers compensate", what.stored(), None, request.new, request.resume)
    before = glance_at_runs(world, command)
    settled = settle(world, now)
    run = find_run(world, command, now, before)
    with world.database.read() as session:
        case = _interrupted(run.opened(session), run)
        if case is None:
            check_cap(session, what.experiment_id, what.amount)
            case = _case(place, what, meta.database_id(session), run, now)
    notes = (*settled.beside(run), *(run.note(int(not _is_done(case)), "pay", "payment")))
    if _is_done(case):
        done = ItemResult(what.worker_id, ALREADY_DONE, f"HIT {case.post.result}")
        return Plan("compensate", place.mode, (), (done,), notes, run)
    cost = ZERO if case.post.state == intents.DONE else what.cost
    counted = run.left is not None and case.post.state in intents.UNFINISHED
    check_funds(world, {experiment_id: ZERO if counted else cost}, now)
    detail = f"${format_money(what.amount)} to one worker, by a HIT that nobody else sees"
    return Plan("compensate", place.mode, (Step(what.worker_id, case, cost, detail),), notes=notes, run=run)


def _interrupted(opened: Sequence[Intent], run: RunRow) -> Case | None:
    """Return the compensation that the run has opened; None where it has opened nothing yet."""
    both = {intent.kind: intent for intent in opened}
    if not both:
        return None
    post = both[intents.COMPENSATE]
    return Case(Compensation.restore(post.request), post, both[intents.MESSAGE], run)


def _is_done(case: Case) -> bool:
    return case.post.state == case.letter.state == intents.DONE


def _case(place: Place, what: Compensation, database_id: str, run: RunRow, now: datetime) -> Case:
    batch = secrets.token_hex(16)

    def intent(kind: str, cost: Decimal) -> Intent:
        return Intent(
            token=intents.token(database_id, kind, batch),
            kind=kind,
            mode=place.mode,
            market=place.market,
            batch=batch,
            digest=batch,
            subject=what.worker_id,
            experiment_id=what.experiment_id,
            request=what.stored(),
            cost=cost,
            created=now,
        )

    return Case(what, intent(intents.COMPENSATE, what.cost), intent(intents.MESSAGE, ZERO), run)


def compensate(world: World, plan: Plan[Case]) -> BatchResult:
    """Do it: qualification, HIT, message. A refusal by the market is a failed item.

    Raises:
        UnreachableError: the market is out of reach; the same command goes on from there.
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
    """One compensation on its way."""

    def __init__(self, world: World, step: Step[Case]) -> None:
        self._world = world
        self._mturk = world.mturk
        self._engine = world.engine()
        self._now = world.now()
        self._step = step
        self._case = step.payload
        self.gave_up = False

    def run(self) -> ItemResult:
        post, letter = self._open()
        if post.state != intents.DONE:
            self._post(post)
        hit = self._stored(post)
        detail = f"HIT {hit.hit_id}; {self._write(letter, hit)}"
        return ItemResult(self._step.id, "compensated", detail, cost=self._step.cost)

    def _open(self) -> tuple[Intent, Intent]:
        """Both intents, committed. One that the market refused before starts afresh.

        Raises:
            FundsError: others have used the budget up since the plan was made.
        """
        with self._world.database.write() as session:
            self._check_again(session)
            wanted = [_afresh(intent, self._now) for intent in (self._case.post, self._case.letter)]
            for intent in wanted:
                intent.run = self._case.run.number
            post, letter = intents.open_many(session, wanted)
        return post, letter

    def _check_again(self, session: Session) -> None:
        stored = intents.get(session, self._case.post.token)
        if stored is None or stored.state in (intents.FAILED, intents.ABANDONED):
            costs = {self._case.what.experiment_id: self._case.what.cost}
            check_budgets(session, self._world.place, costs, self._now)

    def _post(self, post: Intent) -> None:
        type_id = self._qualification(post)
        with self._world.database.write() as session:
            intents.mark_sent(session, post.token, self._now)
        request = self._case.what.request(post.token, type_id)
        try:
            hit = self._engine.call(lambda: self._create(request, post.token))
        except MarketRefusedError as error:
            if refused(error):
                with self._world.database.write() as session:
                    intents.fail(session, post.token, error.code, self._now)
            raise
        with self._world.database.write() as session:
            enter_hit(session, self._world.place, post, hit, self._now)
            intents.complete(session, post.token, hit.hit_id, self._now)

    def _create(self, request: HitRequest, token: str) -> Hit:
        try:
            return self._mturk.create_hit(request, token)
        except AlreadyExistsError as error:
            return posted_before(self._mturk, error, token)

    def _qualification(self, post: Intent) -> str:
        """The type that this worker alone holds, made and granted; for a worker whom the market refuses, neither."""
        type_id = self._type(f"turkctl: compensation {post.token[:32]}")
        worker_id = self._case.what.worker_id
        try:
            self._engine.call(lambda: self._mturk.grant(type_id, worker_id, notify=False))
        except MarketRefusedError as error:
            if not error.retryable:
                self._engine.call(lambda: self._mturk.delete_qualification_type(type_id))
                self._give_up(error)
            raise
        return type_id

    def _type(self, name: str) -> str:
        mturk = self._mturk
        about = "For one worker, who is paid for work that could not be submitted."
        try:
            return self._engine.call(lambda: mturk.create_qualification_type(name, about)).type_id
        except NameTakenError:
            found = self._engine.call(lambda: mturk.find_qualification_type(name))
        if found is None:
            raise RefusedError(
                f"the market has a qualification type '{name}' and does not list it yet", hint="try again in a minute"
            )
        return found.type_id

    def _give_up(self, error: TurkctlError) -> None:
        self.gave_up = True
        with self._world.database.write() as session:
            for intent in (self._case.post, self._case.letter):
                intents.abandon(session, intent.token, error.code, self._now)

    def _stored(self, post: Intent) -> StoredHit:
        with self._world.database.read() as session:
            done = intents.get(session, post.token)
            hit = None if done is None else hits.get(session, self._world.place, done.result or "")
        assert hit is not None, "it was entered with the end of its intent"
        return hit

    def _write(self, letter: Intent, hit: StoredHit) -> str:
        """Send the message, unless somebody began to; what became of it."""
        with self._world.database.write() as session:
            if not intents.mark_sent(session, letter.token, self._now):
                intents.complete(session, letter.token, "interrupted", self._now)
                return "whether the message was sent before the interruption is not known, and it is not sent again"
        text = self._case.what.letter(hit.expires, link_to(hit, self._mturk.endpoint))
        became = self._send(text)
        with self._world.database.write() as session:
            intents.complete(session, letter.token, became, self._now)
        return became

    def _send(self, text: str) -> str:
        try:
            failed = self._engine.call(lambda: self._notify(text))
        except MarketRefusedError as error:
            return f"no message: {error.message}"
        if failed:
            return f"not reached by message ({failed[0].message or failed[0].code}): tell the worker where to find it"
        return "told by message"

    def _notify(self, text: str) -> tuple[NotifyFailure, ...]:
        """One request: after an answer that did not come, it may have been sent, and is not sent again."""
        try:
            return self._mturk.notify([self._case.what.worker_id], SUBJECT, text)
        except (AnswerLostError, MarketFaultError) as error:
            raise MarketRefusedError("it may have been sent, but no answer came", code=error.code) from error


def _afresh(intent: Intent, now: datetime) -> Intent:
    """Return what the market refused, or what left no trace, to begin anew; a message that may be out does not."""
    may_be_out = intent.kind == intents.MESSAGE and intent.sent is not None
    return intent if may_be_out else intents.afresh(intent, now)
