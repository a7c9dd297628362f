"""HTML tasks in a real frame: they reach the market that shows them, and nothing else of it."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from browser import open_page
from wsgi_server import serve_wsgi

from turkctl.market import questions
from turkctl.market.site.content_app import content_app
from turkctl.market.site.frames import frame_for
from turkctl.task_forms import with_form

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

pytestmark = pytest.mark.browser

HIT = "3" + "H" * 29
WORK = "3" + "A" * 29
AMAZON = "https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"
HARD = "https://www.mturk.com/mturk/externalSubmit"


@dataclass
class Market:
    """A page with a frame, and a place to submit to."""

    content: str = ""
    origin: str = ""
    question: str = ""
    at_work: bool = True
    submitted: list[dict[str, str]] = field(default_factory=list)

    def app(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Set-Cookie", "session=secret; Path=/")]
        if environ["PATH_INFO"] == "/mturk/externalSubmit":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
            self.submitted.append(dict(parse_qsl(body, keep_blank_values=True)))
            start_response("200 OK", headers)
            return [b"<title>Done</title><p>Submitted</p>"]
        frame = frame_for(
            {"HITId": HIT, "Question": self.question},
            WORK if self.at_work else None,
            "AWORKER",
            self.origin,
            self.content,
            behind_proxy=True,
        )
        policy = f"default-src 'self'; img-src data:; frame-src {frame.policy}"
        start_response("200 OK", [*headers, ("Content-Security-Policy", policy)])
        shown = f'<iframe title="Task" src="{html.escape(frame.url or "")}" sandbox="{frame.sandbox}"></iframe>'
        return [f'<!doctype html><title>Market</title><link rel="icon" href="data:,">{shown}'.encode()]


@contextmanager
def served(page: str, *, at_work: bool = True, host: str = "localhost") -> Iterator[Market]:
    """Serve a task: on another host than the market, unless ``host`` says otherwise."""
    market = Market(question=questions.html_question(page, 400), at_work=at_work)

    def content(environ: Any, start_response: Any) -> Iterable[bytes]:
        served = content_app({HIT: market.question}.get, market.origin, market.content, behind_proxy=True)
        return served(environ, start_response)

    with serve_wsgi(market.app) as market.origin, serve_wsgi(content) as address:
        market.content = address.replace("127.0.0.1", host)
        yield market


@contextmanager
def opened(browser: Browser, market: Market, allowed: Iterable[str] = ()) -> Iterator[tuple[Page, FrameLocator]]:
    with open_page(browser, market.origin, market.content, allowed=list(allowed)) as page:
        page.goto("/")
        yield page, page.frame_locator("iframe")


def wait_for_submission(frame: FrameLocator) -> None:
    frame.get_by_text("Submitted").wait_for()


CLASSIC = f"""<!DOCTYPE html><html><head><title>Task</title><script src="{AMAZON}"></script></head><body>
<form name="mturk_form" method="post" id="mturk_form" action="{HARD}">
<input type="hidden" value="" name="assignmentId" id="assignmentId"/>
<label>Colour <input name="colour"></label> <input type="submit" id="submitButton" value="Submit">
</form><script>turkSetAssignmentID();</script></body></html>"""


def test_a_classic_task_is_submitted_to_the_market(browser: Browser) -> None:
    with served(CLASSIC) as market:
        with opened(browser, market) as (_, frame):
            frame.get_by_label("Colour").fill("grün & blau")
            frame.get_by_role("button", name="Submit").click()
            wait_for_submission(frame)
        assert market.submitted == [{"assignmentId": WORK, "colour": "grün & blau"}]


@pytest.mark.parametrize("call", ["turkSetAssignmentID()", "turkSetAssignmentID('mturk_form', 'other')"])
def test_in_a_preview_the_button_of_a_classic_task_is_off_and_says_why(browser: Browser, call: str) -> None:
    page = CLASSIC.replace("turkSetAssignmentID()", call).replace(
        "submitButton", "other" if "other" in call else "submitbutton"
    )
    with served(page, at_work=False) as market, opened(browser, market) as (_, frame):
        button = frame.get_by_role("button")
        button.wait_for()
        assert button.is_disabled()
        assert button.get_attribute("value") == "You must ACCEPT the HIT before you can submit the results."


def test_a_page_may_use_the_function_as_a_listener_and_have_no_field_for_the_id(browser: Browser) -> None:
    page = CLASSIC.replace('<input type="hidden" value="" name="assignmentId" id="assignmentId"/>', "").replace(
        "turkSetAssignmentID();", "window.onload = turkSetAssignmentID;"
    )
    with served(page) as market:
        with opened(browser, market) as (_, frame):
            frame.get_by_role("button", name="Submit").click()
            wait_for_submission(frame)
        assert market.submitted == [{"assignmentId": WORK, "colour": ""}]


def test_the_parameters_are_told_as_they_are(browser: Browser) -> None:
    page = f"""<form></form><script src="{AMAZON}"></script><p id="out"></p><script>
        document.getElementById("out").textContent = [turkGetParam("hitId", ""), turkGetParam("none", "otherwise"),
        turkGetSubmitToHost(), decode("a+b%C3%A9")].join(" ");</script>"""
    with served(page) as market, opened(browser, market) as (_, frame):
        assert frame.locator("#out").text_content() == f"{HIT} otherwise {market.origin} a bé"


FORM = f'<form id="f" method="get" target="_top" action="{HARD}"><input name="a" value="1">'
HARD_CODED = {
    "a button": f'{FORM}<button id="go">Go</button></form>',
    "a script": f"{FORM}</form><button id='go' onclick='f.submit()'>Go</button>",
    "a script that avoids a field named submit": f"""{FORM}<input name="submit" value="x"></form>
        <button id='go' onclick='HTMLFormElement.prototype.submit.call(f)'>Go</button>""",
    "an address of the button's own": f'''<form><input name="a" value="1">
        <button id="go" formaction="{HARD}">Go</button></form>''',
    "an address that a listener sets": f"""<form id="f"><input name="a" value="1"><button id="go">Go</button></form>
        <script>f.addEventListener("submit", e => {{ f.action = "{HARD}"; }});</script>""",
    "a listener that stops the event": f"""{FORM}<button id="go">Go</button></form>
        <script>f.addEventListener("submit", e => e.stopPropagation());</script>""",
    "the sandbox's address": f'{FORM.replace("www.mturk", "workersandbox.mturk")}<button id="go">Go</button></form>',
    "a form made by a script": f"""<button id="go">Go</button><script>go.onclick = () => {{
        const form = document.createElement("form"); form.action = "{HARD}"; form.method = "post";
        form.innerHTML = '<input name="a" value="1">'; document.body.append(form); form.submit(); }};</script>""",
    "an empty field for the id": f'{FORM}<input type="hidden" name="assignmentId"><button id="go">Go</button></form>',
    "a base elsewhere": f'<base href="https://lab.example/x/">{FORM}<button id="go">Go</button></form>',
    "no tags around it, fields alone": '<input name="a" value="1">',
}


@pytest.mark.parametrize("way", HARD_CODED)
def test_a_task_that_names_amazon_is_submitted_to_the_market(browser: Browser, way: str) -> None:
    with served(HARD_CODED[way]) as market:
        with opened(browser, market) as (_, frame):
            frame.locator("#go, #submitButton").click()
            wait_for_submission(frame)
        assert len(market.submitted) == 1
        assert market.submitted[0] | {"submit": ""} == {"assignmentId": WORK, "a": "1", "submit": ""}


def test_a_layout_cannot_be_submitted_in_a_preview(browser: Browser) -> None:
    with served('<input name="a" value="1">', at_work=False) as market, opened(browser, market) as (_, frame):
        button = frame.get_by_role("button", name="Submit")
        button.wait_for()
        assert button.is_disabled()


FRAGMENT = '<h2>Which feeling?</h2><label><input type="radio" name="feeling" value="joy"> Joy</label>'


def test_a_page_that_was_posted_in_a_form_is_previewed_and_submitted(browser: Browser) -> None:
    with served(with_form(FRAGMENT), at_work=False) as market, opened(browser, market) as (_, frame):
        frame.get_by_label("Joy").check()
        assert frame.get_by_role("button").count() == 1
        assert frame.get_by_role("button", name="Submit").is_disabled()
    with served(with_form(FRAGMENT)) as market:
        with opened(browser, market) as (_, frame):
            frame.get_by_label("Joy").check()
            frame.get_by_role("button", name="Submit").click()
            wait_for_submission(frame)
        assert market.submitted == [{"assignmentId": WORK, "feeling": "joy"}]


def test_a_page_that_was_posted_in_a_form_finds_any_other_market_by_itself(browser: Browser) -> None:
    def other(_environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [f'<!doctype html><title>T</title><link rel="icon" href="data:,">{with_form(FRAGMENT)}'.encode()]

    with (
        served(FRAGMENT) as market,
        serve_wsgi(other) as address,
        open_page(browser, address, market.origin) as page,
    ):
        page.goto(f"/?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&turkSubmitTo={market.origin}")
        assert page.get_by_role("button", name="Submit").is_disabled()
        page.goto(f"/?assignmentId={WORK}&turkSubmitTo={market.origin}")
        page.get_by_label("Joy").check()
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("Submitted").wait_for()
        assert market.submitted == [{"assignmentId": WORK, "feeling": "joy"}]


def test_other_forms_of_a_task_go_where_they_went(browser: Browser) -> None:
    page = (
        '<form id="f" action="#there"><input name="a" value="1"></form><button onclick="f.requestSubmit()">Go</button>'
    )
    with served(page) as market:
        with opened(browser, market) as (page_shown, frame):
            frame.get_by_role("button").click()
            page_shown.wait_for_url("**/*")
            frame.locator("#f").wait_for()
            assert "assignmentId" not in frame.locator("#f").inner_html()
        assert market.submitted == []


SPY = """<p id="out"></p><form></form><script>
    const seen = [];
    const look = (name, act) => {
        try { seen.push(name + "=" + act()); } catch (error) { seen.push(name + ":" + error.name); }
    };
    look("cookie", () => document.cookie);
    look("parent", () => parent.document.cookie);
    look("top", () => { top.location.href = "about:blank"; return "left"; });
    document.getElementById("out").textContent = seen.join(" ");
