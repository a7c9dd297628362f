"""Sending notices: each channel gets each one, again after failures, and no two processes send it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session
from study_support import Study, new_study

from turkctl.errors import TurkctlError
from turkctl.operations.notices.delivery import (
    CLAIM,
    FIRST_WAIT,
    GIVEN_UP_AFTER,
    LONGEST_WAIT,
    DeliveryReport,
    deliver,
)
from turkctl.store import notices
from turkctl.store.leases import machine_clock

SECOND = timedelta(seconds=1)


class Ear:
    """A channel that hears what is sent, and fails when the test says so."""

    def __init__(self, name: str = "ear", deaf: bool = False) -> None:
        self.name = name
        self.deaf = deaf
        self.heard: list[str] = []
        self.during: Callable[[], None] = lambda: None

    def send(self, event: Mapping[str, Any]) -> None:
        self.during()
        if self.deaf:
            raise TurkctlError("nobody listens", hint="knock louder")
        self.heard.append(event["message"])


class MovedClock:
    """The machine's clock, turned forward by the test."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self, session: Session) -> Any:
        return machine_clock(session) + self.ahead


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with new_study(tmp_path) as made:
        yield made


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


def write(study: Study, *messages: str) -> None:
    now = study.world.now()
    with study.world.database.write() as session:
        for message in messages:
            notices.add(session, message, "campaign_met", message, mode="local", happened=now)


def send(study: Study, clock: MovedClock, *ears: Ear) -> DeliveryReport:
    return deliver(study.world.database, ears, clock=clock)


def test_every_channel_gets_every_notice_once_in_order(study: Study, clock: MovedClock) -> None:
    write(study, "one", "two")
    ears = Ear("a"), Ear("b")
    assert send(study, clock, *ears).sent == 2
    assert send(study, clock, *ears).sent == 0
    assert [ear.heard for ear in ears] == [["one", "two"]] * 2


def test_what_one_channel_has_is_sent_again_to_the_others_alone(study: Study, clock: MovedClock) -> None:
    write(study, "one", "two")
    good, bad = Ear("good"), Ear("bad", deaf=True)
    report = send(study, clock, good, bad)
    assert (report.sent, report.unsent, list(report.failed)) == (0, 2, ["bad"])
    bad.deaf = False
    assert send(study, clock, good, bad).sent == 0, "not at once"
    clock.ahead = FIRST_WAIT
    assert send(study, clock, good, bad).sent == 2
    assert (good.heard, bad.heard) == (["one", "two"], ["one", "two"])


def test_a_channel_that_fails_is_asked_once_a_look(study: Study, clock: MovedClock) -> None:
    write(study, "one", "two", "three")
    asked: list[int] = []
    ear = Ear(deaf=True)
    ear.during = lambda: asked.append(1)
    send(study, clock, ear)
    assert len(asked) == 1


def test_waits_double_until_the_longest_and_a_notice_is_given_up_with_a_word(study: Study, clock: MovedClock) -> None:
    write(study, "one")
    ear = Ear(deaf=True)
    waits = []
    while not (report := send(study, clock, ear)).given_up:
        assert report.again is not None
        with study.world.database.read() as session:
            wait = report.again - clock(session)
        clock.ahead += wait + SECOND
        waits.append(round(wait / FIRST_WAIT))
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == LONGEST_WAIT / FIRST_WAIT
    assert [notice.message for notice in report.given_up] == ["one"]
    ear.deaf = False
    assert send(study, clock, ear) == DeliveryReport(), "and not sent nor told of again"


def test_notices_wait_until_a_channel_is_configured_and_old_ones_are_no_news(study: Study, clock: MovedClock) -> None:
    write(study, "old")
    assert send(study, clock) == DeliveryReport()
    clock.ahead = GIVEN_UP_AFTER + SECOND
    ear = Ear()
    assert send(study, clock, ear) == DeliveryReport(), "nobody is told that it was given up"
    assert ear.heard == []


def test_a_process_that_ends_while_it_sends_leaves_the_notice_to_the_next(study: Study, clock: MovedClock) -> None:
    write(study, "one")
    ear = Ear()
    ear.during = interrupt
    with pytest.raises(KeyboardInterrupt):
        send(study, clock, ear)
    ear.during = lambda: None
    assert send(study, clock, ear).sent == 0, "as long as the first may still be at it"
    clock.ahead = CLAIM
    assert send(study, clock, ear).sent == 1
    assert ear.heard == ["one"]


def interrupt() -> None:
    raise KeyboardInterrupt


def test_two_processes_do_not_send_the_same(study: Study, clock: MovedClock) -> None:
    write(study, "one", "two")
    first, second = Ear(), Ear()
    first.during = lambda: None if second.heard else send(study, clock, second) and None
    send(study, clock, first)
    assert sorted(first.heard + second.heard) == ["one", "two"]


def test_whoever_is_to_stop_leaves_the_rest(study: Study) -> None:
    write(study, "one", "two")
    ear = Ear()
    assert deliver(study.world.database, [ear], stopped=lambda: bool(ear.heard)).sent == 1
    assert ear.heard == ["one"]
