"""A queue in a browser: keys choose and submit, and the next HIT comes without a list in between."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, open_page, too_wide
from question_documents import choice, form_document, form_question, free_text
from study_rules_support import consent
from worker_site_support import REQUESTER, SiteBench
from worker_site_walk import served_bench

from turkctl.market.answers import read
from turkctl.market.questions import html_question

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

KIND = form_question("kind", choice("radiobutton", "Cat", "Dog"), content="<Text>What is it?</Text>")
SIZE = form_question("size", choice("radiobutton", "Small", "Big"), content="<Text>Which size?</Text>")
NOTE = form_question("note", free_text("", "SuggestedSize"), content="<Text>A note</Text>", required=False)
CROWD = """<html><body><script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form><crowd-classifier name="animal" categories="['Cat', 'Dog']" header="What is it?">
<classification-target><p>It barks.</p></classification-target></crowd-classifier></crowd-form></body></html>"""


def answers(bench: SiteBench) -> list[str]:
    """The answers of all submissions, in the order of the HITs."""
    hits = bench.market.list_hits(REQUESTER, {})["HITs"]
    listed = [bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit["HITId"]})["Assignments"] for hit in hits]
    return [each["Answer"] for assignments in listed for each in assignments]


def begin(page: Page, bench: SiteBench) -> None:
    """Come in, accept, and ask for one after the other."""
    page.goto(f"/worker/join/{bench.invite()}")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Accept & work").click()
    page.get_by_label("Accept the next one automatically").check()


def next_one(page: Page, before: str) -> str:
    """Wait for the next assignment; return its id."""
    page.wait_for_url(lambda url: "/worker/assignments/" in url and f"/assignments/{before}" not in url)
    return str(page.locator("#work").get_attribute("data-assignment"))


def test_forms_are_done_one_after_the_other_with_keys_alone(browser: Browser) -> None:
    with served_bench(correct=timedelta(minutes=10)) as (bench, site, tasks), open_page(browser, site, tasks) as page:
        for _ in range(2):
            bench.post(Question=form_document(KIND, SIZE))
        begin(page, bench)
        first = str(page.locator("#work").get_attribute("data-assignment"))
        assert page.get_by_text("Keys: 1 to 9 choose, Enter submits.").is_visible()
        assert axe_problems(page) == []
        assert too_wide(page) == []
        page.keyboard.press("2")
        page.keyboard.press("1")
        assert page.get_by_label("Dog").is_checked()
        assert page.get_by_label("Small").is_checked()
        page.keyboard.press("2")
        assert page.get_by_label("Big").is_checked(), "with nothing left to answer, the question with the focus"
        page.keyboard.press("Enter")
        second = next_one(page, first)
        page.get_by_role("button", name="Correct the last one").click()
        page.wait_for_url(f"**/worker/assignments/{first}*")
        assert page.get_by_label("Dog").is_checked()
        page.get_by_label("Dog").focus()
        page.keyboard.press("ArrowUp")
        page.get_by_role("button", name="Submit").click()
        page.wait_for_url(f"**/worker/assignments/{second}*")
        bench.clock.seconds += 601
        assert [read(each) for each in answers(bench)] == [{"kind": ["Cat"], "size": ["Big"]}]


def test_keys_do_nothing_while_somebody_types(browser: Browser) -> None:
    with served_bench() as (bench, site, tasks), open_page(browser, site, tasks) as page:
        bench.post(Question=form_document(KIND, NOTE))
        begin(page, bench)
        page.get_by_label("A note").focus()
        page.keyboard.type("12")
        assert page.get_by_label("A note").input_value() == "12"
        assert not page.get_by_label("Cat").is_checked()
        assert not page.get_by_label("Dog").is_checked()


def test_crowd_elements_are_done_one_after_the_other_with_keys_alone(browser: Browser) -> None:
    with served_bench() as (bench, site, tasks), open_page(browser, site, tasks) as page:
        for _ in range(3):
            bench.post(Question=html_question(CROWD))
        begin(page, bench)
        before = str(page.locator("#work").get_attribute("data-assignment"))
        frame = page.frame_locator("iframe")
        frame.get_by_text("Keys: 1 to 9 choose, Enter submits.").click()
        for key in ("2", "1"):
            frame.get_by_text("Dog", exact=True).wait_for()
            page.keyboard.press(key)
            page.keyboard.press("Enter")
            before = next_one(page, before)
        found = answers(bench)
        assert ["Dog" in each for each in found] == [True, False]


def test_consent_is_read_in_a_frame_and_agreed_to_before_the_work(browser: Browser) -> None:
    with served_bench() as (bench, site, tasks), open_page(browser, site, tasks, width=360) as page:
        bench.post(Question=form_document(KIND), QualificationRequirements=[consent(bench.market, REQUESTER)])
        page.goto(f"/worker/join/{bench.invite()}")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="Accept & work").click()
        page.frame_locator("iframe").get_by_text("You may stop at any time.").wait_for()
        assert axe_problems(page) == []
        assert too_wide(page) == []
        page.get_by_role("button", name="I agree").click()
        page.wait_for_url("**/worker/assignments/*")
