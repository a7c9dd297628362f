"""The pages of assignments and workers in a browser: every width, light and dark, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, open_page, tab_to, too_wide
from dashboard_support import PASSWORD, DashboardSite, dashboard_of, sign_in
from dispatch_support import ContentStudy
from study_support import worker
from wsgi_server import serve_wsgi

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

KEYS = 'contents_per_hit = 2\ngold_per_hit = 1\nanswer_field = "label_{key}"\noutputs = 3\n'


@pytest.fixture
def site(tmp_path: Path) -> Iterator[DashboardSite]:
    """Three people's answers to the items of one HIT."""
    study = ContentStudy(tmp_path, KEYS)
    study.add("key,url,truth\ng1,https://images.example.org/a/rather/long/address/of/a/picture.png,Cat\n", gold="truth")
    study.add_numbered(2)
    study.dispatch()
    (hit,) = study.shown()
    for number, said in ((1, "cat"), (2, "dog"), (3, "cat")):
        study.answer(hit, number, label_g1=said, label_i0="dog", remark="It was fun to do. " * 5)
    study.sync()
    with dashboard_of(study) as made:
        yield made
    study.world.close()


@pytest.fixture
def address(site: DashboardSite) -> Iterator[str]:
    with serve_wsgi(site.dashboard.app) as made:
        yield made


def assignments(site: DashboardSite) -> list[str]:
    return [row[0] for row in site.study.sql("SELECT assignment_id FROM turkctl_assignment ORDER BY submitted, id")]


def status(site: DashboardSite) -> list[str]:
    return [site.study.world.mturk.get_assignment(each).status for each in assignments(site)]


def test_work_is_rejected_by_keyboard_alone(browser: Browser, site: DashboardSite, address: str) -> None:
    from playwright.sync_api import expect

    first, _second, third = assignments(site)
    with open_page(browser, address) as page:
        page.goto("/dashboard/login?next=/dashboard/assignments")
        expect(page.get_by_label("Login name")).to_be_focused()
        page.keyboard.type("lab")
        tab_to(page, page.get_by_label("Password"))
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard/assignments")
        for each in (first, third):
            tab_to(page, page.get_by_label(f"Tick {each}"))
            page.keyboard.press("Space")
        tab_to(page, page.get_by_role("button", name="Reject"), key="Shift+Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Why the work is rejected")).to_be_focused()
        page.keyboard.type("The known answer is wrong.")
        tab_to(page, page.get_by_role("button", name="See the plan"))
        page.keyboard.press("Enter")
        people = page.get_by_label("Number of people whose work this concerns")
        people.wait_for()
        tab_to(page, people)
        page.keyboard.type("2")
        tab_to(page, page.get_by_role("button", name="Reject 2 assignments"))
        page.keyboard.press("Enter")
        page.get_by_text("2 assignments rejected").wait_for()
    assert status(site) == ["Rejected", "Submitted", "Rejected"]
    assert site.study.world.mturk.get_assignment(first).feedback == "The known answer is wrong."


def test_a_reviewer_goes_through_the_list_by_keyboard(browser: Browser, site: DashboardSite, address: str) -> None:
    first, second, _third = assignments(site)
    with open_page(browser, address) as page:
        sign_in(page, "/dashboard/assignments")
        tab_to(page, page.get_by_role("link", name=first))
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=f"Assignment {first}").wait_for()
        assert page.get_by_role("row", name="Cat").get_by_text("right", exact=True).is_visible()
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert (too_wide(page), axe_problems(page)) == ([], [])
        assert page.get_by_role("link", name="Next").get_attribute("accesskey") == "n"
        tab_to(page, page.get_by_role("link", name="Next"))
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=f"Assignment {second}").wait_for()
        assert page.get_by_role("row", name="Cat").get_by_text("wrong", exact=True).is_visible()
        tab_to(page, page.get_by_role("button", name="Approve", exact=True))
        page.keyboard.press("Enter")
        confirm = page.get_by_role("button", name="Approve 1 assignment for")
        confirm.wait_for()
        tab_to(page, confirm)
        page.keyboard.press("Enter")
        page.get_by_text("1 assignment approved").wait_for()
        tab_to(page, page.get_by_role("link", name="Back"))
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=f"Assignment {second}").wait_for()
        assert page.get_by_text("Approved", exact=True).is_visible()
    assert status(site) == ["Submitted", "Approved", "Submitted"]


def test_all_rows_are_ticked_at_once_and_written_to(browser: Browser, site: DashboardSite, address: str) -> None:
    with open_page(browser, address) as page:
        sign_in(page, "/dashboard/workers")
        page.get_by_label("Tick all rows of this page").check()
        page.get_by_role("button", name="Message").click()
        page.get_by_label("Subject").fill("Part two")
        page.get_by_label("Text").fill("It opens on Monday.\nCome again.")
        page.get_by_role("button", name="See the plan").click()
        command = page.locator("#command").inner_text()
        assert f"turkctl workers message {worker(1)} {worker(2)} {worker(3)}" in command
        assert page.get_by_role("button", name="Message 3 workers").is_visible()
