"""The server of the dashboard: proxies, the scheduler's thread, errors in its log, the settings page."""

from __future__ import annotations

import http.client
import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dashboard_support import PEOPLE, SECRET_KEY, DashboardSite, Visitor, dashboard_site
from flask import request
from scheduler_support import add_task
from study_support import Study

from turkctl.dashboard.access import Access
from turkctl.dashboard.frame import Frames
from turkctl.dashboard.service import LOGGERS, DashboardServer, SchedulerThread
from turkctl.errors import RefusedError
from turkctl.operations.tasks.scheduler import scheduler_status
from turkctl.scheduler.logs import shown
from turkctl.store import leases

FORGED = {
    "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "444",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=203.0.113.9;proto=https;host=evil.example",
}


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    with dashboard_site(folder) as made:
        yield made


class Answer:
    """What a server answered."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.text = answer.read().decode()


@contextmanager
def served(folder: Path, settings: str = "") -> Iterator[Any]:
    """Serve the dashboard of a study; yield a function that asks it, and what it saw of who asked."""
    study = Study.new(folder, settings=settings)
    with DashboardServer(study.world, Access(PEOPLE, SECRET_KEY), "127.0.0.1", 0, 2) as server:
        server.dashboard.app.view_functions["outside.healthz"] = _who
        thread = threading.Thread(target=server.run)
        thread.start()

        def ask(path: str, headers: dict[str, str] | None = None) -> Answer:
            connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=30)
            connection.request("GET", path, headers=headers or {})
            try:
                return Answer(connection.getresponse())
            finally:
                connection.close()

        try:
            yield ask
        finally:
            server.close()
            thread.join(30)
    study.world.close()


def _who() -> dict[str, Any]:
    return {
        "address": request.remote_addr, "scheme": request.scheme, "host": request.host.partition(":")[0],
        "root": request.root_path,
    }  # fmt: skip


def test_without_a_proxy_what_forwarded_headers_claim_changes_nothing(folder: Path) -> None:
    with served(folder) as ask:
        plain, forged = ask("/healthz"), ask("/healthz", FORGED)
        assert json.loads(plain.text) == json.loads(forged.text)
        assert json.loads(forged.text) == {"address": "127.0.0.1", "scheme": "http", "host": "127.0.0.1", "root": ""}
        answer = ask("/", FORGED)
        assert (answer.status, answer.headers["Location"]) == (302, "/dashboard")
        login = ask("/dashboard/login", FORGED)
        assert "Strict-Transport-Security" not in login.headers
        cookie = login.headers["Set-Cookie"]
        assert cookie.startswith("turkctl_dashboard=")
        assert "Secure" not in cookie


def test_the_application_itself_ignores_forwarded_headers_too(site: DashboardSite) -> None:
    site.dashboard.app.view_functions["outside.healthz"] = _who
    seen = site.dashboard.app.test_client().get("/healthz", headers=FORGED).get_json()
    assert seen == {"address": "127.0.0.1", "scheme": "http", "host": "localhost", "root": ""}


def test_behind_a_proxy_the_last_hop_alone_is_believed(folder: Path) -> None:
    with served(folder, "[dashboard]\nbehind_proxy = true\n") as ask:
        seen = json.loads(ask("/healthz", FORGED).text)
        assert seen == {"address": "198.51.100.7", "scheme": "https", "host": "127.0.0.1", "root": ""}
        login = ask("/dashboard/login", FORGED)
        assert login.headers["Strict-Transport-Security"].startswith("max-age=")
        cookie = login.headers["Set-Cookie"]
        assert cookie.startswith("__Host-turkctl_dashboard=")
        for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
            assert part in cookie
        assert "Domain" not in cookie


def test_health_and_the_root_are_for_everybody_and_nothing_else_is(site: DashboardSite) -> None:
    client = site.dashboard.app.test_client()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.get_data(as_text=True)) == (200, "ok\n")
    assert client.get("/").headers["Location"] == "/dashboard"
    assert client.post("/").status_code in (400, 405)
    for path in ("/robots.txt", "/healthz/x", "/login", "/static/0/site.css"):
        assert client.get(path).status_code == 404


# The scheduler's thread.


def test_a_scheduler_that_ends_by_an_error_is_warned_of_on_every_page(site: DashboardSite) -> None:
    world = site.study.world
    said: list[str] = []
    stopped = threading.Event()

    def warn(words: str) -> None:
        said.append(words)
        site.dashboard.frames.warning = words
        stopped.set()

    thread = SchedulerThread(world, warn)
    thread.begin()
    assert scheduler_status(world)["running"]
    _take_over(site)
    assert stopped.wait(60)
    thread.join()
    assert "The scheduler of the dashboard stopped" in said[0]
    visitor = site.visitor()
    for path in ("/", "/tasks", "/log", "/settings", "/elsewhere"):
        assert "The scheduler of the dashboard stopped" in visitor.get(path)


def _take_over(site: DashboardSite) -> None:
    """Let a process on another host take the lease, as one does after this one was held up for long."""
    with site.study.world.database.write() as session:
        connection = session.connection()
        connection.execute(
            leases.LEASES.update().values(
                owner="another", host="other-host", pid=1, boot_id="another", epoch=leases.LEASES.c.epoch + 1
            )
        )


def test_a_scheduler_that_is_asked_to_stop_warns_of_nothing_and_gives_its_lease_back(site: DashboardSite) -> None:
    said: list[str] = []
    thread = SchedulerThread(site.study.world, said.append)
    thread.begin()
    other = SchedulerThread(site.study.world, said.append)
    with pytest.raises(RefusedError, match="a scheduler is running"):
        other.begin()
    other.stop()
    other.join()
    thread.stop()
    thread.join()
    assert said == []
    assert not scheduler_status(site.study.world)["running"]


def test_what_is_due_is_warned_of_on_every_page_only_while_nobody_runs_it(site: DashboardSite) -> None:
    world = site.study.world
    site.dashboard.frames.__dict__.update(vars(Frames(_turning())))
    add_task(world.database, "overdue", next_run=world.now(), created=world.now())
    site.study.pass_time(minutes=1)
    visitor = site.visitor()
    for path in ("/", "/tasks", "/log", "/settings", "/participants"):
        assert "overdue is due, and no scheduler is running" in visitor.get(path)
    thread = SchedulerThread(world, lambda _words: None)
    thread.begin()
    assert "no scheduler is running" not in visitor.get("/log")
    thread.stop()
    thread.join()


def _turning() -> Any:
    """Return a clock that is read ten seconds later each time."""
    seconds = iter(range(0, 100_000, 10))
    return lambda: float(next(seconds))


# What the log says of errors.


def failing(site: DashboardSite) -> Visitor:
    def broken() -> str:
        raise ValueError("the first line\nand a second \u202eline")

    site.dashboard.app.view_functions["log.index"] = broken
    return site.visitor()


@pytest.mark.parametrize("verbose", [False, True])
def test_an_error_of_a_page_is_one_line_in_the_log_with_a_traceback_only_if_asked_for(
    verbose: bool, site: DashboardSite
) -> None:
    visitor, stream = failing(site), io.StringIO()
    with shown(logging.INFO, stream, verbose=verbose, also=LOGGERS):
        page = visitor.get("/log?act=secret%0A")
    assert visitor.status == 500
    assert "ValueError" not in page
    lines = stream.getvalue().splitlines()
    assert lines[0] == "GET /dashboard/log failed: ValueError: the first line and a second \\u202eline"
    assert (len(lines) > 1) == verbose
    assert ("Traceback" in stream.getvalue()) == verbose


def test_an_error_of_a_page_is_an_event_for_machines(site: DashboardSite) -> None:
    visitor, stream = failing(site), io.StringIO()
    with shown(logging.INFO, stream, machines=True, also=LOGGERS):
        visitor.get("/log")
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"]) == ("page_failed", "error")
    assert "ValueError" in event["traceback"]


# The settings page.


def test_the_settings_page_says_what_this_server_is_without_secrets(folder: Path) -> None:
    settings = '[endpoints]\nlive = "https://me:hunter22@market.example/"\n'
    study = Study.new(folder, settings=settings)
    site = DashboardSite(study)
    visitor = site.visitor()
    page = visitor.get("/settings")
    for words in ("turkctl.db", "turkctl-market.db", "https://me:***@market.example/", "none is running"):
        assert words in page, words
    for words in ("Amazon Mechanical Turk, sandbox", "turkctl 0.1.0", "manage: you may look and act"):
        assert words in page, words
    assert "hunter22" not in page
    assert SECRET_KEY not in page
    thread = SchedulerThread(study.world, lambda _words: None)
    thread.begin()
    assert "since <time" in visitor.get("/settings")
    thread.stop()
    thread.join()
    assert "view: you may look, and change nothing" in site.visitor("viewer").get("/settings")
    site.dashboard.close()
    study.world.close()


def test_a_balance_that_cannot_be_read_is_told_in_words(site: DashboardSite) -> None:
    visitor = site.visitor()
    assert visitor.get("/settings/balance") == "$10,000.00"
    assert "unknown (" in visitor.get("/settings/balance?mode=live")
    assert visitor.status == 200


def test_the_mode_of_a_session_is_its_own_and_shown_on_every_page(site: DashboardSite) -> None:
    one, other = site.visitor(), site.visitor("ann")
    one.get("/settings")
    one.post("/settings/mode", {"mode": "live"})
    for path in ("/tasks", "/log", "/settings"):
        assert 'Mode <span class="mode mode-live">live</span>' in one.get(path)
        assert 'Mode <span class="mode mode-local">local</span>' in other.get(path)
    one.get("/settings")
    one.post("/settings/mode", {"mode": "lice"})
    assert one.status == 400
    one.get("/settings/mode")
    assert one.status == 405, "no link switches the mode"
