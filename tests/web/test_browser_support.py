"""What the browser tests stand on: each of its guards finds what it is for."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from browser import axe_problems, find_chromium, open_page, tab_to, too_small, too_wide
from strict_pages import page, strict_pages
from wsgi_server import serve_wsgi

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

PAGES = {
    "/large": page("<button>Press<br>this<br>button</button><fieldset disabled><button>No</button></fieldset>"),
    "/": page('<p>Good</p><a href="/wide">Wide</a> <button>Press</button>'),
    "/log.js": 'console.error("something broke");',
    "/throw.js": 'setTimeout(() => { throw new Error("nobody catches it"); });',
    "/ask.js": 'fetch("/missing");',
    "/console": page("", '<script src="/log.js"></script>'),
    "/throws": page("", '<script src="/throw.js"></script>'),
    "/fetches": page("", '<script src="/ask.js"></script>'),
    "/inline-style": page('<p style="color: black">Styled</p>'),
    "/inline-script": page("<script>document.title = 'Run';</script>"),
    "/picture": page('<img src="http://elsewhere.example/a.png" alt="A">'),
    "/unlabelled": page("<input>"),
    "/pale.css": "p { color: #eee; background: #fff; }",
    "/pale": page("<p>Pale</p>", '<link rel="stylesheet" href="/pale.css">'),
    "/night.css": "@media (prefers-color-scheme: dark) { body { background: #000; color: #222; } }",
    "/night": page("<p>Night</p>", '<link rel="stylesheet" href="/night.css">'),
    "/wide.css": "#table { width: 500px; } #hidden :focus { outline: none; }",
    "/wide": page('<div id="table">Wide</div>', '<link rel="stylesheet" href="/wide.css">'),
    "/hidden": page('<div id="hidden"><button>Press</button></div>', '<link rel="stylesheet" href="/wide.css">'),
    "/skipped": page('<a href="/">Good</a> <button tabindex="-1">Press</button>'),
}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve_wsgi(strict_pages(PAGES)) as address:
        yield address


@pytest.mark.parametrize("scripts", [True, False])
def test_a_page_with_which_nothing_is_wrong_passes(browser: Browser, site: str, scripts: bool) -> None:
    with open_page(browser, site, width=360, scripts=scripts) as shown:
        shown.goto("/")
        assert shown.title() == "Page"
        assert too_wide(shown) == []


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/console", "something broke"),
        ("/throws", "nobody catches it"),
        ("/fetches", "404"),
        ("/inline-style", "Content Security Policy"),
        ("/inline-script", "Content Security Policy"),
        ("/picture", "Content Security Policy"),
    ],
)
def test_what_is_wrong_on_a_page_fails_the_test(browser: Browser, site: str, path: str, problem: str) -> None:
    with pytest.raises(AssertionError, match=problem), open_page(browser, site) as shown:
        shown.goto(path, wait_until="networkidle")


def test_an_inline_style_is_found_with_scripts_off_too(browser: Browser, site: str) -> None:
    with (
        pytest.raises(AssertionError, match="Content Security Policy"),
        open_page(browser, site, scripts=False) as shown,
    ):
        shown.goto("/inline-style")


def open_a_window(browser: Browser, site: str) -> None:
    with open_page(browser, site) as shown:
        shown.goto("/")
        with shown.expect_popup() as other:
            shown.evaluate("open('/console')")
        other.value.wait_for_load_state()


def test_what_is_wrong_in_another_window_fails_the_test(browser: Browser, site: str) -> None:
    with pytest.raises(AssertionError, match="something broke"):
        open_a_window(browser, site)


def fail_for_another_reason(browser: Browser, site: str) -> None:
    with open_page(browser, site) as shown:
        shown.goto("/console")
        raise LookupError


def test_a_failed_test_says_what_was_wrong_on_the_page(browser: Browser, site: str) -> None:
    with pytest.raises(LookupError) as failed:
        fail_for_another_reason(browser, site)
    assert "something broke" in failed.value.__notes__[0]


def test_a_page_that_crashes_fails_the_test(browser: Browser, site: str) -> None:
    from playwright.sync_api import Error

    with pytest.raises(AssertionError, match="crashed"), open_page(browser, site) as shown, pytest.raises(Error):
        shown.goto("chrome://crash")


def test_a_problem_that_a_test_allows_passes(browser: Browser, site: str) -> None:
    with open_page(browser, site, allowed=["something broke"]) as shown:
        shown.goto("/console")


def test_a_missing_page_is_no_problem_by_itself(browser: Browser, site: str) -> None:
    with open_page(browser, site) as shown:
        assert (answer := shown.goto("/nothing"))
        assert answer.status == 404


def test_a_request_to_another_host_fails_the_test_unless_it_is_one_of_the_sites(browser: Browser, site: str) -> None:
    port = urlsplit(site).port
    other = f"http://content.localhost:{port}"
    with open_page(browser, site, other) as shown:
        shown.goto(other)
    with pytest.raises(AssertionError, match="another host"), open_page(browser, site) as shown:
        shown.goto(other)


def test_no_page_reaches_another_address(browser: Browser, site: str) -> None:
    from playwright.sync_api import Error

    allowed = open_page(browser, site, allowed=["127.0.0.2"])
    with allowed as shown, pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        shown.goto(f"http://127.0.0.2:{urlsplit(site).port}/")


@pytest.mark.parametrize(
    ("path", "dark", "rule"),
    [("/unlabelled", False, "label"), ("/pale", False, "color-contrast"), ("/night", True, "color-contrast")],
)
def test_axe_finds_a_serious_problem_under_the_strict_policy(
    browser: Browser, site: str, path: str, dark: bool, rule: str
) -> None:
    with open_page(browser, site, dark=dark) as shown:
        shown.goto(path)
        assert [each.partition(" ")[0] for each in axe_problems(shown)][:1] == [rule]


@pytest.mark.parametrize("path", ["/", "/night"])
def test_axe_finds_nothing_on_a_good_page(browser: Browser, site: str, path: str) -> None:
    with open_page(browser, site) as shown:
        shown.goto(path)
        assert axe_problems(shown) == []


def test_a_page_that_scrolls_sideways_is_found(browser: Browser, site: str) -> None:
    with open_page(browser, site, width=360) as shown:
        shown.goto("/wide")
        said = too_wide(shown)
        assert "360 px are shown" in said[0]
        assert said[1:] == ['<div id="table"></div>']
    with open_page(browser, site, width=520) as shown:
        shown.goto("/wide")
        assert too_wide(shown) == []


def test_what_a_finger_would_miss_is_found(browser: Browser, site: str) -> None:
    with open_page(browser, site, width=360) as shown:
        shown.goto("/")
        (said,) = too_small(shown)
        assert re.fullmatch(r"\d+ x \d+ px: <button>Press</button>", said)
        shown.goto("/large")
        assert too_small(shown) == []


def test_what_the_keyboard_reaches_is_told_from_what_it_does_not(browser: Browser, site: str) -> None:
    with open_page(browser, site) as shown:
        shown.goto("/")
        button = shown.get_by_role("button")
        tab_to(shown, button)
        tab_to(shown, shown.get_by_role("link"), key="Shift+Tab")
        shown.goto("/skipped")
        with pytest.raises(pytest.fail.Exception, match='<a href="/">'):
            tab_to(shown, button, limit=5)
        shown.goto("/hidden")
        with pytest.raises(AssertionError, match="nothing shows"):
            tab_to(shown, button)


def test_a_test_may_run_a_loop_of_its_own_beside_the_browser() -> None:
    assert asyncio.run(asyncio.sleep(0, "done")) == "done"


def test_the_browser_that_is_named_comes_before_those_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TURKCTL_TEST_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_chromium() is None
    for name in ("google-chrome", "chromium"):
        (tmp_path / name).touch(mode=0o755)
        assert find_chromium() == str(tmp_path / name)
    monkeypatch.setenv("TURKCTL_TEST_CHROMIUM", "/opt/mine")
    assert find_chromium() == "/opt/mine"


def test_a_test_without_the_marker_gets_no_browser(request: pytest.FixtureRequest) -> None:
    marks = request.node.own_markers, request.node.parent.own_markers
    kept = [list(each) for each in marks]
    for each in marks:
        each.clear()
    try:
        with pytest.raises(pytest.fail.Exception, match="mark the test"):
            request.getfixturevalue("browser")
    finally:
        for each, old in zip(marks, kept, strict=True):
            each.extend(old)


def test_a_served_app_stops_listening() -> None:
    with serve_wsgi(strict_pages(PAGES)) as address:
        parts = urlsplit(address)
        assert parts.hostname
        assert parts.port
        socket.create_connection((parts.hostname, parts.port), timeout=10).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((parts.hostname, parts.port), timeout=10)
