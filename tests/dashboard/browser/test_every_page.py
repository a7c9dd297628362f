"""Every page of the dashboard in a browser: for everybody, at every width, in light and dark, without errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, open_page, too_wide
from dashboard_support import sign_in
from dashboard_walk import FILES, Walk, walked
from wsgi_server import serve_wsgi

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
PARTS = ("/count", "/choices", "/state", "/balance", "/labels/items")
"""Parts of pages, which are looked at where they belong; and the page of an item, which a query names."""
FILTERED = (
    *("/participants?columns=uniqueid&columns=wage&mode=local&mode=live", "/participants?group_by=day&group_by=status"),
    *("/hits?experiment=stroop&sort=reward", "/assignments?status=all", "/assignments?status=rejected"),
    *("/workers?blocked=1", "/campaigns/new?goal=20", "/tasks?all_modes=1", "/tasks?new=aggregate-labels"),
    *("/tasks?new=bonus-auto", "/content?experiment=stroop", "/labels?experiment=stroop", "/nothing-is-here"),
)

DRAWN = "() => new Promise(done => { requestAnimationFrame(() => requestAnimationFrame(() => done(null))); })"
"""Ends when what follows the width of the window was drawn again."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    with walked(tmp_path_factory.mktemp("study")) as made:
        yield made


@pytest.fixture(scope="module")
def address(walk: Walk) -> Iterator[str]:
    with serve_wsgi(walk.app) as served:
        yield served


@pytest.mark.parametrize(
    ("widths", "dark"), [((1280, 360), False), ((360, 1280), True)], ids=["narrowed-light", "widened-dark"]
)
def test_every_page_can_be_read_by_everybody(
    browser: Browser, walk: Walk, address: str, widths: tuple[int, int], dark: bool
) -> None:
    paths = [path for path in walk.pages() if not path.endswith((*FILES, *PARTS))]
    with open_page(browser, address, width=widths[0], dark=dark) as page:
        page.goto("/dashboard/login")
        look(page, widths, "/dashboard/login")
        sign_in(page)
        for path in (*paths, *(f"/dashboard{each}" for each in FILTERED)):
            page.goto(path)
            page.wait_for_load_state("networkidle")
            page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")
            look(page, widths, path)


def look(page: Page, widths: tuple[int, int], path: str) -> None:
    """Fail if the page cannot be read at one of the widths; it is left at the first, with which the next begins."""
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate(DRAWN)
        assert (too_wide(page), axe_problems(page)) == ([], []), f"{path} at {width} px"
    page.set_viewport_size({"width": widths[0], "height": 800})


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])
def test_what_acts_ask_and_show_can_be_read_by_everybody(
    browser: Browser, walk: Walk, address: str, width: int, dark: bool
) -> None:
    with open_page(browser, address, width=width, dark=dark) as page:
        sign_in(page)
        for path, button in (
            ("/workers", "Pay somebody who could not submit"),
            ("/campaigns/1", "Run a round now"),
            ("/hits", "Expire all"),
            ("/hits", "Delete all"),
            ("/tasks/nightly", "Delete"),
        ):
            page.goto(f"/dashboard{path}")
            page.get_by_role("button", name=button, exact=True).click()
            page.wait_for_url("**/acts/**")
            assert (too_wide(page), axe_problems(page)) == ([], []), button
        page.goto("/dashboard/assignments")
        page.locator("tbody input[type=checkbox]").first.check()
        page.get_by_role("button", name="Bonus of an amount").click()
        assert (too_wide(page), axe_problems(page)) == ([], [])
        page.get_by_label("Amount for each").fill("0.25")
        page.get_by_label("What the bonus is for").fill("Careful work, " * 20)
        page.get_by_role("button", name="See the plan").click()
        page.get_by_role("button", name="Pay").wait_for()
        assert (too_wide(page), axe_problems(page)) == ([], [])
        page.goto("/dashboard/hits/new")
        page.get_by_text("Create 1 HIT, 9 assignments.").wait_for()
        assert (too_wide(page), axe_problems(page)) == ([], [])


def test_mode_live_is_red_on_every_page(browser: Browser, address: str) -> None:
    with open_page(browser, address) as page:
        sign_in(page)
        page.goto("/dashboard/settings")
        page.get_by_role("button", name="Switch to live").click()
        for path in ("/tasks", "/log", "/settings", "/participants", "/campaigns/new"):
            page.goto(f"/dashboard{path}")
            mode = page.locator("header .mode")
            assert mode.text_content() == "live"
            assert mode.evaluate("e => getComputedStyle(e).color") == "rgb(179, 38, 30)"
