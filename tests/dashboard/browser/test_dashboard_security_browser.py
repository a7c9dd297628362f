"""In a real browser: nothing from outside runs, and a sign-in leads nowhere but into the site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
from browser import open_page
from dashboard_support import PASSWORD
from dashboard_walk import FILES, NASTY_TEXT, Walk, walked, write_everywhere
from wsgi_server import serve_wsgi

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
TARGETS = (
    "//evil.example/x",
    "/\\evil.example",
    "/\\/evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/dashboard/../../x",
    "/dashboard/%2e%2e/x",
    "/dashboard/.%2E/x",
    "/dashboard//evil.example",
    "/dashboard@evil.example",
    " //evil.example",
)


@pytest.fixture
def walk(folder: Path) -> Iterator[Walk]:
    with walked(folder) as made:
        yield made


def sign_in(page: Page, query: str = "") -> None:
    page.goto(f"/dashboard/login{query}")
    page.get_by_label("Login name").fill("lab")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_no_target_takes_a_browser_out_of_the_site(browser: Browser, walk: Walk) -> None:
    with serve_wsgi(walk.app) as site, open_page(browser, site) as page:
        for target in TARGETS:
            sign_in(page, f"?next={quote(target)}")
            went = urlsplit(page.url)
            assert f"{went.scheme}://{went.netloc}" == site, target
            assert went.path in ("/dashboard", "/dashboard/"), target
            page.get_by_role("button", name="Sign out").click()


def test_no_script_from_outside_runs_on_any_page(browser: Browser, walk: Walk) -> None:
    """A blocked script would be an error on the console, which ``open_page`` does not forgive."""
    write_everywhere(walk.site.study, NASTY_TEXT)
    with serve_wsgi(walk.app) as site, open_page(browser, site, allowed=["favicon.ico"]) as page:  # parts have no icon
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        sign_in(page)
        for path in (each for each in walk.pages() if not each.endswith(FILES)):
            for query in ("", f"?worker={quote(NASTY_TEXT)}&sort={quote(NASTY_TEXT)}&mode={quote(NASTY_TEXT)}"):
                page.goto(path + query)
                page.wait_for_load_state("networkidle")
                assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0, path


def test_a_part_of_a_page_takes_the_page_to_sign_in_when_the_session_has_ended(browser: Browser, walk: Walk) -> None:
    with serve_wsgi(walk.app) as site, open_page(browser, site, allowed=["401"]) as page:
        sign_in(page)
        page.goto("/dashboard/participants?status=4")
        page.wait_for_load_state("networkidle")
        page.context.clear_cookies()
        page.evaluate("htmx.ajax('GET', '/dashboard/participants/count?status=4', 'h1')")
        page.wait_for_url("**/dashboard/login?**")
        page.get_by_label("Login name").fill("lab")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/dashboard/participants?status=4")


def test_an_address_with_a_script_in_it_shows_it_as_text(browser: Browser, walk: Walk) -> None:
    with serve_wsgi(walk.app) as site, open_page(browser, site) as page:
        sign_in(page)
        page.goto(f"/dashboard/participants?hit={quote(NASTY_TEXT)}")
        assert page.get_by_role("textbox", name="HIT", exact=True).input_value() == NASTY_TEXT
