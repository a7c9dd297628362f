"""A study with its dashboard: people who sign in, and a client that keeps cookies and sends the token of its form."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from argon2 import PasswordHasher
from study_support import Study

from turkctl.dashboard.access import Access
from turkctl.dashboard.app import Dashboard
from turkctl.settings_users import MANAGE, VIEW, DashboardUser
from turkctl.web.sign_in import now_utc

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "correct horse battery"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Made with little work, as in no real study: tests sign in hundreds of times."""
SECRET_KEY = "k" * 64
PEOPLE = {
    "lab": DashboardUser("lab", MANAGE, HASH, names=True),
    "ann": DashboardUser("ann", MANAGE, HASH, names=False),
    "viewer": DashboardUser("viewer", VIEW, HASH, names=False),
}
LONGEST_WAIT = 20.0


class StoppedClock:
    """The time of the dashboard, which a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2030, 5, 4, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Visitor:
    """Somebody with a browser that runs no scripts."""

    def __init__(self, site: DashboardSite, name: str | None = "lab") -> None:
        self.client = site.dashboard.app.test_client()
        self.text = ""
        self.status = 0
        self.path = ""
        if name is not None:
            self.sign_in(name)

    def get(self, path: str) -> str:
        """Open a page of the dashboard; return its text."""
        return self._keep(self.client.get(_full(path), follow_redirects=True))

    def post(self, path: str, fields: Mapping[str, Any] | None = None, *, token: bool = True) -> str:
        """Send a form, with the token of the page that was opened last; return the page that answers."""
        data = dict(fields or {})
        if token:
            data["csrf_token"] = self.token
        return self._keep(self.client.post(_full(path), data=data, follow_redirects=True))

    @property
    def token(self) -> str:
        """The token of the page."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.text) or re.search(
            r'"X-CSRFToken": "([^"]+)"', self.text
        )
        assert found, "the page has no token"
        return unescape(found[1])

    def hidden(self, name: str) -> str:
        """The value of a hidden field of the page."""
        found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', self.text)
        assert found, f"the page has no field {name}"
        return unescape(found[1])

    def sign_in(self, name: str, password: str = PASSWORD) -> str:
        """Sign in."""
        self.get("/login")
        return self.post("/login", {"name": name, "password": password})

    def plan(self, act: str, **fields: Any) -> str:
        """Ask for the plan of an act; return the confirming page."""
        if not self.text:
            self.get("/settings")
        return self.post(f"/acts/{act}", fields)

    def confirm(self, **more: Any) -> str:
        """Press the button of the confirming page."""
        return self.post("/runs", {"request": self.hidden("request"), **more})

    def act(self, act: str, **fields: Any) -> str:
        """Ask for the plan of an act, agree to it, and wait until it is done; return its page."""
        self.plan(act, **fields)
        assert self.status == 200, self.text
        self.confirm()
        return self.wait()

    def wait(self) -> str:
        """Open the page of the run again until its act is over."""
        deadline = time.monotonic() + LONGEST_WAIT
        path = self.path
        while "<strong>at work</strong>" in self.text:
            assert time.monotonic() < deadline, self.text
            time.sleep(0.02)  # the act is done by another thread, in real time
            self.get(path)
        return self.text

    def _keep(self, response: Any) -> str:
        self.text, self.status = response.get_data(as_text=True), response.status_code
        self.path, self.headers = response.request.full_path, response.headers
        return self.text


def _full(path: str) -> str:
    return path if path.startswith("/dashboard") else f"/dashboard{path}"


def sign_in(page: Page, target: str = "/dashboard") -> None:
    """Sign in with a browser, and wait for the page that it leads to."""
    page.goto(f"/dashboard/login?next={quote(target)}")
    page.get_by_label("Login name").fill("lab")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{target}")


class DashboardSite:
    """The dashboard of a study."""

    def __init__(self, study: Study, people: Mapping[str, DashboardUser] = PEOPLE, clock: Any = now_utc) -> None:
        self.study = study
        self.dashboard = Dashboard(study.world, Access(people, SECRET_KEY), clock)

    def visitor(self, name: str | None = "lab") -> Visitor:
        """Return somebody, signed in under a name; None: nobody yet."""
        return Visitor(self, name)


@contextmanager
def dashboard_of(study: Study, **more: Any) -> Iterator[DashboardSite]:
    """Serve the dashboard of a study for the block."""
    site = DashboardSite(study, **more)
    try:
        yield site
    finally:
        site.dashboard.close()


@contextmanager
def dashboard_site(folder: Path, **more: Any) -> Iterator[DashboardSite]:
    """Make a study in a folder, and its dashboard."""
    study = Study.new(folder)
    try:
        with dashboard_of(study, **more) as site:
            yield site
    finally:
        study.world.close()
