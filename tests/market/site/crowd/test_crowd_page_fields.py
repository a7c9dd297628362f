"""Fields of a task, each with its answer and with the keys alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, tab_to
from crowd_page_support import submit, task

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_input(browser: Browser) -> None:
    """Its limits hold: length, pattern, type."""
    body = """<crowd-form>
      <crowd-input name="code" label="Code" allowed-pattern="[0-9]" auto-validate max-length="4"
        min-length="3"></crowd-input>
      <crowd-input name="mail" placeholder="Your mail" type="email"></crowd-input>
      <crowd-input name="none" label="None"></crowd-input>
    </crowd-form>"""
    with task(browser, body) as (page, site):
        tab_to(page, page.get_by_label("Code"))
        page.keyboard.type("1a2")
        page.get_by_label("Your mail").fill("nobody")
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("Write at least 3 characters.").wait_for()
        page.keyboard.type("345")
        page.get_by_role("button", name="Submit").click()
        assert site.posted == []
        page.get_by_label("Your mail").fill("a@example.org")
        assert axe_problems(page) == []
        submit(page)
        assert site.answer == {"code": "1234", "mail": "a@example.org"}


def test_text_area(browser: Browser) -> None:
    """Lines stay lines, and the letters are counted."""
    body = """<crowd-form><p>Describe it</p>
      <crowd-text-area name="text" rows="4" max-length="20" char-counter></crowd-text-area></crowd-form>"""
    with task(browser, body) as (page, site):
        tab_to(page, page.get_by_label("Describe it"))
        page.keyboard.type("one\ntwo")
        page.get_by_text("7 of 20 characters").wait_for()
        assert axe_problems(page) == []
        submit(page)
        assert site.answer == {"text": "one\ntwo"}


def test_checkbox(browser: Browser) -> None:
    """Boxes of one name are one object; Space checks them; scripts enable them."""
    body = """<crowd-form>
      <crowd-checkbox name="look" value="blurry">Blurry</crowd-checkbox>
      <crowd-checkbox name="look" value="dim" checked>Dim</crowd-checkbox>
      <crowd-checkbox name="off" disabled>Off</crowd-checkbox>
      <crowd-checkbox name="agree" required>Agree</crowd-checkbox>
      <crowd-toggle-button name="switch" aria-label="Switch"></crowd-toggle-button>
    </crowd-form>"""
    with task(browser, body) as (page, site):
        tab_to(page, page.get_by_role("checkbox", name="Blurry"))
        page.keyboard.press("Space")
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("Check this box.").wait_for()
        page.keyboard.press("Space")
        page.get_by_role("switch", name="Switch").check()
        page.evaluate("document.querySelector('[name=off]').disabled = false")
        page.get_by_text("Off").click()
        assert axe_problems(page) == []
        submit(page)
        assert site.answer == {
            "look": {"blurry": True, "dim": True},
            "off": {"on": True},
            "agree": {"on": True},
            "switch": {"on": True},
        }


def test_radio_group(browser: Browser) -> None:
    """One is on at a time; Tab reaches the group once, arrows move in it."""
    body = """<crowd-form><crowd-input name="before" label="Before"></crowd-input>
      <p>Subject</p><crowd-radio-group required>
      <crowd-radio-button name="tech" value="tech">Technology</crowd-radio-button>
      <crowd-radio-button name="politics" value="politics">Politics</crowd-radio-button>
      <crowd-radio-button name="other">Other</crowd-radio-button></crowd-radio-group></crowd-form>"""
    with task(browser, body) as (page, site):
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("Choose one of these.").wait_for()
        page.get_by_label("Before").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
        assert page.get_by_role("radio", name="Politics").is_checked()
        assert not page.get_by_role("radio", name="Technology").is_checked()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.localName") == "crowd-button"
        page.get_by_role("radiogroup", name="Subject").wait_for()
        assert axe_problems(page) == []
        submit(page)
        assert site.answer == {"tech": {"tech": False}, "politics": {"politics": True}, "other": {"on": False}}


def test_slider(browser: Browser) -> None:
    """It begins at its smallest value; where an answer is required, it must be touched."""
    body = """<crowd-form>
      <crowd-slider name="much" min="1" max="10" step="1" pin required aria-label="How much"></crowd-slider>
      <crowd-slider name="preset" max="100" value="50" editable aria-label="Preset"></crowd-slider>
      <crowd-slider name="left" min="1" max="3" aria-label="Left">
        <crowd-slider-label>low</crowd-slider-label></crowd-slider>
    </crowd-form>"""
    with task(browser, body) as (page, site):
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("Move the slider").wait_for()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.get_by_role("spinbutton", name="Preset").fill("70")
        assert page.get_by_role("slider", name="Preset").input_value() == "70"
        assert page.get_by_text("low").is_visible()
        assert axe_problems(page) == []
        submit(page)
        assert site.answer == {"much": 3, "preset": 70, "left": 1}


def test_buttons(browser: Browser) -> None:
    """They are plain buttons, links or icons, and tell the page of clicks."""
    body = """<crowd-form><input type="hidden" name="a" value="1"><crowd-button id="plain">Plain</crowd-button>
      <crowd-button href="/frame" target="_blank">Link</crowd-button><crowd-button id="off" disabled>Off</crowd-button>
      <crowd-icon-button icon="search" title="Look"></crowd-icon-button></crowd-form>"""
    with task(browser, body) as (page, site):
        page.evaluate("window.clicks = []; for (const e of [plain, off]) e.onclick = () => clicks.push(e.id); 0")
        tab_to(page, page.get_by_role("button", name="Plain"))
        page.keyboard.press("Enter")
        page.evaluate("off.click()")
        assert page.evaluate("clicks") == ["plain"]
        assert page.get_by_role("link", name="Link").get_attribute("href") == "/frame"
        assert page.get_by_role("button", name="Look").is_visible()
        assert axe_problems(page) == []
        assert site.posted == []


def test_digits_choose_in_groups_and_enter_submits(browser: Browser) -> None:
    """The first group without an answer takes them; a picture to draw on keeps its own keys."""
    body = """<crowd-form><crowd-radio-group><crowd-radio-button name="cat">Cat</crowd-radio-button>
      <crowd-radio-button name="dog">Dog</crowd-radio-button></crowd-radio-group>
      <crowd-input name="note" label="Note"></crowd-input></crowd-form>"""
    with task(browser, body) as (page, site):
        page.get_by_text("Keys: 1 to 9 choose, Enter submits.").wait_for()
        page.get_by_label("Note").focus()
        page.keyboard.type("1")
        page.get_by_label("Note").blur()
        page.keyboard.press("2")
        page.keyboard.press("Enter")
        page.get_by_text("Submitted").wait_for()
        assert site.answer == {"cat": {"on": False}, "dog": {"on": True}, "note": "1"}
