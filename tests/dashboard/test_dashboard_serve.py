"""``turkctl dashboard serve`` as a process: how it starts, what it refuses, how it ends, and the scheduler inside."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from dashboard_support import HASH, PASSWORD, SECRET_KEY
from scheduler_support import add_task
from study_support import Study, market_rows

from turkctl.operations.sync.run import sync
from turkctl.operations.tasks.manage import history
from turkctl.operations.tasks.scheduler import scheduler_status
from turkctl.scheduler.lease import SchedulerKeeper

Run = Callable[..., Any]
LIMIT = 60.0
"""Seconds that a test waits for something at most."""
ENVIRONMENT = {
    "TURKCTL_DASHBOARD_ENABLE": "true",
    "TURKCTL_DASHBOARD_LOGIN_USERNAME": "lab",
    "TURKCTL_DASHBOARD_PASSWORD_HASH": HASH,
    "TURKCTL_DASHBOARD_SECRET_KEY": SECRET_KEY,
}


@pytest.fixture
def study(folder: Path) -> Iterator[Study]:
    made = Study.new(folder)
    yield made
    made.world.close()


@pytest.fixture
def enabled(study: Study, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A study whose dashboard may start, and a free port as that of the settings."""
    for name, value in {**ENVIRONMENT, "TURKCTL_DASHBOARD_PORT": "0"}.items():
        monkeypatch.setenv(name, value)
    return study


class Servers:
    """Dashboards as processes, none of which outlives the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *options: str, **environment: str) -> Server:
        process = subprocess.Popen(
            [sys.executable, "-m", "turkctl", "dashboard", "serve", *options],
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        self.started.append(process)
        return Server(process)

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=LIMIT)


class Server:
    """One dashboard at work, and a visitor of it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.line = process.stdout.readline()
        found = re.search(r"http://[^ \"]+/dashboard", self.line)
        assert found, (self.line, process.communicate(timeout=LIMIT))
        self.address = found[0]
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self.text = ""

    def get(self, path: str) -> str:
        with self.opener.open(urllib.parse.urljoin(self.address, path), timeout=LIMIT) as answer:
            self.text = answer.read().decode()
            self.url = answer.url
        return self.text

    def post(self, path: str, **fields: str) -> str:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.text)
        assert token
        data = urllib.parse.urlencode({**fields, "csrf_token": unescape(token[1])}).encode()
        with self.opener.open(urllib.parse.urljoin(self.address, path), data, timeout=LIMIT) as answer:
            self.text = answer.read().decode()
            self.url = answer.url
        return self.text

    def sign_in(self) -> None:
        self.get("/dashboard/login")
        self.post("/dashboard/login", name="lab", password=PASSWORD)
        assert "Sign out" in self.text

    def agree(self, act: str, **fields: str) -> str:
        """Ask for the plan of an act and confirm it; return the page of its run."""
        self.post(f"/dashboard/acts/{act}", **fields)
        request = re.search(r'name="request" value="([^"]+)"', self.text)
        assert request, self.text
        return self.post("/dashboard/runs", request=unescape(request[1]))

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=LIMIT * 2)
        return self.process.returncode, out, err


