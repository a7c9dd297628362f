"""What tasks show beside their questions: instructions, tabs, dialogs, cards, alerts, toasts and tooltips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, tab_to, too_wide
from crowd_page_support import submit, task

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_instructions(browser: Browser) -> None:
    """Three tabs in a dialog; arrows move between them, Escape closes it."""
    body = """<crowd-form><crowd-instructions link-text="View instructions" link-type="button">
      <short-summary>In short</short-summary><detailed-instructions>In detail</detailed-instructions>
      <positive-example>Like this</positive-example><negative-example>Not like this</negative-example>
      </crowd-instructions></crowd-form>"""
    with task(browser, body) as (page, _):
        tab_to(page, page.get_by_role("button", name="View instructions"))
        page.keyboard.press("Enter")
        page.get_by_text("In short").wait_for()
        assert page.get_by_text("In detail").is_hidden()
        page.get_by_role("tab", name="Summary").focus()
        page.keyboard.press("ArrowLeft")
        assert page.get_by_text("Not like this").is_visible()
        assert page.get_by_text("In short").is_hidden()
        assert axe_problems(page) == []
        page.keyboard.press("Escape")
        assert page.get_by_text("Not like this").is_hidden()


def test_short_and_full_instructions_of_a_form(browser: Browser) -> None:
    """The short ones are on the page, the full ones behind a button."""
    body = """<crowd-form><short-instructions>Short</short-instructions>
      <full-instructions header="Everything">Full</full-instructions></crowd-form>"""
    with task(browser, body) as (page, _):
        assert page.get_by_text("Short").is_visible()
        assert page.get_by_text("Full", exact=True).is_hidden()
        page.get_by_role("button", name="View full instructions").press("Enter")
        page.get_by_role("dialog", name="Everything").wait_for()
        page.get_by_role("button", name="Close").click()
        assert page.get_by_text("Full", exact=True).is_hidden()


def test_tabs(browser: Browser) -> None:
    """Questions on every tab are answered."""
    body = """<crowd-form><crowd-tabs>
      <crowd-tab header="One"><crowd-input name="a" label="A"></crowd-input></crowd-tab>
      <crowd-tab header="Two"><crowd-input name="b" label="B"></crowd-input></crowd-tab></crowd-tabs></crowd-form>"""
    with task(browser, body, width=360) as (page, site):
        page.get_by_label("A", exact=True).fill("1")
        assert page.get_by_label("B", exact=True).is_hidden()
        tab_to(page, page.get_by_role("tab", name="One"), key="Shift+Tab")
        page.keyboard.press("ArrowRight")
        page.get_by_label("B", exact=True).fill("2")
        assert axe_problems(page) == []
        assert too_wide(page) == []
        submit(page)
        assert site.answer == {"a": "1", "b": "2"}


def test_modal(browser: Browser) -> None:
    """A link or button opens it."""
    with task(browser, '<crowd-modal link-text="See examples"><p>Example words</p></crowd-modal>') as (page, _):
        page.get_by_role("button", name="See examples").press("Enter")
        page.get_by_text("Example words").wait_for()
        assert axe_problems(page) == []
        page.get_by_role("button", name="Close").press("Enter")
        assert page.get_by_text("Example words").is_hidden()


def test_card_alert_icon_and_badge(browser: Browser) -> None:
    """Cards keep what scripts put in them; alerts can be dismissed."""
    body = """<crowd-form><crowd-card id="card" heading="Title" image="/picture.svg">Old</crowd-card>
      <crowd-alert type="error" dismissible>Wrong</crowd-alert> <crowd-alert>Fine</crowd-alert>
      <crowd-icon icon="check"></crowd-icon> <crowd-badge label="3"></crowd-badge></crowd-form>"""
    with task(browser, body) as (page, _):
        page.evaluate("card.innerHTML = 'New'")
        assert page.get_by_text("New").is_visible()
        assert page.get_by_text("Title").is_visible()
        assert page.get_by_role("alert").is_visible()
        assert axe_problems(page) == []
        page.get_by_role("button", name="Dismiss").press("Enter")
        assert page.get_by_text("Wrong").count() == 0


def test_toast(browser: Browser) -> None:
    """It goes away by itself, and comes when a script opens it."""
    with task(
        browser,
        '<crowd-toast duration="100" opened>Gone soon</crowd-toast><crowd-toast id="t" text="Kept" duration="0">',
    ) as (
        page,
        _,
    ):
        page.get_by_text("Gone soon").wait_for(state="hidden")
        page.evaluate("t.show()")
        page.get_by_text("Kept").wait_for()
        assert axe_problems(page) == []


def test_tooltip(browser: Browser) -> None:
    """It shows on focus, describes its element, and Escape hides it."""
    with task(browser, '<button id="b">Go</button><crowd-tooltip for="b">Goes away</crowd-tooltip>') as (page, _):
        tab_to(page, page.get_by_role("button", name="Go"))
        page.get_by_text("Goes away").wait_for()
        assert page.locator("#b").get_attribute("aria-describedby") == page.locator("crowd-tooltip").get_attribute("id")
        assert axe_problems(page) == []
        page.keyboard.press("Escape")
        assert page.get_by_text("Goes away").is_hidden()
