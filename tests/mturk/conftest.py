"""A market's end of the line that says what a test wants it to say, byte for byte."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from turkctl.mturk.client import MTurk
from turkctl.mturk.connect import LOCAL_ENDPOINT, connect

JSON = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "0"}


class Raw(io.BytesIO):
    """What a response's body is read from."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.getvalue()


@dataclass
class Line:
    """Answers requests in turn, the last answer for ever, and keeps what was asked."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def say(self, *bodies: Any, status: int = 200) -> None:
        self.answers = [(status, JSON, json.dumps(body).encode()) for body in bodies]

    def refuse(self, kind: str, message: str, turk_code: str | None = None, status: int = 400) -> None:
        body = {"__type": kind, "Message": message}
        if turk_code is not None:
            body["TurkErrorCode"] = turk_code
        self.say(body, status=status)

    def attach(self, events: Any) -> None:
        events.register_first("before-send.mturk", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.asked.append((operation, json.loads(request.body)))
        status, headers, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return AWSResponse(request.url, status, headers, Raw(body))


@pytest.fixture(scope="session")
def wired() -> tuple[Line, MTurk]:
    """One client for all tests: making one takes much longer than using it."""
    line = Line()
    return line, connect(endpoint_url=LOCAL_ENDPOINT, local=line.attach)


@pytest.fixture
def line(wired: tuple[Line, MTurk]) -> Line:
    line = wired[0]
    line.answers, line.asked = [], []
    return line


@pytest.fixture
def market(wired: tuple[Line, MTurk]) -> MTurk:
    wired[1].requests.clear()
    return wired[1]


@pytest.fixture
def hit_body() -> Callable[..., dict[str, Any]]:
    def make(**members: Any) -> dict[str, Any]:
        return {
            "HITId": "3HIT",
            "HITTypeId": "3TYPE",
            "HITStatus": "Assignable",
            "MaxAssignments": 5,
            "Reward": "0.50",
            "CreationTime": 1_790_000_000,
            "NumberOfAssignmentsAvailable": 1,
            "NumberOfAssignmentsPending": 1,
            "NumberOfAssignmentsCompleted": 1,
            **members,
        }

    return make
