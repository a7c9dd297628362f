"""Notifications: which events, to where, in what form, and what happens when nobody takes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from market_support import REQUESTER, START, Bench, hit_request, refused

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/events"
ALL = [
    "AssignmentAccepted",
    "AssignmentAbandoned",
    "AssignmentReturned",
    "AssignmentSubmitted",
    "AssignmentRejected",
    "AssignmentApproved",
    "HITCreated",
    "HITExpired",
    "HITReviewable",
    "HITExtended",
    "HITDisposed",
]


def specification(*events: str) -> dict[str, Any]:
    return {"Destination": QUEUE, "Transport": "SQS", "Version": "2006-05-05", "EventTypes": list(events or ALL)}


class Inbox:
    """Takes notifications, unless it is told to be down."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.down = False
        self.asked = 0

    def __call__(self, destination: dict[str, Any], body: str) -> None:
        self.asked += 1
        if self.down:
            raise ConnectionError("nobody there")
        self.taken.append((destination, json.loads(body)))

    def events(self) -> list[str]:
        found = [event["EventType"] for _, body in self.taken for event in body["Events"]]
        self.taken.clear()
        return found


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def told(inbox: Inbox) -> Iterator[Bench]:
    """A market that notifies the inbox."""
    made = Bench(notify=inbox)
    yield made
    made.market.close()


def subscribed(bench: Bench, *events: str, **changes: Any) -> str:
    """The id of a HIT type with a specification for these events (all)."""
    kind: str = bench.market.create_hit_type(REQUESTER, hit_request(**changes))["HITTypeId"]
    bench.market.update_notification_settings(REQUESTER, {"HITTypeId": kind, "Notification": specification(*events)})
    return kind


def test_each_step_of_a_hits_life_is_told_once(told: Bench, inbox: Inbox) -> None:
    subscribed(told)
    hit = told.hit(MaxAssignments=3)
    assert inbox.events() == ["HITCreated"]
    worker, assignment = told.accepted(hit)
    assert inbox.events() == ["AssignmentAccepted"]
    told.market.return_assignment("production", worker, assignment)
    assert inbox.events() == ["AssignmentReturned"]
    _, first = told.submitted(hit)
    _, second = told.submitted(hit)
    assert inbox.events() == ["AssignmentAccepted", "AssignmentSubmitted"] * 2
    told.approve(first)
    told.reject(second)
    assert inbox.events() == ["AssignmentApproved", "AssignmentRejected"]
    told.accepted(hit)
    told.market.advance(timedelta(hours=1))
    assert inbox.events() == ["AssignmentAccepted", "AssignmentAbandoned", "HITExpired", "HITReviewable"]
    told.extend_time(hit, timedelta(hours=1))
    told.add(hit, 1)
    assert inbox.events() == ["HITExtended", "HITExtended"]
    told.expire(hit)
    told.market.delete_hit(REQUESTER, {"HITId": hit})
    assert inbox.events() == ["HITExpired", "HITReviewable", "HITDisposed"]


@pytest.mark.parametrize("last", ["AssignmentSubmitted", "AssignmentReturned", "AssignmentAbandoned"])
def test_what_makes_a_hit_reviewable_is_told_before_that_it_is(told: Bench, inbox: Inbox, last: str) -> None:
    subscribed(told, last, "HITReviewable")
    hit = told.hit()
    worker, assignment = told.accepted(hit)
    if last == "AssignmentSubmitted":
        told.market.submit("production", worker, assignment, {"answer": "red"})
    else:
        told.expire(hit)
    if last == "AssignmentReturned":
        told.market.return_assignment("production", worker, assignment)
    elif last == "AssignmentAbandoned":
        told.market.advance(timedelta(minutes=10))
    assert inbox.events() == [last, "HITReviewable"]


