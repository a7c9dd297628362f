"""The three doors as boto3 clients see them, and a strict reading of every answer."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import Loader

from turkctl.market.doors.http import serve
from turkctl.market.doors.inprocess import attach
from turkctl.market.doors.moto import mock_mturk  # before any session, so that moto sees their clients
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.wire import SANDBOX_PATH
from turkctl.market.service import Market
from turkctl.model import SEARCH_PATH

DOORS = ("inprocess", "http", "moto")
NOON = 1_795_348_800.0
"""2026-11-22 12:00 UTC."""
SANDBOX_HOST = "https://mturk-requester-sandbox.us-east-1.amazonaws.com"
PRODUCTION_HOST = "https://mturk-requester.us-east-1.amazonaws.com"

QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://lab.example.org/task?a=1&amp;b=2</ExternalURL>'
    "<FrameHeight>0</FrameHeight></ExternalQuestion>"
)
HIT: dict[str, Any] = {
    "Title": "Name the colour of a word",
    "Description": "A ten-minute reading task.",
    "Keywords": "psychology, reading",
    "Reward": "0.50",
    "AssignmentDurationInSeconds": 1800,
    "LifetimeInSeconds": 86_400,
    "AutoApprovalDelayInSeconds": 259_200,
    "MaxAssignments": 3,
    "Question": QUESTION,
    "RequesterAnnotation": "stroop round 1",
}
EXTERNAL_ANSWER = {"colour": "blue & green", "seconds": "12"}

_loader = Loader(extra_search_paths=[SEARCH_PATH])
_core = botocore.session.Session()
_core.register_component("data_loader", _loader)
_session = boto3.Session(botocore_session=_core)
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=5, read_timeout=10)


class Clock:
    """Epoch seconds that stand still until they are moved."""

    def __init__(self) -> None:
        self.seconds = NOON

    def __call__(self) -> float:
        return self.seconds

    def advance(self, **by: float) -> None:
        self.seconds += timedelta(**by).total_seconds()


@dataclass
class Heard:
    """One answer as it came, before botocore read it."""

    operation: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class Door:
    """One way into a fresh market."""

    name: str
    clock: Clock
    sent: list[tuple[dict[str, Any], str]]
    endpoint: Endpoint
    url: Callable[[str], str]
    heard: list[Heard] = field(default_factory=list)

    @property
    def market(self) -> Market:
        return self.endpoint.market

    def client(self, environment: str = "production", key: str = "AKIDREQUESTER", secret: str = "secret") -> Any:
        client = _session.client(
            "mturk",
            region_name="us-east-1",
            endpoint_url=self.url(environment),
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=_CONFIG,
        )
        if self.name == "inprocess":
            attach(client.meta.events, self.endpoint)
        client.meta.events.register("before-parse.mturk", self._hear)
        return client

    def _hear(self, operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
        headers = {name.lower(): value for name, value in response_dict["headers"].items()}
        heard = Heard(operation_model.name, response_dict["status_code"], headers, response_dict["body"])
        if heard.status == 200:
            check_answer(heard.operation, heard.document)
        self.heard.append(heard)


@contextmanager
def open_door(name: str) -> Iterator[Door]:
    """A door onto an empty market whose time stands still and whose randomness is seeded."""
    clock = Clock()
    sent: list[tuple[dict[str, Any], str]] = []
    options: dict[str, Any] = {
        "clock": clock,
        "rng": random.Random(1),
        "notify": lambda destination, body: sent.append((destination, body)),
    }
    ids = random.Random(2)
    with ExitStack() as stack:
        if name == "moto":
            mock = mock_mturk(**options)
            stack.enter_context(mock)
            mock.endpoint._rng = ids
            hosts = {"sandbox": SANDBOX_HOST, "production": PRODUCTION_HOST}
            yield Door(name, clock, sent, mock.endpoint, hosts.__getitem__)
            return
        market = Market("sqlite://", **options)
        stack.callback(market.close)
        endpoint = Endpoint(market, rng=ids)
        base = PRODUCTION_HOST
        if name == "http":
            server = serve(endpoint, port=0, threads=4)
            thread = threading.Thread(target=server.run)
            thread.start()
            stack.callback(thread.join, timeout=10)
            stack.callback(server.close)
            base = f"http://127.0.0.1:{server.port}"
        yield Door(name, clock, sent, endpoint, lambda e: base + (SANDBOX_PATH if e == "sandbox" else ""))


@contextmanager
def refused(code: str, turk_code: str | None = None) -> Iterator[Callable[[], str]]:
    """Expect a ClientError with this code and TurkErrorCode; call what comes back for its text."""
    with pytest.raises(ClientError) as caught:
        yield lambda: str(caught.value.response["Error"]["Message"])
    response = caught.value.response
    assert response["Error"]["Code"] == code, response
    assert response.get("TurkErrorCode") == (turk_code and f"AWS.MechanicalTurk.{turk_code}"), response


# --- botocore's own description of the answers, read strictly

_MODEL: dict[str, Any] = _loader.load_service_model("mturk", "service-2")
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "timestamp": (int, float),
}


def check_answer(operation: str, document: Any) -> None:
    """Fail unless ``document`` is what botocore's model says this operation answers."""
    output = _MODEL["operations"][operation].get("output")
    if output is None:
        assert document == {}, operation
    else:
        _check(output["shape"], document, operation)


def _check(name: str, value: Any, at: str) -> None:
    shape = _MODEL["shapes"][name]
    if shape["type"] == "structure":
        assert isinstance(value, dict), at
        assert set(value) <= set(shape["members"]), f"{at}: unknown {set(value) - set(shape['members'])}"
        assert set(shape.get("required", ())) <= set(value), at
        for member, inner in value.items():
            _check(shape["members"][member]["shape"], inner, f"{at}.{member}")
    elif shape["type"] == "list":
        assert isinstance(value, list), at
        for number, inner in enumerate(value):
            _check(shape["member"]["shape"], inner, f"{at}[{number}]")
    else:
        _check_scalar(shape, value, at)


def _check_scalar(shape: dict[str, Any], value: Any, at: str) -> None:
    assert isinstance(value, _PYTHON_TYPES[shape["type"]]), f"{at}: {value!r}"
    assert shape["type"] == "boolean" or not isinstance(value, bool), f"{at}: {value!r}"
    if "enum" in shape:
        assert value in shape["enum"], f"{at}: {value!r}"
    if shape["type"] == "string":
        assert shape.get("min", 0) <= len(value) <= shape.get("max", len(value)), f"{at}: {value!r}"
