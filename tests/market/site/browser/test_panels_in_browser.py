"""Somebody whom a panel sends, on a phone: from the panel's address to the work and back, with credit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from browser import axe_problems, open_page, too_wide
from worker_site_support import external, site_bench
from wsgi_server import serve_wsgi

from turkctl.demo import site_study
from turkctl.market.doors.http import make_app
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.questions import html_question
from turkctl.market.site.app import mounts
from turkctl.market.site.foot_lines import Foot, note_of
from turkctl.newcomers import NewEntry

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def panel(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """The page of a panel that gives credit to whom its address names."""
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    shown = (
        f'<!doctype html><html lang="en"><title>Credit</title><link rel="icon" href="data:,">{environ["QUERY_STRING"]}'
    )
    return [shown.encode()]


def looked_at(page: Page) -> None:
    """Fail if the page cannot be read by everybody."""
    assert axe_problems(page) == []
    assert too_wide(page) == []


def test_a_panel_s_person_does_a_hit_on_a_phone_and_goes_back_with_credit(browser: Browser) -> None:
    task = site_study.TASK.replace("${word}", "green").replace("${shade}", "#b3261e")
    foot = Foot("lab@example.org", note_of("We keep your answers, not your name.", is_html=False))
    with site_bench(foot=foot) as bench, serve_wsgi(panel) as back:
        bench.post(Question=html_question(task), AutoApprovalDelayInSeconds=3600)
        entry = bench.market.add_entry(
            "production", NewEntry("sona", ("survey_code",), done_url=f"{back}/?code={{survey_code}}")
        )
        app = make_app(Endpoint(bench.market), mounts(bench.app))
        with serve_wsgi(app) as site, open_page(browser, site, back, width=360) as page:
            page.goto(f"{entry.path}?survey_code=4711")
            page.get_by_role("button", name="Accept & work").click()
            frame = page.frame_locator("iframe")
            frame.get_by_label("No").check()
            looked_at(page)
            frame.get_by_role("button", name="Submit").click()
            page.wait_for_url("**/worker/done/*")
            page.get_by_text(re.compile("Your completion code")).wait_for()
            looked_at(page)
            page.goto(f"{entry.path}?survey_code=4712")
            page.get_by_role("button", name="Start", exact=True).wait_for()
            looked_at(page)
            page.get_by_role("link", name="Privacy").click()
            page.get_by_text("We keep your answers").wait_for()
            looked_at(page)
            page.go_back()
            page.go_back()
            page.get_by_role("button", name="Back to sona").or_(page.get_by_role("link", name="Back to sona")).click()
            page.get_by_text("code=4711").wait_for()


def test_the_question_of_the_entry_is_answered_by_the_keyboard(browser: Browser) -> None:
    with site_bench() as bench:
        bench.post(Question=external())
        entry = bench.market.add_entry("production", NewEntry("sona", ("survey_code",)))
        app = make_app(Endpoint(bench.market), mounts(bench.app))
        with serve_wsgi(app) as site, open_page(browser, site) as page:
            page.goto(f"/worker/join/{bench.invite()}")
            page.get_by_role("button", name="Start", exact=True).click()
            page.goto(f"{entry.path}?survey_code=4711")
            page.get_by_role("button", name="Start", exact=True).focus()
            page.keyboard.press("Enter")
            page.get_by_text("1 group").wait_for()
            assert bench.market.entry("production", "sona").people == 1
