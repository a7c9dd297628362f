"""The documentation's pictures of the worker site: taken from a site with people and work on it, and described.

``make pictures`` takes them again. Ids, times and texts in them are always the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import open_page
from worker_site_walk import WORKER, FilledSite, filled_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "pictures"
MOST_BYTES = 150_000
WIDE, PHONE = (1100, 760), (360, 720)
PICTURES = {
    "worker-hits.png": (WIDE, "/worker", "HITs open to you"),
    "worker-hit-at-work.png": (WIDE, "/worker/assignments/{open}", "Name the colour of a word"),
    "worker-my-work.png": (WIDE, "/worker/mine", "My work"),
    "worker-phone.png": (PHONE, "/worker/assignments/{open_form}", "Copy a receipt"),
}
"""Size, address and heading of each page that a picture shows."""


def test_each_picture_is_small_and_described_on_a_page() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    described = {name: words for words, name in re.findall(r"!\[([^\]]+)\]\(\.\./pictures/([\w.-]+)\)", pages)}
    assert {path.name for path in FOLDER.iterdir()} == {*PICTURES} == {*described}
    for name, words in described.items():
        assert len(words.split()) >= 8, name
        assert (FOLDER / name).stat().st_size <= MOST_BYTES, name


@pytest.fixture(scope="module")
def site() -> Iterator[FilledSite]:
    with filled_site() as made:
        made.bench.clock.seconds += 95
        yield made


@pytest.mark.browser
@pytest.mark.parametrize("name", PICTURES)
def test_each_picture_can_be_taken_again(browser: Browser, site: FilledSite, tmp_path: Path, name: str) -> None:
    (width, height), path, heading = PICTURES[name]
    folder = Path(os.environ.get("TURKCTL_TEST_PICTURES", tmp_path))
    with open_page(browser, site.address, site.tasks, width=width) as page:
        page.set_viewport_size({"width": width, "height": height})
        page.clock.install(time=0)
        page.clock.pause_at(1)  # the time that is left stays as it is
        page.goto(site.links[WORKER])
        page.get_by_role("button", name="Start", exact=True).click()
        page.wait_for_url("**/worker")
        page.goto(path.format_map(site.known))
        page.get_by_role("heading", name=heading).first.wait_for()
        for frame in page.frames:
            frame.wait_for_load_state("load")
        page.screenshot(path=folder / name)
    assert 1_000 < (folder / name).stat().st_size <= MOST_BYTES
