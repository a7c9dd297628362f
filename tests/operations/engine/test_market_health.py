"""A market that is away for a while is waited for; one that fails at everything ends the batch soon, and says so."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, everything

from turkctl.context import Context
from turkctl.market.doors.http import Server, serve
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.service import Market
from turkctl.mturk.errors import (
    AnswerLostError,
    MarketFaultError,
    MarketRefusedError,
    NotConnectedError,
    StrangeAnswerError,
)
from turkctl.operations.engine.batch import Engine, read_each
from turkctl.operations.engine.plan import Act, Done, Plan, Step
from turkctl.operations.hits.expire import prepare_expire


class Clock:
    def __init__(self) -> None:
        self.time = 0.0
        self.lock = threading.Lock()

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.time += seconds


class Counting(Act[str]):
    def __init__(self, perform: Callable[[str], None]) -> None:
        self.does = perform
        self.tries: Counter[str] = Counter()

    def perform(self, step: Step[str]) -> Done:
        self.tries[step.id] += 1
        self.does(step.id)
        return Done("done")


def plan_of(count: int) -> Plan[str]:
    return Plan("act", "local", tuple(Step(f"A{n}", f"A{n}") for n in range(count)))


def engine(clock: Clock, said: list[str], **options: Any) -> Engine:
    return Engine(clock=clock, sleep=clock.sleep, rng=random.Random(1), notice=said.append, **options)


def fault() -> MarketFaultError:
    return MarketFaultError("the disk is full", code="ServiceFault")


def test_a_refused_connection_is_waited_out_and_the_user_hears_of_it_once() -> None:
    clock, said = Clock(), []

    def perform(_item: str) -> None:
        if clock.time < 15:
            raise NotConnectedError("no market at x: the connection was refused")

    act = Counting(perform)
    result = engine(clock, said, workers=4).apply(plan_of(12), act)
    assert (result.succeeded, result.exit_code) == (12, 0)
    assert said == [
        "no market at x: the connection was refused; waiting up to 20 s for it to come back",
        "the market answers again",
    ]


def test_a_market_that_does_not_come_back_ends_the_batch_after_twenty_seconds() -> None:
    clock, said = Clock(), []

    def perform(item: str) -> None:
        if item != "A0":
            raise NotConnectedError("refused")

    act = Counting(perform)
    with pytest.raises(NotConnectedError) as caught:
        engine(clock, said, workers=1).apply(plan_of(500), act)
    assert 20 < clock.time < 22
    assert not caught.value.uncertain
    assert list(act.tries)[:2] == ["A0", "A1"]
    assert len(act.tries) <= 3, "who comes later does not wait again"
    with pytest.raises(NotConnectedError):
        engine(clock, said).call(lambda: perform("A1"))
    assert 40 < clock.time < 44


def test_an_answer_that_was_lost_before_the_connection_was_refused_leaves_it_uncertain() -> None:
    clock, errors = Clock(), iter([AnswerLostError("lost")])

    def perform() -> None:
        raise next(errors, NotConnectedError("refused"))

    with pytest.raises(NotConnectedError) as caught:
        engine(clock, []).call(perform)
    assert caught.value.uncertain


def test_when_all_of_a_wave_fail_alike_the_batch_says_so_and_stops() -> None:
    clock, said = Clock(), []

    def perform(_item: str) -> None:
        raise fault()

    act = Counting(perform)
    result = engine(clock, said, workers=8).apply(plan_of(400), act)
    assert (result.succeeded, result.interrupted, result.exit_code) == (0, False, 1)
    assert 8 <= result.failed < 32
    assert result.failed + result.unstarted == 400
    assert result.as_dict()["matched"] == 400
    assert "because all requests failed in the same way" in result.summary()
    assert clock.time < 2 * 120, "nobody waits two minutes more for each wave"
    assert said == [
        "requests fail with ServiceFault: the disk is full; retrying for up to 120 s",
        "the last 8 requests all failed with ServiceFault: the disk is full; stopping",
    ]


def test_one_item_that_the_market_always_fails_at_does_not_stop_the_others() -> None:
    clock, said = Clock(), []

    def perform(item: str) -> None:
        if item == "A0":
            raise fault()

    act = Counting(perform)
    result = engine(clock, said, workers=1).apply(plan_of(100), act)
    assert (result.succeeded, result.failed, result.unstarted) == (99, 1, 0)
    assert max(act.tries[f"A{n}"] for n in range(1, 100)) == 1


def test_after_a_wave_without_success_others_get_one_try_each_until_something_comes_through() -> None:
    clock = Clock()

    def perform(item: str) -> None:
        if item in ("A0", "A1") or (item == "A3" and act.tries[item] < 3):
            raise fault()

    act = Counting(perform)
    result = engine(clock, [], workers=1).apply(plan_of(1), act)
    waves = Plan("act", "local", tuple(Step(f"A{n}", f"A{n}", wave=n) for n in range(5)))
    act.tries.clear()
    result = engine(clock, [], workers=4).apply(waves, act)
    assert [item.status for item in result.results] == ["failed", "failed", "done", "done", "done"]
    assert act.tries["A0"] > 10
    assert (act.tries["A1"], act.tries["A2"], act.tries["A3"]) == (1, 1, 3)


def test_what_the_market_refuses_for_good_never_stops_a_batch() -> None:
    def perform(_item: str) -> None:
        raise MarketRefusedError("there is no such thing")

    result = engine(Clock(), said := [], workers=4).apply(plan_of(100), Counting(perform))
    assert (result.failed, result.unstarted, said) == (100, 0, [])


def test_reading_ends_when_every_read_of_a_wave_fails_alike() -> None:
    clock, said = Clock(), []
    tries: Counter[int] = Counter()

    def read(key: int) -> int:
        tries[key] += 1
        raise fault()

    with pytest.raises(MarketFaultError):
        list(read_each(engine(clock, said, workers=4), range(400), read))
    assert len(tries) < 40
    assert said[-1].endswith("stopping")


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restarting]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTONE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    market = Market(f"sqlite:///{tmp_path / 'served.db'}")
    server = Restarting(Endpoint(market))
    yield server
    server.stop()
    market.close()


class Restarting:
    """A market behind HTTP that can be stopped, and started again at the same address."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.server: Server | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        self.server = serve(self.endpoint, "127.0.0.1", self.port, 8)
        self.port = self.server.port
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.close()
            self.thread.join(10)
            self.server = None


