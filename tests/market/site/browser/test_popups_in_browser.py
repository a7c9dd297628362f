"""Tasks that open windows of their own, as psiTurk and oTree do, and what a task's frame may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from browser import open_page
from worker_site_support import REQUESTER, SiteBench, external
from worker_site_walk import served_bench
from wsgi_server import serve_wsgi

from turkctl.market.answers import read
from turkctl.market.questions import html_question

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

HEAD = '<!doctype html><html lang="en"><head><title>Task</title><link rel="icon" href="data:,"></head><body>'
AD = f"""{HEAD}<button id="begin">Begin the experiment</button><script>
document.getElementById("begin").onclick = () => {{
  window.open("/exp" + location.search, "Popup", "toolbar=no,location=no,scrollbars=yes,width=800,height=600");
}};
</script>"""
"""The page in the frame: it opens the experiment in a window, and is loaded anew when that is done."""
EXPERIMENT = f"""{HEAD}<p id="who"></p><a href="/complete">Finish</a><script>
document.getElementById("who").textContent = new URLSearchParams(location.search).get("workerId");
</script>"""
CLOSING = f"""{HEAD}<script>window.opener.location.reload(); window.close();</script>"""
THANKS = f"""{HEAD}<p>Thanks</p><form id="form" method="post"><button>Complete the HIT</button>
<input type="hidden" name="assignmentId" id="id"></form><script>
const told = new URLSearchParams(location.search);
document.getElementById("form").action = told.get("turkSubmitTo") + "/mturk/externalSubmit";
document.getElementById("id").value = told.get("assignmentId");
</script>"""
ELSEWHERE = f"""{HEAD}<p id="told"></p><script>
document.cookie = "seen=1";
document.getElementById("told").textContent = document.cookie;
</script>"""
SUBMITTING = AD.replace("/exp", "/form")


class Server:
    """A requester's server, which knows who has finished."""

    def __init__(self, ad: str = AD) -> None:
        self.ad = ad
        self.finished = False
        self.asked: list[dict[str, list[str]]] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        path = environ["PATH_INFO"]
        self.finished = self.finished or path == "/complete"
        if path == "/room":
            self.asked.append(parse_qs(environ["QUERY_STRING"]))
        pages = {"/exp": EXPERIMENT, "/complete": CLOSING, "/room": ELSEWHERE, "/form": THANKS}
        page = pages.get(path, THANKS if self.finished else self.ad)
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [page.encode()]


@contextmanager
def at_work(
    browser: Browser, server: Server, question: Callable[[str], str], content_host: str | None = None
) -> Iterator[tuple[Page, SiteBench, str, str]]:
    """Open the page of a HIT at work, whose question knows the address of the requester's server."""
    with (
        served_bench(content_host) as (bench, site, _),
        serve_wsgi(server) as address,
        open_page(browser, site, address, site.replace("127.0.0.1", content_host or "127.0.0.1")) as page,
    ):
        hit = bench.post(Question=question(address))
        page.goto(f"/worker/join/{bench.invite()}")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="Accept & work").click()
        page.wait_for_url("**/worker/assignments/*")
        yield page, bench, hit["HITId"], address


def test_an_experiment_in_a_popup_brings_its_ad_to_the_end(browser: Browser) -> None:
    server = Server()
    with at_work(browser, server, lambda address: external(f"{address}/ad?mode=live")) as (page, bench, hit_id, _):
        with page.expect_popup() as opened:
            page.frame_locator("iframe").get_by_role("button", name="Begin the experiment").click()
        popup = opened.value
        assert popup.locator("#who").inner_text() == page.get_by_text("Worker id").inner_text().split()[2]
        with popup.expect_event("close"):
            popup.get_by_role("link", name="Finish").click()
        page.frame_locator("iframe").get_by_role("button", name="Complete the HIT").click()
        page.wait_for_url("**/worker/done/*")
        (found,) = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit_id})["Assignments"]
        assert found["AssignmentStatus"] == "Submitted"


def test_work_that_is_submitted_in_a_popup_moves_its_page_on(browser: Browser) -> None:
    with at_work(browser, Server(SUBMITTING), lambda address: external(f"{address}/ad")) as (page, _, _, _):
        with page.expect_popup() as opened:
            page.frame_locator("iframe").get_by_role("button", name="Begin the experiment").click()
        popup = opened.value
        popup.get_by_role("button", name="Complete the HIT").click()
        popup.get_by_text("Your work was submitted.").wait_for()
        popup.close()
        page.evaluate("window.dispatchEvent(new Event('focus'))")  # a headless browser has no window to come back to
        page.wait_for_url("**/worker/done/*")


ROOM = """<html lang="en"><head><title>Study</title></head><body>
<p><a id="start" target="_blank" href="{address}/room">Open the study</a>, then enter the code that it shows.</p>
<form action="https://www.mturk.com/mturk/externalSubmit" method="post"><label>Code <input name="code"></label>
<button type="submit">Submit</button></form>
<script>document.getElementById("start").href += location.search;</script></body></html>"""


def test_a_study_opened_in_another_tab_gets_all_four_parameters_and_is_itself(browser: Browser) -> None:
    server = Server()
    with at_work(browser, server, lambda address: html_question(ROOM.replace("{address}", address))) as opened:
        page, bench, hit_id, _ = opened
        with page.expect_popup() as tab:
            page.frame_locator("iframe").get_by_role("link", name="Open the study").click()
        assert tab.value.locator("#told").inner_text() == "seen=1", "the sandbox of the frame went with it"
        tab.value.close()
        page.frame_locator("iframe").get_by_label("Code").fill("otter")
        page.frame_locator("iframe").get_by_role("button", name="Submit").click()
        page.wait_for_url("**/worker/done/*")
        (found,) = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit_id})["Assignments"]
        assert read(found["Answer"]) == {"code": ["otter"]}
        worker = page.get_by_text("Worker id").inner_text().split()[2]
        origin = f"http://{urlsplit(page.url).netloc}"
        told = {
            "assignmentId": [found["AssignmentId"]],
            "hitId": [hit_id],
            "turkSubmitTo": [origin],
            "workerId": [worker],
        }
        assert server.asked == [told]


ALLOWED = """["camera", "microphone", "autoplay", "fullscreen", "geolocation", "usb"].filter(
    each => (document.permissionsPolicy ?? document.featurePolicy).allowsFeature(each)).join()"""


def test_a_task_may_ask_for_camera_and_microphone_and_for_nothing_else(browser: Browser) -> None:
    with at_work(browser, Server(), lambda address: external(f"{address}/ad")) as (page, _, _, _):
        frame = page.frames[1]
        frame.get_by_role("button").wait_for()
        assert frame.evaluate(ALLOWED) == "camera,microphone,autoplay,fullscreen"


@pytest.mark.parametrize(
    ("content_host", "allowed"),
    [("localhost", "camera,microphone,autoplay,fullscreen"), (None, "autoplay,fullscreen")],
    ids=["on another host", "on the site's own"],
)
def test_an_html_task_may_do_so_on_another_host_alone(browser: Browser, content_host: str | None, allowed: str) -> None:
    """Without an origin of its own, a browser can ask nobody for a camera in its name."""
    with at_work(browser, Server(), lambda _: html_question("<p>Say it</p>"), content_host) as (page, _, _, _):
        frame = page.frames[1]
        frame.get_by_text("Say it").wait_for()
        assert frame.evaluate(ALLOWED) == allowed
