"""Labels on a text, with the mouse and with the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, tab_to, too_wide
from crowd_page_support import submit, task

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

ELEMENT = """<crowd-entity-annotation name="marks" header="Mark names" text="Ada 😀 met Bob" labels="[
    {'label': 'person', 'shortDisplayName': 'per', 'fullDisplayName': 'Person'}, {'label': 'date'}]" REST>
    <short-instructions>Mark each name.</short-instructions>MORE</crowd-entity-annotation>"""


def _select(page: Page, start: int, length: int) -> None:
    page.get_by_label("Text to label").focus()
    page.keyboard.press("Control+Home")
    for _ in range(start):
        page.keyboard.press("ArrowRight")
    for _ in range(length):
        page.keyboard.press("Shift+ArrowRight")


def test_entities_are_labeled_with_the_keys(browser: Browser) -> None:
    """Offsets count letters, and an emoji is one; the same text can get another label; parts of one get none."""
    body = f"<crowd-form>{ELEMENT.replace('REST', '').replace('MORE', '')}</crowd-form>"
    with task(browser, body, width=360) as (page, site):
        tab_to(page, page.get_by_label("Text to label"))
        page.keyboard.type("nothing changes")
        _select(page, 10, 3)
        page.keyboard.press("1")
        _select(page, 0, 3)
        page.keyboard.press("2")
        _select(page, 0, 3)
        page.keyboard.press("1")
        _select(page, 1, 4)
        page.keyboard.press("2")
        page.get_by_text("Select the whole labeled text").wait_for()
        assert page.get_by_label("Text to label").input_value() == "Ada 😀 met Bob"
        assert axe_problems(page) == []
        assert too_wide(page) == []
        submit(page)
        assert site.answer == {
            "marks": {
                "entities": [
                    {"endOffset": 3, "label": "person", "startOffset": 0},
                    {"endOffset": 13, "label": "person", "startOffset": 10},
                ]
            }
        }


def test_entities_are_labeled_with_the_mouse_and_removed(browser: Browser) -> None:
    """A label that is chosen goes to what is selected next."""
    rest = """initial-value="[{label: 'person', startOffset: 0, endOffset: 3}]" """
    body = f"<crowd-form>{ELEMENT.replace('REST', rest).replace('MORE', '')}</crowd-form>"
    with task(browser, body) as (page, site):
        page.get_by_role("button", name="date (2)").click()
        box = page.get_by_label("Text to label").bounding_box()
        assert box is not None
        page.mouse.dblclick(box["x"] + 16, box["y"] + box["height"] / 2)
        page.get_by_text("Labeled “Ada").wait_for()
        page.get_by_role("button", name="Remove date: Ada").click()
        page.get_by_text("Removed.").wait_for()
        submit(page)
        assert site.answer == {"marks": {"entities": [], "initialValueModified": True}}


def test_without_a_form_the_element_brings_its_own(browser: Browser) -> None:
    """The page adds questions to it, as Amazon's documentation shows."""
    more = """<div id="more"><crowd-radio-group aria-label="Subject">
      <crowd-radio-button name="tech" value="tech">Technology</crowd-radio-button></crowd-radio-group></div>"""
    script = """document.addEventListener("all-crowd-elements-ready", () => {
        document.querySelector("crowd-entity-annotation").shadowRoot.querySelector("crowd-form").form.appendChild(more);
    });"""
    with task(browser, ELEMENT.replace("REST", "").replace("MORE", more), script=script) as (page, site):
        _select(page, 0, 3)
        page.keyboard.press("1")
        page.get_by_role("radio", name="Technology").check()
        submit(page)
        assert site.answer == {
            "marks": {"entities": [{"endOffset": 3, "label": "person", "startOffset": 0}]},
            "tech": {"tech": True},
        }
