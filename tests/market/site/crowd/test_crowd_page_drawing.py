"""Drawing on a picture, with a pointer and with the keys alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from browser import axe_problems, tab_to, too_wide
from crowd_page_support import submit, task

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
SIZE = {"height": 300, "width": 400}


def _body(kind: str, more: str = "") -> str:
    return f"""<crowd-form><crowd-{kind} name="drawn" src="/picture.svg" labels="['Cat', 'Dog']" header="Draw" {more}>
      <short-instructions>Draw it.</short-instructions></crowd-{kind}></crowd-form>"""


def _drag(page: Page, *points: tuple[int, int]) -> None:
    left, top = _corner(page)
    (x, y), *rest = points
    page.mouse.move(left + x, top + y)
    page.mouse.down()
    for x, y in rest:
        page.mouse.move(left + x, top + y)
    page.mouse.up()


def _corner(page: Page) -> tuple[float, float]:
    box = page.locator(".stage img").bounding_box()
    assert box is not None
    return box["x"], box["y"]


def _answer(site: Any) -> Any:
    drawn = site.answer["drawn"]
    assert drawn.pop("inputImageProperties") == SIZE
    return drawn


def test_boxes_are_drawn_moved_and_resized_with_a_pointer(browser: Browser) -> None:
    """Drag on the picture for a new one, its edge to move it, its corner to resize it."""
    with task(browser, _body("bounding-box")) as (page, site):
        _drag(page, (110, 120), (50, 60))
        page.get_by_role("button", name="Dog", exact=True).click()
        _drag(page, (200, 100), (250, 150))
        _drag(page, (225, 100), (235, 110))
        _drag(page, (50, 60), (40, 50))
        _drag(page, (300, 200), (300, 200))
        submit(page)
        assert _answer(site) == {
            "boundingBoxes": [
                {"height": 70, "label": "Cat", "left": 40, "top": 50, "width": 70},
                {"height": 50, "label": "Dog", "left": 210, "top": 110, "width": 50},
            ]
        }


def test_boxes_are_drawn_moved_and_resized_with_the_keys(browser: Browser) -> None:
    """Arrows move, Shift and arrows resize, a digit changes the label, Delete removes; nothing leaves the picture."""
    with task(browser, _body("bounding-box", "required")) as (page, site):
        page.get_by_role("button", name="Submit", exact=True).click()
        page.get_by_text("Draw at least one box.").wait_for()
        tab_to(page, page.get_by_role("button", name="Add a box"))
        for _ in range(2):
            page.keyboard.press("Enter")
            page.get_by_role("list", name="What is drawn").wait_for()
            page.get_by_role("button", name="Add a box").focus()
        page.keyboard.press("Tab")
        tab_to(page, page.get_by_role("button", name=re.compile("^Cat: ")).last)
        page.keyboard.press("Delete")
        for key in ["ArrowRight", "Control+ArrowUp", "Shift+ArrowDown", "2", *["ArrowLeft"] * 60]:
            page.keyboard.press(key)
        assert axe_problems(page) == []
        submit(page)
        assert _answer(site) == {"boundingBoxes": [{"height": 80, "label": "Dog", "left": 0, "top": 111, "width": 76}]}


def test_boxes_are_drawn_with_a_finger_on_a_small_screen(browser: Browser) -> None:
    """Coordinates are those of the whole picture, whatever the size that it is shown in."""
    with task(browser, _body("bounding-box"), width=360) as (page, site):
        assert too_wide(page) == []
        page.locator(".stage svg").evaluate("""layer => {
            const box = layer.getBoundingClientRect();
            const touch = (type, x, y) => layer.dispatchEvent(new PointerEvent(type, {
                bubbles: true, pointerId: 1, pointerType: "touch",
                clientX: box.left + x * box.width, clientY: box.top + y * box.height}));
            layer.setPointerCapture = () => {};
            touch("pointerdown", .25, .25); touch("pointermove", .75, .5); touch("pointerup", .75, .5);
        }""")
        assert page.locator(".stage svg").evaluate("layer => getComputedStyle(layer).touchAction") == "none"
        submit(page)
        assert _answer(site) == {
            "boundingBoxes": [{"height": 75, "label": "Cat", "left": 100, "top": 75, "width": 200}]
        }


def test_what_is_there_already_can_be_adjusted(browser: Browser) -> None:
    """The answer says whether it was; scripts read the value and set the labels."""
    initial = """initial-value="[{label: 'Cat', left: 10, top: 20, width: 30, height: 40,},]" """
    with task(browser, _body("bounding-box", initial)) as (page, site):
        drawn = page.locator("crowd-bounding-box")
        kept = {
            "boundingBoxes": [{"height": 40, "label": "Cat", "left": 10, "top": 20, "width": 30}],
            "inputImageProperties": SIZE,
        }
        assert drawn.evaluate("e => e.value") == {**kept, "initialValueModified": False}
        drawn.evaluate("e => { e.labels = [...e.labels, 'Pig']; }")
        page.get_by_role("button", name="Cat: ").first.press("3")
        submit(page)
        box = {"height": 40, "label": "Pig", "left": 10, "top": 20, "width": 30}
        assert _answer(site) == {"boundingBoxes": [box], "initialValueModified": True}


def test_key_points(browser: Browser) -> None:
    """A click makes one; so does the button."""
    with task(browser, _body("keypoint")) as (page, site):
        _drag(page, (50, 60))
        page.get_by_role("button", name="Dog", exact=True).click()
        page.get_by_role("button", name="Add a point").press("Enter")
        page.keyboard.press("ArrowLeft")
        assert axe_problems(page) == []
        submit(page)
        assert _answer(site) == {
            "keypoints": [{"label": "Cat", "x": 50, "y": 60}, {"label": "Dog", "x": 196, "y": 150}]
        }


def test_lines(browser: Browser) -> None:
    """Two points; N chooses which one Shift and the arrows move."""
    with task(browser, _body("line")) as (page, site):
        _drag(page, (10, 20), (30, 40))
        page.get_by_role("button", name="Cat: ").first.press("n")
        page.keyboard.press("Shift+ArrowDown")
        submit(page)
        assert _answer(site) == {"lines": [{"label": "Cat", "vertices": [{"x": 10, "y": 24}, {"x": 30, "y": 40}]}]}


def test_polylines(browser: Browser) -> None:
    """Enter finishes one; an unfinished one is not submitted."""
    initial = """initial-value="{polylines: [{label: 'Dog', vertices: [{x: 1, y: 2}, {x: 3, y: 4}]}]}" """
    with task(browser, _body("polyline", initial)) as (page, site):
        for point in [(10, 20), (30, 40), (50, 20)]:
            _drag(page, point)
        page.get_by_role("button", name="Submit", exact=True).click()
        page.get_by_text("Finish the polyline that you began").wait_for()
        page.keyboard.press("Enter")
        submit(page)
        drawn = [
            {"label": "Dog", "vertices": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]},
            {"label": "Cat", "vertices": [{"x": 10, "y": 20}, {"x": 30, "y": 40}, {"x": 50, "y": 20}]},
        ]
        assert _answer(site) == {"polylines": drawn, "initialValueModified": True}


def test_polygons(browser: Browser) -> None:
    """A click on the first point closes one; plus and minus change its points; Escape gives one up."""
    with task(browser, _body("polygon")) as (page, site):
        for point in [(100, 100), (200, 100), (200, 200), (100, 100)]:
            _drag(page, point)
        _drag(page, (300, 250))
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Cat: ").first.focus()
        page.keyboard.press("+")
        page.keyboard.press("Shift+ArrowLeft")
        assert axe_problems(page) == []
        submit(page)
        corners = [{"x": 100, "y": 100}, {"x": 200, "y": 100}, {"x": 200, "y": 200}, {"x": 146, "y": 150}]
        assert _answer(site) == {"polygons": [{"label": "Cat", "vertices": corners}]}


def test_a_picture_that_is_not_there_is_said(browser: Browser) -> None:
    """The task cannot be submitted as if nothing were to be drawn."""
    body = _body("bounding-box").replace("/picture.svg", "/none.png")
    with task(browser, body, allowed=["/none.png"]) as (page, site):
        page.get_by_text("The picture could not be loaded.").first.wait_for()
        page.get_by_role("button", name="Submit", exact=True).click()
        assert site.posted == []
