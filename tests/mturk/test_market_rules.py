"""Reading a market's rules: once, and only from a market that has rules of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from turkctl.market.doors.inprocess import attach
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.switches import Switches
from turkctl.market.service import Market
from turkctl.mturk.client import MTurk
from turkctl.mturk.connect import LOCAL_ENDPOINT, PRODUCTION_ENDPOINT, connect
from turkctl.mturk.errors import AnswerLostError, MarketFaultError, ThrottledError
from turkctl.own_market import AMAZONS, EXTENSIONS, HEADER, OLDER, MarketRules

OTHERS = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "0"}
OURS = {**OTHERS, HEADER: "1"}
BALANCE = b'{"AvailableBalance": "1.00"}'
UNKNOWN = b'{"__type": "UnknownOperationException", "message": "what?"}'
Answers = list[tuple[int, dict[str, str], bytes]]
Says = Callable[[Answers], MTurk]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    market = Market("sqlite://", fee="none", unit="credits")
    yield Endpoint(market)
    market.close()


@pytest.fixture
def client(endpoint: Endpoint) -> MTurk:
    return connect(endpoint_url=LOCAL_ENDPOINT, local=lambda events: attach(events, endpoint))


@pytest.fixture
def says(line: Any) -> Says:
    def client_of(answers: Answers) -> MTurk:
        line.answers = answers
        return connect(endpoint_url=LOCAL_ENDPOINT, local=line.attach)

    return client_of


def test_turkctls_market_is_asked_once(endpoint: Endpoint, client: MTurk) -> None:
    assert client.market_rules() == MarketRules("none", "credits", EXTENSIONS)
    assert client.market_rules().fee == "none"
    assert endpoint.requests == {"GetMarketRules": 1}


def test_amazon_is_not_asked() -> None:
    amazon = connect(endpoint_url=PRODUCTION_ENDPOINT)
    assert amazon.market_rules() == AMAZONS
    assert not amazon.requests


def test_a_market_that_is_known_to_be_anothers_is_not_asked(says: Says) -> None:
    client = says([(200, OTHERS, BALANCE)])
    assert not client.is_turkctls()
    assert client.market_rules() == AMAZONS
    assert "GetMarketRules" not in client.requests


@pytest.mark.parametrize(
    "refusal",
    [
        (400, OTHERS, UNKNOWN),
        (501, OTHERS, b'{"message": "not implemented"}'),
        (404, {"Content-Type": "text/html"}, b"<p>nothing here</p>"),
        (200, OTHERS, b"{}"),
    ],
)
def test_another_market_may_refuse_in_any_way(says: Says, refusal: tuple[int, dict[str, str], bytes]) -> None:
    assert says([refusal, (200, OTHERS, BALANCE)]).market_rules() == AMAZONS


def test_what_another_market_says_of_its_rules_does_not_count(says: Says) -> None:
    told = b'{"Fee": "none", "Unit": "shells", "Extensions": []}'
    assert says([(200, OTHERS, told)]).market_rules() == AMAZONS


def test_an_older_market_of_turkctls_has_gates_and_amazons_fee(says: Says) -> None:
    assert says([(400, OURS, UNKNOWN)]).market_rules() == OLDER


@pytest.mark.parametrize(
    ("switches", "error"),
    [
        (Switches(answer_lost=1), AnswerLostError),
        (Switches(fault_before=1), MarketFaultError),
        (Switches(throttle=0.001), ThrottledError),
    ],
)
def test_a_market_that_fails_is_not_taken_for_anothers(
    endpoint: Endpoint, client: MTurk, switches: Switches, error: type[Exception]
) -> None:
    endpoint.switches = switches
    if switches.throttle:
        client.balance()
    with pytest.raises(error):
        client.market_rules()
    endpoint.switches = Switches()
    assert client.market_rules().fee == "none"