def test_the_document_has_the_services_form(told: Bench, inbox: Inbox) -> None:
    kind = subscribed(told, "AssignmentSubmitted")
    hit = told.hit()
    _, assignment = told.submitted(hit)
    ((destination, body),) = inbox.taken
    assert destination == {
        "Transport": "SQS",
        "Destination": QUEUE,
        "Account": REQUESTER.account,
        "Environment": "production",
    }
    assert body.pop("Events") == [
        {
            "EventType": "AssignmentSubmitted",
            "EventTimestamp": "2023-11-14T22:13:20Z",
            "HITId": hit,
            "AssignmentId": assignment,
            "HITTypeId": kind,
        }
    ]
    assert len(body["EventDocId"]) == 40
    assert (body["SourceAccount"], body["EventDocVersion"]) == (REQUESTER.account, "2014-08-15")
    assert body["CustomerId"].startswith("A")
    assert told.clock.seconds == START


def test_an_event_that_became_due_carries_its_own_time(told: Bench, inbox: Inbox) -> None:
    subscribed(told, "HITExpired")
    told.hit()
    told.market.advance(timedelta(days=3))
    ((_, body),) = inbox.taken
    assert body["Events"][0]["EventTimestamp"] == "2023-11-14T23:13:20Z"


def test_only_the_events_asked_for_and_only_while_active(told: Bench, inbox: Inbox) -> None:
    kind = subscribed(told, "HITExpired")
    told.hit()
    assert inbox.events() == []
    update = told.market.update_notification_settings
    update(REQUESTER, {"HITTypeId": kind, "Notification": specification("HITCreated")})  # replaced whole
    told.hit()
    assert inbox.events() == ["HITCreated"]
    update(REQUESTER, {"HITTypeId": kind, "Active": False})
    told.hit()
    assert inbox.events() == []
    update(REQUESTER, {"HITTypeId": kind, "Active": True})
    told.hit()
    assert inbox.events() == ["HITCreated"]


def test_active_alone_needs_a_specification(told: Bench) -> None:
    kind = told.market.create_hit_type(REQUESTER, hit_request())["HITTypeId"]
    for request in ({"HITTypeId": kind, "Active": True}, {"HITTypeId": kind}):
        with refused("InvalidParameterValue", ""):
            told.market.update_notification_settings(REQUESTER, request)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"Destination": "queue"}, "InvalidTransportEndpoint"),
        ({"Transport": "SNS"}, "InvalidTransportEndpoint"),
        ({"Transport": "Email"}, "InvalidTransportEndpoint"),
        ({"Version": "1999-01-01"}, "InvalidParameterValue"),
        ({"EventTypes": []}, "InvalidParameterValue"),
        ({"EventTypes": ["Ping"]}, "InvalidParameterValue"),
    ],
)
def test_unusable_specifications_are_refused(told: Bench, wrong: dict[str, Any], code: str) -> None:
    kind = told.market.create_hit_type(REQUESTER, hit_request())["HITTypeId"]
    with refused(code, ""):
        told.market.update_notification_settings(
            REQUESTER, {"HITTypeId": kind, "Notification": specification() | wrong}
        )


def test_what_was_not_taken_is_tried_again_later_and_never_lost(told: Bench, inbox: Inbox) -> None:
    subscribed(told, "HITCreated")
    inbox.down = True
    hit = told.hit()  # the operation succeeds all the same
    assert inbox.asked == 1
    told.get(hit)
    assert inbox.asked == 1  # not at once again
    inbox.down = False
    told.clock.seconds += 30
    told.get(hit)
    assert inbox.events() == ["HITCreated"]
    told.market.advance(timedelta(minutes=10))
    assert inbox.events() == []


