"""Answers that are cut off, that are none of the API's, or that take too much: lost, and never read as nothing."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cut_support import RawServer, whole

from turkctl.mturk.bounds import Bounds
from turkctl.mturk.client import MTurk
from turkctl.mturk.connect import connect
from turkctl.mturk.errors import AnswerLostError, MarketFaultError, MarketRefusedError
from turkctl.mturk.wholeness import NotWholeError, always_present, check

JSON = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "0"}
HITS = json.dumps({"NumResults": 0, "HITs": []}).encode()
PAGE = b"<html><title>please sign in</title></html>"
HTML = {"Content-Type": "text/html", "Content-Length": str(len(PAGE))}
REFUSAL = json.dumps({"__type": "RequestError", "Message": "no", "TurkErrorCode": "AWS.InsufficientFunds"}).encode()


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture(scope="module")
def wire() -> Iterator[tuple[RawServer, MTurk]]:
    """A server and one client of it: making one takes much longer than using it."""
    with pytest.MonkeyPatch.context() as environment, RawServer(lambda *_: ()) as server:
        environment.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        market = connect(endpoint_url=server.url)
        yield server, market


@pytest.fixture
def server(wire: tuple[RawServer, MTurk]) -> RawServer:
    wire[0].wait_until_hung_up()
    wire[0].asked.clear()
    return wire[0]


@pytest.fixture
def market(wire: tuple[RawServer, MTurk]) -> MTurk:
    return wire[1]


def sized(content: bytes, status: int = 200, **headers: str) -> bytes:
    head, body = whole(status, {**JSON, "Content-Length": str(len(content)), **headers}, content)
    return head + body


def unsized(content: bytes, status: int = 200, **headers: str) -> bytes:
    head, body = whole(status, {**JSON, **headers}, content)
    return head + body


def chunked(content: bytes) -> bytes:
    half = len(content) // 2
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (content[:half], content[half:]))
    return unsized(pieces + b"0\r\n\r\n", **{"Transfer-Encoding": "chunked"})


def hits(market: MTurk) -> list[Any]:
    return list(market.list_hits())


def approve(market: MTurk) -> None:
    market.approve("3A")


PACKED = gzip.compress(HITS)
LOST: dict[str, tuple[Callable[[MTurk], Any], bytes, str]] = {
    "nothing at all": (hits, b"", "closed before an answer"),
    "half a status line": (hits, b"HTTP/1.", "closed before an answer"),
    "half of the headers": (hits, sized(HITS)[:40], "closed before an answer|has no body|none|not an answer"),
    "headers alone": (hits, sized(HITS)[: -len(HITS)], f"after 0 of {len(HITS)} bytes"),
    "headers alone, without a length": (hits, unsized(b""), "no body"),
    "the first byte of a document": (hits, sized(HITS)[: 1 - len(HITS)], "after 1 of"),
    "half a document": (hits, sized(HITS)[: -len(HITS) // 2], "bytes"),
    "all but the last byte": (hits, sized(HITS)[:-1], "bytes"),
    "half a document, without a length": (hits, unsized(HITS[:15]), "not a whole JSON document"),
    "half a document that says it is whole": (hits, sized(HITS[:15]), "not a whole JSON document"),
    "an empty object for a list": (hits, sized(b"{}"), "lacks HITs and NumResults"),
    "a list without its count": (hits, sized(b'{"HITs": []}'), "lacks NumResults"),
    "a count without its list": (hits, sized(b'{"NumResults": 0, "HITs": null}'), "lacks HITs"),
    "no payments, it seems": (lambda m: list(m.list_bonuses(hit_id="3H")), sized(b"{}"), "lacks BonusPayments"),
    "nobody who was not reached, it seems": (lambda m: m.notify(["A1"], "s", "t"), sized(b"{}"), "lacks Notify"),
    "a web page": (hits, b"".join(whole(200, HTML, PAGE)), "not an answer"),
    "a web page that lies": (hits, sized(PAGE), "not a whole JSON document"),
    "a packed document, cut": (hits, sized(PACKED, **{"Content-Encoding": "gzip"})[:-5], "bytes"),
    "a packed document, cut, without a length": (hits, unsized(PACKED[:-5], **{"Content-Encoding": "gzip"}), "JSON"),
    "chunks, cut inside one": (hits, chunked(HITS)[:-20], "closed before an answer"),
    "chunks, cut between two": (hits, chunked(HITS)[:-5], "closed before an answer"),
    "an approval's headers alone": (approve, sized(b"{}")[:-2], "after 0 of 2 bytes"),
    "an approval's headers alone, without a length": (approve, unsized(b""), "no body"),
    "half an approval": (approve, sized(b"{}")[:-1], "after 1 of 2 bytes"),
    "a web page for an approval": (approve, b"".join(whole(200, HTML, PAGE)), "not an answer"),
    "half a refusal": (approve, sized(REFUSAL, 400)[:-20], "bytes"),
    "half a refusal, without a length": (approve, unsized(REFUSAL[:-20], 400), "not a whole JSON document"),
}


@pytest.mark.parametrize(("call", "sent", "reason"), LOST.values(), ids=LOST.keys())
def test_an_answer_that_is_cut_off_or_none_is_lost(
    server: RawServer, market: MTurk, call: Callable[[MTurk], Any], sent: bytes, reason: str
) -> None:
    server.says = lambda *_: [sent]
    with pytest.raises(AnswerLostError, match=reason) as caught:
        call(market)
    assert caught.value.retryable
    assert caught.value.operation == server.asked[0]
    reads = server.asked[0].startswith(("Get", "List"))
    assert ("may have been carried out" in str(caught.value.hint)) is not reads
    assert len(server.asked) == 1


WHOLE: dict[str, tuple[Callable[[MTurk], Any], bytes]] = {
    "a list": (hits, sized(HITS)),
    "a list in chunks": (hits, chunked(HITS)),
    "a list up to the end of the connection": (hits, unsized(HITS)),
    "an approval": (approve, sized(b"{}")),
    "an approval of no bytes, as its length says": (approve, sized(b"")),
    "an approval in chunks of none": (approve, unsized(b"0\r\n\r\n", **{"Transfer-Encoding": "chunked"})),
}


@pytest.mark.parametrize(("call", "sent"), WHOLE.values(), ids=WHOLE.keys())
def test_a_whole_answer_is_read(server: RawServer, market: MTurk, call: Callable[[MTurk], Any], sent: bytes) -> None:
    server.says = lambda *_: [sent]
    assert not call(market)


def test_a_whole_refusal_and_a_fault_that_is_cut_stay_what_they_are(server: RawServer, market: MTurk) -> None:
    server.says = lambda *_: [sized(REFUSAL, 400)]
    with pytest.raises(MarketRefusedError, match="no"):
        market.approve("3A")
    server.wait_until_hung_up()
    server.says = lambda *_: [unsized(REFUSAL[:10], 500)]
    with pytest.raises(MarketFaultError):
        market.approve("3A")


def test_what_every_operation_sends_always_is_what_the_model_lists_but_for_three() -> None:
    assert always_present("ListBonusPayments") == {"BonusPayments", "NumResults"}
    assert always_present("GetAccountBalance") == {"AvailableBalance"}
    assert always_present("GetAssignment") == {"Assignment"}
    assert always_present("ListReviewPolicyResultsForHIT") == {"HITId"}
    assert always_present("SendBonus") == frozenset()


# --- bounds


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that goes on by that much whenever it is looked at."""
    times = itertools.count(0.0, seconds)
    return lambda: next(times)


