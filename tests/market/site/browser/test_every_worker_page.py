"""Every page of the worker site in a browser: for everybody, at every width, in light and dark, without errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, open_page, too_small, too_wide
from worker_site_support import PASSWORD
from worker_site_walk import FORM, NEWCOMER, STRANGER, WORKER, FilledSite, filled_site, served_bench

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
DARK = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
PHONE, ZOOMED, WIDE = 360, 320, 1280
"""Widths of a window; the narrowest is the wide one at 400 % zoom."""


@pytest.fixture(scope="module")
def site() -> Iterator[FilledSite]:
    with filled_site() as made:
        yield made


def look(page: Page, at: str = "") -> None:
    """Fail if the page cannot be read and used by everybody."""
    found: dict[str, list[str]] = {}
    for width in (WIDE, ZOOMED, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        found[f"too wide at {width} px"] = too_wide(page)
        if width != ZOOMED:
            found[f"axe at {width} px"] = axe_problems(page)
    found["too small to tap"] = too_small(page)
    assert {what: problems for what, problems in found.items() if problems} == {}, at or page.url


@DARK
@pytest.mark.parametrize("who", [STRANGER, NEWCOMER, WORKER])
def test_every_page_can_be_read_by_everybody(browser: Browser, site: FilledSite, who: str, dark: bool) -> None:
    with open_page(browser, site.address, site.tasks, dark=dark) as page:
        if who in site.links:
            page.goto(site.links[who])
            page.get_by_role("button", name="Start", exact=True).click()
            page.wait_for_url("**/worker")
        for path in site.pages(who):
            page.goto(path)
            look(page, path)


@DARK
def test_what_forms_say_when_they_refuse_can_be_read_by_everybody(
    browser: Browser, site: FilledSite, dark: bool
) -> None:
    with open_page(browser, site.address, site.tasks, dark=dark) as page:
        page.goto("/worker/sign-in")
        _send(page, "Sign in", Name="nobody", Password="not their password")
        page.get_by_text("Name and password do not match.").wait_for()
        look(page, "a failed sign-in")
        page.goto(f"/worker/join/{site.known['personal']}")
        _send(page, "Choose a name and password", Name="anna", Password="short")
        page.get_by_role("alert").wait_for()
        look(page, "a password that is too short")
        page.goto(site.links[WORKER])
        page.get_by_role("button", name="Start", exact=True).click()
        page.wait_for_url("**/worker")
        page.goto(f"/worker/assignments/{site.known['open_form']}")
        _send(page, "Submit")
        page.get_by_text("Nothing was submitted yet").wait_for()
        look(page, "a QuestionForm with errors")
        page.goto(f"/worker/qualifications/{site.known['test']}/test")
        _send(page, "Request the qualification")
        page.get_by_text("Nothing was sent yet").wait_for()
        look(page, "a test with errors")
        page.goto("/worker/sign-out")
        page.evaluate("document.querySelectorAll('[name=csrf_token]').forEach(each => { each.remove(); })")
        page.locator("main button").click()
        page.get_by_text("This form is too old").wait_for()
        look(page, "a form without its token")


@DARK
def test_what_somebody_with_a_name_sees_can_be_read_by_everybody(
    browser: Browser, site: FilledSite, dark: bool
) -> None:
    with open_page(browser, site.address, dark=dark) as page:
        page.goto(f"/worker/join/{site.bench.invite()}")
        name = f"somebody with a name that is rather long {'at night' if dark else 'by day'}"
        _send(page, "Choose a name and password", Name=name, Password=PASSWORD)
        page.wait_for_url("**/worker")
        for path in ("/worker/password", "/worker/sign-out"):
            page.goto(path)
            page.get_by_role("banner").get_by_text(name).wait_for()
            look(page, path)


def _send(page: Page, button: str, **fields: str) -> None:
    """Fill in a form and send it, past what the browser itself would refuse."""
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(value)
    page.evaluate("document.querySelectorAll('form').forEach(each => { each.noValidate = true; })")
    page.locator("main").get_by_role("button", name=button, exact=True).click()


@pytest.mark.parametrize("reward", ["0.00", "3.00"], ids=["without money", "in credits"])
def test_pages_without_money_and_in_another_unit_can_be_read_by_everybody(browser: Browser, reward: str) -> None:
    rules = {"fee": "none", "unit": "credits"}
    with served_bench(**rules) as (bench, address, tasks), open_page(browser, address, tasks) as page:
        bench.post(Question=FORM, Reward=reward, MaxAssignments=2)
        page.goto(f"/worker/join/{bench.invite()}")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="Preview").wait_for()
        look(page, "the list")
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("heading", name="Name the colour").wait_for()
        look(page, "the preview")
        page.get_by_role("button", name="Accept & work").click()
        page.get_by_label("Your answer").first.fill("Corner shop")
        page.get_by_label("Your answer").last.fill("12.30")
        page.get_by_label("Food").check()
        look(page, "at work")
        page.get_by_role("button", name="Submit").click()
        page.wait_for_url("**/worker/done/*")
        look(page, "done")
        page.get_by_role("link", name="My work").click()
        page.wait_for_url("**/worker/mine")
        assert ("credits" in page.inner_text("main")) == (reward != "0.00")
        look(page, "my work")


@DARK
def test_what_frames_show_can_be_read_by_everybody(browser: Browser, site: FilledSite, dark: bool) -> None:
    """The answers of a submission, and a task that has no form of its own."""
    with open_page(browser, site.tasks, site.address, dark=dark) as page:
        for assignment in ("3NONE", site.known["submitted"]):
            page.goto(f"/?assignmentId={assignment}&hitId=3H&turkSubmitTo={site.address}")
            page.get_by_role("button", name="Submit").click()
            page.wait_for_url("**/mturk/externalSubmit")
            look(page, assignment)
        page.goto(f"{site.address}/content/{site.known['layout']}?assignmentId=3A&turkSubmitTo={site.address}")
        assert (axe_problems(page), too_wide(page)) == ([], [])  # how it looks is up to its requester
