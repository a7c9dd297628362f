"""What answers and is no market: asked a few times only, unless something may have been done."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cut_support import RawServer, whole

from turkctl.mturk.client import MTurk
from turkctl.mturk.connect import connect
from turkctl.mturk.errors import AnswerLostError, StrangeAnswerError

PAGE = b"<html><title>please sign in</title></html>"
BALANCE = b'{"AvailableBalance": "1.00"}'


def said(kind: str, content: bytes) -> bytes:
    return b"".join(whole(200, {"Content-Type": kind, "Content-Length": str(len(content))}, content))


OTHERS = {
    "a web page": said("text/html; charset=utf-8", PAGE),
    "a web page that is cut off": said("text/html", PAGE)[:-5],
    "a web page that says it is JSON": said("application/json", PAGE),
    "a text": said("text/plain", b"ok\n"),
    "JSON of another program": said("application/json", b'{"error": "no such route"}'),
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with RawServer(lambda *_: ()) as server:
        yield server


@pytest.fixture
def market(server: RawServer) -> MTurk:
    return connect(endpoint_url=server.url)


def strange(call: Callable[[], object]) -> StrangeAnswerError:
    with pytest.raises(StrangeAnswerError, match=r"no market at .*not an answer of the API") as caught:
        call()
    return caught.value


@pytest.mark.parametrize("sent", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_no_market_is_asked_a_few_times_by_what_reads_and_as_long_as_ever_by_what_pays(
    server: RawServer, market: MTurk, sent: bytes
) -> None:
    server.says = lambda *_: [sent]
    assert strange(lambda: market.approve("3A")).few_tries, "nothing has ever answered there"
    server.says = lambda *_: [said("application/x-amz-json-1.1", BALANCE)]
    market.balance()
    server.says = lambda *_: [sent]
    found = strange(market.balance)
    assert (found.few_tries, found.retryable) == (True, True)
    assert found.hint is not None
    assert "check the address and its port" in found.hint
    server.wait_until_hung_up()
    paying = strange(lambda: market.approve("3A"))
    assert (paying.few_tries, paying.retryable) == (False, True)
    assert "may have been carried out" in str(paying.hint)


@pytest.mark.parametrize(
    "sent", [b"HTTP", b"HTTP/1.1 200 OK\r\nContent-Type: te", said("application/x-amz-json-1.1", BALANCE)[:-3]]
)
def test_an_answer_that_was_cut_off_stays_a_lost_one(server: RawServer, market: MTurk, sent: bytes) -> None:
    server.says = lambda *_: [sent]
    with pytest.raises(AnswerLostError) as caught:
        market.balance()
    assert not isinstance(caught.value, StrangeAnswerError)


def test_headers_without_end_are_called_that(server: RawServer, market: MTurk) -> None:
    server.says = lambda *_: [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000]
    with pytest.raises(AnswerLostError, match="more than 100 headers"):
        market.balance()