@pytest.fixture
def servers(folder: Path) -> Iterator[Servers]:
    made = Servers(folder)
    yield made
    made.close()


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def error_of(finished: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(finished.err.splitlines()[-1])["error"]
    return found


# What it refuses.


def test_without_settings_it_does_not_start_and_names_all_that_is_missing(study: Study, turkctl: Run) -> None:
    finished = turkctl("dashboard", "serve", "--port", "0")
    assert (finished.code, finished.out) == (2, "")
    for missing in ("dashboard.enable is not true", "no login name", "no password", "no secret key"):
        assert missing in finished.err
    assert "turkctl dashboard hash-password" in finished.err


@pytest.mark.parametrize(
    ("name", "says"),
    [("ENABLE", "dashboard.enable"), ("LOGIN_USERNAME", "login name"), ("PASSWORD_HASH", "hash-password"),
     ("SECRET_KEY", "secrets.token_hex")],
)  # fmt: skip
def test_each_missing_setting_is_exit_2_and_says_how_to_make_it(
    name: str, says: str, enabled: Study, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(f"TURKCTL_DASHBOARD_{name}")
    finished = turkctl("dashboard", "serve")
    assert (finished.code, finished.out) == (2, "")
    assert says in finished.err


def test_outside_a_project_it_does_not_start(outside: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    finished = turkctl("dashboard", "serve", "--port", "0", "--json")
    assert (finished.code, error_of(finished)["code"]) == (2, "no_project")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        (["--do-scheduler", "--threads", "2"], {}),
        (["--do-scheduler"], {"TURKCTL_DASHBOARD_THREADS": "2"}),
        (["--threads", "2"], {"TURKCTL_DASHBOARD_DO_SCHEDULER": "true"}),
    ],
)
def test_the_scheduler_inside_allows_one_thread_only(
    options: list[str], environment: dict[str, str], enabled: Study, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    finished = turkctl("dashboard", "serve", *options)
    assert (finished.code, finished.out) == (2, "")
    assert "2 threads" in finished.err
    assert "turkctl scheduler run" in finished.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--threads", "0"], "0 threads"),
        (["--port", "70000"], "70000"),
        (["--host", "no such host"], "no such host"),
        (["--port", "x"], "--port"),
    ],
)
def test_a_wrong_address_or_number_is_wrong_usage(options: list[str], says: str, enabled: Study, turkctl: Run) -> None:
    finished = turkctl("dashboard", "serve", *options)
    assert (finished.code, finished.out) == (2, "")
    assert says in finished.err


