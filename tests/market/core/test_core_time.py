"""Time passes in a market that nobody asks, and what it brings is told, whatever becomes of the process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from market_support import REQUESTER, Bench, Clock, hit_request
from sqlalchemy import Engine, create_engine, event, select

from turkctl.market import tables
from turkctl.market.timekeeper import Timekeeper

QUEUE = "https://queue.example.org/events"
EVENTS = ["HITExpired", "HITReviewable", "HITDisposed", "AssignmentAbandoned", "AssignmentApproved"]


class Inbox:
    """Takes notifications; safe for threads."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.down = False

    def __call__(self, _destination: dict[str, Any], body: str) -> None:
        if self.down:
            raise ConnectionError("nobody there")
        self.taken += [(each["EventType"], each.get("AssignmentId") or each["HITId"]) for each in told(body)]


def told(body: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(body)["Events"]
    return found


def subscribe(bench: Bench, destination: str = QUEUE) -> str:
    """A HIT type whose events are told there."""
    kind: str = bench.market.create_hit_type(REQUESTER, hit_request(AutoApprovalDelayInSeconds=7200))["HITTypeId"]
    notification = {"Destination": destination, "Transport": "SQS", "Version": "2014-08-15", "EventTypes": EVENTS}
    bench.market.update_notification_settings(REQUESTER, {"HITTypeId": kind, "Notification": notification})
    return kind


def busy(bench: Bench) -> set[tuple[str, str]]:
    """One piece of work submitted and one under way; what time will bring."""
    subscribe(bench)
    hit = bench.hit(MaxAssignments=2, AutoApprovalDelayInSeconds=7200)
    _, submitted = bench.submitted(hit)
    _, accepted = bench.accepted(hit)
    return {
        ("AssignmentAbandoned", accepted),
        ("HITExpired", hit),
        ("HITReviewable", hit),
        ("AssignmentApproved", submitted),
        ("HITDisposed", hit),
    }


def turn(engine: Engine, by: timedelta) -> None:
    """Turn the clock as another process does, and let nothing happen."""
    with engine.begin() as connection:
        moved = tables.meta.c.clock_offset + by // timedelta(milliseconds=1)
        connection.execute(tables.meta.update().values(clock_offset=moved))


def eventually(what: Callable[[], bool]) -> None:
    """Wait until it is so; the test's own time limit ends a wait in vain."""
    while not what():
        time.sleep(0.02)


@contextmanager
def kept(bench: Bench) -> Iterator[Engine]:
    """The bench's market with its time kept, and another process's way to its tables."""
    timekeeper, other = Timekeeper(bench.market), create_engine(str(bench.url))
    timekeeper.start()
    try:
        yield other
    finally:
        timekeeper.stop()
        other.dispose()
        bench.market.close()


def test_what_is_due_happens_and_is_told_though_nobody_asks(url: str) -> None:
    inbox = Inbox()
    bench = Bench(url, notify=inbox)
    expected = busy(bench)
    with kept(bench) as other:
        turn(other, timedelta(days=200))
        eventually(lambda: set(inbox.taken) >= expected)
        with other.connect() as connection:
            statuses = set(connection.execute(select(tables.assignment.c.status)).scalars())
            assert statuses == {"Approved", "Abandoned"}
            assert connection.execute(select(tables.hit.c.status)).scalar() == "Disposed"
        eventually(lambda: waiting(other) == 0)
    assert sorted(inbox.taken) == sorted(expected)


def waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(select(tables.outbox.c.seq)).all())


def test_what_was_not_delivered_is_tried_again_though_nobody_asks(tmp_path: Path) -> None:
    inbox = Inbox()
    inbox.down = True
    bench = Bench(f"sqlite:///{tmp_path / 'market.db'}", notify=inbox)
    expected = busy(bench)
    bench.market.advance(timedelta(hours=1))
    with kept(bench) as other:
        inbox.down = False
        turn(other, timedelta(minutes=1))
        eventually(lambda: {kind for kind, _ in inbox.taken} == {"AssignmentAbandoned", "HITExpired", "HITReviewable"})
    assert set(inbox.taken) < expected


def test_a_queue_that_does_not_answer_holds_up_neither_time_nor_requests(tmp_path: Path) -> None:
    called, answer = threading.Event(), threading.Event()

    def hang(_destination: dict[str, Any], _body: str) -> None:
        called.set()
        assert answer.wait(timeout=60)

    bench = Bench(f"sqlite:///{tmp_path / 'market.db'}", notify=hang)
    busy(bench)
    with kept(bench) as other:
        turn(other, timedelta(hours=1))
        assert called.wait(timeout=60)
        assert bench.hit()
        turn(other, timedelta(days=200))
        eventually(lambda: "Disposed" in statuses(other))
        answer.set()


def statuses(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(select(tables.hit.c.status)).scalars())


def test_time_goes_on_once_the_database_answers_again(tmp_path: Path) -> None:
    bench = Bench(f"sqlite:///{tmp_path / 'market.db'}")
    bench.hit()
    refused = threading.Event()

    @event.listens_for(bench.market._database.engine, "begin")
    def refuse(_connection: object) -> None:
        if not allowed:
            refused.set()
            raise OSError("the disk is gone")

    allowed: list[bool] = []
    with kept(bench) as other:
        assert refused.wait(timeout=60)
        allowed.append(True)
        turn(other, timedelta(hours=1))
        eventually(lambda: statuses(other) == {"Reviewable"})


