"""The form of a task: what it posts, when it refuses to, and what it tells the page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from browser import axe_problems, open_page
from crowd_page_support import TaskSite, submit, task
from wsgi_server import serve_wsgi

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

PLAIN = """<crowd-form>
  <crowd-input name="word" label="Word"></crowd-input>
  <label>Note <input name="note"></label> <label>Empty <input name="empty"></label>
  <label>Size <select name="size"><option value="">Choose</option><option>small</option></select></label>
  <label><input type="radio" name="tone" value="good">Good</label>
  <label><input type="radio" name="tone" value="bad">Bad</label>
  <label><input type="checkbox" name="seen" value="yes">Seen</label>
</crowd-form>"""


def test_all_answers_are_posted_as_one_json_field(browser: Browser) -> None:
    """Texts by name, choices as Booleans; what is empty is left out."""
    with task(browser, PLAIN) as (page, site):
        page.get_by_label("Word").fill("blå 😀")
        page.get_by_label("Note").fill("n")
        page.get_by_label("Size").select_option("small")
        page.get_by_label("Good").check()
        submit(page)
        assert site.answer == {
            "word": "blå 😀",
            "note": "n",
            "size": "small",
            "tone": {"good": True, "bad": False},
            "seen": {"yes": False},
        }


def test_flatten_objects_posts_a_field_for_each_value(browser: Browser) -> None:
    """Objects become dotted names; arrays stay JSON."""
    body = """<crowd-form answer-format="flatten-objects">
      <crowd-input name="word" label="Word"></crowd-input>
      <crowd-checkbox name="look" value="blurry">Blurry</crowd-checkbox>
      <crowd-checkbox name="look" value="dim">Dim</crowd-checkbox>
      <crowd-classifier name="kind" categories="['Cat', 'Dog']" header="Kind"></crowd-classifier>
      <crowd-classifier-multi-select name="tags" categories="['A', 'B', 'C']" header="Tags">
      </crowd-classifier-multi-select>
      <crowd-bounding-box name="boxes" src="/picture.svg" labels="['Cat']" header="Boxes"></crowd-bounding-box>
    </crowd-form>"""
    with task(browser, body) as (page, site):
        page.get_by_label("Word").fill("w")
        page.get_by_role("checkbox", name="Dim").check()
        page.get_by_role("radio", name="Dog").check()
        page.get_by_role("checkbox", name="A", exact=True).check()
        page.get_by_role("checkbox", name="C", exact=True).check()
        submit(page)
        assert site.fields == {
            "assignmentId": "A1",
            "word": "w",
            "look.blurry": "false",
            "look.dim": "true",
            "kind.label": "Dog",
            "tags.labels": '["A","C"]',
            "boxes.boundingBoxes": "[]",
            "boxes.inputImageProperties.height": "300",
            "boxes.inputImageProperties.width": "400",
        }


def test_a_form_without_a_submit_button_gets_one(browser: Browser) -> None:
    """A button without a type is none, and does not submit."""
    with task(browser, '<crowd-form><input type="hidden" name="a" value="1"><button>More</button></crowd-form>') as (
        page,
        site,
    ):
        page.get_by_role("button", name="More").click()
        assert site.posted == []
        submit(page)
        assert site.answer == {"a": "1"}


def test_a_hidden_button_of_the_page_is_the_only_one(browser: Browser) -> None:
    """Pages that submit by script hide it and press it themselves."""
    body = """<crowd-form><input type="hidden" name="a" value="1">
      <crowd-button form-action="submit" id="send" hidden>Submit</crowd-button></crowd-form>"""
    with task(browser, body) as (page, site):
        assert page.locator("crowd-button").count() == 1
        page.evaluate("send.click()")
        page.get_by_text("Submitted").wait_for()
        assert site.answer == {"a": "1"}


def test_the_pages_own_onsubmit_can_stop_the_form(browser: Browser) -> None:
    """It is set before the elements are defined, as pages do; listeners count too."""
    script = """addEventListener("DOMContentLoaded", () => {
        const form = document.querySelector("crowd-form");
        form.onsubmit = (event) => { if (!window.on) event.preventDefault(); };
        form.addEventListener("submit", (event) => { if (!window.listener) event.preventDefault(); });
    });"""
    with task(browser, '<crowd-form><input type="hidden" name="a" value="1"></crowd-form>', script=script) as (
        page,
        site,
    ):
        button = page.get_by_role("button", name="Submit")
        button.click()
        page.evaluate("window.on = true")
        button.click()
        assert site.posted == []
        page.evaluate("window.listener = true")
        submit(page)
        assert site.answer == {"a": "1"}


def test_what_is_missing_stops_the_form_and_gets_the_focus(browser: Browser) -> None:
    """The message stands below the field; once it is filled in, the form goes."""
    body = """<crowd-form><crowd-input name="a" label="First" required></crowd-input>
      <crowd-input name="b" label="Second" required error-message="Write b."></crowd-input></crowd-form>"""
    with task(browser, body) as (page, site):
        page.get_by_label("First").fill("x")
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("Write b.").wait_for()
        assert page.evaluate("document.activeElement.getAttribute('name')") == "b"
        assert site.posted == []
        assert axe_problems(page) == []
        page.keyboard.type("y")
        assert page.get_by_text("Write b.").is_hidden()
        submit(page)
        assert site.answer == {"a": "x", "b": "y"}


def test_a_preview_cannot_be_submitted_and_says_so(browser: Browser) -> None:
    """Neither by the button nor by a script."""
    with task(browser, '<crowd-form><input type="hidden" name="a" value="1"></crowd-form>', preview=True) as (
        page,
        site,
    ):
        assert page.get_by_role("button", name="Accept the HIT to submit it").is_disabled()
        page.get_by_text("This is a preview.").wait_for()
        page.evaluate("document.querySelector('crowd-form').submit()")
        page.evaluate("document.querySelector('crowd-form').requestSubmit()")
        page.evaluate("document.querySelector('crowd-button').click()")
        assert axe_problems(page) == []
        assert site.posted == []
        assert "/task?" in page.url


def test_ready_events_come_once_and_the_base_address_is_known(browser: Browser) -> None:
    """Elements that are added later announce themselves, but the page does not start anew."""
    script = """window.seen = [];
        document.addEventListener("crowd-element-ready", (event) => window.seen.push(event.target.localName));"""
    body = '<crowd-form><crowd-input name="a" label="A"></crowd-input><div id="box"></div></crowd-form>'
    with task(browser, body, script=script) as (page, _):
        assert sorted(page.evaluate("window.seen")) == ["crowd-button", "crowd-form", "crowd-input"]
        page.evaluate("""box.append(Object.assign(document.createElement("crowd-alert"), {textContent: "Added"}))""")
        assert page.evaluate("window.seen.at(-1)") == "crowd-alert"
        page.wait_for_timeout(400)
        assert page.locator("html").get_attribute("data-ready") == "1"
        assert str(page.evaluate("window.crowdElementsBaseUrl")).endswith("/static")


def test_a_form_within_the_form_belongs_to_it(browser: Browser) -> None:
    """Its fields are answered as all others are."""
    body = """<crowd-form><form action=""><crowd-input name="a" label="A"></crowd-input>
      <input name="b" value="2" aria-label="B"></form></crowd-form>"""
    with task(browser, body) as (page, site):
        page.get_by_label("A").fill("1")
        submit(page)
        assert site.answer == {"a": "1", "b": "2"}


def test_scripts_reach_the_real_form(browser: Browser) -> None:
    """``form`` is where pages append more questions."""
    with task(browser, "<crowd-form></crowd-form><p id=more><input name=late value=1 aria-label=Late></p>") as (
        page,
        site,
    ):
        page.evaluate("document.querySelector('crowd-form').form.appendChild(more)")
        submit(page)
        assert site.answer == {"late": "1"}


def test_reset_buttons_empty_the_form(browser: Browser) -> None:
    """Presets come back, and what was written goes."""
    body = """<crowd-form><crowd-input name="a" label="A" value="preset"></crowd-input>
      <crowd-checkbox name="b">B</crowd-checkbox><crowd-button form-action="reset">Clear</crowd-button></crowd-form>"""
    with task(browser, body) as (page, site):
        page.get_by_label("A").fill("other")
        page.get_by_role("checkbox", name="B").check()
        page.get_by_role("button", name="Clear").click()
        submit(page)
        assert site.answer == {"a": "preset", "b": {"on": False}}


def test_elements_that_are_not_there_say_so(browser: Browser) -> None:
    """The form cannot be submitted without their answer."""
    body = '<crowd-form><crowd-semantic-segmentation name="a"></crowd-semantic-segmentation></crowd-form>'
    with task(browser, body) as (page, site):
        page.get_by_text("Painting the parts of a picture (semantic segmentation) is not available here").wait_for()
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("crowd-semantic-segmentation is not available here.").wait_for()
        assert site.posted == []
        assert axe_problems(page) == []


def test_tasks_run_in_a_frame_that_is_an_origin_of_its_own(browser: Browser) -> None:
    """Without ``allow-same-origin``, as where the market has no second host for tasks."""
    site = TaskSite('<crowd-form><crowd-input name="a" label="Word"></crowd-input></crowd-form>')
    site.policy = "default-src 'self'"
    with serve_wsgi(site) as address, open_page(browser, address) as page:
        page.goto("/frame")
        query = urlencode({"assignmentId": "A1", "turkSubmitTo": address})
        page.evaluate(
            """source => document.body.append(Object.assign(document.createElement("iframe"),
            {sandbox: "allow-scripts allow-forms", src: source, title: "Task"}))""",
            f"/task?{query}",
        )
        frame = page.frame_locator("iframe")
        frame.get_by_label("Word").fill("x")
        frame.get_by_role("button", name="Submit").click()
        frame.get_by_text("Submitted").wait_for()
        assert site.answer == {"a": "x"}