def test_what_a_market_without_a_notifier_produced_is_delivered_by_one_that_has_it(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    silent = Bench(url)
    subscribed(silent, "HITCreated")
    silent.hit()
    inbox = Inbox()
    loud = Bench(url, notify=inbox)
    loud.market.settle()
    assert inbox.events() == ["HITCreated"], "at once"
    silent.market.close()
    loud.market.close()


def test_what_another_process_wrote_before_is_told_before(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    inbox, silent = Inbox(), Bench(url)
    loud = Bench(url, notify=inbox)
    subscribed(silent, "HITCreated", "AssignmentAccepted")
    inner, hit = loud.market._write, silent.hit

    def overtaken(requester: Any, work: Any) -> Any:
        silent.accepted(hit())
        return inner(requester, work)

    loud.market._write = overtaken  # type: ignore[method-assign]
    loud.hit()
    assert inbox.events() == ["HITCreated", "AssignmentAccepted", "HITCreated"]
    silent.market.close()
    loud.market.close()


def test_events_nobody_takes_for_a_fortnight_are_dropped(told: Bench, inbox: Inbox) -> None:
    subscribed(told, "HITCreated")
    inbox.down = True
    told.hit()
    told.market.advance(timedelta(days=14))
    inbox.down = False
    told.market.advance(timedelta(minutes=1))
    assert inbox.events() == []


def test_a_refused_operation_tells_nothing(told: Bench, inbox: Inbox) -> None:
    subscribed(told)
    with refused("AWS.ParameterOutOfRange", "MaxAssignments", "ParameterValidationError"):
        told.hit(MaxAssignments=-1)
    assert inbox.events() == []


def test_a_test_event_is_sent_at_once_and_its_failure_is_told(told: Bench, inbox: Inbox) -> None:
    request = {"Notification": specification("HITExpired"), "TestEventType": "Ping"}
    assert told.market.send_test_event_notification(REQUESTER, request) == {}
    ((destination, body),) = inbox.taken
    assert destination["Destination"] == QUEUE
    assert body["Events"][0]["EventType"] == "Ping"
    inbox.down = True
    with refused("InvalidTransportEndpoint", f"The notification was not delivered.{told.stamp()}"):
        told.market.send_test_event_notification(REQUESTER, request)


def test_a_destination_that_is_not_permitted_is_refused_in_the_same_words_always(inbox: Inbox) -> None:
    bench = Bench(notify=inbox, permit=lambda transport, address: (transport, address) == ("SQS", QUEUE))
    kind = bench.market.create_hit_type(REQUESTER, hit_request())["HITTypeId"]
    update, test = bench.market.update_notification_settings, bench.market.send_test_event_notification
    for address in ("https://other.example.org/q", "http://169.254.169.254/"):
        wrong = specification() | {"Destination": address}
        with refused("InvalidTransportEndpoint", f"sends no notifications to this destination.{bench.stamp()}"):
            update(REQUESTER, {"HITTypeId": kind, "Notification": wrong})
        with refused("InvalidTransportEndpoint", f"sends no notifications to this destination.{bench.stamp()}"):
            test(REQUESTER, {"Notification": wrong, "TestEventType": "Ping"})
    assert inbox.asked == 0
    update(REQUESTER, {"HITTypeId": kind, "Notification": specification()})
    update(REQUESTER, {"HITTypeId": kind, "Active": False})
    assert test(REQUESTER, {"Notification": specification(), "TestEventType": "Ping"}) == {}
    bench.market.close()


def test_a_test_event_of_a_market_without_a_notifier_is_dropped(bench: Bench) -> None:
    request = {"Notification": specification(), "TestEventType": "AssignmentSubmitted"}
    assert bench.market.send_test_event_notification(REQUESTER, request) == {}


def test_a_submission_that_can_be_corrected_is_told_once_when_its_time_is_over(told: Bench, inbox: Inbox) -> None:
    subscribed(told)
    hit = told.hit()
    worker, assignment = told.accepted(hit)
    for colour in ("red", "blue"):
        told.market.submit("production", worker, assignment, {"colour": colour}, timedelta(minutes=10))
        if colour == "red":
            told.market.reopen("production", worker, assignment)
    assert inbox.events() == ["HITCreated", "AssignmentAccepted"]
    told.market.advance(timedelta(minutes=11))
    assert inbox.events() == ["AssignmentSubmitted", "HITReviewable"]
