"""Campaigns of the dashboard in a browser: typed in with the plan beside, run until met, drawn, changed, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, open_page, tab_to, too_wide
from dashboard_support import DashboardSite, dashboard_of, sign_in
from study_support import new_study, people
from wsgi_server import serve_wsgi

from turkctl.operations.campaigns.lists import list_campaigns, show_campaign

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

_DRAWN = """e => {
    const canvas = e.querySelector("canvas");
    if (!canvas) return false;
    const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return dots.some(each => each !== 0);
}"""


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    with new_study(folder, turned=True) as study, dashboard_of(study) as made:
        yield made


@contextmanager
def signed_in(browser: Browser, site: DashboardSite, **options: object) -> Iterator[Page]:
    """A page of somebody who has signed in."""
    with (
        serve_wsgi(site.dashboard.app) as address,
        open_page(browser, address, **options) as page,  # type: ignore[arg-type]  # the options of open_page
    ):
        sign_in(page)
        yield page


def agree(page: Page, button: str) -> None:
    """Press the button of a confirming page, and wait until the act is over."""
    page.get_by_role("button", name=button, exact=True).click()
    page.locator("dd strong", has_text="ended").wait_for()


def recruit(site: DashboardSite) -> None:
    """A past campaign, and one at work with rounds, people and approved money."""
    study, crowd = site.study, people()
    study.create(3)
    study.round()
    study.work(crowd)
    study.round()
    study.create(40, budget=Decimal(40))
    for _ in range(3):
        study.round(2)
        study.pass_time(minutes=17)
        study.work(crowd, 7)
        study.pass_time(minutes=30)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_charts_are_drawn_in_both_colours_and_follow_the_width(
    browser: Browser, site: DashboardSite, dark: bool
) -> None:
    recruit(site)
    with signed_in(browser, site, dark=dark) as page:
        page.goto("/dashboard/campaigns/2")
        for chart in page.locator(".chart").all():
            chart.locator("canvas").wait_for()
            page.wait_for_function(_DRAWN, arg=chart.element_handle())
        chart = page.locator(".chart").first
        before = chart.locator("canvas").bounding_box()
        assert before is not None
        assert before["width"] > 900
        page.set_viewport_size({"width": 360, "height": 800})
        page.wait_for_function("e => e.querySelector('canvas').clientWidth <= 360", arg=chart.element_handle())
        page.wait_for_function(_DRAWN, arg=chart.element_handle())
        page.get_by_text("The numbers of these charts").click()
        assert (too_wide(page), axe_problems(page)) == ([], [])
        picture = chart.locator("canvas").evaluate("e => e.toDataURL()")
        page.emulate_media(color_scheme="light" if dark else "dark")
        page.wait_for_function(
            "([e, before]) => e.querySelector('canvas').toDataURL() !== before", arg=[chart.element_handle(), picture]
        )
        page.wait_for_function(_DRAWN, arg=chart.element_handle())
        assert chart.locator("canvas").count() == 1


def test_a_campaign_is_typed_in_with_its_plan_run_until_met_raised_and_cancelled(
    browser: Browser, site: DashboardSite
) -> None:
    study, crowd = site.study, people()
    with signed_in(browser, site) as page:
        page.goto("/dashboard/campaigns")
        page.get_by_role("button", name="New campaign").click()
        plan = page.locator("#plan")
        page.get_by_label("Goal").press_sequentially("0")
        plan.get_by_text("Goal must be between 1 and 1,000,000, not 0").wait_for()
        page.get_by_label("Goal").fill("12")
        plan.get_by_text("Recruit 12 people for stroop 1.0 in 2 rounds").wait_for()
        page.get_by_label("Budget").press_sequentially("3")
        plan.get_by_text("only 5 of 12 assignments can be posted now").wait_for()
        page.get_by_label("Budget").fill("30")
        plan.get_by_text("$7.20").first.wait_for()
        plan.get_by_text("only 5 of 12").wait_for(state="detached")
        tick = page.get_by_label("Let people who took part before take part again")
        for expected in ("--allow-repeat-workers", None):
            tick.click()
            line = plan.locator("code", has_text="--allow-repeat-workers")
            line.wait_for(state="visible" if expected else "detached")
        assert list_campaigns(study.world) == []
        page.get_by_role("button", name="See the plan").click()
        agree(page, "Recruit 12 people for up to $7.20")
        page.get_by_role("link", name="Back").click()
        page.get_by_role("link", name="Campaign 1 of stroop").click()
        for button in ("Run a round: post 9 assignments for $5.40", "Run a round: post 3 assignments for $1.80"):
            page.get_by_role("button", name="Run a round now").click()
            agree(page, button)
            page.get_by_role("link", name="Back").click()
            study.work(crowd)
        page.get_by_role("button", name="Run a round now").click()
        agree(page, "Run a round: post nothing")
        page.get_by_text("campaign 1: 12 of 12 people, the goal is met").wait_for()
        page.get_by_role("link", name="Back").click()
        page.get_by_text("Its goal is met. With a higher goal it goes on.").wait_for()
        page.wait_for_function(_DRAWN, arg=page.locator(".chart").first.element_handle())
        page.get_by_role("button", name="Change").click()
        page.get_by_label("Goal").fill("48")
        page.locator("#plan").get_by_text("12 → 48").wait_for()
        page.get_by_role("button", name="See what changes").click()
        agree(page, "Raise the goal to 48 for up to $21.60")
        page.get_by_role("link", name="Back").click()
        page.get_by_role("button", name="Run a round now").click()
        agree(page, "Run a round: post 9 assignments for $5.40")
        page.get_by_role("link", name="Back").click()
        page.get_by_label("Also expire its HITs").check()
        page.get_by_role("button", name="Cancel campaign").click()
        agree(page, "Cancel campaign 1 and expire 3 HITs")
    assert show_campaign(study.world, 1)["status"] == "cancelled"


def test_a_campaign_is_created_without_scripts(browser: Browser, site: DashboardSite) -> None:
    with signed_in(browser, site, scripts=False) as page:
        page.goto("/dashboard/campaigns/new")
        page.get_by_label("Goal").fill("12")
        page.get_by_role("button", name="See the plan").click()
        page.get_by_text("Cost with commission").wait_for()
        page.get_by_role("button", name="Recruit 12 people for up to $7.20").click()
        page.get_by_text("Begun").wait_for()
    site.dashboard.close()
    assert len(list_campaigns(site.study.world)) == 1


def test_a_campaign_is_created_by_keyboard_alone(browser: Browser, site: DashboardSite) -> None:
    with signed_in(browser, site) as page:
        page.goto("/dashboard/campaigns")
        tab_to(page, page.get_by_role("button", name="New campaign"))
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="New campaign").wait_for()
        tab_to(page, page.get_by_label("Goal"))
        page.keyboard.type("5")
        page.locator("#plan").get_by_text("Recruit 5 people").wait_for()
        tab_to(page, page.get_by_role("button", name="See the plan"))
        page.keyboard.press("Enter")
        button = page.get_by_role("button", name="Recruit 5 people for up to $3.00")
        button.wait_for()
        tab_to(page, button)
        page.keyboard.press("Enter")
        page.locator("dd strong", has_text="ended").wait_for()
    assert len(list_campaigns(site.study.world)) == 1
