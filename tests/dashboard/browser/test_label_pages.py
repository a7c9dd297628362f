"""The pages of items and labels in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import axe_problems, open_page, too_wide
from dashboard_support import dashboard_of, sign_in
from label_support import VOTES, LabelStudy, rows_of
from playwright.sync_api import Browser, Page
from wsgi_server import serve_wsgi

pytestmark = pytest.mark.browser

PATHS = (
    "/dashboard/content?experiment=photos",
    *(f"/dashboard/content/progress?by={by}" for by in ("experiment", "day", "week", "worker")),
    "/dashboard/labels?experiment=photos",
    "/dashboard/labels/review?experiment=photos",
    "/dashboard/labels/review?experiment=photos&after=p5&decided=p5",
    "/dashboard/labels/needs-more?experiment=photos",
    "/dashboard/labels/items?experiment=photos&item=p0",
)


@pytest.fixture
def study(folder: Path) -> Iterator[LabelStudy]:
    made = LabelStudy(folder)
    made.import_rows(rows_of(VOTES))
    made.add_numbered(3)
    made.aggregate()
    made.dispatch()
    for number, hit in enumerate(made.shown()):
        made.answer(hit, number, bird_1="yes")
    made.sync()
    yield made
    made.world.close()


@pytest.fixture
def site(study: LabelStudy) -> Iterator[str]:
    with dashboard_of(study) as made, serve_wsgi(made.dashboard.app) as url:
        yield url


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])
def test_the_pages_fit_and_axe_finds_nothing_serious(browser: Browser, site: str, width: int, dark: bool) -> None:
    with open_page(browser, site, width=width, dark=dark) as page:
        sign_in(page)
        for path in PATHS:
            page.goto(f"{site}{path}")
            assert axe_problems(page) == [], path
            assert too_wide(page) == [], path


def test_an_item_is_decided_by_clicking(browser: Browser, site: str, study: LabelStudy) -> None:
    with open_page(browser, site) as page:
        sign_in(page)
        page.goto("/dashboard/labels/needs-more?experiment=photos")
        page.get_by_role("link", name="p3").click()
        page.get_by_role("button", name="Label as true").click()
        page.get_by_role("button", name="Label p3 as true").click()
        page.get_by_text("the label of p3 is true").wait_for()
    assert study.results()["p3"] == (True, "admin")


def test_items_are_decided_with_the_keyboard_alone(browser: Browser, site: str, study: LabelStudy) -> None:
    with open_page(browser, site) as page:
        sign_in(page)
        page.goto("/dashboard/labels/review?experiment=photos")
        assert heading(page) == "p0"
        page.keyboard.press("2")  # there is no reason yet: the browser asks for it
        page.keyboard.type("seen 12")
        assert heading(page) == "p0"
        page.keyboard.press("Enter")
        page.wait_for_function("document.activeElement === document.body")
        assert heading(page) == "p0"
        for key, after in (("2", "p1"), ("0", "p2"), ("1", "p5")):
            page.keyboard.press(key)
            page.locator("#item-heading", has_text=after).wait_for()
            assert page.get_by_label("Why, kept").input_value() == "seen 12"
        page.keyboard.press("Control+1")
        assert heading(page) == "p5"
        page.keyboard.press("0")
        page.get_by_text("There is nothing more to decide after p5.").wait_for()
        assert axe_problems(page) == []
    results = study.results()
    assert [results[item] for item in ("p0", "p2")] == [(True, "admin"), (False, "admin")]
    assert results["p1"][1] != "admin"


def test_an_item_is_shown_in_a_sandbox_as_its_page_shows_it(browser: Browser, folder: Path) -> None:
    (folder / "p.html").write_text(
        "<!doctype html><html lang='en'><title>Bird?</title><body><p>Look: ${word}</p><form><input name='bird'>"
        "<button>Send</button></form><script>parent.document.title = 'mine';</script></body></html>"
    )
    study = LabelStudy(folder)
    text = (folder / "turkctl.toml").read_text()
    external = 'external_url = "https://lab.example.org/photo"'
    (folder / "turkctl.toml").write_text(text.replace(external, 'html_template = "p.html"'))
    study.configure_file()
    study.add("key,word\n2,magpie\n1,robin\n", key="key")
    study.import_rows([("1", "w0", "yes"), ("1", "w1", "no")])
    with dashboard_of(study) as made, serve_wsgi(made.dashboard.app) as url, browser.new_context(base_url=url) as own:
        page = own.new_page()
        sign_in(page)
        page.goto("/dashboard/labels/review?experiment=photos")
        frame = page.frame_locator("iframe.task")
        assert frame.locator("p").inner_text() == "Look: robin", "a key that looks like a place is a key"
        assert page.title() != "mine"
        assert page.locator("iframe.task").get_attribute("sandbox") == "allow-scripts allow-forms"
    study.world.close()


def heading(page: Page) -> str | None:
    return page.locator("#item-heading").text_content()


def test_progress_is_chosen_and_downloaded_with_the_keyboard(browser: Browser, site: str) -> None:
    with open_page(browser, site) as page:
        sign_in(page)
        page.goto("/dashboard/content?experiment=photos")
        page.get_by_role("link", name="person by person").press("Enter")
        page.get_by_role("heading", name="Progress of items").wait_for()
        assert page.get_by_role("row").count() > 1
        page.get_by_label("A row for each").select_option("week")
        page.get_by_role("button", name="Show").press("Enter")
        page.get_by_role("columnheader", name="Week").wait_for()
        with page.expect_download() as found:
            page.get_by_role("link", name="Download CSV").press("Enter")
        assert found.value.suggested_filename == "items-by-week.csv"
