from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from wire_support import NOW_MS, RecordingMarket, call

from turkctl.errors import UsageError
from turkctl.market.notifier import LossyNotify
from turkctl.market.protocol.endpoint import CutAnswerError, Endpoint
from turkctl.market.protocol.switches import Switches, parse


class Time:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def make(market: RecordingMarket, time: Time | None = None, **switches: float) -> Endpoint:
    time = time or Time()
    return Endpoint(
        market,  # type: ignore[arg-type]  # stands in for a market
        switches=Switches(**switches),  # type: ignore[arg-type]  # numbers, all of them
        clock=time,
        sleep=time.sleep,
    )


def statuses(endpoint: Endpoint, count: int) -> list[int | str]:
    seen: list[int | str] = []
    for _ in range(count):
        try:
            status, reply = call(endpoint, "ListHITs", {})
        except CutAnswerError:
            seen.append("lost")
        else:
            seen.append(status if status == 200 else reply["__type"])
    return seen


def test_all_switches_are_off_by_default(market: RecordingMarket):
    assert statuses(make(market), 200) == [200] * 200
    assert market.listing_lag == timedelta()


def test_the_throttle_lets_a_seconds_worth_through_and_then_its_rate(market: RecordingMarket):
    time = Time()
    endpoint = make(market, time, throttle=5)
    assert statuses(endpoint, 8) == [200] * 5 + ["ThrottlingException"] * 3
    time.now += 0.4
    assert statuses(endpoint, 4) == [200] * 2 + ["ThrottlingException"] * 2
    assert len(market.asked) == 7


def test_a_throttled_request_takes_no_token(market: RecordingMarket):
    time = Time()
    endpoint = make(market, time, throttle=0.5)
    assert statuses(endpoint, 50) == [200] + ["ThrottlingException"] * 49
    time.now += 2
    assert statuses(endpoint, 1) == [200]


def test_a_throttled_answer_is_amazons(market: RecordingMarket):
    endpoint = make(market, throttle=1)
    statuses(endpoint, 1)
    assert call(endpoint, "ListHITs", {}) == (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})


def test_latency_passes_before_the_effect(market: RecordingMarket):
    time = Time()
    endpoint = make(market, time, latency=0.25)
    moments: list[float] = []
    endpoint.before = lambda _operation: moments.append(time.now)
    statuses(endpoint, 2)
    assert moments == [0.25, 0.5]


def test_a_fault_before_has_no_effect_and_a_fault_after_has_one(market: RecordingMarket):
    before, after = RecordingMarket(), RecordingMarket()
    assert statuses(make(before, fault_before=1), 3) == ["ServiceFault"] * 3
    assert statuses(make(after, fault_after=1), 3) == ["ServiceFault"] * 3
    assert (len(before.asked), len(after.asked)) == (0, 3)


def test_a_fault_is_status_500_with_the_services_code(market: RecordingMarket):
    status, error = call(make(market, fault_before=1), "ListHITs", {})
    assert status == 500
    assert error["TurkErrorCode"] == "AWS.ServiceUnavailable"
    assert error["Message"].endswith(f"({NOW_MS})")


def test_a_lost_answer_comes_after_the_effect(market: RecordingMarket):
    assert statuses(make(market, answer_lost=1), 2) == ["lost"] * 2
    assert len(market.asked) == 2


def test_the_same_seed_brings_the_same_faults_in_about_the_wanted_number():
    def run(seed: int) -> list[int | str]:
        endpoint = make(RecordingMarket(), fault_before=0.2, fault_after=0.2, answer_lost=0.2, seed=seed)
        return statuses(endpoint, 500)

    first = run(7)
    assert first == run(7) != run(8)
    assert 200 < first.count(200) < 320


def test_one_switch_does_not_shift_the_throws_of_another():
    alone = statuses(make(RecordingMarket(), answer_lost=0.3), 100)
    beside = statuses(make(RecordingMarket(), answer_lost=0.3, fault_after=0.5), 100)
    assert [fate == "lost" for fate in alone] == [fate == "lost" for fate in beside]


def test_lag_is_handed_to_the_market(market: RecordingMarket):
    endpoint = make(market, lag=90)
    assert market.listing_lag == timedelta(seconds=90)
    endpoint.switches = Switches()
    assert market.listing_lag == timedelta()


def test_lost_notifications_need_what_delivers_them(market: RecordingMarket):
    with pytest.raises(ValueError, match="notifications"):
        make(market, notification_loss=0.5)
    got: list[str] = []
    notifications = LossyNotify(lambda _destination, body: got.append(body))
    endpoint = Endpoint(market, notifications=notifications)  # type: ignore[arg-type]  # stands in for a market
    notifications({}, "before")
    endpoint.switches = Switches(notification_loss=1)
    notifications({}, "lost")
    endpoint.switches = Switches()
    notifications({}, "after")
    assert got == ["before", "after"]


def test_hooks_run_right_before_and_right_after_the_effect(market: RecordingMarket):
    endpoint = make(market, fault_after=1)
    log: list[str] = []
    endpoint.before = lambda operation: log.append(f"before {operation} {len(market.asked)}")
    endpoint.after = lambda operation: log.append(f"after {operation} {len(market.asked)}")
    statuses(endpoint, 1)
    assert log == ["before ListHITs 0", "after ListHITs 1"]


def test_requests_are_counted_by_operation_refused_ones_too(market: RecordingMarket):
    endpoint = make(market, throttle=1)
    statuses(endpoint, 3)
    call(endpoint, "GetHIT", {"HITId": "3A"})
    assert endpoint.requests == {"ListHITs": 3, "GetHIT": 1}


def test_the_peak_of_requests_under_way_is_counted(market: RecordingMarket):
    endpoint = make(market)
    together = threading.Barrier(3, timeout=10)
    endpoint.before = lambda _operation: together.wait()  # type: ignore[assignment]  # its answer is of no use
    threads = [threading.Thread(target=call, args=(endpoint, "ListHITs", {})) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    endpoint.before = None
    statuses(endpoint, 5)
    assert endpoint.peak_concurrency == 3


def test_switches_are_read_from_text():
    assert parse(["throttle=20", "fault-after=0.1", "answer_lost=1", "lag=90", "seed=3", "throttle=30"]) == Switches(
        throttle=30, fault_after=0.1, answer_lost=1, lag=90, seed=3
    )
    assert parse([]) == Switches()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("throtle=5", "did you mean throttle?"),
        ("throttle", "did you mean throttle?"),
        ("zzz=1", "fault-before"),
        ("latency=fast", "is not a number"),
        ("fault-after=1.5", "is not a probability"),
        ("latency=-1", "is not a time"),
        ("lag=nan", "is not a time"),
        ("throttle=0", "is not a rate"),
        ("throttle=inf", "is not a rate"),
        ("answer-lost=nan", "is not a probability"),
        ("seed=1.5", "is not a number"),
    ],
)
def test_a_switch_that_cannot_be_meant_is_refused(text: str, says: str):
    with pytest.raises(UsageError) as refused:
        parse([text])
    assert says in f"{refused.value.message} {refused.value.hint}"
