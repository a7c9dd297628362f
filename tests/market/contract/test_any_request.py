"""Whatever well-formed request comes, the market answers or refuses: it never fails."""

from __future__ import annotations

import json
import random
from contextlib import closing
from typing import Any

import pytest
from contract_support import HIT, NOON, QUESTION, check_answer
from hypothesis import given, settings
from hypothesis import strategies as st

from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.sigv4 import ANONYMOUS_ACCOUNT
from turkctl.market.protocol.validate import operations
from turkctl.market.protocol.wire import answer
from turkctl.market.requester import Requester
from turkctl.market.service import Market
from turkctl.model import service_model

MODEL = service_model()


class Known:
    """Ids that exist in the market of the moment, so that requests get past the first look-up."""

    entities = ("3KNOWNHIT", "3KNOWNTYPE", "3KNOWNQUAL", "3KNOWNWORK")
    workers = ("AKNOWN1", "AKNOWN2")


def populated() -> tuple[Market, dict[str, str]]:
    """A market with one of everything, and the ids that stand for the known ones."""
    market = Market("sqlite://", clock=lambda: NOON, rng=random.Random(1))
    me = Requester(ANONYMOUS_ACCOUNT, "production")
    hit = market.create_hit(me, HIT)["HIT"]
    qualification = market.create_qualification_type(
        me, {"Name": "Readers", "Description": "d", "QualificationTypeStatus": "Active"}
    )["QualificationType"]["QualificationTypeId"]
    workers = [market.register_worker("production") for _ in Known.workers]
    assignment = market.accept("production", workers[0], hit["HITId"])["AssignmentId"]
    market.submit("production", workers[0], assignment, {"colour": "blue"})
    market.request_qualification("production", workers[1], qualification)
    known = (hit["HITId"], hit["HITTypeId"], qualification, assignment)
    return market, dict(zip(Known.entities, known, strict=True)) | dict(zip(Known.workers, workers, strict=True))


_TEXTS = st.text(max_size=12) | st.sampled_from(
    [QUESTION, "<QuestionForm/>", "é" * 300, "%_\\'", "2011-09-01", "0" * 40]
)
_PATTERNS = {
    "EntityId": st.sampled_from([*Known.entities, "00000000000000000071", "00000000000000000040", "3UNKNOWN"]),
    "CustomerId": st.sampled_from([*Known.workers, "AUNKNOWN"]),
    "CurrencyAmount": st.sampled_from(["0", "0.00", "0.01", "0.5", "5.", "9000", "9" * 30, "0" * 30 + "1"]),
    "CountryParameters": st.sampled_from(["US", "CA", "ZZ", "é!"]),
    "PaginationToken": st.text(min_size=1, max_size=20) | st.sampled_from(["eyJ9", "1", "MTIz", "-1", "null"]),
    "IdempotencyToken": st.sampled_from(["a", "b", "é"]),
    "ResultSize": st.integers(1, 100),
}
_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(1, 20) | st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(30, 4000) | st.integers(-(2**63), 2**63 - 1),
    "timestamp": st.integers(-(10**11), 10**11) | st.just(0),
    "string": _TEXTS,
}


def of_shape(name: str) -> st.SearchStrategy[Any]:
    shape = MODEL["shapes"][name]
    if name in _PATTERNS:
        return _PATTERNS[name]
    if "enum" in shape:
        return st.sampled_from(shape["enum"])
    if shape["type"] == "list":
        return st.lists(of_shape(shape["member"]["shape"]), max_size=3)
    if shape["type"] == "structure":
        members = {member: of_shape(inner["shape"]) for member, inner in shape["members"].items()}
        required = shape.get("required", ())
        return st.fixed_dictionaries(
            {member: members[member] for member in required},
            optional={member: inner for member, inner in members.items() if member not in required},
        )
    return _SCALARS[shape["type"]]


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    operation = draw(st.sampled_from(sorted(operations())))
    request = draw(of_shape(MODEL["operations"][operation]["input"]["shape"]))
    if operation == "CreateHIT" and draw(st.booleans()):
        request = {**HIT, **{name: value for name, value in request.items() if name not in HIT}}
    return operation, request


@settings(max_examples=30)
@given(st.lists(calls(), min_size=1, max_size=6))
def test_no_well_formed_request_makes_the_market_fail(sequence: list[tuple[str, dict[str, Any]]]):
    check_sequence(sequence)


@pytest.mark.slow
@pytest.mark.timeout(300)
@settings(max_examples=400)
@given(st.lists(calls(), min_size=1, max_size=6))
def test_none_of_many_well_formed_requests_makes_the_market_fail(sequence: list[tuple[str, dict[str, Any]]]):
    check_sequence(sequence)


def check_sequence(sequence: list[tuple[str, dict[str, Any]]]) -> None:
    """Send the requests to a market that has one of everything: each is answered or refused."""
    market, known = populated()
    with closing(market):
        endpoint = Endpoint(market)
        for operation, request in sequence:
            text = json.dumps(request)
            for name, real in known.items():
                text = text.replace(f'"{name}"', f'"{real}"')
            target = {"X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}"}
            status, _, body = answer(endpoint, "/", target, text.encode())
            assert status in {200, 400}, (operation, text, body)
            if status == 200:
                check_answer(operation, json.loads(body))
