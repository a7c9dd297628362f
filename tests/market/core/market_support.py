"""What the tests of the market's core share: a hand-moved clock, requests in short, errors as values."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from turkctl.market.errors import MarketError, WorkError
from turkctl.market.requester import Environment
from turkctl.market.service import Market, Requester

START = 1_700_000_000
"""The hand-moved clock's first second, in 2023."""
SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
EXTERNAL = (
    f'<ExternalQuestion xmlns="{SCHEMAS}2006-07-14/ExternalQuestion.xsd">'
    "<ExternalURL>https://lab.example.org/pub?a=1&amp;b=2</ExternalURL><FrameHeight>0</FrameHeight></ExternalQuestion>"
)
REQUESTER = Requester("123456789012", "production")
SANDBOX = Requester("123456789012", "sandbox")
STRANGER = Requester("999999999999", "production")


class Clock:
    """Seconds that move only by hand."""

    def __init__(self) -> None:
        self.seconds = float(START)

    def __call__(self) -> float:
        return self.seconds


def hit_request(**changes: Any) -> dict[str, Any]:
    """A CreateHIT request; what a test cares about is given by name."""
    request = {
        "Title": "Name the colour",
        "Description": "A short task.",
        "Reward": "0.50",
        "LifetimeInSeconds": 3600,
        "AssignmentDurationInSeconds": 600,
        "Question": EXTERNAL,
    }
    return request | changes


def form(*questions: str) -> str:
    return f'<QuestionForm xmlns="{SCHEMAS}2017-11-06/QuestionForm.xsd">{"".join(questions)}</QuestionForm>'


def choice(name: str, *options: str) -> str:
    selections = "".join(
        f"<Selection><SelectionIdentifier>{option}</SelectionIdentifier><Text>{option}</Text></Selection>"
        for option in options
    )
    return (
        f"<Question><QuestionIdentifier>{name}</QuestionIdentifier><QuestionContent><Text>?</Text></QuestionContent>"
        f"<AnswerSpecification><SelectionAnswer><Selections>{selections}</Selections></SelectionAnswer>"
        "</AnswerSpecification></Question>"
    )


def free(name: str) -> str:
    return (
        f"<Question><QuestionIdentifier>{name}</QuestionIdentifier><QuestionContent><Text>?</Text></QuestionContent>"
        "<AnswerSpecification><FreeTextAnswer/></AnswerSpecification></Question>"
    )


class Bench:
    """A market under a hand-moved clock, with the steps that most tests take."""

    def __init__(self, url: str = "sqlite://", **options: Any) -> None:
        self.url = url
        self.clock = options.pop("clock", None) or Clock()
        self.market = Market(url, clock=self.clock, rng=random.Random(7), **options)

    def hit(self, requester: Requester = REQUESTER, **changes: Any) -> str:
        made: str = self.market.create_hit(requester, hit_request(**changes))["HIT"]["HITId"]
        return made

    def get(self, hit_id: str, requester: Requester = REQUESTER) -> dict[str, Any]:
        found: dict[str, Any] = self.market.get_hit(requester, {"HITId": hit_id})["HIT"]
        return found

    def state(self, hit_id: str) -> tuple[str, int, int, int]:
        """Status, available, pending, completed."""
        hit = self.get(hit_id)
        counters = ("Available", "Pending", "Completed")
        available, pending, completed = (hit[f"NumberOfAssignments{name}"] for name in counters)
        return hit["HITStatus"], available, pending, completed

    def worker(self, environment: Environment = "production", **record: Any) -> str:
        return self.market.register_worker(environment, **record)

    def accepted(self, hit_id: str, worker: str | None = None) -> tuple[str, str]:
        """A worker and the assignment that he accepted."""
        worker = worker or self.worker()
        return worker, self.market.accept("production", worker, hit_id)["AssignmentId"]

    def submitted(self, hit_id: str, worker: str | None = None, **fields: str) -> tuple[str, str]:
        """A worker and the assignment that he submitted."""
        worker, assignment = self.accepted(hit_id, worker)
        self.market.submit("production", worker, assignment, fields or {"answer": "red"})
        return worker, assignment

    def approve(self, assignment: str, **more: Any) -> None:
        self.market.approve_assignment(REQUESTER, {"AssignmentId": assignment, **more})

    def reject(self, assignment: str) -> None:
        self.market.reject_assignment(REQUESTER, {"AssignmentId": assignment, "RequesterFeedback": "no"})

    def assignment(self, assignment: str) -> dict[str, Any]:
        found: dict[str, Any] = self.market.get_assignment(REQUESTER, {"AssignmentId": assignment})["Assignment"]
        return found

    def expire(self, hit_id: str) -> None:
        self.market.update_expiration_for_hit(
            REQUESTER, {"HITId": hit_id, "ExpireAt": datetime.fromisoformat("2015-01-01T00:00:00+00:00")}
        )

    def extend_time(self, hit_id: str, by: timedelta) -> None:
        self.market.update_expiration_for_hit(REQUESTER, {"HITId": hit_id, "ExpireAt": self.market.now() + by})

    def add(self, hit_id: str, count: int, **more: Any) -> None:
        self.market.create_additional_assignments_for_hit(
            REQUESTER, {"HITId": hit_id, "NumberOfAdditionalAssignments": count, **more}
        )

    def balance(self, requester: Requester = REQUESTER) -> tuple[Decimal, Decimal]:
        """Available and held dollars."""
        answer = self.market.get_account_balance(requester, {})
        return Decimal(answer["AvailableBalance"]), Decimal(answer.get("OnHoldBalance", "0"))

    def qualification(self, name: str = "q", **more: Any) -> str:
        request = {"Name": name, "Description": "d", "QualificationTypeStatus": "Active", **more}
        made: str = self.market.create_qualification_type(REQUESTER, request)["QualificationType"][
            "QualificationTypeId"
        ]
        return made

    def grant(self, type_id: str, worker: str, **more: Any) -> None:
        request = {"QualificationTypeId": type_id, "WorkerId": worker, **more}
        self.market.associate_qualification_with_worker(REQUESTER, request)

    def stamp(self, requester: Requester = REQUESTER) -> str:
        """What the market writes behind its error texts at this moment."""
        milliseconds = int(self.market.now().timestamp() * 1000)
        return f" ({milliseconds} s)" if requester.environment == "sandbox" else f" ({milliseconds})"


@contextmanager
def refused(code: str | None, text: str, kind: str = "RequestError") -> Iterator[None]:
    """The block is refused with that code (None: none; whole where it has a dot) and a message with the text in it."""
    with pytest.raises(MarketError) as caught:
        yield
    error = caught.value
    expected = code if code is None or "." in code else f"AWS.MechanicalTurk.{code}"
    assert (error.type, error.turk_error_code) == (kind, expected)
    assert text in error.message


@contextmanager
def not_allowed(code: str) -> Iterator[None]:
    """The worker's action in the block is refused with that code."""
    with pytest.raises(WorkError) as caught:
        yield
    assert caught.value.code == code


def pages(listing: Callable[..., dict[str, Any]], member: str, size: int = 2, **request: Any) -> list[list[Any]]:
    """All pages of a listing, up to and with the one that has no token."""
    found = []
    token: dict[str, str] = {}
    for _ in range(100):
        answer = listing(REQUESTER, {"MaxResults": size, **request, **token})
        assert answer["NumResults"] == len(answer[member])
        found.append(answer[member])
        if "NextToken" not in answer:
            return found
        token = {"NextToken": answer["NextToken"]}
    raise AssertionError("the listing does not end")
