from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turkctl.errors import CredentialsError, MarketUnreachableError, TurkctlError
from turkctl.mturk.errors import NotConnectedError
from turkctl.operations.engine.batch import Engine
from turkctl.operations.engine.pace import Pace
from turkctl.operations.engine.plan import Act, Done, ItemResult, Plan, Step, skip


class Throttled(TurkctlError):
    code = "ThrottlingException"
    retryable = True
    throttled = True


class Fault(TurkctlError):
    code = "ServiceFault"
    retryable = True


class Recorder(Act[str]):
    """An act that does what the test's function says and keeps what it is told."""

    def __init__(self, perform: Callable[[str], Done | None]) -> None:
        self.does = perform
        self.prepared: list[str] = []
        self.groups: list[int] = []
        self.recorded: dict[str, object] = {}
        self.threads: set[str] = set()

    def prepare(self, steps: Sequence[Step[str]]) -> None:
        self.threads.add(threading.current_thread().name)
        self.prepared += [step.id for step in steps]

    def perform(self, step: Step[str]) -> Done:
        assert step.id in self.prepared, "intent comes before the request"
        return self.does(step.payload) or Done("approved")

    def record(self, outcomes: Sequence[tuple[Step[str], Done | TurkctlError]]) -> None:
        self.threads.add(threading.current_thread().name)
        self.groups.append(len(outcomes))
        self.recorded |= {step.id: outcome for step, outcome in outcomes}


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def plan_of(count: int, **skipped: str) -> Plan[str]:
    steps = tuple(Step(f"A{n}", f"A{n}", Decimal("0.12")) for n in range(count))
    return Plan("approve", "local", steps, skip(skipped.items()))


def engine(clock: Clock | None = None, **options: object) -> Engine:
    clock = clock or Clock()
    return Engine(clock=clock, sleep=clock.sleep, rng=random.Random(1), **options)  # type: ignore[arg-type]  # any option


def test_one_failing_item_never_stops_the_batch() -> None:
    def perform(item: str) -> None:
        if item == "A3":
            raise TurkctlError("no such thing")

    act = Recorder(perform)
    result = engine().apply(plan_of(10, X1="not submitted"), act)
    assert (result.succeeded, result.failed, result.skipped) == (9, 1, 1)
    assert result.exit_code == 1
    assert set(act.recorded) == {f"A{n}" for n in range(10)}
    failed = next(item for item in result.results if item.status == "failed")
    assert failed.id == "A3"
    assert failed.error is not None
    assert failed.error.message == "no such thing"


def test_the_bill_counts_only_what_was_done() -> None:
    def perform(item: str) -> None:
        if item == "A0":
            raise TurkctlError("no")

    result = engine().apply(plan_of(3), Recorder(perform))
    assert result.cost == Decimal("0.24")
    assert result.as_dict()["cost"] == "0.24"


def test_a_retryable_error_is_tried_again_until_it_works() -> None:
    tries: dict[str, int] = {}

    def perform(item: str) -> None:
        tries[item] = tries.get(item, 0) + 1
        if tries[item] < 4:
            raise (Fault if tries[item] % 2 else Throttled)("not now")

    result = engine(workers=1).apply(plan_of(5), Recorder(perform))
    assert result.succeeded == 5
    assert set(tries.values()) == {4}


def test_patience_runs_out() -> None:
    clock = Clock()

    def perform(item: str) -> None:
        raise Fault("never")

    result = engine(clock, workers=1, patience=30).apply(plan_of(1), Recorder(perform))
    assert result.failed == 1
    assert 30 < clock.time < 60


def test_the_database_is_touched_by_one_thread_only_and_in_groups() -> None:
    act = Recorder(lambda item: None)
    engine(group=50).apply(plan_of(200), act)
    assert act.threads == {threading.current_thread().name}
    assert sum(act.groups) == 200
    assert len(act.groups) < 100


def test_requests_run_side_by_side() -> None:
    together = threading.Barrier(24, timeout=20)
    reached = threading.Event()

    def perform(item: str) -> None:
        if not reached.is_set():
            together.wait()
            reached.set()

    result = Engine(workers=32).apply(plan_of(24), Recorder(perform))
    assert result.succeeded == 24, "24 requests have to be under way at once for the barrier to open"


def test_stopping_finishes_what_is_in_hand_and_counts_the_rest() -> None:
    slow = engine(workers=2, group=4)

    def perform(item: str) -> None:
        if item == "A1":
            slow.stop.set()

    act = Recorder(perform)
    result = slow.apply(plan_of(100), act)
    assert result.interrupted
    assert result.exit_code == 130
    assert len(result.results) + result.unstarted == 100
    assert {item.id for item in result.results} == set(act.recorded)
    assert result.as_dict()["matched"] == 100
    assert result.summary().endswith(
        f", interrupted with {result.unstarted} not started; run the same command to continue"
    )


@pytest.mark.parametrize("error", [Fault("busy"), Throttled("slow down"), NotConnectedError("no market")])
def test_what_was_in_hand_and_not_tried_again_for_the_stop_makes_the_batch_interrupted(error: TurkctlError) -> None:
    stopped = engine()

    def perform(_item: str) -> None:
        stopped.stop.set()
        raise error

    result = stopped.apply(plan_of(1), Recorder(perform))
    assert (result.failed, result.unstarted, result.exit_code) == (1, 0, 130)
    assert result.summary().endswith(", 1 failed, interrupted; run the same command to continue")


