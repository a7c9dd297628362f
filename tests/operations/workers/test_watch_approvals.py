"""``workers approve --watch``: by polling and by notifications, through lost messages and a slow market."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from study_support import Study, everything, new_study, worker

from turkctl.errors import UsageError
from turkctl.mturk.queues import Queue, QueueEvent, events, open_queue
from turkctl.operations.hits.lists import list_hits
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.watch_approvals import LONGEST, SHORTEST, Watch

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/events"
ALL = WorkSelection(Selection(everything=True))


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """The usual one, whose market may send to the queue that its settings name."""
    with new_study(tmp_path, settings=f'[notifications]\nqueue_url = "{QUEUE}"\n') as made:
        yield made


def statuses(study: Study, hit: str) -> list[str]:
    return sorted(each.status for each in study.world.mturk.list_assignments(hit))


class Scripted:
    """A watch whose waiting lets the next step of a script happen; after the last one it stops."""

    def __init__(
        self, study: Study, steps: list[Callable[[], object]], wanted: WorkSelection = ALL, **more: Any
    ) -> None:
        self.waited: list[float] = []
        self._steps = steps
        self._stop = threading.Event()
        self.watch = Watch(study.world, wanted, self._stop, sleep=self._sleep, **more)

    def _sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        if self._steps:
            self._steps.pop(0)()
        else:
            self._stop.set()

    def run(self) -> list[tuple[str, str]]:
        return [(item.id, item.status) for item in self.watch.run()]


def nothing() -> None:
    """A wait in which nothing happens."""


def test_polling_approves_what_arrives_and_looks_the_less_often_the_less_comes(study: Study) -> None:
    (hit,) = study.post(9)
    before = study.submit(hit, worker(1))
    arrived: list[str] = []

    def submit() -> None:
        arrived.extend(study.submit(hit, worker(2 + len(arrived))))

    script = Scripted(study, [nothing, nothing, nothing, nothing, nothing, submit, submit, nothing])
    assert [name for name, status in script.run() if status == "approved"] == [*before, *arrived]
    assert statuses(study, hit) == ["Approved"] * 3
    assert script.waited == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 30.0, 15.0, 30.0]
    assert (min(script.waited), max(script.waited)) == (SHORTEST, LONGEST)
    result = script.watch.result()
    assert (result.action, result.succeeded, result.failed) == ("approve", 3, 0)


def test_work_that_is_not_listed_yet_is_approved_when_it_is(study: Study) -> None:
    (hit,) = study.post(1)
    study.switch(lag=30)
    study.submit(hit, worker(1))
    script = Scripted(study, [nothing, lambda: study.pass_time(seconds=31)])
    assert [status for _name, status in script.run()] == ["approved"]


def test_a_market_that_cannot_be_reached_for_a_while_is_asked_again(study: Study) -> None:
    (hit,) = study.post(1)
    warned: list[str] = []

    def away() -> None:
        study.switch(answer_lost=1.0)
        study.submit(hit, worker(1))

    script = Scripted(study, [away, study.switch], warn=warned.append)
    engine = study.world.engine
    study.world.engine = lambda **options: engine(patience=0, **options)  # type: ignore[method-assign]  # no waiting
    assert [status for _name, status in script.run()] == ["approved"]
    assert len(warned) == 1
    assert script.waited[:2] == [SHORTEST, LONGEST], "a failure makes the next look late, and adds no wait to it"


def test_only_what_is_selected_is_approved(study: Study) -> None:
    (hit,) = study.post(2)
    first, _second = study.submit(hit, worker(1), worker(2))
    by_worker = WorkSelection(Selection(ids=(worker(1),)))
    sync(study.world)
    assert Scripted(study, [], by_worker).run() == [(first, "approved")]
    assert statuses(study, hit) == ["Approved", "Submitted"]


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A queue of moto's, on Amazon's address."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        url = boto3.client("sqs", region_name="us-east-1").create_queue(
            QueueName="events", Attributes={"ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "0"}
        )["QueueUrl"]
        assert url == QUEUE
        yield open_queue(url)


class Receives:
    """The queue, with a step of a script before each receive, which does not wait; stops at the end of the script."""

    def __init__(self, queue: Queue, stop: threading.Event, steps: list[Callable[[], object]]) -> None:
        self.url = queue.url
        self.received: list[int] = []
        self._queue, self._stop, self._steps = queue, stop, steps

    def receive(self, _wait: int) -> Any:
        if self._steps:
            self._steps.pop(0)()
        else:
            self._stop.set()
        found = self._queue.receive(0)
        self.received.append(len(found))
        return found

    def done(self, messages: Any) -> None:
        self._queue.done(messages)


def watching(study: Study, queue: Queue, steps: list[Callable[[], object]], **more: Any) -> tuple[Watch, Receives]:
    stop = threading.Event()
    receives = Receives(queue, stop, steps)
    wanted = more.pop("wanted", ALL)
    watch = Watch(study.world, wanted, stop, queue=receives, clock=more.pop("clock", lambda: 0.0))  # type: ignore[arg-type]  # as good as a queue
    return watch, receives


def test_a_submission_is_approved_on_the_first_receive_after_its_notification(study: Study, queue: Queue) -> None:
    hits = study.post(9, hits=2)
    done: list[str] = []

    def submit() -> None:
        done.extend(study.submit(hits[len(done) % 2], worker(len(done))))

    watch, receives = watching(study, queue, [submit, nothing, submit, submit])
    study.requests()
    assert [item.id for item in watch.run()] == done
    assert receives.received == [1, 0, 1, 1, 0], "each message is taken off the queue"
    asked = study.requests()
    assert (asked["GetAssignment"], asked["ApproveAssignment"], asked["UpdateNotificationSettings"]) == (3, 3, 1)
    assert asked["ListHITs"] == 2, "only the first look lists"
    rows = list_hits(study.world, everything())
    assert sorted((row["completed"], row["available"], row["submitted"]) for row in rows) == [(1, 8, 0), (2, 7, 0)]
    assert len(study.sql("SELECT 1 FROM assignments WHERE status = 5")) == 3


def test_a_lost_notification_is_made_up_for_by_the_next_look(study: Study, queue: Queue) -> None:
    (hit,) = study.post(3)
    times = iter([0.0, 1.0, 61.0, 61.0, 62.0, 63.0])

    def submit_unheard() -> None:
        study.submit(hit, worker(1))
        queue.done(queue.receive(0))

    watch, _receives = watching(study, queue, [submit_unheard, nothing, nothing], clock=lambda: next(times))
    assert [item.status for item in watch.run()] == ["approved"]


def test_messages_about_other_work_are_taken_off_and_others_work_is_not_approved(study: Study, queue: Queue) -> None:
    (hit, other) = study.post(2, hits=2)
    only = WorkSelection(Selection(everything=True), (hit,))

    def submit_both() -> None:
        study.submit(hit, worker(1))
        study.submit(other, worker(2))
        client = boto3.client("sqs", region_name="us-east-1")
        client.send_message(QueueUrl=queue.url, MessageBody="not JSON")

    watch, _receives = watching(study, queue, [submit_both, nothing], wanted=only)
    assert len(list(watch.run())) == 1
    assert (statuses(study, hit), statuses(study, other)) == (["Approved"], ["Submitted"])
    assert queue.receive(0) == []


def test_what_cannot_be_approved_now_comes_again(study: Study, queue: Queue) -> None:
    (hit,) = study.post(2)

    def submit_and_fail() -> None:
        study.submit(hit, worker(1))
        study.switch(fault_before=1.0)

    engine = study.world.engine
    study.world.engine = lambda **options: engine(patience=0, **options)  # type: ignore[method-assign]  # no waiting
    watch, receives = watching(study, queue, [submit_and_fail, study.switch])
    watch.sleep = nothing_for
    found = [item.status for item in watch.run()]
    assert found[-1] == "approved"
    assert receives.received[:2] == [1, 1]


def nothing_for(_seconds: float) -> None:
    """Waits for nothing."""


def test_what_is_no_queue_is_said() -> None:
    for url in ("events", "https://", "ftp://host/queue", "https://sqs.us-east-1.amazonaws.com"):
        with pytest.raises(UsageError, match="not the URL of a queue"):
            open_queue(url)


KEYS = (st.sampled_from(["Events", "Message", "EventType", "AssignmentId"]) | st.text()).filter("HITId".__ne__)
JUNK = st.recursive(st.none() | st.text() | st.integers(), lambda each: st.lists(each) | st.dictionaries(KEYS, each))


@given(st.text() | JUNK.map(json.dumps))
def test_no_message_is_too_strange(body: str) -> None:
    assert list(events(body)) == []


def test_an_event_without_its_names_is_none() -> None:
    wrong = [{"EventType": "x", "HITId": 3}, {"EventType": 3, "HITId": "H"}, {"EventType": "x"}, "x", None]
    assert list(events(json.dumps({"Events": wrong}))) == []
    assert list(events(json.dumps({"Events": {"EventType": "x", "HITId": "H"}}))) == []


def test_events_are_read_straight_and_by_way_of_a_topic() -> None:
    document = json.dumps({"Events": [{"EventType": "AssignmentSubmitted", "HITId": "H", "AssignmentId": "A"}, {}, 3]})
    assert list(events(document)) == [QueueEvent("AssignmentSubmitted", "H", "A")]
    assert list(events(json.dumps({"Type": "Notification", "Message": document}))) == list(events(document))


def test_work_that_can_be_corrected_is_approved_once_with_its_last_answers(study: Study) -> None:
    (hit,) = study.post(1)
    market, minutes = study.world.market, timedelta(minutes=10)
    taken = study.accept(hit, worker(1))
    market.submit("production", worker(1), taken, {"answer": "red"}, minutes)

    def correct() -> None:
        assert statuses(study, hit) == []
        market.reopen("production", worker(1), taken)
        market.submit("production", worker(1), taken, {"answer": "blue"}, minutes)

    script = Scripted(study, [correct, nothing, lambda: study.pass_time(minutes=11)])
    assert [status for _name, status in script.run()] == ["approved"]
    assert [(row[0], json.loads(row[1])) for row in study.sql("SELECT status, answers FROM turkctl_assignment")] == [
        ("Approved", {"answer": "blue"})
    ]
