"""The client against the built-in market: what the market does is what the client says it did."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from turkctl.errors import CredentialsError
from turkctl.market.doors.inprocess import attach
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.switches import Switches
from turkctl.market.service import Market
from turkctl.mturk import errors
from turkctl.mturk.client import MTurk
from turkctl.mturk.connect import LOCAL_ENDPOINT, connect
from turkctl.mturk.questions import external_question, parse_answers, parse_question
from turkctl.mturk.requirements import from_api, to_api
from turkctl.mturk.types import HitRequest

SETTINGS = {"locale": ["US", "CA"], "percent_approved": 95}
QUESTION = external_question("https://lab.example.org/task?study=1&arm=2", 600)
REQUEST = HitRequest(
    title="Name the colour of a word",
    description="A short reading task.",
    reward=Decimal("0.50"),
    duration=timedelta(minutes=30),
    lifetime=timedelta(days=1),
    max_assignments=3,
    auto_approval_delay=timedelta(days=3),
    keywords=("reading", "colour"),
    question=QUESTION,
    annotation="campaign 1",
    requirements=to_api(SETTINGS, "production"),
)
OPEN = dataclasses.replace(REQUEST, requirements=())


class Now:
    """A clock that a test moves."""

    time = 1_790_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def built_in(now: Now) -> Iterator[Market]:
    market = Market("sqlite://", clock=now, rng=random.Random(7))
    yield market
    market.close()


@pytest.fixture
def endpoint(built_in: Market) -> Endpoint:
    return Endpoint(built_in)


@pytest.fixture
def mturk(endpoint: Endpoint) -> MTurk:
    return connect(endpoint_url=LOCAL_ENDPOINT, local=lambda events: attach(events, endpoint))


def work(built_in: Market, hit_id: str, **answers: str) -> tuple[str, str]:
    """Have a new worker do a HIT; (assignment id, worker id)."""
    worker = built_in.register_worker("production")
    assignment: str = built_in.accept("production", worker, hit_id)["AssignmentId"]
    built_in.submit("production", worker, assignment, answers or {"colour": "red"})
    return assignment, worker


def test_what_is_posted_is_what_is_read(mturk: MTurk) -> None:
    posted = mturk.create_hit(REQUEST, "t1")
    read = mturk.get_hit(posted.hit_id)
    assert read == posted
    for same in ("title", "description", "reward", "duration", "max_assignments", "keywords", "annotation"):
        assert getattr(read, same) == getattr(REQUEST, same), same
    assert read.auto_approval_delay == timedelta(days=3)
    assert read.status == "Assignable"
    assert read.created is not None
    assert read.expires is not None
    assert read.expires - read.created == timedelta(days=1)
    assert (read.available, read.pending, read.completed, read.submitted) == (3, 0, 0, 0)
    assert read.question is not None
    assert parse_question(read.question).url == "https://lab.example.org/task?study=1&arm=2"
    assert from_api(read.requirements) == SETTINGS


def test_a_repeated_token_names_the_hit_that_is_there(mturk: MTurk) -> None:
    posted = mturk.create_hit(REQUEST, "t1")
    with pytest.raises(errors.AlreadyExistsError) as caught:
        mturk.create_hit(REQUEST, "t1")
    assert caught.value.hit_id == posted.hit_id
    assert mturk.requests["CreateHIT"] == 2


def test_an_extension_and_a_bonus_with_a_repeated_token_are_already_there(mturk: MTurk, built_in: Market) -> None:
    hit = mturk.create_hit(OPEN, "t1")
    mturk.extend_hit(hit.hit_id, 2, "e1")
    with pytest.raises(errors.AlreadyExistsError):
        mturk.extend_hit(hit.hit_id, 2, "e1")
    assert mturk.get_hit(hit.hit_id).max_assignments == 5
    assignment, worker = work(built_in, hit.hit_id)
    mturk.send_bonus(worker, assignment, Decimal("0.25"), "well done", "b1")
    with pytest.raises(errors.AlreadyExistsError):
        mturk.send_bonus(worker, assignment, Decimal("0.25"), "well done", "b1")
    assert [payment.amount for payment in mturk.list_bonuses(hit_id=hit.hit_id)] == [Decimal("0.25")]
    assert [payment.worker_id for payment in mturk.list_bonuses(assignment_id=assignment)] == [worker]


def test_work_is_read_approved_paid_and_the_hit_deleted(mturk: MTurk, built_in: Market) -> None:
    before = mturk.balance().available
    hit = mturk.create_hit(OPEN, "t1")
    assignment_id, worker = work(built_in, hit.hit_id, colour="red & green", count="3")
    assert mturk.get_hit(hit.hit_id).submitted == 1
    (assignment,) = mturk.list_assignments(hit.hit_id, ["Submitted"])
    assert (assignment.assignment_id, assignment.worker_id, assignment.hit_id) == (assignment_id, worker, hit.hit_id)
    assert assignment.answer is not None
    assert parse_answers(assignment.answer) == {"colour": "red & green", "count": "3"}
    mturk.approve(assignment_id, "thank you")
    approved = mturk.get_assignment(assignment_id)
    assert (approved.status, approved.feedback) == ("Approved", "thank you")
    assert approved.approved is not None
    with pytest.raises(errors.InvalidStateError):
        mturk.delete_hit(hit.hit_id)
    mturk.expire_hit(hit.hit_id)
    assert [found.hit_id for found in mturk.list_reviewable_hits()] == [hit.hit_id]
    mturk.delete_hit(hit.hit_id)
    assert mturk.get_hit(hit.hit_id).status == "Disposed"
    with pytest.raises(errors.InvalidStateError) as caught:
        mturk.delete_hit(hit.hit_id)
    assert caught.value.state == "Disposed"
    assert list(mturk.list_hits()) == []
    assert before - mturk.balance().available == Decimal("0.60")


def test_a_rejection_can_be_overturned_and_nothing_decided_twice(mturk: MTurk, built_in: Market) -> None:
    hit = mturk.create_hit(OPEN, "t1")
    assignment, _ = work(built_in, hit.hit_id)
    mturk.reject(assignment, "empty")
    with pytest.raises(errors.InvalidStateError, match="status of: Submitted"):
        mturk.approve(assignment)
    mturk.approve(assignment, override_rejection=True)
    assert [found.status for found in mturk.list_assignments(hit.hit_id)] == ["Approved"]
    with pytest.raises(errors.InvalidStateError):
        mturk.reject(assignment, "again")


def test_a_hit_can_be_open_for_longer(mturk: MTurk, now: Now) -> None:
    hit = mturk.create_hit(OPEN, "t1")
    assert hit.expires is not None
    now.time += 600
    mturk.set_expiration(hit.hit_id, hit.expires + timedelta(days=1))
    assert mturk.get_hit(hit.hit_id).expires == hit.expires + timedelta(days=1)


def test_unknown_things_do_not_exist(mturk: MTurk, built_in: Market) -> None:
    hit = mturk.create_hit(OPEN, "t1")
    _, worker = work(built_in, hit.hit_id)
    for ask in (
        lambda: mturk.get_hit("3NONE"),
        lambda: mturk.expire_hit("3NONE"),
        lambda: mturk.get_assignment("3NONE"),
        lambda: mturk.approve("3NONE"),
        lambda: list(mturk.list_assignments("3NONE")),
        lambda: mturk.get_qualification_type("3NONE"),
        lambda: mturk.score("3NONE", worker),
    ):
        with pytest.raises(errors.DoesNotExistError, match="3NONE"):
            ask()


def test_nine_assignments_do_not_become_ten(mturk: MTurk) -> None:
    hit = mturk.create_hit(dataclasses.replace(OPEN, max_assignments=9), "t1")
    with pytest.raises(errors.MarketRefusedError) as caught:
        mturk.extend_hit(hit.hit_id, 1, "e1")
    assert caught.value.code == "AWS.MechanicalTurk.InvalidMaximumAssignmentsIncrease"


def test_a_balance_that_is_too_low_is_insufficient_funds(mturk: MTurk) -> None:
    with pytest.raises(errors.InsufficientFundsError) as caught:
        mturk.create_hit(dataclasses.replace(OPEN, reward=Decimal(9000)), "t1")
    assert caught.value.code == "AWS.MechanicalTurk.InsufficientFunds"


def test_values_that_the_market_does_not_take_are_parameter_errors(mturk: MTurk, built_in: Market) -> None:
    hit = mturk.create_hit(OPEN, "t1")
    assignment, _ = work(built_in, hit.hit_id)
    for ask in (
        lambda: mturk.send_bonus("ANOBODY", assignment, Decimal(1), "x", "b1"),
        lambda: mturk.block("ANOBODY", "x"),
        lambda: mturk.get_hit("small letters"),
        lambda: mturk.create_hit(dataclasses.replace(OPEN, question="<nonsense"), "t2"),
    ):
        with pytest.raises(errors.ParameterError):
            ask()


def test_more_hits_than_a_page_holds_are_all_listed_once(mturk: MTurk) -> None:
    posted = {mturk.create_hit(dataclasses.replace(OPEN, max_assignments=1), f"t{n}").hit_id for n in range(205)}
    mturk.requests.clear()
    listed = [hit.hit_id for hit in mturk.list_hits()]
    assert len(listed) == 205
    assert set(listed) == posted
    assert mturk.requests["ListHITs"] == 4  # three with HITs, each with a token, and the empty one that ends it


def test_workers_are_blocked_and_written_to(mturk: MTurk, built_in: Market) -> None:
    hit = mturk.create_hit(OPEN, "t1")
    assignment, worker = work(built_in, hit.hit_id)
    unknown = built_in.register_worker("production")
    mturk.block(worker, "spam")
    assert [(block.worker_id, block.reason) for block in mturk.list_blocks()] == [(worker, "spam")]
    mturk.unblock(worker)
    assert list(mturk.list_blocks()) == []
    mturk.approve(assignment)
    (failure,) = mturk.notify([worker, unknown], "hello", "there")
    assert (failure.worker_id, failure.code) == (unknown, "HardFailure")


def test_a_qualification_is_made_found_granted_read_and_taken_away(mturk: MTurk, built_in: Market) -> None:
    made = mturk.create_qualification_type("took part", "in the study", keywords=("study",))
    with pytest.raises(errors.NameTakenError):
        mturk.create_qualification_type("took part", "again")
    assert mturk.find_qualification_type("took part") == made
    assert mturk.get_qualification_type(made.type_id).description == "in the study"
    assert mturk.update_qualification_type(made.type_id, description="other").description == "other"
    worker = built_in.register_worker("production")
    assert mturk.score(made.type_id, worker) is None
    mturk.grant(made.type_id, worker, 5)
    held = mturk.score(made.type_id, worker)
    assert held is not None
    assert (held.value, held.status) == (5, "Granted")
    assert [holder.worker_id for holder in mturk.holders(made.type_id)] == [worker]
    mturk.revoke(made.type_id, worker)
    assert mturk.score(made.type_id, worker) is None
    assert [holder.worker_id for holder in mturk.holders(made.type_id, "Revoked")] == [worker]
    mturk.delete_qualification_type(made.type_id)
    assert mturk.find_qualification_type("took part") is None


def test_a_throttled_request_and_a_fault_may_be_tried_again(mturk: MTurk, endpoint: Endpoint) -> None:
    endpoint.switches = Switches(throttle=0.001)
    with pytest.raises(errors.ThrottledError):
        [mturk.balance() for _ in range(5)]
    endpoint.switches = Switches(fault_before=1.0)
    with pytest.raises(errors.MarketFaultError):
        mturk.balance()


def test_after_a_lost_answer_the_same_token_finds_what_was_done(mturk: MTurk, endpoint: Endpoint) -> None:
    endpoint.switches = Switches(answer_lost=1.0)
    with pytest.raises(errors.AnswerLostError):
        mturk.create_hit(OPEN, "t1")
    endpoint.switches = Switches()
    with pytest.raises(errors.AlreadyExistsError) as caught:
        mturk.create_hit(OPEN, "t1")
    assert caught.value.hit_id is not None
    assert [hit.hit_id for hit in mturk.list_hits()] == [caught.value.hit_id]


def test_keys_that_the_market_does_not_know_are_a_credentials_error(mturk: MTurk, endpoint: Endpoint) -> None:
    endpoint.keys["AKIDOTHER"] = "secret"
    with pytest.raises(CredentialsError):
        mturk.balance()
