"""A headless Chromium for tests, and pages that fail a test when anything on them is wrong.

A test that uses the fixture ``browser`` is marked ``browser``. It opens pages with ``open_page``: any console error,
uncaught error, violation of the page's own policy, or request to another host fails the test. Run as a program, this
module says which Chromium the tests will use, and exits 1 if none starts.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ADVICE = "no Chromium starts: `make test-browser` installs one, or name yours in TURKCTL_TEST_CHROMIUM"
_FLAGS = [
    # Root in a container can use neither Chromium's sandbox nor much shared memory.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    # Pages reach this machine only, whatever they ask for.
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost",
]
_SERIOUS = {"serious", "critical"}


def find_chromium() -> str | None:
    """Return the path of an installed Chromium; None means Playwright's own."""
    return os.environ.get("TURKCTL_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright, home: Path) -> Browser:
    """Start Chromium with a home folder of its own, because it keeps files there."""
    folders = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "XDG_CACHE_HOME": str(home / "cache")}
    return playwright.chromium.launch(executable_path=find_chromium(), args=_FLAGS, env={**os.environ, **folders})


@pytest.fixture(scope="session")
def started_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """Start Chromium once for each worker process; yield it with the loop that Playwright runs in this thread."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        try:
            browser = launch(playwright, tmp_path_factory.mktemp("chromium"))
        except Error as error:
            pytest.fail(f"{ADVICE}\n{error}")
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture
def browser(
    request: pytest.FixtureRequest, started_browser: tuple[Browser, asyncio.AbstractEventLoop]
) -> Iterator[Browser]:
    """Lend the worker's Chromium to a test marked ``browser``."""
    if request.node.get_closest_marker("browser") is None:
        pytest.fail("mark the test with `browser`: other tests must run on machines without one")
    lent, loop = started_browser
    # Playwright's loop counts as running in this thread; later tests must be able to use asyncio.
    asyncio._set_running_loop(loop)
    yield lent
    asyncio._set_running_loop(None)


class _Watch:
    """What went wrong on the pages of a context."""

    def __init__(self, context: BrowserContext, sites: Sequence[str], allowed: Sequence[str]) -> None:
        self._origins = {_origin(site) for site in sites}
        self._allowed = allowed
        self._messages: list[tuple[str, str]] = []
        self._other: list[str] = []
        self._refused: set[str] = set()
        context.on("console", self._console)
        context.on("weberror", lambda error: self._other.append(f"uncaught error: {error.error}"))
        context.on("request", lambda request: self._request(request.url))
        context.on("response", self._response)
        context.on("page", lambda page: page.on("crash", lambda _: self._other.append(f"crashed: {page.url}")))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._messages.append((message.text, message.location.get("url", "")))

    def _request(self, url: str) -> None:
        if urlsplit(url).scheme in ("http", "https") and _origin(url) not in self._origins:
            self._other.append(f"request to another host: {url}")

    def _response(self, response: Any) -> None:
        if response.request.is_navigation_request() and 400 <= response.status < 500:
            self._refused.add(urldefrag(response.url).url)

    def problems(self) -> list[str]:
        """List them all; pages that say themselves that they are refused or missing are none."""
        found = [
            f"console: {text} ({url})"
            for text, url in self._messages
            if not (text.startswith("Failed to load resource") and url in self._refused)
        ]
        return [each for each in found + self._other if not any(part in each for part in self._allowed)]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@contextmanager
def open_page(
    browser: Browser,
    site: str,
    *others: str,
    width: int = 1280,
    dark: bool = False,
    scripts: bool = True,
    allowed: Sequence[str] = (),
) -> Iterator[Page]:
    """Yield an empty page with cookies of its own; raise at the end if anything was wrong.

    Paths given to ``goto`` are below ``site``; requests to it and to ``others`` (addresses too) are no problem.
    Problems that contain one of the texts in ``allowed`` are ignored. A width of 320 is that of 1280 at 400 % zoom.
    """
    context = browser.new_context(
        base_url=site,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        java_script_enabled=scripts,
        locale="en-US",
        timezone_id="UTC",
    )
    watch = _Watch(context, (site, *others), allowed)
    try:
        yield context.new_page()
        _wait_for_events(context)
    except BaseException as error:
        for problem in watch.problems():
            error.add_note(f"on the page: {problem}")
        raise
    finally:
        context.close()
    problems = watch.problems()
    assert not problems, "\n".join(problems)


