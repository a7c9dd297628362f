"""Classifiers: one category or several, with the mouse, the arrow keys and the digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, tab_to, too_wide
from crowd_page_support import submit, task

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
INSTRUCTIONS = """<short-instructions>Short words</short-instructions>
  <full-instructions header="All about it">Long words</full-instructions>"""


def test_classifier(browser: Browser) -> None:
    """A category must be chosen; the page hears of it; full instructions open in a dialog."""
    body = f"""<crowd-form><crowd-classifier name="kind" categories="['Cat', 'Dog', 'Other']" header="Which animal?">
      <classification-target>A text about it</classification-target>{INSTRUCTIONS}</crowd-classifier></crowd-form>"""
    with task(browser, body) as (page, site):
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("Choose a category.").wait_for()
        kind = page.locator("crowd-classifier")
        kind.evaluate("e => e.addEventListener('change', event => { window.last = event.target.value; })")
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
        assert page.evaluate("window.last") == "Dog"
        page.get_by_role("button", name="View full instructions").click()
        page.get_by_role("dialog", name="All about it").wait_for()
        assert page.get_by_text("Long words").is_visible()
        assert axe_problems(page) == []
        page.keyboard.press("Escape")
        assert page.get_by_text("Short words").is_visible()
        assert page.get_by_text("Long words").is_hidden()
        submit(page)
        assert site.answer == {"kind": {"label": "Dog"}}


def test_digits_choose_unless_somebody_writes(browser: Browser) -> None:
    """The first classifier of the page takes them."""
    body = """<crowd-form><crowd-input name="n" label="Number"></crowd-input>
      <crowd-classifier name="kind" categories="['Cat', 'Dog']" header="Which?"></crowd-classifier></crowd-form>"""
    with task(browser, body) as (page, site):
        page.keyboard.press("2")
        page.get_by_label("Number").fill("")
        page.keyboard.type("1")
        submit(page)
        assert site.answer == {"n": "1", "kind": {"label": "Dog"}}


def test_classifier_multi_select(browser: Browser) -> None:
    """The category that excludes the others clears them, and they clear it."""
    body = """<crowd-form><crowd-classifier-multi-select name="kinds" categories="['Cat', 'Dog']" header="Which?"
      exclusion-category="{ text: 'None of the above' }"></crowd-classifier-multi-select></crowd-form>"""
    with task(browser, body) as (page, site):
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("Choose at least one category.").wait_for()
        page.get_by_label("None of the above").check()
        tab_to(page, page.get_by_role("checkbox", name="Cat"), key="Shift+Tab")
        page.keyboard.press("Space")
        assert not page.get_by_label("None of the above").is_checked()
        page.get_by_role("checkbox", name="Dog").check()
        assert axe_problems(page) == []
        submit(page)
        assert site.answer == {"kinds": {"labels": ["Cat", "Dog"]}}


def test_image_classifier(browser: Browser) -> None:
    """It shows the picture, with boxes that are to be judged, and takes a comment."""
    body = f"""<crowd-form><crowd-image-classifier name="kind" categories='["good", "bad"]' header="Is it right?"
      src="/picture.svg" overlay='{{"boundingBox": {{labels: ["bird"], value: [
      {{height: 28, label: "bird", left: 23, top: 97, width: 22}}, ]}}, }}'>{INSTRUCTIONS}
      <worker-comment link-text="Say why" header="Why">Say what is wrong.</worker-comment>
      </crowd-image-classifier></crowd-form>"""
    with task(browser, body, width=360) as (page, site):
        page.get_by_role("radio", name="bad").check()
        page.get_by_text("Say why").click()
        page.get_by_role("textbox", name="Why").fill("too small")
        assert page.locator("crowd-image-classifier rect").get_attribute("x") == "23"
        assert axe_problems(page) == []
        assert too_wide(page) == []
        submit(page)
        assert site.answer == {"kind": {"label": "bad", "workerComment": "too small"}}


def test_image_classifier_multi_select(browser: Browser) -> None:
    """Several categories for a picture; a script may set them."""
    body = """<crowd-form><crowd-image-classifier-multi-select name="kinds" categories="[]" header="Which?"
      src="/picture.svg"></crowd-image-classifier-multi-select></crowd-form>"""
    script = """document.addEventListener("all-crowd-elements-ready", () => {
        document.querySelector("crowd-image-classifier-multi-select").categories = ["Cat", "Pig"];
    });"""
    with task(browser, body, script=script) as (page, site):
        page.get_by_role("checkbox", name="Pig").check()
        page.keyboard.press("1")
        assert page.get_by_role("img").is_visible()
        submit(page)
        assert site.answer == {"kinds": {"labels": ["Cat", "Pig"]}}


def test_moderation_labels(browser: Browser) -> None:
    """The answer holds the categories as they were given; "None" is one of the choices."""
    body = """<crowd-form><crowd-rekognition-detect-moderation-labels src="/picture.svg" header="What is in it?"
      categories='[{name: "Gore", parentName: "Violence"}, {name: "Smoking", parentName: "Tobacco",},]'>
      </crowd-rekognition-detect-moderation-labels></crowd-form>"""
    with task(browser, body) as (page, site):
        page.get_by_label("None").check()
        page.get_by_label("Smoking").check()
        assert not page.get_by_label("None").is_checked()
        submit(page)
        labels = [{"name": "Smoking", "parentName": "Tobacco"}]
        assert site.answer == {"AWS/Rekognition/DetectModerationLabels/Image/V3": {"ModerationLabels": labels}}


def test_attributes_are_read_as_people_write_them(browser: Browser) -> None:
    """Single quotes, bare names, comments and commas at the end are fine; nothing is evaluated."""
    texts = {
        "['a', \"b\", 'it\\'s',]": ["a", "b", "it's"],
        "{ polylines: [ { x: 1.5, y: -2 } ], // here\n ok: true, }": {"polylines": [{"x": 1.5, "y": -2}], "ok": True},
        '["\\u00e5\\n", null]': ["å\n", None],
        "[alert(1)]": None,
        "": None,
        "['a'": None,
    }
    with task(browser, "<crowd-form></crowd-form>") as (page, _):
        for text, value in texts.items():
            read = page.evaluate("async text => (await import('/static/crowd/lenient.js')).lenient(text) ?? null", text)
            assert read == value, text
