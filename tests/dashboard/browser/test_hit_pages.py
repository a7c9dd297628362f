"""HITs and experiments in a browser: to be read and used by everybody, with a task that can do no harm."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from browser import axe_problems, open_page, tab_to, too_wide
from dashboard_support import DashboardSite, dashboard_of, sign_in
from study_support import Study, worker
from wsgi_server import serve_wsgi

from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.lists import list_hits
from turkctl.operations.selection.hits import Selection
from turkctl.operations.sync.run import sync

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

TASK = """
[experiments.photos]
code_version = "1.0"
title = "Look at a photo"
description = "One photo."
reward = "0.50"
duration = "30m"
lifetime = "24h"
auto_approval_delay = "3d"
html_template = "task.html"
"""
HARMLESS = """<!DOCTYPE html><html lang="en"><head><title>Task</title></head>
<body><p>What do you see?</p><form><button>Submit</button></form></body></html>"""
HARMFUL = """<!DOCTYPE html><html lang="en"><head><title>Task</title></head><body>
<form id="away" method="post" action="/dashboard/settings/mode"><input name="mode" value="live"></form>
<script>
(async () => {
  const found = {};
  const attempt = async (name, act) => {
    try { found[name] = String(await act()); } catch (error) { found[name] = error.name; }
  };
  const fields = new URLSearchParams({mode: "live"});
  await attempt("cookie", () => document.cookie);
  await attempt("storage", () => localStorage.length);
  await attempt("parent", () => (parent === window ? top.opener : parent).document.title);
  await attempt("read", async () => (await (await fetch("/dashboard/hits", {credentials: "include"})).text()).length);
  await attempt("post", async () => (await fetch("/dashboard/settings/mode",
    {method: "POST", credentials: "include", mode: "no-cors", body: fields})).type);
  await attempt("leave", () => { if (parent !== window) top.location = "/dashboard/log"; return "asked"; });
  document.addEventListener("securitypolicyviolation", (event) => { found.form = event.violatedDirective; });
  window.addEventListener("submit", (event) => event.stopImmediatePropagation(), true);
  document.getElementById("away").requestSubmit();
  setTimeout(() => fetch("/dashboard/told?" + encodeURIComponent(JSON.stringify(found)), {mode: "no-cors"}), 300);
})();
</script></body></html>"""


class Seen:
    """The dashboard, and what was asked of it."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self.requests: list[tuple[str, str, str]] = []
        self._told: Queue[str] = Queue()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        cookie = environ.get("HTTP_COOKIE", "")
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], cookie))
        if environ["PATH_INFO"] == "/dashboard/told":
            self._told.put(unquote(environ["QUERY_STRING"]))
        return self._app(environ, start_response)

    def told(self) -> dict[str, str]:
        """Wait for what the task tells of its attempts."""
        return json.loads(self._told.get(timeout=20))


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    study = Study.new(folder)
    (folder / "task.html").write_text(HARMLESS)
    path = folder / "turkctl.toml"
    path.write_text(path.read_text() + TASK)
    study.configure_file()
    try:
        with dashboard_of(study) as made:
            yield made
    finally:
        study.close()


@contextmanager
def signed_in(browser: Browser, root: str, **options: Any) -> Iterator[Page]:
    with open_page(browser, root, **options) as page:
        sign_in(page)
        yield page


def stocked(study: Study) -> tuple[str, str, str]:
    """Post an open HIT, one with work to decide, and one that has expired."""
    open_, submitted, over = study.post(3, 3)
    study.submit(submitted, worker(1), worker(2))
    sync(study.world)
    study.apply(prepare_expire(study.world, Selection(ids=(over,))))
    return open_, submitted, over


def test_hits_are_expired_by_keyboard_alone(site: DashboardSite, browser: Browser) -> None:
    open_, submitted, _over = stocked(site.study)
    with serve_wsgi(site.dashboard.app) as root, signed_in(browser, root) as page:
        page.goto("/dashboard/hits")
        tab_to(page, page.get_by_label(f"Tick {open_}"))
        page.keyboard.press("Space")
        tab_to(page, page.get_by_role("button", name="Expire ticked"), key="Shift+Tab")
        page.keyboard.press("Enter")
        tab_to(page, page.get_by_role("button", name="Expire 1 HIT"))
        page.keyboard.press("Enter")
        page.get_by_text("1 HIT expired").wait_for()
    expired = {row["hit_id"]: row["expired"] for row in list_hits(site.study.world, Selection())}
    assert (expired[open_], expired[submitted]) == (True, False)