def test_a_look_at_what_is_due_reads_two_rows_however_many_hits_there_are(tmp_path: Path) -> None:
    bench = Bench(f"sqlite:///{tmp_path / 'market.db'}")
    statements: list[str] = []
    event.listen(
        bench.market._database.engine,
        "before_cursor_execute",
        lambda _c, _cur, statement, *_: statements.append(statement),
    )
    counts = []
    for _ in range(2):
        bench.market.bulk_hits(REQUESTER, hit_request(), 300)
        statements.clear()
        assert bench.market.next_due() == (3600.0, float("inf"))
        counts.append([statement for statement in statements if not statement.startswith("BEGIN")])
    assert [len(count) for count in counts] == [2, 2]
    bench.market.close()


class Killed(BaseException):
    """The process is gone at this point."""


def live_on(url: str, clock: Clock, inbox: Inbox) -> None:
    """Begin anew after a kill, and go on until nothing is left to do or to tell."""
    again = Bench(url, clock=clock, notify=inbox)
    again.market.settle()
    clock.seconds += 60
    again.market.settle()
    again.market.close()


def true_of(engine: Engine) -> set[str]:
    """The assignments and HITs to which something happened."""
    with engine.connect() as connection:
        hits = select(tables.hit.c.id).where(tables.hit.c.status != "Assignable")
        work = select(tables.assignment.c.id).where(tables.assignment.c.status.in_(["Approved", "Abandoned"]))
        return {*connection.execute(hits).scalars(), *connection.execute(work).scalars()}


@pytest.mark.parametrize(
    ("days", "step"),
    [
        pytest.param(200, 11, id="here and there"),
        pytest.param(1, 1, id="soon", marks=pytest.mark.slow),
        pytest.param(200, 1, id="after the fortnight that events are kept", marks=pytest.mark.slow),
    ],
)
def test_a_kill_at_any_statement_loses_no_event_and_tells_of_none_that_was_not(
    tmp_path: Path, days: int, step: int
) -> None:
    killed, number = True, 0
    while killed:
        url, clock, inbox = f"sqlite:///{tmp_path / f'{number}.db'}", Clock(), Inbox()
        bench = Bench(url, clock=clock, notify=inbox)
        expected = {each for each in busy(bench) if days > 100 or each[0] != "HITDisposed"}
        clock.seconds += timedelta(days=days).total_seconds()
        killed = kill_at_statement(bench, number)
        other = create_engine(url)
        assert {who for _, who in inbox.taken} <= true_of(other)
        live_on(url, clock, inbox)
        assert set(inbox.taken) == expected, number
        assert waiting(other) == 0
        other.dispose()
        number += step
    assert number > 30


def kill_at_statement(bench: Bench, number: int) -> bool:
    """Settle what is due and die at this statement; whether that came."""
    left = [number]

    def count(*_: object) -> None:
        if left[0] == 0:
            raise Killed
        left[0] -= 1

    event.listen(bench.market._database.engine, "before_cursor_execute", count)
    try:
        bench.market.settle()
    except Killed:
        return True
    finally:
        bench.market.close()
    return False


@pytest.mark.parametrize("after", [False, True], ids=["before it is taken", "after it is taken"])
def test_a_kill_at_any_delivery_loses_no_event(tmp_path: Path, after: bool) -> None:
    for number in range(6):
        url, clock, inbox = f"sqlite:///{tmp_path / f'{number}.db'}", Clock(), Inbox()
        left = [number]

        def die(destination: dict[str, Any], body: str, inbox: Inbox = inbox, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0 and not after:
                raise Killed
            inbox(destination, body)
            if left[0] < 0:
                raise Killed

        bench = Bench(url, clock=clock, notify=die)
        expected = busy(bench)
        clock.seconds += timedelta(days=200).total_seconds()
        try:
            bench.market.settle()
        except Killed:
            assert number < len(expected)
        bench.market.close()
        live_on(url, clock, inbox)
        assert set(inbox.taken) == expected


def test_an_event_is_not_dropped_for_the_age_of_what_it_tells_of(tmp_path: Path) -> None:
    url, clock, inbox = f"sqlite:///{tmp_path / 'market.db'}", Clock(), Inbox()
    bench = Bench(url, clock=clock, notify=inbox)
    expected = busy(bench)
    bench.market.employ(lambda _events: None)  # it is killed before it delivers
    clock.seconds += timedelta(days=200).total_seconds()
    bench.market.settle()
    bench.market.close()
    assert inbox.taken == []
    inbox.down = True
    live_on(url, clock, inbox)  # refused once, what was noticed only now is tried again
    inbox.down = False
    live_on(url, clock, inbox)
    assert set(inbox.taken) == expected


def test_a_destination_that_costs_much_time_waits_for_its_next_turn() -> None:
    from turkctl.market import notifications
    from turkctl.market.tx import Event

    seconds, asked = [0.0], []

    def slow(destination: dict[str, Any], _body: str) -> None:
        asked.append(destination["Destination"])
        if destination["Destination"] == "slow":
            seconds[0] += 3
            raise ConnectionError("nobody there")

    events = [Event(number, {"Destination": ("slow", "quick")[number % 2]}, "", 0) for number in range(10)]
    assert notifications.deliver(slow, events, 1, clock=lambda: seconds[0]) == [1, 3, 5, 7, 9]
    assert (asked.count("slow"), asked.count("quick")) == (2, 5)
