"""The overview, the participants and the people in a browser: read by everybody, at every width, and acted on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import open_page, tab_to
from dashboard_support import DashboardSite, dashboard_of, sign_in
from study_support import Study, people
from wsgi_server import serve_wsgi

from turkctl.operations.payments.bonus import BonusRequest, prepare_bonus
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.message import MessageRequest, prepare_message

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
ANNA = "AW000001"
BUDGET = '[experiments.stroop.limits]\nbudget = "50.00"\n'


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    """A campaign with five people, of whom one was approved, got a bonus and a message."""
    study = Study.new(folder, more=BUDGET)
    study.create(20)
    study.round()
    study.work(people(), 5)
    sync(study.world)
    hers = WorkSelection(Selection(ids=(ANNA,)))
    study.apply(prepare_approve(study.world, hers))
    study.apply(prepare_bonus(study.world, hers, BonusRequest("quick work", Decimal("0.10"))))
    study.apply(prepare_message(study.world, MessageRequest((ANNA,), "Thank you", "Come again")))
    study.write(
        "UPDATE assignments SET cond = 1, datastring = :d WHERE workerid = :w",
        d='{"data": [{"trial": "%s"}]}' % ("word " * 200),
        w=ANNA,
    )
    try:
        with dashboard_of(study) as made:
            yield made
    finally:
        study.close()


@pytest.fixture
def address(site: DashboardSite) -> Iterator[str]:
    with serve_wsgi(site.dashboard.app) as served:
        yield served


def test_filters_are_ticked_counted_and_kept_in_the_address(browser: Browser, address: str) -> None:
    with open_page(browser, address) as page:
        sign_in(page)
        page.goto("/dashboard/participants", wait_until="networkidle")
        page.get_by_label("bonused (1)").check()
        page.get_by_label("submitted (4)").check()
        page.get_by_role("button", name="Show").click()
        page.wait_for_url(re.compile("[?]status=submitted&status=bonused$"))
        page.get_by_text("5 participants match").wait_for()
        page.get_by_label("bonused (1)").uncheck()
        page.get_by_role("group", name="Count by").get_by_label("Condition").check()
        page.get_by_role("button", name="Show").click()
        page.get_by_text("4 participants in 1 group").wait_for()
        page.get_by_role("link", name="4", exact=True).click()
        page.get_by_text("4 participants match").wait_for()
        assert "missing=condition" in page.url


def test_filters_work_without_scripts(browser: Browser, address: str) -> None:
    with open_page(browser, address, scripts=False) as page:
        sign_in(page)
        page.goto("/dashboard/participants?status=bonused")
        page.get_by_label("or status").fill("submitted")
        page.get_by_role("button", name="Show").click()
        page.wait_for_url(re.compile("[?]status=bonused&status=submitted$"))
        assert page.get_by_role("row").count() == 6
        assert page.get_by_role("textbox", name="Status", exact=True).input_value() == "bonused"


def test_ticked_rows_are_approved_by_keyboard_alone(browser: Browser, address: str, site: DashboardSite) -> None:
    with open_page(browser, address) as page:
        sign_in(page)
        page.goto("/dashboard/participants?status=submitted", wait_until="networkidle")
        tab_to(page, page.get_by_label("Tick all rows of this page"))
        page.keyboard.press("Space")
        tab_to(page, page.get_by_text("With those ticked"), key="Shift+Tab")
        page.keyboard.press("Enter")
        tab_to(page, page.get_by_role("button", name="Approve"))
        page.keyboard.press("Enter")
        button = page.get_by_role("button", name="Approve 4 assignments for $2.40")
        button.wait_for()
        tab_to(page, button)
        page.keyboard.press("Enter")
        page.get_by_text("4 assignments approved").first.wait_for()
    assert site.study.sql("SELECT DISTINCT status FROM turkctl_assignment") == [("Approved",)]


def test_a_bonus_is_set_on_the_page_of_a_participant(browser: Browser, address: str, site: DashboardSite) -> None:
    with open_page(browser, address) as page:
        sign_in(page)
        page.goto("/dashboard/participants")
        page.get_by_role("link", name=ANNA, exact=True).click()
        page.get_by_role("link", name=re.compile(f"^{ANNA}:")).click()
        page.get_by_label("Bonus that is owed, in dollars").fill("0.35")
        page.get_by_role("button", name="Set bonus").click()
        page.get_by_role("button", name="Set the bonus to $0.35").click()
        page.get_by_text("The bonus is $0.35, and was $0.00.").wait_for()
    assert site.study.sql("SELECT bonus FROM assignments WHERE workerid = :w", w=ANNA) == [(0.35,)]


def test_the_overview_leads_from_a_decision_to_its_plan(browser: Browser, address: str) -> None:
    with open_page(browser, address) as page:
        sign_in(page)
        page.get_by_role("button", name="Approve (stroop)").click()
        page.get_by_role("button", name="Approve 4 assignments for $2.40").wait_for()
        page.get_by_role("button", name="Back", exact=True).click()
        page.wait_for_url("**/dashboard*")
