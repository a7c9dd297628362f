from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from wire_support import RecordingMarket

from turkctl import own_market
from turkctl.copying.marks import MarkedError
from turkctl.errors import UsageError
from turkctl.market.doors.http import LINGER_SECONDS, MAX_BODY_BYTES, Server, _MarketChannel, make_app, serve
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.switches import Switches

TARGET = {"X-Amz-Target": "MTurkRequesterServiceV20170117.ListHITs"}


@contextmanager
def running(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(timeout=10)
        assert not thread.is_alive()


@pytest.fixture
def server(endpoint: Endpoint) -> Iterator[Server]:
    def worker_site(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}".encode()]

    with running(serve(endpoint, port=0, threads=4, mounts={"/worker": worker_site})) as server:
        yield server


def ask(
    server: Server, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def raw(server: Server, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def test_it_says_what_it_is(server: Server):
    for path in ("/", "/sandbox"):
        status, headers, body = ask(server, "GET", path)
        assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert b"Mechanical Turk Requester API" in body


def test_it_says_that_it_is_up(server: Server):
    assert ask(server, "GET", "/healthz")[::2] == (200, b"ok\n")
    assert ask(server, "HEAD", "/healthz")[::2] == (200, b"")


@pytest.mark.parametrize(
    ("path", "environment"), [("/", "production"), ("/sandbox", "sandbox"), ("/sandbox/", "sandbox")]
)
def test_the_api_is_at_the_root_and_at_the_sandbox(
    server: Server, market: RecordingMarket, path: str, environment: str
):
    status, headers, body = ask(server, "POST", path, b"{}", TARGET)
    assert (status, body, headers["content-type"]) == (200, b"{}", "application/x-amz-json-1.1")
    assert market.asked[0][1].environment == environment


def test_one_connection_serves_many_requests(server: Server, market: RecordingMarket):
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        for _ in range(3):
            connection.request("POST", "/", b"{}", TARGET)
            assert connection.getresponse().read() == b"{}"
    assert len(market.asked) == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("POST", "/sandboxes", 404), ("PUT", "/", 405), ("POST", "/healthz", 405)],
)
def test_other_addresses_and_methods_are_refused_in_plain_text(server: Server, method: str, path: str, status: int):
    got, headers, _ = ask(server, method, path, b"{}", TARGET)
    assert (got, headers["content-type"]) == (status, "text/plain; charset=utf-8")
    assert headers["x-turkctl-market"] == own_market.VERSION


def test_a_refused_method_names_those_allowed(server: Server):
    assert ask(server, "DELETE", "/")[1]["allow"] == "HEAD, POST, GET"


def test_a_body_without_a_length_is_refused(server: Server):
    assert raw(server, b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 411 ")


def test_a_body_in_chunks_is_read(server: Server, market: RecordingMarket):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: MTurkRequesterServiceV20170117.ListHITs\r\n"
    head += b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert raw(server, head + b"2\r\n{}\r\n0\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert len(market.asked) == 1


def test_a_body_of_a_megabyte_is_read_and_a_longer_one_refused(server: Server, market: RecordingMarket):
    fits = b"{" + b" " * (MAX_BODY_BYTES - 2) + b"}"
    assert ask(server, "POST", "/", fits, TARGET)[0] == 200
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1)
    assert raw(server, head).startswith(b"HTTP/1.1 413 ")
    assert len(market.asked) == 1


@pytest.mark.parametrize(
    "host",
    [
        b"", b"Host:\r\n", b"Host: [\r\n", b"Host: [::1\r\n", b"Host: a b\r\n", b"Host: a/b\r\n", b"Host: \xff\r\n",
        b"Host: x:y\r\n", b"Host: x\r\nHost: y\r\n", b"Host: x@y\r\n", b"Host: " + b"x" * 300 + b"\r\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [b"/", b"/worker/hits", b"/healthz"])
def test_a_missing_or_malformed_host_is_the_clients_fault(server: Server, path: bytes, host: bytes):
    head = b"POST %s HTTP/1.1\r\n%sConnection: close\r\nContent-Length: 2\r\n\r\n{}" % (path, host)
    answer = raw(server, head)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"The request needs one Host header, which names this host and perhaps its port." in answer


@pytest.mark.parametrize("host", [b"x", b"127.0.0.1:8800", b"[::1]:8800", b"mturk-requester.us-east-1.amazonaws.com"])
def test_hosts_as_clients_write_them_are_fine(server: Server, host: bytes):
    assert raw(server, b"GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host).endswith(b"ok\n")


def test_a_client_of_the_old_protocol_needs_no_host(server: Server):
    assert raw(server, b"GET /healthz HTTP/1.0\r\n\r\n").endswith(b"ok\n")


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/9.9\r\nHost: x\r\n\r\n", b"POST  HTTP/1.1\r\n\r\n",
        b"POST /%ff%00 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"post / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST http://[ HTTP/1.1\r\nHost: x\r\n\r\n", b"POST //[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 65_500 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused_and_never_our_fault(server: Server, request_: bytes):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        status = connection.recv(65536).split(b" ")[1]
    assert status.startswith(b"4"), status
    assert ask(server, "GET", "/healthz")[0] == 200


def test_an_answer_leaves_in_one_piece(server: Server, monkeypatch: pytest.MonkeyPatch):
    sent: list[bytes] = []
    send = _MarketChannel.send

    def noted(channel: _MarketChannel, data: bytes, do_close: bool = True) -> int:
        sent.append(bytes(data))
        return int(send(channel, data, do_close))

    monkeypatch.setattr(_MarketChannel, "send", noted)
    for method, path, body in (("POST", "/", b"{}"), ("GET", "/nothing", None), ("GET", "/worker", None)):
        sent.clear()
        _, headers, content = ask(server, method, path, body, TARGET)
        assert len(sent) == 1
        assert sent[0].endswith(b"\r\n\r\n" + content)
        assert headers["content-length"] == str(len(content))
    sent.clear()
    raw(server, b"no request\r\n\r\n")
    assert len(sent) == 1


def test_other_applications_live_beside_the_api(server: Server):
    assert ask(server, "GET", "/worker/hits/3A")[2] == b"/worker|/hits/3A"
    assert ask(server, "GET", "/worker")[2] == b"/worker|"
    assert ask(server, "GET", "/workers")[0] == 404


def test_an_application_at_the_root_gets_what_the_api_leaves(endpoint: Endpoint):
    def site(environ, start_response):
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    app = make_app(endpoint, {"/": site})

    def get(path: str) -> bytes:
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path}
        return b"".join(app(environ, lambda *_: lambda _data: None))

    assert get("/mturk/preview") == b"/mturk/preview"
    assert get("/healthz") == b"ok\n"


def test_a_lost_answer_closes_the_connection_without_a_byte(
    server: Server, endpoint: Endpoint, market: RecordingMarket
):
    endpoint.switches = Switches(answer_lost=1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(server, "POST", "/", b"{}", TARGET)
    assert len(market.asked) == 1
    endpoint.switches = Switches()
    assert ask(server, "POST", "/", b"{}", TARGET)[0] == 200


def test_a_market_that_was_moved_says_where_to_without_a_traceback(
    server: Server, market: RecordingMarket, caplog: pytest.LogCaptureFixture
):
    market.answers["list_hits"] = MarkedError("the market was moved to sqlite:///other.db")
    status, headers, content = ask(server, "POST", "/", b"{}", TARGET)
    assert (status, headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert content == b"the market was moved to sqlite:///other.db\n"
    assert "internal failure" not in caplog.text


def test_a_request_under_way_is_finished_when_the_server_closes(endpoint: Endpoint):
    started, go_on = threading.Event(), threading.Event()

    def wait(_operation: str) -> None:
        started.set()
        assert go_on.wait(timeout=10)

    endpoint.before = wait
    statuses: list[int] = []
    with running(serve(endpoint, port=0)) as server:
        client = threading.Thread(target=lambda: statuses.append(ask(server, "POST", "/", b"{}", TARGET)[0]))
        client.start()
        assert started.wait(timeout=10)
        server.close()
        go_on.set()
        client.join(timeout=10)
    assert statuses == [200]


def test_a_server_that_never_ran_can_be_closed(endpoint: Endpoint):
    server = serve(endpoint, port=0)
    server.close()
    server.close()
    server.run()
    with pytest.raises(ConnectionRefusedError):
        ask(server, "GET", "/healthz")


def test_a_port_in_use_is_a_clear_refusal(server: Server, endpoint: Endpoint):
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{server.port}: Address already in use"):
        serve(endpoint, port=server.port)


def test_a_host_that_is_not_ours_is_a_clear_refusal(endpoint: Endpoint):
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1:0"):
        serve(endpoint, "192.0.2.1", 0)


@contextmanager
def refused(server: Server, length: int) -> Iterator[socket.socket]:
    """A client whose request was refused for its length before it has sent the body."""
    head = f"POST / HTTP/1.1\r\nHost: market.example\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(head.encode())
        yield client


def until_closed(client: socket.socket, part: bytes) -> bool:
    """Sends on; whether the server closed the connection meanwhile."""
    try:
        for _ in range(200_000):
            client.sendall(part)
    except OSError:
        return True
    return False


def whole(client: socket.socket) -> bytes:
    received = b""
    while chunk := client.recv(65536):
        received += chunk
    return received


def test_a_client_that_sends_a_body_that_is_too_long_to_its_end_can_read_why_it_was_refused(server: Server) -> None:
    length, part = 1_500_000, b"1" * 50_000
    with refused(server, length) as client:
        for _ in range(length // len(part)):
            client.sendall(part)
        assert whole(client).startswith(b"HTTP/1.1 413 ")


def test_the_answer_comes_before_the_rest_of_the_body_which_may_follow(server: Server) -> None:
    with refused(server, 1_500_000) as client:
        assert whole(client).startswith(b"HTTP/1.1 413 ")
        client.sendall(b"1" * 1_000_000)
    assert ask(server, "GET", "/healthz")[0] == 200


def test_a_refused_request_is_read_on_for_a_limited_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(_MarketChannel, "clock", staticmethod(lambda: now[0]))
    with refused(server, 10**9) as client:
        assert whole(client).startswith(b"HTTP/1.1 413 ")
        client.sendall(b"1" * 1_000)
        now[0] = LINGER_SECONDS
        assert until_closed(client, b"1")


def test_of_a_refused_request_a_limited_part_is_read(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_MarketChannel, "_room", 100_000)
    with refused(server, 10**9) as client:
        assert whole(client).startswith(b"HTTP/1.1 413 ")
        assert until_closed(client, b"1" * 1_000)


def test_connections_that_are_read_on_hold_no_thread(server: Server) -> None:
    with ExitStack() as clients:
        for _ in range(20):  # five times as many as threads
            assert whole(clients.enter_context(refused(server, 10**9))).startswith(b"HTTP/1.1 413 ")
        assert ask(server, "GET", "/healthz")[0] == 200
