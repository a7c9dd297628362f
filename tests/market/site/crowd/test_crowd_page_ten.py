"""One task with ten different elements, done with the keys alone and on a small screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, tab_to, too_wide
from crowd_page_support import submit, task

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

TEN = """<crowd-form>
  <crowd-input name="word" label="Word" required></crowd-input>
  <crowd-text-area name="text" label="Text"></crowd-text-area>
  <crowd-checkbox name="box" value="seen">Seen</crowd-checkbox>
  <crowd-radio-group aria-label="Tone"><crowd-radio-button name="good">Good</crowd-radio-button>
    <crowd-radio-button name="bad">Bad</crowd-radio-button></crowd-radio-group>
  <crowd-slider name="much" min="1" max="5" aria-label="How much"></crowd-slider>
  <crowd-classifier name="kind" categories="['Cat', 'Dog']" header="Kind"></crowd-classifier>
  <crowd-classifier-multi-select name="tags" categories="['Red', 'Blue']" header="Tags">
    </crowd-classifier-multi-select>
  <crowd-image-classifier name="photo" src="/picture.svg" categories="['Sharp', 'Soft']" header="Photo">
    </crowd-image-classifier>
  <crowd-bounding-box name="boxes" src="/picture.svg" labels="['Head']" header="Boxes"></crowd-bounding-box>
  <crowd-entity-annotation name="names" text="Ada met Bob" labels="['person']" header="Names"></crowd-entity-annotation>
</crowd-form>"""


def test_ten_elements_with_the_keys_alone(browser: Browser) -> None:
    """Tab reaches each of them, in the order of the page."""
    with task(browser, TEN, width=360) as (page, site):
        assert too_wide(page) == []
        assert axe_problems(page) == []
        for target, keys in [
            (page.get_by_label("Word"), ["w"]),
            (page.get_by_label("Text", exact=True), ["t"]),
            (page.get_by_role("checkbox", name="Seen"), ["Space"]),
            (page.get_by_role("radio", name="Good"), ["ArrowDown"]),
            (page.get_by_role("slider"), ["ArrowRight"]),
            (page.get_by_label("Cat"), ["ArrowDown"]),
            (page.get_by_label("Blue"), ["Space"]),
            (page.get_by_label("Sharp"), ["Space"]),
            (page.get_by_role("button", name="Add a box"), ["Enter"]),
            (page.get_by_label("Text to label"), ["Control+Home", *["Shift+ArrowRight"] * 3, "1"]),
        ]:
            tab_to(page, target)
            for key in keys:
                page.keyboard.press(key)
        submit(page)
        assert site.answer == {
            "word": "w",
            "text": "t",
            "box": {"seen": True},
            "good": {"on": False},
            "bad": {"on": True},
            "much": 2,
            "kind": {"label": "Dog"},
            "tags": {"labels": ["Blue"]},
            "photo": {"label": "Sharp"},
            "boxes": {
                "boundingBoxes": [{"height": 76, "label": "Head", "left": 162, "top": 112, "width": 76}],
                "inputImageProperties": {"height": 300, "width": 400},
            },
            "names": {"entities": [{"endOffset": 3, "label": "person", "startOffset": 0}]},
        }