def test_a_batch_goes_on_when_the_market_was_started_anew(tmp_path: Path, served: Restarting) -> None:
    live = f'mode = "live"\n[endpoints]\nlive = "http://127.0.0.1:{served.port}"\n'
    study = Study.new(tmp_path, settings=live)
    try:
        study.post(1, hits=3)
        plan, act = prepare_expire(study.world, everything())
        said: list[str] = []
        served.stop()

        def sleep(_seconds: float) -> None:
            if served.server is None:
                served.start()

        study.world.notice = said.append
        result = study.world.engine(workers=1, sleep=sleep).apply(plan, act)
        assert (result.succeeded, result.exit_code) == (3, 0)
        assert [words.partition(";")[2] for words in said] == [" waiting up to 20 s for it to come back", ""]
        assert f"127.0.0.1:{served.port}: the connection was refused" in said[0]
    finally:
        study.close()


def test_the_context_hands_its_notice_to_every_engine(study: Study) -> None:
    said: list[str] = []
    context = Context(study.world.settings, said.append)
    context.engine().notice("wait")
    assert said == ["wait"]


def test_what_is_no_market_is_asked_three_times_within_two_seconds() -> None:
    clock, tries = Clock(), []

    def perform() -> None:
        tries.append(clock.time)
        error = StrangeAnswerError("no market at x")
        error.few_tries = True
        raise error

    with pytest.raises(StrangeAnswerError) as caught:
        engine(clock, []).call(perform)
    assert (len(tries), clock.time < 2.1, caught.value.uncertain) == (3, True, True)


def test_a_page_in_answer_to_what_pays_is_as_uncertain_as_any_lost_answer() -> None:
    clock, tries = Clock(), []

    def perform() -> None:
        tries.append(clock.time)
        raise StrangeAnswerError("no market at x")

    with pytest.raises(StrangeAnswerError) as caught:
        engine(clock, []).call(perform)
    assert (len(tries) > 5, clock.time > 25, caught.value.uncertain) == (True, True, True)