def endless(start: bytes, more: bytes) -> Callable[..., Iterator[bytes]]:
    return lambda *_: itertools.chain([start], itertools.repeat(more))


DRIPS = {
    "the body": (sized(b"")[:-21] + b"Content-Length: 1000000\r\n\r\n", b" "),
    "the headers": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "a body in chunks": (unsized(b"", **{"Transfer-Encoding": "chunked"}), b"1\r\n \r\n"),
    "promises to go on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize(("start", "drop"), DRIPS.values(), ids=DRIPS.keys())
def test_an_answer_that_drips_is_given_up_after_a_minute(server: RawServer, start: bytes, drop: bytes) -> None:
    server.says = endless(start, drop)
    market = connect(endpoint_url=server.url, bounds=Bounds(clock=ticking(7)))
    with pytest.raises(AnswerLostError, match="longer than 60 s"):
        market.balance()


def test_a_request_after_a_slow_one_has_a_minute_of_its_own() -> None:
    now = [0.0]
    with RawServer(lambda *_: [sized(b'{"AvailableBalance": "1.00"}')]) as server:
        server.hangs_up = False
        market = connect(endpoint_url=server.url, bounds=Bounds(clock=lambda: now[0]))
        for _ in range(3):
            market.balance()
            now[0] += 50


@pytest.mark.parametrize(("start", "drop"), DRIPS.values(), ids=DRIPS.keys())
def test_an_endless_answer_is_given_up_at_its_largest_size(server: RawServer, start: bytes, drop: bytes) -> None:
    server.says = endless(start, drop * 5_000)
    market = connect(endpoint_url=server.url, bounds=Bounds(size=60_000))
    with pytest.raises(AnswerLostError, match="larger than"):
        market.balance()


def test_an_answer_of_the_largest_size_is_read(server: RawServer) -> None:
    sent = sized(b'{"AvailableBalance": "1.00"}')
    server.says = lambda *_: [sent]
    connect(endpoint_url=server.url, bounds=Bounds(size=len(sent))).balance()
    with pytest.raises(AnswerLostError, match="larger"):
        connect(endpoint_url=server.url, bounds=Bounds(size=len(sent) - 1)).balance()


@pytest.mark.parametrize("status", [200, 400, 404, 500])
@pytest.mark.parametrize("depth", [65, 900, 100_000])
def test_a_deep_answer_is_lost_and_no_fault_of_the_program(
    server: RawServer, market: MTurk, status: int, depth: int
) -> None:
    deep = b'{"AvailableBalance": "1.00", "Message": %b%b}' % (b"[" * depth, b"]" * depth)
    server.says = lambda *_: [sized(deep, status)]
    with pytest.raises(AnswerLostError, match="more than 64 deep"):
        market.balance()


def test_the_depth_is_counted_exactly() -> None:
    def nested(depth: int) -> bytes:
        return b'{"AvailableBalance": ' + b"[" * (depth - 1) + b"5" + b"]" * (depth - 1) + b"}"

    headers = {"content-type": "application/x-amz-json-1.1"}
    check("GetAccountBalance", 200, headers, nested(3), 3)
    with pytest.raises(NotWholeError):
        check("GetAccountBalance", 200, headers, nested(4), 3)
