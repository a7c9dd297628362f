"""Keys and values of a document, checked by a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, tab_to, too_wide
from crowd_page_support import submit, task

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

BODY = """<crowd-form><crowd-textract-analyze-document src="/picture.svg" header="Check them" no-key-edit
  keys="[{importantFormKey: 'Address', importantFormKeyAliases: ['Addr.']}, {importantFormKey: 'Phone'}]"
  initial-value="[
    {blockType: 'KEY_VALUE_SET', id: 'k1', entityTypes: ['KEY'], text: 'Addr.',
     relationships: [{type: 'VALUE', ids: ['v1']}],
     geometry: {boundingBox: {left: .1, top: .2, width: .3, height: .4}}},
    {blockType: 'KEY_VALUE_SET', id: 'v1', entityTypes: ['VALUE'], text: 'Mian St'},
    {blockType: 'KEY_VALUE_SET', id: 'k2', entityTypes: ['KEY'], text: 'Noise',
     relationships: [{type: 'VALUE', ids: ['v2']}]},
    {blockType: 'KEY_VALUE_SET', id: 'v2', entityTypes: ['VALUE'], text: 'x'}]">
  <short-instructions>Check each pair.</short-instructions></crowd-textract-analyze-document></crowd-form>"""


def test_pairs_are_corrected_dropped_and_added_with_the_keys(browser: Browser) -> None:
    """The pair that has the focus is marked in the document; keys that are there by another name are not asked for."""
    with task(browser, BODY, width=360) as (page, site):
        assert page.get_by_label("Address").count() == 0
        tab_to(page, page.get_by_label("Addr."))
        page.keyboard.press("Control+A")
        page.keyboard.type("Main St")
        assert page.locator("crowd-textract-analyze-document rect").get_attribute("width") == "0.3"
        page.get_by_role("listitem").filter(has_text="Noise").get_by_role("checkbox").press("Space")
        page.get_by_label("Phone").fill("555")
        assert axe_problems(page) == []
        assert too_wide(page) == []
        submit(page)
        blocks = site.answer["AWS/Textract/AnalyzeDocument/Forms/V1"]["blocks"]
        assert [(each["id"], each["text"]) for each in blocks] == [
            ("k1", "Addr."),
            ("v1", "Main St"),
            ("added-key-1", "Phone"),
            ("added-value-1", "555"),
        ]