def test_the_reasons_why_an_act_is_not_possible_open_by_keyboard(site: DashboardSite, browser: Browser) -> None:
    _open, submitted, _over = stocked(site.study)
    with serve_wsgi(site.dashboard.app) as root, signed_in(browser, root) as page:
        page.goto(f"/dashboard/hits?hit={submitted}")
        reason = page.get_by_text("2 submitted assignments wait for approval or rejection")
        assert not reason.is_visible()
        tab_to(page, page.locator("details.why > summary"))
        page.keyboard.press("Enter")
        assert reason.is_visible()
        button = page.get_by_role("button", name=f"Delete: HIT {submitted}")
        assert button.is_disabled()
        described = page.locator(f"#{button.get_attribute('aria-describedby')}")
        assert described.inner_text() == "Delete: 2 submitted assignments wait for approval or rejection"


def test_the_plan_of_new_hits_follows_what_is_typed_and_is_what_is_posted(
    site: DashboardSite, browser: Browser
) -> None:
    with serve_wsgi(site.dashboard.app) as root, signed_in(browser, root) as page:
        page.goto("/dashboard/hits/new?experiment=stroop")
        page.get_by_text("Create 1 HIT, 9 assignments.").wait_for()
        page.get_by_label("Assignments", exact=True).fill("20")
        page.get_by_text("Create 3 HITs, 20 assignments.").wait_for()
        page.get_by_label("Reward in dollars").fill("0.4x")
        page.get_by_text("0.4x").wait_for()
        page.get_by_label("Reward in dollars").fill("0.40")
        page.get_by_text("$9.60").wait_for()
        page.get_by_role("button", name="See the plan").click()
        page.get_by_role("button", name="Create 3 HITs with 20 assignments for $9.60").click()
        page.get_by_text("3 HITs created").wait_for()
    assert sorted(row["max_assignments"] for row in list_hits(site.study.world, Selection())) == [2, 9, 9]


def test_hits_can_be_created_without_scripts(site: DashboardSite, browser: Browser) -> None:
    with serve_wsgi(site.dashboard.app) as root, signed_in(browser, root, scripts=False) as page:
        page.goto("/dashboard/hits/new?experiment=stroop")
        page.get_by_role("button", name="See the plan").click()
        page.get_by_role("button", name="Create 1 HIT with 9 assignments for $5.40").click()
        page.get_by_role("heading", name="Hits create").wait_for()
        while page.get_by_text("at work", exact=True).count():
            page.reload()
    assert len(list_hits(site.study.world, Selection())) == 1


def test_a_task_is_seen_as_a_worker_sees_it(site: DashboardSite, browser: Browser) -> None:
    with serve_wsgi(site.dashboard.app) as root, signed_in(browser, root, allowed=["alert"]) as page:
        page.goto("/dashboard/experiments/photos/preview")
        task = page.frame_locator("iframe")
        assert task.get_by_text("What do you see?").is_visible()
        assert (too_wide(page), axe_problems(page)) == ([], [])
        task.get_by_role("button", name="Submit").click()
        assert task.get_by_text("What do you see?").is_visible()


@pytest.mark.parametrize("framed", [True, False])
def test_a_task_of_a_requester_can_do_nothing_to_the_dashboard(
    site: DashboardSite, browser: Browser, framed: bool
) -> None:
    (site.study.folder / "task.html").write_text(HARMFUL)
    site.study.configure_file()
    seen = Seen(site.dashboard.app)
    with serve_wsgi(seen) as root, signed_in(browser, root, allowed=["console:", "weberror", "uncaught"]) as page:
        page.goto("/dashboard/experiments/photos/preview")
        assert page.context.cookies(), "somebody is signed in"
        seen.requests.clear()
        if framed:
            page.reload()
        else:
            page.goto("/dashboard/experiments/photos/preview/page")
        found = seen.told()
        assert re.search(r"/photos/preview(/page)?$", page.url), "it did not lead anywhere"
        assert found["cookie"] == found["storage"] == "SecurityError"
        assert found["parent"] in ("SecurityError", "TypeError")
        assert found["read"] == "TypeError"
        assert found["form"] == "form-action"
        asked = [each for each in seen.requests if each[1] in ("/dashboard/hits", "/dashboard/settings/mode")]
        assert {method for method, _path, _cookie in asked} == {"GET", "POST"}
        assert [each for each in asked if each[2]] == [], "requests of the task carry no session"
        page.goto("/dashboard/settings")
        assert page.locator(".frame .mode").inner_text() == "local"
