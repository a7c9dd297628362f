"""From where HTML tasks are shown: another host for use, another port for trying, and never from the site itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from worker_site_support import SiteBench, site_bench

from turkctl.market.doors.http import Server, make_app, serve
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.questions import html_question
from turkctl.market.site.app import content_door, know_content_port, mounts
from turkctl.market.site.frames import may_keep_origin

LOOK = html_question("<html><body><p>Look</p></body></html>")


@pytest.mark.parametrize(
    ("content", "market", "behind_proxy", "keeps"),
    [
        ("https://tasks.example.org", "https://work.example.org", True, True),
        ("https://work.example.org", "https://work.example.org", True, False),
        ("https://work.example.org:8443", "https://work.example.org", False, False),
        ("http://127.0.0.1:8801", "http://127.0.0.1:8800", False, True),
        ("http://[::1]:8801", "http://[::1]:8800", False, True),
        ("http://127.0.0.1:8800", "http://127.0.0.1:8800", False, False),
        ("http://localhost:80", "http://localhost", False, False),
        ("http://127.0.0.1:8801", "http://127.0.0.1:8800", True, False),
        ("http://10.0.0.5:8801", "http://10.0.0.5:8800", False, False),
    ],
)
def test_tasks_keep_an_origin_on_another_host_or_on_loopback(
    content: str, market: str, behind_proxy: bool, keeps: bool
) -> None:
    assert may_keep_origin(content, market, behind_proxy=behind_proxy) is keeps


def status(bench: SiteBench, path: str, base: str) -> str:
    """What the market's server answers at this address of a host."""
    seen: list[str] = []
    environ = bench.app.test_request_context(path, base_url=base).request.environ
    server: Any = make_app(Endpoint(bench.market), mounts(bench.app))
    b"".join(server(environ, lambda told, *_: seen.append(told)))
    return seen[0][:3]


def test_a_task_that_has_another_host_is_never_shown_on_the_site_s_own() -> None:
    """There its scripts would have the site's origin, and with it the session of whoever opens the address."""
    urls = {"url": "https://work.example.org", "content_url": "https://tasks.example.org"}
    with site_bench(**urls, behind_proxy=True) as bench:
        path = f"/content/{bench.post(Question=LOOK)['HITId']}"
        hosts = [urls["url"], urls["content_url"], "http://tasks.example.org", "http://127.0.0.1:8800"]
        assert [status(bench, path, host) for host in hosts] == ["404", "200", "200", "404"]


@contextmanager
def running() -> Iterator[tuple[SiteBench, Server, str]]:
    """A market that listens on two ports; yield the address of the second one, too."""
    with site_bench() as bench:
        server = serve(Endpoint(bench.market), port=0, threads=2, mounts=mounts(bench.app))
        port = server.add(content_door(bench.app, server.port), "127.0.0.1", 0)
        know_content_port(bench.app, port)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield bench, server, f"http://127.0.0.1:{port}"
        finally:
            server.close()
            thread.join(20)
            assert not thread.is_alive()


def test_a_second_port_shows_tasks_and_scripts_and_nothing_else() -> None:
    with running() as (bench, server, second):
        hit = bench.post(Question=LOOK)["HITId"]
        person = bench.person()
        person.get(f"/worker/hits/{hit}", base_url=f"http://127.0.0.1:{server.port}")
        assert person.path == "/worker/sign-in", "the session is of another host"
        with urlopen(f"{second}/content/{hit}", timeout=20) as answer:
            page, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
        assert "Look" in page
        assert policy.endswith(f"allow-same-origin; frame-ancestors http://127.0.0.1:{server.port}")
        with urlopen(f"{second}/content/static/task-shim.js", timeout=20) as answer:
            assert answer.status == 200
        for address in (
            f"{second}/worker",
            f"{second}/worker/sign-in",
            f"{second}/mturk/externalSubmit",
            f"{second}/",
            f"http://127.0.0.1:{server.port}/content/{hit}",
        ):
            with pytest.raises(HTTPError) as told:
                urlopen(address, timeout=20)
            told.value.close()
            assert told.value.code == 404, address


def test_the_site_s_pages_show_tasks_from_the_second_port() -> None:
    with site_bench() as bench:
        know_content_port(bench.app, 8801)
        person = bench.person()
        person.get(f"/worker/hits/{bench.post(Question=LOOK)['HITId']}")
        assert urlsplit(person.frame_address()).netloc == "localhost:8801"
        assert "frame-src 'self' https: http://localhost:8801" in person.headers["Content-Security-Policy"]
        assert "allow-same-origin" in person.text