def test_a_port_in_use_is_wrong_usage(enabled: Study, turkctl: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finished = turkctl("dashboard", "serve", "--port", str(taken.getsockname()[1]))
    assert (finished.code, finished.out) == (2, "")
    assert "cannot listen on 127.0.0.1" in finished.err


def test_a_second_scheduler_is_refused_and_the_first_is_named(enabled: Study, turkctl: Run) -> None:
    keeper = SchedulerKeeper(enabled.world.database)
    with keeper.held():
        finished = turkctl("dashboard", "serve", "--do-scheduler", "--json")
    assert (finished.code, finished.out) == (3, "")
    error = error_of(finished)
    assert error["code"] == "scheduler_running"
    assert f"process {os.getpid()} on {socket.gethostname()}" in error["message"]


# How it runs.


def test_it_says_where_it_is_answers_and_sigterm_ends_it(enabled: Study, servers: Servers) -> None:
    server = servers.start()
    assert server.line == f"the dashboard is at {server.address} (Ctrl-C ends it)\n"
    assert server.get("/healthz") == "ok\n"
    assert "Sign in" in server.get("/")
    assert server.url.startswith(f"{server.address}/login")
    server.sign_in()
    with pytest.raises(urllib.error.HTTPError) as missing:
        server.get("/elsewhere")
    assert missing.value.code == 404
    missing.value.close()
    code, out, err = server.end()
    assert (code, out, err) == (0, "", ""), "and no line for each request"


@pytest.mark.slow
def test_ctrl_c_ends_it_without_a_traceback(enabled: Study, servers: Servers) -> None:
    code, _, err = servers.start().end(signal.SIGINT)
    assert code in (0, 130)
    assert "Traceback" not in err


def test_with_json_the_address_is_a_value_and_the_log_has_a_json_object_a_line(
    enabled: Study, servers: Servers
) -> None:
    server = servers.start("--do-scheduler", "-o", "jsonl")
    found = json.loads(server.line)
    assert found == {"address": server.address, "threads": 1, "scheduler": True}
    code, _, err = server.end()
    assert code == 0
    events = [json.loads(line)["event"] for line in err.splitlines()]
    assert "scheduler_started" in events
    assert events[-1] == "lease_released"


def test_tasks_run_inside_and_the_pages_say_who_runs_them(enabled: Study, servers: Servers) -> None:
    world = enabled.world
    add_task(world.database, "expire", kind="expire", options={"all": True}, next_run=world.now(), created=world.now())
    server = servers.start("--do-scheduler")
    until(lambda: history(world, "expire") and history(world, "expire")[0]["status"] == "ok")
    server.sign_in()
    assert f"process {server.process.pid} on {socket.gethostname()}" in server.get("/dashboard/tasks")
    code, _, err = server.end()
    assert code == 0
    assert "nothing to expire" in err
    assert not scheduler_status(world)["running"]


@pytest.mark.slow
def test_after_kill_9_it_starts_again_at_once_with_its_scheduler(enabled: Study, servers: Servers) -> None:
    first = servers.start("--do-scheduler")
    first.process.kill()
    first.process.communicate(timeout=LIMIT)
    second = servers.start("--do-scheduler")
    assert scheduler_status(enabled.world)["pid"] == second.process.pid
    assert second.end()[0] == 0


ALL = 120
"""Assignments, of which an act does some before it is stopped."""


def test_sigterm_lets_an_act_finish_what_it_has_in_hand_and_the_next_server_does_the_rest(
    enabled: Study, servers: Servers
) -> None:
    hits = enabled.post(2, hits=ALL // 2)
    for number, hit in enumerate(hits):
        enabled.submit(hit, f"A{number}B1", f"A{number}B2")
    sync(enabled.world)
    server = servers.start(TURKCTL_MARKET_LATENCY="1")  # 32 at a time: four seconds for all
    server.sign_in()
    server.get("/dashboard/settings")
    server.agree("workers-approve", all="1")
    until(lambda: market_approved(enabled))
    code, _, err = server.end()
    assert (code, "Traceback" in err) == (0, False), err
    done = approved(enabled)
    assert 0 < done < ALL
    assert market_approved(enabled) == done, "what was in hand was finished and written down"
    again = servers.start()
    again.sign_in()
    assert "did not come to its end" in again.get("/dashboard")
    link = re.search(r'href="(/dashboard/runs/\d+)"', again.text)
    assert link
    again.get(link[1])
    again.post(f"{link[1]}/again", mode="local")
    request = re.search(r'name="request" value="([^"]+)"', again.text)
    assert request
    assert f"Approve {ALL - done} assignments" in again.text
    again.post("/dashboard/runs", request=unescape(request[1]))
    until(lambda: approved(enabled) == ALL)
    assert again.end()[0] == 0
    assert market_approved(enabled) == ALL


def approved(study: Study) -> int:
    ((number,),) = study.sql("SELECT count(*) FROM turkctl_assignment WHERE status = 'Approved'")
    return int(number)


def market_approved(study: Study) -> int:
    ((number,),) = market_rows(study.folder, "SELECT count(*) FROM market_assignment WHERE status = 'Approved'")
    return int(number)


@pytest.mark.slow
def test_it_starts_although_the_market_cannot_be_opened(enabled: Study, servers: Servers, tmp_path: Path) -> None:
    (tmp_path / "no-database").write_text("this is no database")
    server = servers.start(TURKCTL_MARKET_URL=f"sqlite:///{tmp_path / 'no-database'}")
    server.get("/dashboard/login")
    with pytest.raises(urllib.error.HTTPError) as refused:
        server.post("/dashboard/login", name="lab", password=PASSWORD)
    with refused.value as answer:
        page = answer.read().decode()
        assert (answer.code, "the market" in page) == (503, True), page
    assert "the market" in server.get("/dashboard/settings")
    assert "unknown (" in server.get("/dashboard/settings/balance")
    assert server.end()[0] == 0


@pytest.mark.parametrize("proxy", ["false", "true"])
def test_a_host_that_others_reach_is_warned_of(proxy: str, enabled: Study, servers: Servers) -> None:
    server = servers.start("--host", "0.0.0.0", TURKCTL_DASHBOARD_BEHIND_PROXY=proxy)
    _, _, err = server.end()
    assert ("only the proxy may reach 0.0.0.0" in err) == (proxy == "true")
    assert ("passwords cross the network in the clear" in err) == (proxy == "false")


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_ipv6_address_can_be_listened_on(enabled: Study, servers: Servers) -> None:
    server = servers.start("--host", "::1")
    assert server.address.startswith("http://[::1]:")
    assert server.get("/healthz") == "ok\n"
    assert server.end() == (0, "", "")