def test_what_was_done_or_refused_after_a_stop_is_a_result_like_any_other() -> None:
    for refusal, code in ((None, 0), (TurkctlError("no such thing"), 1)):
        stopped = engine()

        def perform(_item: str, refusal: TurkctlError | None = refusal, stop: threading.Event = stopped.stop) -> None:
            stop.set()
            if refusal is not None:
                raise refusal

        result = stopped.apply(plan_of(1), Recorder(perform))
        assert (result.interrupted, result.exit_code) == (False, code)


@pytest.mark.parametrize("error", [CredentialsError, MarketUnreachableError])
def test_when_no_item_can_succeed_the_batch_ends_and_what_was_done_is_recorded(error: type[TurkctlError]) -> None:
    def perform(item: str) -> None:
        if item == "A5":
            raise error("wrong")

    act = Recorder(perform)
    with pytest.raises(error):
        engine(workers=1).apply(plan_of(1000), act)
    assert "A0" in act.recorded
    assert len(act.recorded) < 100


def test_a_fault_of_ours_is_raised_after_the_rest_is_recorded() -> None:
    def perform(item: str) -> None:
        if item == "A2":
            raise ZeroDivisionError

    act = Recorder(perform)
    with pytest.raises(ZeroDivisionError):
        engine(workers=1).apply(plan_of(10), act)
    assert "A1" in act.recorded


def test_a_lost_lease_ends_the_batch_before_the_next_group() -> None:
    beats = iter([None, None])

    def beat() -> None:
        if next(beats, "gone") == "gone":
            raise TurkctlError("the lease is gone")

    act = Recorder(lambda item: None)
    with pytest.raises(TurkctlError, match="lease"):
        engine(workers=1, group=10, beat=beat).apply(plan_of(100), act)
    assert len(act.prepared) == 20
    assert set(act.recorded) <= set(act.prepared)


def test_each_result_is_told_after_it_is_recorded() -> None:
    act = Recorder(lambda item: None)
    told: list[str] = []

    def on_item(item: ItemResult) -> None:
        assert item.id in act.recorded
        told.append(item.id)

    engine().apply(plan_of(20), act, on_item)
    assert len(told) == 20


def test_a_dry_run_has_the_same_shape_and_asks_nobody() -> None:
    result = plan_of(2, X1="too young").preview().as_dict()
    assert set(result) == set(engine().apply(plan_of(1), Recorder(lambda item: None)).as_dict())
    assert result["dry_run"] is True
    assert result["succeeded"] == 0
    assert [item["status"] for item in result["results"]] == ["planned", "planned", "skipped"]


def test_the_pace_is_unlimited_until_the_first_throttling() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    for _ in range(100):
        pace.wait()
        pace.speed_up()
    assert clock.time == 0
    assert pace._rate is None


@settings(max_examples=25, deadline=None)
@given(st.floats(2, 200), st.integers(0, 2**32))
def test_the_pace_settles_near_what_the_market_allows(limit: float, seed: int) -> None:
    """A token bucket that rejects what comes too soon: nearly all of its rate is used, few requests are wasted."""
    clock, rng = Clock(), random.Random(seed)
    pace = Pace(clock, clock.sleep)
    tokens, last, done, rejected = limit, 0.0, 0, 0
    while clock.time < 60:
        began = pace.wait()
        clock.sleep(rng.uniform(0, 0.2 / limit))
        tokens, last = min(limit, tokens + (clock.time - last) * limit), clock.time
        if tokens >= 1:
            tokens -= 1
            done += 1
            pace.speed_up()
        else:
            rejected += 1
            pace.slow_down(began)
    assert done >= 0.95 * limit * 60
    assert rejected < 0.2 * done


def test_a_burst_that_is_throttled_is_followed_by_a_pause_and_the_pace_of_what_came_through() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    started = [pace.wait() for _ in range(32)]
    clock.sleep(0.1)
    for _ in range(5):
        pace.speed_up()
    for began in started[20:]:
        pace.slow_down(began)
    for _ in range(15):  # answered after the first refusal
        pace.speed_up()
    assert pace._rate == pytest.approx(19)
    assert pace.wait() == pytest.approx(1.1)


def test_a_pace_that_nobody_complains_of_for_long_grows_fast() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    pace.slow_down(pace.wait())
    for _ in range(150):
        pace.wait()
        pace.speed_up()
    assert pace._rate is not None
    assert pace._rate > 100


def test_results_come_in_the_order_of_the_plan_whatever_finishes_first() -> None:
    last = threading.Event()

    def perform(item: str) -> None:
        if item == "A0":
            assert last.wait(20)
        if item == "A9":
            last.set()

    result = Engine(workers=10).apply(plan_of(10, X1="left out"), Recorder(perform))
    assert [item.id for item in result.results] == [*(f"A{n}" for n in range(10)), "X1"]


def test_a_wave_starts_only_when_all_of_the_wave_before_are_answered() -> None:
    lock = threading.Lock()
    answered: list[str] = []
    seen: dict[str, set[str]] = {}
    together = threading.Barrier(3, timeout=20)

    def perform(item: str) -> None:
        if item[0] == "b":
            together.wait()  # the three of the second wave are under way at once
        with lock:
            seen[item] = set(answered)
        if item == "a1":
            raise TurkctlError("no")
        with lock:
            answered.append(item)

    waves = ("a1", "a2", "a3", "a4", "b1", "b2", "b3", "c1")
    plan = Plan("expire", "local", tuple(Step(item, item, wave=item[0]) for item in waves))
    result = Engine(workers=4, group=2).apply(plan, Recorder(perform))
    assert [item.id for item in result.results] == list(waves)
    first = {"a2", "a3", "a4"}
    assert seen["b1"] == first | seen["b1"] & {"b2", "b3"}
    assert first <= seen["b2"] & seen["b3"]
    assert seen["c1"] == first | {"b1", "b2", "b3"}