def _wait_for_events(context: BrowserContext) -> None:
    """Ask each page something: its answer comes after all events that were before it."""
    for page in context.pages:
        for _ in range(5):
            if _answers(page):
                break


def _answers(page: Page) -> bool:
    """Say whether the page answered; it does not while another one takes its place, or after a crash."""
    from playwright.sync_api import Error

    try:
        page.wait_for_load_state("domcontentloaded")
        page.evaluate("0")
    except Error:
        return page.is_closed()
    return True


def axe_problems(page: Page) -> list[str]:
    """List what axe-core finds serious or critical on the page, frames left out; the page's scripts must be on."""
    from axe_playwright_python.sync_playwright import Axe

    # A page that has it already, from another look, is not given it again.
    axe = Axe(axe_script="0") if page.evaluate("'axe' in window") else Axe()
    found = axe.run(page, options={"resultTypes": ["violations"], "iframes": False}).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {node['html']}: {' '.join(node['failureSummary'].split())}"
        for each in found
        if each["impact"] in _SERIOUS
        for node in each["nodes"]
    ]


_STICKING_OUT = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const out = [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > width + 1);
    const names = out.map(e => e.cloneNode().outerHTML.slice(0, 120));
    return [`${document.documentElement.scrollWidth} px wide, ${width} px are shown`, ...names.slice(0, 10)];
}"""


def too_wide(page: Page) -> list[str]:
    """Say what sticks out if the page scrolls sideways; return an empty list if it does not."""
    return page.evaluate(_STICKING_OUT)


_TOO_SMALL = """() => [...document.querySelectorAll(
    "button, [role=button], select, textarea, nav a, input:not([type=hidden]), summary"
)].map(e => e.matches("[type=checkbox], [type=radio]") ? e.closest("label") ?? e : e).filter(e => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && !e.closest(".hidden-words, [disabled]") && (box.height < 44 || box.width < 44);
}).map(e => {
    const box = e.getBoundingClientRect();
    return `${Math.round(box.width)} x ${Math.round(box.height)} px: ${e.cloneNode(true).outerHTML.slice(0, 160)}`;
})"""


def too_small(page: Page) -> list[str]:
    """List what a finger would miss: buttons, fields and links of the navigation below 44 by 44 pixels."""
    return page.evaluate(_TOO_SMALL)


_LOOK = """e => [e, e.parentElement].filter(Boolean).map(each => {
    const style = getComputedStyle(each);
    return [style.outline, style.boxShadow, style.borderColor, style.backgroundColor, style.textDecoration].join();
}).join()"""


def tab_to(page: Page, target: Locator, *, key: str = "Tab", limit: int = 200) -> None:
    """Press a key until the target has the focus; raise if it never does, or does not look different then."""
    if _focused(target):
        return
    before = target.evaluate(_LOOK)
    passed: list[str] = []
    for _ in range(limit):
        page.keyboard.press(key)
        if _focused(target):
            assert target.evaluate(_LOOK) != before, f"nothing shows that {target} has the focus"
            return
        passed.append(page.evaluate("document.activeElement.cloneNode().outerHTML"))
    pytest.fail(f"{key} does not reach {target}; it stops at:\n" + "\n".join(dict.fromkeys(passed)))


def _focused(target: Locator) -> bool:
    # In a shadow root, the document's active element is the root's host.
    return target.evaluate("e => e === e.getRootNode().activeElement")


def main() -> None:
    """Start the Chromium that the tests will use, and write which one it is; exit 1 if none starts."""
    from playwright.sync_api import Error, sync_playwright

    with TemporaryDirectory() as home, sync_playwright() as playwright:
        try:
            browser = launch(playwright, Path(home))
        except Error as error:
            sys.exit(f"{ADVICE}\n{error}")
        path = find_chromium() or playwright.chromium.executable_path
        sys.stdout.write(f"Chromium {browser.version}: {path}\n")
        browser.close()


if __name__ == "__main__":
    main()
