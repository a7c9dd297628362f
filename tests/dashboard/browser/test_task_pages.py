"""The pages of tasks, the log and the settings in a browser: readable, usable by keyboard, and one act all through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, open_page, tab_to, too_wide
from dashboard_support import PASSWORD, DashboardSite, dashboard_site
from scheduler_support import add_task
from wsgi_server import serve_wsgi

from turkctl.operations.tasks.manage import show_task
from turkctl.scheduler.runner import Runner

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PATHS = (
    "/dashboard/tasks",
    "/dashboard/tasks?all_modes=1",
    "/dashboard/tasks?new=aggregate-labels",
    "/dashboard/tasks?new=bonus-auto",
    "/dashboard/tasks/approve-everything-that-was-submitted-to-the-study",
    "/dashboard/log",
    "/dashboard/settings",
)


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    with dashboard_site(folder) as made:
        world = made.study.world
        now = world.now()
        long = "approve-everything-that-was-submitted-to-the-study"
        add_task(world.database, long, kind="approve-all", options={"all": True}, next_run=now, created=now)
        add_task(world.database, "close", kind="expire", cron="0 9 * * mon-fri", timezone="Europe/Berlin", every=0)
        add_task(world.database, "real", mode="live")
        Runner(world).once()
        yield made


@pytest.fixture
def address(site: DashboardSite) -> Iterator[str]:
    with serve_wsgi(site.dashboard.app) as served:
        yield served


def sign_in(page: Page, path: str) -> None:
    page.goto(path)
    page.get_by_label("Login name").fill("lab")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (360, False), (360, True)])
def test_the_pages_have_no_serious_problem_and_fit(width: int, dark: bool, browser: Browser, address: str) -> None:
    with open_page(browser, address, width=width, dark=dark) as page:
        sign_in(page, PATHS[0])
        for path in PATHS:
            page.goto(path)
            page.wait_for_load_state("networkidle")
            assert axe_problems(page) == [], path
            assert too_wide(page) == [], path


def test_a_task_is_made_by_keyboard_alone(browser: Browser, address: str, site: DashboardSite) -> None:
    with open_page(browser, address) as page:
        sign_in(page, "/dashboard/tasks")
        tab_to(page, page.get_by_label("Approve all submitted work every"))
        page.keyboard.press("Control+a")
        page.keyboard.type("2h")
        tab_to(page, page.get_by_role("button", name="Approve at this interval"))
        page.keyboard.press("Enter")
        page.wait_for_url("**/acts/tasks-create")
        tab_to(page, page.get_by_role("button", name="Create approve-all"))
        page.keyboard.press("Enter")
        page.get_by_text("task approve-all created").wait_for()
    assert show_task(site.study.world, "approve-all")["every"].total_seconds() == 7200


def test_the_mode_is_switched_and_shown_on_every_page(browser: Browser, address: str) -> None:
    with open_page(browser, address) as page:
        sign_in(page, "/dashboard/settings")
        page.get_by_role("button", name="Switch to live").click()
        for path in ("/dashboard/tasks", "/dashboard/log", "/dashboard/settings"):
            page.goto(path)
            mode = page.locator("header .mode")
            assert mode.text_content() == "live"
            assert mode.evaluate("e => getComputedStyle(e).color") == "rgb(179, 38, 30)"
