"""The pages of tasks in a browser: a long name fits, and a task is made by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, open_page, tab_to, too_wide
from dashboard_support import DashboardSite, dashboard_site, sign_in
from scheduler_support import add_task
from wsgi_server import serve_wsgi

from turkctl.operations.tasks.manage import show_task
from turkctl.scheduler.runner import Runner

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
LONG = "approve-everything-that-was-submitted-to-the-study"


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    with dashboard_site(folder) as made:
        world = made.study.world
        now = world.now()
        add_task(world.database, LONG, kind="approve-all", options={"all": True}, next_run=now, created=now)
        add_task(world.database, "close", kind="expire", cron="0 9 * * mon-fri", timezone="Europe/Berlin", every=0)
        add_task(world.database, "real", mode="live")
        Runner(world).once()
        yield made


@pytest.fixture
def address(site: DashboardSite) -> Iterator[str]:
    with serve_wsgi(site.dashboard.app) as served:
        yield served


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


def test_long_names_and_many_modes_fit(browser: Browser, address: str) -> None:
    with open_page(browser, address, width=360) as page:
        sign_in(page)
        for path in ("?all_modes=1", f"/{LONG}"):
            page.goto(f"/dashboard/tasks{path}")
            assert (too_wide(page), axe_problems(page)) == ([], []), path
