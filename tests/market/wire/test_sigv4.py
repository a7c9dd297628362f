from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from wire_support import RecordingMarket

from turkctl.accounts import market_account
from turkctl.market.keys import read_keys
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.wire import answer

KEYS = {"AKIDONE": "secret one", "AKIDTWO": "secret two"}
BODY = b'{"HITId": "3A"}'


def signed(
    key: str = "AKIDONE",
    secret: str = "secret one",
    service: str = "mturk-requester",
    region: str = "us-east-1",
    **more: str,
) -> dict[str, str]:
    headers = {
        "Host": "127.0.0.1:8800",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "MTurkRequesterServiceV20170117.GetHIT",
        **more,
    }
    request = AWSRequest("POST", "http://127.0.0.1:8800/", headers=headers, data=BODY)
    SigV4Auth(Credentials(key, secret), service, region).add_auth(request)
    return dict(request.headers.items())


def ask(
    market: RecordingMarket, headers: dict[str, str], body: bytes = BODY, path: str = "/", later: float = 0.0
) -> tuple[int, Any]:
    endpoint = Endpoint(
        market,  # type: ignore[arg-type]  # stands in for a market
        keys=KEYS,
        now=lambda: time.time() + later,
    )
    status, _, content = answer(endpoint, path, headers, body)
    return status, json.loads(content).get("__type")


def test_a_request_signed_by_botocore_is_accepted(market: RecordingMarket):
    assert ask(market, signed()) == (200, None)
    assert market.asked[0][1].account == market_account("AKIDONE")


def test_a_key_whose_line_names_an_account_signs_for_that_one(market: RecordingMarket):
    document = {"AKIDONE": "secret one", "AKIDTWO": {"secret": "secret two", "account": "AKIDONE"}}
    keys = read_keys(document, "keys.toml")
    endpoint = Endpoint(
        market,  # type: ignore[arg-type]  # stands in for a market
        keys=keys.secrets,
        accounts=keys.accounts,
    )
    for key_id, secret in (("AKIDONE", "secret one"), ("AKIDTWO", "secret two")):
        assert answer(endpoint, "/", signed(key_id, secret), BODY)[0] == 200
    assert [requester.account for _, requester, _ in market.asked] == [market_account("AKIDONE")] * 2


def test_any_region_is_accepted(market: RecordingMarket):
    assert ask(market, signed(region="sandbox")) == (200, None)


def test_signed_headers_with_odd_blanks_are_accepted(market: RecordingMarket):
    assert ask(market, signed(**{"X-Amz-Meta": "  two   words "})) == (200, None)


@pytest.mark.parametrize("later", [-890, 890])
def test_clocks_may_differ_by_fifteen_minutes(market: RecordingMarket, later: float):
    assert ask(market, signed(), later=later) == (200, None)


@pytest.mark.parametrize("later", [-910, 910])
def test_clocks_that_differ_by_more_are_refused(market: RecordingMarket, later: float):
    assert ask(market, signed(), later=later) == (400, "InvalidSignatureException")
    assert market.asked == []


def test_another_secret_body_path_host_or_target_breaks_the_signature(market: RecordingMarket):
    good = signed()
    assert ask(market, signed(secret="guess")) == (400, "InvalidSignatureException")
    assert ask(market, signed(secret="secret two")) == (400, "InvalidSignatureException")
    assert ask(market, good, body=b'{"HITId": "3B"}') == (400, "InvalidSignatureException")
    assert ask(market, good, path="/sandbox") == (400, "InvalidSignatureException")
    assert ask(market, {**good, "Host": "elsewhere"}) == (400, "InvalidSignatureException")
    other = {**good, "X-Amz-Target": "MTurkRequesterServiceV20170117.DeleteHIT"}
    assert ask(market, other) == (400, "InvalidSignatureException")
    assert market.asked == []


def test_a_stated_hash_has_to_be_that_of_the_body(market: RecordingMarket):
    claimed = signed(**{"X-Amz-Content-SHA256": "0" * 64})
    assert ask(market, claimed) == (400, "InvalidSignatureException")


def test_a_signature_for_another_service_is_refused(market: RecordingMarket):
    assert ask(market, signed(service="sqs")) == (400, "InvalidSignatureException")


def test_an_unknown_key_is_refused(market: RecordingMarket):
    assert ask(market, signed(key="AKIDNONE")) == (400, "UnrecognizedClientException")


def test_an_unsigned_request_is_refused_where_keys_are_configured(market: RecordingMarket):
    headers = signed()
    del headers["Authorization"]
    assert ask(market, headers) == (400, "MissingAuthenticationTokenException")


@pytest.mark.parametrize(
    "authorization", ["Basic abc", "AWS4-HMAC-SHA256 Credential=AKIDONE/20260101", "AWS AKIDONE:x"]
)
def test_what_is_no_complete_signature_is_refused(market: RecordingMarket, authorization: str):
    assert ask(market, {**signed(), "Authorization": authorization}) == (400, "IncompleteSignatureException")


def test_the_target_has_to_be_signed(market: RecordingMarket):
    headers = signed()
    headers["Authorization"] = headers["Authorization"].replace(";x-amz-target", "")
    assert ask(market, headers) == (400, "IncompleteSignatureException")


def test_the_date_has_to_be_there_and_readable(market: RecordingMarket):
    without = {name: value for name, value in signed().items() if name != "X-Amz-Date"}
    assert ask(market, without) == (400, "IncompleteSignatureException")
    assert ask(market, {**signed(), "X-Amz-Date": "yesterday"}) == (400, "IncompleteSignatureException")


def test_the_scopes_date_has_to_be_the_requests(market: RecordingMarket):
    headers = signed()
    headers["Authorization"] = headers["Authorization"].replace(headers["X-Amz-Date"][:8], "20200101")
    assert ask(market, headers) == (400, "InvalidSignatureException")


@pytest.mark.parametrize("host", [None, "", "[", "[::1", "a b", "x/y", "x" * 300, "http://["])
def test_a_signature_over_no_host_is_incomplete(market: RecordingMarket, host: str | None):
    headers = signed()
    del headers["Host"]
    if host is not None:
        headers["Host"] = host
    assert ask(market, headers) == (400, "IncompleteSignatureException")


@given(
    st.sampled_from(["Host", "X-Amz-Date", "Authorization", "X-Amz-Target", "X-Amz-Content-Sha256", "Content-Type"]),
    st.text(st.characters(min_codepoint=9, max_codepoint=255), max_size=40)
    | st.sampled_from(["20260101T000000Z", "20261332T000000Z", "00010101T000000Z", "99991231T235959Z", "[::1]"]),
)
def test_no_header_makes_the_front_end_fail(name: str, value: str):
    headers = signed() | {name: value}
    assert ask(RecordingMarket(), headers)[0] in {200, 400}
    headers["Authorization"] = headers["Authorization"].replace("20", value, 1).replace("host;", f"{value};", 1)
    assert ask(RecordingMarket(), headers)[0] in {200, 400}
