"""The dashboard's server on a socket: slow, broken and oversized requests, and several jobs at once on SQLite."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from dashboard_support import HASH, PASSWORD, SECRET_KEY, DashboardSite, dashboard_site
from dashboard_walk import everything_of
from flask import Response
from study_support import Study, market_rows

from turkctl.dashboard.access import Access
from turkctl.dashboard.service import DashboardServer
from turkctl.operations.log import LogQuery, list_log
from turkctl.operations.sync.run import sync
from turkctl.settings_users import MANAGE, DashboardUser
from turkctl.web.app import MOST_BYTES

ACTS = 8
LIMIT = 20.0


@contextmanager
def serving(folder: Path) -> Iterator[tuple[DashboardServer, tuple[str, int]]]:
    """Serve a study with a single thread; yield the server and where it listens."""
    study = Study.new(folder)
    access = Access({"lab": DashboardUser("lab", MANAGE, HASH, names=True)}, SECRET_KEY)
    server = DashboardServer(study.world, access, "127.0.0.1", 0, 1)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server, ("127.0.0.1", urlsplit(server.address).port or 0)
    finally:
        server.close()
        thread.join(LIMIT)
        assert not thread.is_alive()
        study.close()


@pytest.fixture
def address(folder: Path) -> Iterator[tuple[str, int]]:
    with serving(folder) as (_server, where):
        yield where


@contextmanager
def connected(address: tuple[str, int], *sent: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(address, LIMIT) as connection:
        for each in sent:
            connection.sendall(each)
        yield connection


def asked(address: tuple[str, int], text: bytes) -> bytes:
    """What the server answers to this, until it closes the connection."""
    with connected(address, text) as connection:
        answer = b""
        while part := connection.recv(65536):
            answer += part
            if b"\r\n\r\n" in answer and b"Connection: close" not in text:
                break
        return answer


LOGIN = b"GET /dashboard/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
BROKEN = (
    b"",
    b"GET /dashboard/login HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    b"POST /dashboard/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nname=",
    b"POST /dashboard/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nname=",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


def test_slow_and_broken_requests_hold_up_nobody_even_with_one_thread(address: tuple[str, int]) -> None:
    with ExitStack() as stack:
        for each in BROKEN * 4:
            stack.enter_context(connected(address, each))
        answer = asked(address, LOGIN)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"Sign in" in answer


@pytest.mark.parametrize(
    "text",
    [
        b"GET /dashboard/\xff\xfe%ff%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /dashboard/login?next=%ff%fe&next=\xc3\x28 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /dashboard/login HTTP/1.1\r\nHost: \xff evil\r\nConnection: close\r\n\r\n",
        b"GET /dashboard/login HTTP/1.1\r\nHost: x\r\nCookie: turkctl_dashboard=\xff; x\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/dashboard/log HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"GET //evil.example/dashboard HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /dashboard/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n\xff\x00=\xfe&",
        b"POST /dashboard/login HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=\xff\r\n%b"
        % b"Content-Length: 5\r\nConnection: close\r\n\r\n--\xff\r\n",
        b"NONSENSE / HTTP/9\r\n\r\n",
        b"GET /dashboard/login HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 300_000 + b"\r\n\r\n",
    ],
    ids=range(10),
)
def test_nonsense_on_the_wire_is_refused_and_never_an_error_of_the_server(
    address: tuple[str, int], text: bytes
) -> None:
    answer = asked(address, text)
    status = int(answer.split(b" ")[1])
    assert status in (200, 303, 308, 400, 404, 431), answer
    for location in re.findall(rb"\r\nLocation: ([^\r]*)", answer):
        assert location.startswith(b"/dashboard"), "no address is made from what a request says of its host"
    assert asked(address, LOGIN).startswith(b"HTTP/1.1 200")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the file that holds what was not read
def test_somebody_who_reads_a_long_file_slowly_holds_up_nobody_even_with_one_thread(folder: Path) -> None:
    with serving(folder) as (server, address):
        app = server.dashboard.app
        app.add_url_rule("/dashboard/long", "long", lambda: Response(b"x" * 1_000_000 for _ in range(60)))
        client = app.test_client()
        token = re.findall(r'name="csrf_token" value="([^"]+)"', client.get("/dashboard/login").get_data(as_text=True))
        client.post("/dashboard/login", data={"name": "lab", "password": PASSWORD, "csrf_token": token[0]})
        cookie = client.get_cookie("turkctl_dashboard")
        assert cookie is not None
        request = f"GET /dashboard/long HTTP/1.1\r\nHost: x\r\nCookie: {cookie.key}={cookie.value}\r\n\r\n"
        with connected(address, request.encode()) as slow:
            assert slow.recv(1000).startswith(b"HTTP/1.1 200")
            assert asked(address, LOGIN).startswith(b"HTTP/1.1 200")


def test_a_body_over_the_limit_is_refused_before_it_was_read(address: tuple[str, int]) -> None:
    head = b"POST /dashboard/login HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    assert asked(address, head % (MOST_BYTES * 1000)).startswith(b"HTTP/1.1 413")


def test_several_acts_at_once_on_sqlite_while_pages_are_read_lose_nothing(folder: Path) -> None:
    with dashboard_site(folder) as site:
        posted = site.study.post(9, hits=ACTS)
        for number, hit in enumerate(posted):
            site.study.submit(hit, *(f"A{number}W{each}" for each in range(1, 10)))
        sync(site.study.world)
        done = threading.Event()
        with ThreadPoolExecutor(ACTS + 3) as pool:
            readers = [pool.submit(read_pages, site, done) for _ in range(3)]
            acts = [pool.submit(approve, site, hit) for hit in posted]
            pages = [act.result() for act in acts]
            done.set()
            read = [each.result() for each in readers]
        assert all("9 assignments approved" in page for page in pages)
        assert all(number > 3 for number in read)
        assert site.study.requests()["ApproveAssignment"] == 9 * ACTS
        assert {row[0] for row in market_rows(folder, "SELECT status FROM market_assignment")} == {"Approved"}
        assert site.study.sql("SELECT status, count(*) FROM turkctl_assignment GROUP BY 1") == [("Approved", 9 * ACTS)]
        assert site.study.sql("SELECT status, count(*) FROM assignments GROUP BY 1") == [(5, 9 * ACTS)]
        lines = [each for each in list_log(site.study.world, LogQuery()) if each["act"] == "workers approve"]
        assert [(each["succeeded"], each["error"]) for each in lines] == [(9, None)] * ACTS
        assert everything_of(site.study)["turkctl_lease"] == []


def approve(site: DashboardSite, hit: str) -> str:
    visitor = site.visitor()
    return visitor.act("workers-approve", all="1", hit=hit)


def read_pages(site: DashboardSite, done: threading.Event) -> int:
    """Read pages until the acts are done; how many were read."""
    visitor, number = site.visitor("viewer"), 0
    while not done.is_set() or number < 4:
        for path in ("/", "/participants", "/log", "/participants/choices"):
            text = visitor.get(path)
            assert visitor.status == 200, text
            assert "locked" not in text
            number += 1
    return number
