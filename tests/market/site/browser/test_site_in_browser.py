"""The worker site in a browser: an invited person does a task that another server shows, on a small screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, open_page, tab_to, too_wide
from question_documents import choice, form_document, form_question, free_text
from worker_site_support import PASSWORD, REQUESTER, external
from worker_site_walk import served_bench

from turkctl.market.answers import read
from turkctl.market.questions import html_question

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def looked_at(page: Page) -> None:
    """Fail if the page cannot be read by everybody."""
    assert axe_problems(page) == []
    assert too_wide(page) == []


def test_an_invited_person_does_a_hit_on_a_phone_and_sees_it_approved(browser: Browser) -> None:
    with served_bench() as (bench, site, tasks), open_page(browser, site, tasks, width=360) as page:
        hit = bench.post(Question=external(f"{tasks}/?a=1"))
        page.goto(f"/worker/join/{bench.invite()}")
        looked_at(page)
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_text("1 group").wait_for()
        looked_at(page)
        page.get_by_role("button", name="Preview").click()
        frame = page.frame_locator("iframe")
        frame.get_by_text("nobody").wait_for()
        assert frame.get_by_role("button", name="Submit").is_disabled()
        looked_at(page)
        page.get_by_role("button", name="Accept & work").click()
        page.wait_for_url("**/worker/assignments/*")
        frame.get_by_text(re.compile("^A[A-Z0-9]+$")).wait_for()
        looked_at(page)
        page.reload()
        assert re.fullmatch(r"(10:00|9:\d\d)", page.locator("#time-left").inner_text())
        frame.get_by_label("Colour").fill("red")
        frame.get_by_role("button", name="Submit").click()
        page.wait_for_url("**/worker/done/*")
        page.get_by_text("Thank you: your work was submitted").wait_for()
        looked_at(page)
        (found,) = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit["HITId"]})["Assignments"]
        assert read(found["Answer"]) == {"colour": ["red"]}
        request = {"AssignmentId": found["AssignmentId"], "RequesterFeedback": "well done"}
        bench.market.approve_assignment(REQUESTER, request)
        page.get_by_role("link", name="My work").first.click()
        page.get_by_text("well done").wait_for()
        looked_at(page)


HTML_TASK = """<html><head><script src="https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"></script></head><body>
<form name="mturk_form" id="mturk_form" method="post" action="https://www.mturk.com/mturk/externalSubmit">
<input type="hidden" name="assignmentId" id="assignmentId"><label>Colour <input name="colour"></label>
<input type="submit" id="submitButton" value="Submit"></form>
<script>turkSetAssignmentID();</script></body></html>"""


def test_an_html_task_written_for_amazon_is_done_as_it_is(browser: Browser) -> None:
    with served_bench() as (bench, site, tasks), open_page(browser, site, tasks) as page:
        hit = bench.post(Question=html_question(HTML_TASK))
        page.goto(f"/worker/join/{bench.invite()}")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="Accept & work").click()
        frame = page.frame_locator("iframe")
        frame.get_by_label("Colour").fill("green")
        frame.get_by_role("button", name="Submit").click()
        page.wait_for_url("**/worker/done/*")
        (found,) = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit["HITId"]})["Assignments"]
        assert read(found["Answer"])["colour"] == ["green"]


CROWD_TASK = """<html><body><script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form><crowd-classifier name="animal" categories="['Cat', 'Dog']" header="What is it?">
<classification-target><p>It barks.</p></classification-target>
<full-instructions header="How">Look.</full-instructions><short-instructions>Look.</short-instructions>
</crowd-classifier></crowd-form></body></html>"""


def test_a_task_with_crowd_elements_is_done_as_it_is(browser: Browser) -> None:
    with served_bench() as (bench, site, tasks), open_page(browser, site, tasks) as page:
        hit = bench.post(Question=html_question(CROWD_TASK))
        page.goto(f"/worker/join/{bench.invite()}")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="Accept & work").click()
        frame = page.frame_locator("iframe")
        frame.get_by_text("Dog", exact=True).click()
        frame.get_by_role("button", name="Submit").click()
        page.wait_for_url("**/worker/done/*")
        (found,) = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit["HITId"]})["Assignments"]
        assert "Dog" in found["Answer"]


def test_a_task_on_the_site_s_own_host_cannot_read_or_use_the_session(browser: Browser) -> None:
    script = """<script>
    const found = [];
    const attempt = async (act) => {
      try { found.push(String(await act())); } catch (error) { found.push(error.name); }
    };
    (async () => {
      await attempt(() => document.cookie);
      await attempt(() => parent.document.title);
      await attempt(async () => (await (await fetch("/worker/mine", {credentials: "include"})).text()).length);
      document.getElementById("found").textContent = found.join(" ");
    })();
    </script>"""
    task_page = f'<html><body><p id="found">wait</p>{script}</body></html>'
    blocked = ("blocked by CORS", "Failed to load resource")
    with served_bench() as (bench, site, tasks), open_page(browser, site, tasks, allowed=blocked) as page:
        bench.post(Question=html_question(task_page))
        page.goto(f"/worker/join/{bench.invite()}")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="Accept & work").click()
        shown = page.frame_locator("iframe").locator("#found")
        shown.filter(has_text="Error").wait_for()
        assert shown.inner_text() == "SecurityError SecurityError TypeError"


def test_a_form_is_filled_in_on_a_phone(browser: Browser) -> None:
    with served_bench() as (bench, site, tasks), open_page(browser, site, tasks, width=360) as page:
        name = form_question("name", free_text(""), content="<Text>Its name</Text>")
        kind = form_question("kind", choice("radiobutton", "Cat", "Dog"), content="<Text>What is it?</Text>")
        bench.post(Question=form_document(name, kind))
        page.goto(f"/worker/join/{bench.invite()}")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="Preview").click()
        looked_at(page)
        page.get_by_role("button", name="Accept & work").click()
        page.get_by_label("Its name").fill("Mia")
        page.get_by_label("Dog").check()
        looked_at(page)
        page.get_by_role("button", name="Submit").click()
        page.wait_for_url("**/worker/done/*")


def test_the_next_one_is_accepted_automatically_until_nothing_is_left(browser: Browser) -> None:
    with served_bench() as (bench, site, tasks), open_page(browser, site, tasks) as page:
        for _ in range(2):
            bench.post(Question=external(f"{tasks}/"))
        page.goto(f"/worker/join/{bench.invite()}")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="Accept & work").click()
        first = page.locator("#work").get_attribute("data-assignment")
        page.get_by_label("Accept the next one automatically").check()
        page.frame_locator("iframe").get_by_role("button", name="Submit").click()
        page.wait_for_url(lambda url: "/worker/assignments/" in url and str(first) not in url)
        assert page.get_by_label("Accept the next one automatically").is_checked()
        page.frame_locator("iframe").get_by_role("button", name="Submit").click()
        page.wait_for_url("**/worker/done/*")
        page.get_by_text("There is no other HIT in this group for you.").wait_for()


def test_a_warning_comes_two_minutes_before_the_end(browser: Browser) -> None:
    with served_bench() as (bench, site, tasks), open_page(browser, site, tasks) as page:
        bench.post(Question=external(f"{tasks}/"), AssignmentDurationInSeconds=122)
        page.clock.install()
        page.goto(f"/worker/join/{bench.invite()}")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="Accept & work").click()
        page.wait_for_url("**/worker/assignments/*")
        warning = page.locator("#time-warning")
        assert warning.inner_text() == ""
        page.clock.run_for(4_000)
        assert "Less than two minutes" in warning.inner_text()
        looked_at(page)


POINTED = """window.pointed = 0;
for (const kind of ["pointerdown", "mousedown", "touchstart"]) {
  addEventListener(kind, () => { window.pointed += 1; }, true);
}"""


def test_from_the_invitation_to_the_end_with_the_keyboard_alone(browser: Browser) -> None:
    """Each control that is pressed was reached by Tab, and shows that it has the focus."""
    with served_bench() as (bench, site, tasks), open_page(browser, site, tasks) as page:
        bench.post(Question=external(f"{tasks}/"))
        page.add_init_script(POINTED)
        page.goto(f"/worker/join/{bench.invite()}")
        tab_to(page, page.get_by_role("link", name="Skip to the content"))
        page.keyboard.press("Enter")
        tab_to(page, page.get_by_label("Name", exact=True))
        page.keyboard.type("anna")
        tab_to(page, page.get_by_label("Password"))
        page.keyboard.type(PASSWORD)
        tab_to(page, page.get_by_role("button", name="Choose a name and password"))
        page.keyboard.press("Enter")
        page.get_by_text("1 group").wait_for()
        tab_to(page, page.get_by_role("button", name="Preview: Name the colour"))
        page.keyboard.press("Space")  # a link that looks like a button
        page.wait_for_url("**/worker/hits/*")
        tab_to(page, page.get_by_role("button", name="Accept & work"))
        page.keyboard.press("Enter")
        page.wait_for_url("**/worker/assignments/*")
        page.frame_locator("iframe").get_by_label("Colour").wait_for()
        next_one = page.get_by_label("Accept the next one automatically")
        for _ in range(2):
            tab_to(page, next_one)
            page.keyboard.press("Space")
        tab_to(page, page.get_by_role("button", name="Return"))
        tab_to(page, page.frame_locator("iframe").get_by_label("Colour"))
        page.keyboard.type("blue")
        tab_to(page, page.frame_locator("iframe").get_by_role("button", name="Submit"))
        page.keyboard.press("Enter")
        page.wait_for_url("**/worker/done/*")
        tab_to(page, page.get_by_role("link", name="My work").first)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Submitted, waiting for the requester").wait_for()
        assert page.evaluate("window.pointed") == 0
        tab_to(page, page.get_by_role("button", name="Sign out"))
        page.keyboard.press("Enter")
        page.wait_for_url("**/worker/sign-in")