</script>"""


@pytest.mark.parametrize(
    ("host", "cookie"),
    [("localhost", "cookie="), ("127.0.0.1", "cookie:SecurityError")],
    ids=["other host", "same host"],
)
def test_a_task_reads_nothing_of_the_market(browser: Browser, host: str, cookie: str) -> None:
    with (
        served(SPY, host=host) as market,
        opened(browser, market, ["Unsafe attempt", "not permitted"]) as (page, frame),
    ):
        seen = frame.locator("#out").text_content() or ""
        assert page.evaluate("document.cookie") == "session=secret"
        assert seen == f"{cookie} parent:SecurityError top:SecurityError"
        assert page.url == f"{market.origin}/"


def test_no_other_page_may_show_a_task(browser: Browser) -> None:
    with served(CLASSIC) as market:
        framing = f'<!doctype html><title>Other</title><iframe src="{market.content}/content/{HIT}"></iframe>'

        def other(_environ: Any, start_response: Any) -> Iterable[bytes]:
            start_response("200 OK", [("Content-Type", "text/html")])
            return [framing.encode()]

        allowed = ["frame-ancestors", "favicon", "ERR_BLOCKED"]
        with serve_wsgi(other) as address, open_page(browser, address, market.content, allowed=allowed) as page:
            page.goto("/")
            assert page.frame_locator("iframe").get_by_label("Colour").count() == 0
