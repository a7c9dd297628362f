"""The worker site in a browser: an invited person does a task that another server shows, on a small screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from browser import axe_problems, open_page, tab_to, too_wide
from question_documents import choice, form_document, form_question, free_text
from worker_site_support import REQUESTER, SiteBench, external, site_bench
from wsgi_server import serve_wsgi

from turkctl.market.answers import read
from turkctl.market.doors.http import make_app
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.questions import html_question
from turkctl.market.site.app import mounts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PAGE = b"""<!doctype html><html lang="en"><head><title>Task</title><link rel="icon" href="data:,"></head><body>
<form id="form" method="post"><label>Colour <input name="colour"></label><button>Submit</button></form>
<p id="who"></p>
<script>
const told = new URLSearchParams(location.search);
document.getElementById("form").action = told.get("turkSubmitTo") + "/mturk/externalSubmit";
for (const name of ["assignmentId", "hitId"]) {
  const field = document.createElement("input");
  field.type = "hidden"; field.name = name; field.value = told.get(name);
  document.getElementById("form").append(field);
}
document.getElementById("who").textContent = told.get("workerId") || "nobody";
document.querySelector("button").disabled = told.get("assignmentId") === "ASSIGNMENT_ID_NOT_AVAILABLE";
</script></body></html>"""


def task(_environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """A page of a requester's own server, as task code has always been written."""
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [PAGE]


@contextmanager
def served(**options: Any) -> Iterator[tuple[SiteBench, str, str]]:
    """A market with its site on a port, and the task on another."""
    with site_bench(**options) as bench:
        app = make_app(Endpoint(bench.market), mounts(bench.app))
        with serve_wsgi(app) as site, serve_wsgi(task) as tasks:
            yield bench, site, tasks


def looked_at(page: Page) -> None:
    """Fail if the page cannot be read by everybody."""
    assert axe_problems(page) == []
    assert too_wide(page) == []


def test_an_invited_person_does_a_hit_on_a_phone_and_sees_it_approved(browser: Browser) -> None:
    with served() as (bench, site, tasks), open_page(browser, site, tasks, width=360) as page:
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
    with served() as (bench, site, tasks), open_page(browser, site, tasks) as page:
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
    with served() as (bench, site, tasks), open_page(browser, site, tasks) as page:
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
    with served() as (bench, site, tasks), open_page(browser, site, tasks, allowed=blocked) as page:
        bench.post(Question=html_question(task_page))
        page.goto(f"/worker/join/{bench.invite()}")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="Accept & work").click()
        shown = page.frame_locator("iframe").locator("#found")
        shown.filter(has_text="Error").wait_for()
        assert shown.inner_text() == "SecurityError SecurityError TypeError"


def test_a_form_is_filled_in_on_a_phone(browser: Browser) -> None:
    with served() as (bench, site, tasks), open_page(browser, site, tasks, width=360) as page:
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
    with served() as (bench, site, tasks), open_page(browser, site, tasks) as page:
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
    with served() as (bench, site, tasks), open_page(browser, site, tasks) as page:
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


def test_a_whole_hit_can_be_done_with_the_keyboard_alone(browser: Browser) -> None:
    with served() as (bench, site, tasks), open_page(browser, site, tasks) as page:
        bench.post(Question=external(f"{tasks}/"))
        page.goto(f"/worker/join/{bench.invite()}")
        tab_to(page, page.get_by_role("button", name="Start", exact=True))
        page.keyboard.press("Enter")
        page.get_by_text("1 group").wait_for()
        tab_to(page, page.get_by_role("button", name="Accept & work"))
        page.keyboard.press("Enter")
        page.wait_for_url("**/worker/assignments/*")
        page.frame_locator("iframe").get_by_label("Colour").wait_for()
        tab_to(page, page.get_by_role("button", name="Return"))
        page.keyboard.press("Tab")
        page.keyboard.type("blue")
        page.keyboard.press("Enter")
        page.wait_for_url("**/worker/done/*")


@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_can_be_read_by_everybody(width: int, browser: Browser) -> None:
    with served() as (bench, site, tasks), open_page(browser, site, tasks, width=width, dark=width == 360) as page:
        hit = bench.post(Question=external(f"{tasks}/"))
        _show_everything(bench, page, lambda: looked_at(page))
        page.goto(f"/worker/hits/{hit['HITId']}")
        looked_at(page)


def _show_everything(bench: SiteBench, page: Page, look: Callable[[], None]) -> None:
    page.goto("/worker/sign-in")
    look()
    page.goto("/worker/join/none")
    look()
    page.goto(f"/worker/join/{bench.invite()}")
    page.get_by_role("button", name="Start", exact=True).click()
    for path in ("", "/mine", "/messages", "/qualifications", "/password", "/sign-out", "/hits/3NONE"):
        page.goto(f"/worker{path}")
        look()
