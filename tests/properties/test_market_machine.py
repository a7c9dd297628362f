"""A random requester and random workers in a market whose clock moves: what must hold after every step.

The machine keeps books of its own, from the answers alone and the published rules, and compares: counters with slots,
steps of states with the state machines, the running sums of money with sums made from scratch.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule
from sqlalchemy import func, select

from turkctl.fees import MTURK
from turkctl.market import rules, tables
from turkctl.market.errors import MarketError, RequestError, WorkError
from turkctl.market.service import Market, Requester
from turkctl.units import from_micros

REQUESTER = Requester("123456789012", "production")
OPENING = Decimal("5.00")
EXTERNAL = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://lab.example.org/</ExternalURL><FrameHeight>0</FrameHeight>'
    "</ExternalQuestion>"
)
PAST = datetime.fromisoformat("2015-01-01T00:00:00+00:00")

HIT_STEPS = {
    ("Assignable", "Unassignable"),
    ("Unassignable", "Assignable"),
    ("Assignable", "Reviewable"),
    ("Unassignable", "Reviewable"),
    ("Reviewable", "Assignable"),
    ("Reviewing", "Assignable"),
    ("Reviewable", "Reviewing"),
    ("Reviewing", "Reviewable"),
    ("Reviewable", "Disposed"),
    ("Reviewing", "Disposed"),
}
NUMBER = st.integers(0, 9)


def attempt(act: Callable[[], Any]) -> tuple[Any, MarketError | WorkError | None]:
    """The answer of an act, or why it was refused."""
    try:
        return act(), None
    except (MarketError, WorkError) as error:
        return None, error


WORK_REFUSED = (None, "AlreadySubmitted", "Returned", "DeadlinePassed", "NotFound")


@dataclass
class Books:
    """What the machine itself knows of a HIT."""

    reward: Decimal
    slots: int
    status: str = "Assignable"
    workers: dict[str, str] = field(default_factory=dict)

    def unit(self) -> Decimal:
        """Reward and fee; ten slots or more stay ten or more."""
        return self.reward + MTURK.reward_fee(self.reward, self.slots)


def worked(machine: MarketMachine) -> bool:
    """Whether there is an assignment to choose."""
    return bool(machine.assignments)


class MarketMachine(RuleBasedStateMachine):
    """Requester and workers at random."""

    hits = Bundle("hits")

    @initialize(target=hits)
    def open(self) -> Any:
        self.seconds = 1_700_000_000.0
        self.market = Market("sqlite://", clock=lambda: self.seconds, rng=random.Random(1), opening_balance=OPENING)
        self.workers = [self.market.register_worker("production") for _ in range(3)]
        self.books: dict[str, Books] = {}
        self.assignments: dict[str, str] = {}
        self.takers: dict[str, str] = {}
        self.bonuses = Decimal(0)
        self.tokens: dict[tuple[str, str], datetime] = {}
        return self.create("0.05", 3, 30 * 86400, 7 * 86400, None)

    def teardown(self) -> None:
        if hasattr(self, "market"):
            self.market.close()

    def _used(self, operation: str, token: str | None) -> bool:
        last = self.tokens.get((operation, token or ""))
        return token is not None and last is not None and self.market.now() - last < timedelta(hours=24)

    def _remember(self, operation: str, token: str | None) -> None:
        if token is not None:
            self.tokens[operation, token] = self.market.now()

    def _funds(self) -> Decimal:
        return Decimal(self.market.get_account_balance(REQUESTER, {})["AvailableBalance"])

    # The requester

    @rule(
        target=hits,
        reward=st.sampled_from(["0.01", "0.05", "0.13", "1.00"]),
        slots=st.sampled_from([1, 2, 3, 9, 10]),
        lifetime=st.sampled_from([60, 3600, 30 * 86400]),
        delay=st.sampled_from([0, 600, 86400]),
        token=st.sampled_from([None, None, "a"]),
    )
    def create(self, reward: str, slots: int, lifetime: int, delay: int, token: str | None) -> Any:
        request = {
            "Title": "t",
            "Description": "d",
            "Reward": reward,
            "LifetimeInSeconds": lifetime,
            "AssignmentDurationInSeconds": 300,
            "AutoApprovalDelayInSeconds": delay,
            "MaxAssignments": slots,
            "Question": EXTERNAL,
        } | ({"UniqueRequestToken": token} if token else {})
        repeated, funds, cost = self._used("CreateHIT", token), self._funds(), MTURK.hit_cost(Decimal(reward), slots)
        answer, error = attempt(lambda: self.market.create_hit(REQUESTER, request))
        if isinstance(error, MarketError):
            code = "HITAlreadyExists" if repeated else "InsufficientFunds"
            assert error.turk_error_code == f"AWS.MechanicalTurk.{code}"
            assert repeated or funds < cost
            return multiple()
        made = answer["HIT"]["HITId"]
        assert not repeated
        assert funds >= cost
        self._remember("CreateHIT", token)
        self.books[made] = Books(Decimal(reward), slots)
        return made

    @rule(hit=hits, more=st.sampled_from([1, 2, 8]), token=st.sampled_from([None, "a"]))
    def add(self, hit: str, more: int, token: str | None) -> None:
        request: dict[str, Any] = {"HITId": hit, "NumberOfAdditionalAssignments": more}
        repeated, slots = self._used("Add", token), self.books[hit].slots
        request |= {"UniqueRequestToken": token} if token else {}
        _, error = attempt(lambda: self.market.create_additional_assignments_for_hit(REQUESTER, request))
        if error is not None:
            assert repeated == ("idempotency" in error.message)
            return
        assert not repeated
        assert not slots < 10 <= slots + more
        self._remember("Add", token)
        self.books[hit].slots += more

    @rule(hit=hits, seconds=st.sampled_from([None, 30, 7200]))
    def change_expiry(self, hit: str, seconds: int | None) -> None:
        moment = PAST if seconds is None else self.market.now() + timedelta(seconds=seconds)
        self._try("update_expiration_for_hit", HITId=hit, ExpireAt=moment)

    @rule(hit=hits)
    def delete(self, hit: str) -> None:
        self._try("delete_hit", HITId=hit)

    @rule(hit=hits, revert=st.booleans())
    def mark(self, hit: str, revert: bool) -> None:
        self._try("update_hit_review_status", HITId=hit, Revert=revert)

    def _pick(self, number: int, *statuses: str) -> str:
        """One of the assignments, mostly (nine times of ten) one in such a status where there is any."""
        likely = [made for made, status in self.assignments.items() if status in statuses]
        among = likely if likely and number else list(self.assignments)
        return among[number % len(among)]

    @precondition(worked)
    @rule(number=NUMBER, override=st.booleans())
    def approve(self, number: int, override: bool) -> None:
        assignment = self._pick(number, "Submitted")
        self._try("approve_assignment", AssignmentId=assignment, OverrideRejection=override)

    @precondition(worked)
    @rule(number=NUMBER)
    def reject(self, number: int) -> None:
        self._try("reject_assignment", AssignmentId=self._pick(number, "Submitted"), RequesterFeedback="no")

    @precondition(worked)
    @rule(number=NUMBER)
    def overturn(self, number: int) -> None:
        assignment = self._pick(number, "Rejected")
        self._try("approve_assignment", AssignmentId=assignment, OverrideRejection=True)

    @precondition(worked)
    @rule(number=NUMBER, amount=st.sampled_from(["0.01", "0.25", "3.00"]), token=st.sampled_from([None, "a"]))
    def bonus(self, number: int, amount: str, token: str | None) -> None:
        assignment = self._pick(number, "Submitted", "Approved", "Rejected")
        worker = self.takers[assignment]
        request = {"WorkerId": worker, "AssignmentId": assignment, "BonusAmount": amount, "Reason": "r"}
        repeated = self._used("SendBonus", token)
        request |= {"UniqueRequestToken": token} if token else {}
        _, error = attempt(lambda: self.market.send_bonus(REQUESTER, request))
        if error is not None:
            assert repeated == ("idempotency" in error.message)
            return
        assert not repeated
        self._remember("SendBonus", token)
        self.bonuses += Decimal(amount) + MTURK.bonus_fee(Decimal(amount))

    def _try(self, operation: str, **request: Any) -> None:
        _, error = attempt(lambda: getattr(self.market, operation)(REQUESTER, request))
        assert error is None or isinstance(error, RequestError)

    # The workers

    @rule(hit=hits, number=st.integers(0, 2))
    def accept(self, hit: str, number: int) -> None:
        worker = self.workers[number]
        answer, error = attempt(lambda: self.market.accept("production", worker, hit))
        if isinstance(error, WorkError):
            assert error.code in ("NoHITsAvailable", "AssignmentAlreadyExists")
            return
        before = self.books[hit].workers.get(worker)
        assert before is None or self.assignments[before] in ("Returned", "Abandoned")
        made = answer["AssignmentId"]
        self.books[hit].workers[worker] = made
        self.takers[made] = worker
        self.assignments[made] = "Accepted"

    @precondition(worked)
    @rule(number=NUMBER)
    def submit(self, number: int) -> None:
        self._hand_in(self._pick(number, "Accepted"))

    @precondition(worked)
    @rule(number=NUMBER)
    def give_back(self, number: int) -> None:
        made = self._pick(number, "Accepted")
        _, error = attempt(lambda: self.market.return_assignment("production", self.takers[made], made))
        assert getattr(error, "code", None) in WORK_REFUSED

    @rule(hit=hits, number=st.integers(0, 2))
    def do(self, hit: str, number: int) -> None:
        """Accept and submit in one go, so that much work waits for review."""
        known = set(self.assignments)
        self.accept(hit, number)
        for made in set(self.assignments) - known:
            self._hand_in(made)

    def _hand_in(self, made: str) -> None:
        _, error = attempt(lambda: self.market.submit("production", self.takers[made], made, {"a": "1"}))
        assert getattr(error, "code", None) in WORK_REFUSED

    # Time

    @rule(seconds=st.sampled_from([1, 60, 300, 3600]))
    def wait(self, seconds: int) -> None:
        self.seconds += seconds

    @rule(days=st.sampled_from([0, 0, 0, 1, 1, 8, 31, 119]))
    def advance(self, days: int) -> None:
        self.market.advance(timedelta(days=days))

    # What always holds

    @invariant()
    def everything_adds_up(self) -> None:
        if not hasattr(self, "market"):
            return
        self.market.settle()
        with self.market._database.read() as connection:
            found = {row.id: row for row in connection.execute(select(tables.hit))}
            work: dict[str, list[Any]] = {}
            for row in connection.execute(select(tables.assignment)):
                work.setdefault(row.hit_id, []).append(row)
            account = connection.execute(select(tables.account)).first()
            charged = connection.execute(select(func.sum(tables.ledger.c.amount + tables.ledger.c.fee)).where(
                tables.ledger.c.kind != "deposit"
            )).scalar()  # fmt: skip
        for hit_id in self.books:
            self._check_counters(found[hit_id], work.get(hit_id, []))
            self._check_steps(found[hit_id], work.get(hit_id, []))
        if account is not None:
            self._check_money(found, work, account, from_micros(charged or 0))

    def _check_counters(self, hit: Any, work: list[Any]) -> None:
        counted = [row.status for row in work]
        assert hit.max_assignments == self.books[hit.id].slots
        assert hit.available + hit.pending + hit.submitted + hit.completed == hit.max_assignments
        assert min(hit.available, hit.pending, hit.submitted, hit.completed) >= 0
        assert hit.pending == counted.count("Accepted")
        assert hit.submitted == counted.count("Submitted")
        assert hit.completed == counted.count("Approved") + counted.count("Rejected")
        held = [row.worker_id for row in work if row.status in rules.HELD]
        assert len(held) == len(set(held))

    def _check_steps(self, hit: Any, work: list[Any]) -> None:
        books = self.books[hit.id]
        # Between two looks several steps may have happened; Disposed is final whatever came before.
        legal = hit.status == books.status or (books.status, hit.status) in HIT_STEPS or hit.status == "Disposed"
        assert legal or (books.status, hit.status) == ("Reviewing", "Unassignable"), (books.status, hit.status)
        assert books.status != "Disposed" or hit.status == "Disposed"
        books.status = hit.status
        now = int(self.market.now().timestamp() * 1000)
        open_for_work = hit.available > 0 and hit.expires_at > now
        if hit.status != "Disposed":
            assert (hit.status == "Assignable") == open_for_work
            assert (hit.status == "Unassignable") == (not open_for_work and hit.pending > 0)
        for row in work:
            before = self.assignments[row.id]
            if before != row.status:
                reachable = {"Accepted": {"Submitted", "Returned", "Abandoned", "Approved", "Rejected"},
                             "Submitted": {"Approved", "Rejected"}, "Rejected": {"Approved"}}  # fmt: skip
                assert row.status in reachable.get(before, set()), (before, row.status)
                self.assignments[row.id] = row.status

    def _check_money(self, hits: dict[str, Any], work: dict[str, list[Any]], account: Any, ledger: Decimal) -> None:
        spent, held = self.bonuses, Decimal(0)
        now = int(self.market.now().timestamp() * 1000)
        for hit_id, books in self.books.items():
            hit = hits[hit_id]
            statuses = [row.status for row in work.get(hit_id, [])]
            spent += statuses.count("Approved") * books.unit()
            waiting = statuses.count("Accepted") + statuses.count("Submitted")
            free = hit.available if hit.expires_at > now and hit.status != "Disposed" else 0
            held += (waiting + free) * books.unit()
        assert from_micros(account.charged) == spent == ledger
        assert from_micros(account.held) == held
        assert from_micros(account.deposits) == OPENING
        answer = self.market.get_account_balance(REQUESTER, {})
        assert Decimal(answer["AvailableBalance"]) == OPENING - spent - held >= 0
        assert Decimal(answer["OnHoldBalance"]) == held


@pytest.mark.timeout(120)
class TestMarketMachine(MarketMachine.TestCase):  # type: ignore[misc]  # hypothesis makes it at run time
    """Runs the machine."""

    settings = settings(
        max_examples=40,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
