"""The vendored files at work in a browser, under the policy that forbids inline scripts, inline styles and eval."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from browser import axe_problems, open_page, tab_to, too_wide
from strict_pages import page, strict_pages
from wsgi_server import serve_wsgi

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

HTMX = (
    """<meta name="htmx-config" content='{"allowEval": false, "includeIndicatorStyles": false}'>"""
    '<script src="/vendor/htmx.min.js" defer></script>'
)
LOOKS = '<link rel="stylesheet" href="/vendor/pico.min.css">'
CHART = (
    '<link rel="stylesheet" href="/vendor/uPlot.min.css">'
    '<script src="/vendor/uPlot.iife.min.js" defer></script><script src="/chart.js" defer></script>'
)
FORM = """<form>
  <label>Name <input name="name" required></label>
  <label>Wrong <input name="wrong" aria-invalid="true"></label>
  <label>Status <select name="status"><option>Submitted</option></select></label>
  <label><input type="checkbox" name="all"> All</label>
  <button>Save</button> <button class="secondary">Back</button> <button class="contrast">Stop</button>
</form>
<table><thead><tr><th scope="col">HIT</th></tr></thead><tbody><tr><td>1 <mark>new</mark></td></tr></tbody></table>"""
PAGES = {
    "/htmx": page(
        """<button hx-get="/part" hx-target="#out" hx-vals='{"a": 1}' hx-indicator="#wait">Load</button>
        <span id="wait" class="htmx-indicator">Wait</span><div id="out"></div>
        <p hx-get="/tick" hx-trigger="every 50ms">0</p>""",
        HTMX,
    ),
    "/part": "<p>Loaded</p>",
    "/eval": page("""<button hx-get="/part" hx-vals="js:{a: 1}">Load</button>""", HTMX),
    "/unset": page("", '<script src="/vendor/htmx.min.js" defer></script>'),
    "/leave": page('<p hx-get="/slow" hx-trigger="load">Asking</p><a href="/pico">Leave</a>', HTMX),
    "/pico": page(FORM, LOOKS),
    "/chart": page('<div id="chart"></div>', CHART),
    "/chart.js": """new uPlot(
        {width: 320, height: 200, title: "People", scales: {x: {time: false}},
         series: [{label: "Day"}, {label: "People", stroke: "teal", fill: "#0002"}]},
        [[1, 2, 3], [10, 30, 20]], document.getElementById("chart"));""",
}


class Ticking:
    """The pages, one that counts to three, and one that answers when it may."""

    def __init__(self) -> None:
        self._rest = strict_pages(PAGES)
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        self._ticks = 0

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/tick":
            self._ticks = min(self._ticks + 1, 3)
            start_response("200 OK", [("Content-Type", "text/html")])
            return [str(self._ticks).encode()]
        if environ["PATH_INFO"] == "/slow":
            self.asked.set()
            self.may_answer.wait(timeout=60)
        return self._rest(environ, start_response)


@pytest.fixture
def app() -> Ticking:
    return Ticking()


@pytest.fixture
def site(app: Ticking) -> Iterator[str]:
    with serve_wsgi(app) as address:
        yield address
        app.may_answer.set()


def test_htmx_replaces_and_polls_under_the_strict_policy(browser: Browser, site: str) -> None:
    with open_page(browser, site) as shown:
        shown.goto("/htmx")
        shown.get_by_role("button").click()
        shown.get_by_text("Loaded").wait_for()
        shown.get_by_text("3", exact=True).wait_for()


def press_all(browser: Browser, site: str, path: str) -> None:
    with open_page(browser, site) as shown:
        shown.goto(path)
        for button in shown.get_by_role("button").all():
            button.click()


@pytest.mark.parametrize(
    ("path", "problem"), [("/eval", "evalDisallowedError"), ("/unset", "Applying inline style violates")]
)
def test_htmx_needs_its_settings_and_no_eval(browser: Browser, site: str, path: str, problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        press_all(browser, site, path)


def test_leaving_a_page_while_htmx_waits_is_no_error(browser: Browser, site: str, app: Ticking) -> None:
    with open_page(browser, site) as shown:
        shown.goto("/leave")
        assert app.asked.wait(timeout=30)
        shown.get_by_role("link").click()
        shown.get_by_role("table").wait_for()


@pytest.mark.parametrize("dark", [False, True])
def test_forms_and_tables_of_pico_are_accessible_at_every_width(browser: Browser, site: str, dark: bool) -> None:
    for width in (320, 360, 1280):
        with open_page(browser, site, width=width, dark=dark) as shown:
            shown.goto("/pico")
            assert axe_problems(shown) == []
            assert too_wide(shown) == []


def test_pico_shows_what_has_the_focus(browser: Browser, site: str) -> None:
    with open_page(browser, site) as shown:
        shown.goto("/pico")
        for field in shown.locator("input, select, button").all():
            tab_to(shown, field)


def test_a_chart_of_uplot_is_drawn_and_follows_the_pointer(browser: Browser, site: str) -> None:
    with open_page(browser, site, width=360) as shown:
        shown.goto("/chart")
        shown.locator(".u-over").hover()
        assert shown.locator(".u-legend .u-value").all_inner_texts() == ["2", "30"]
        assert too_wide(shown) == []
