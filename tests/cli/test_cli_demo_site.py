"""demo --site: a study that one does oneself in a browser, while another terminal sees the work come in."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from turkctl import serving
from turkctl.cli import extras
from turkctl.cli.commands import demo
from turkctl.cli.qr_codes import qr_code
from turkctl.context import Context

Run = Callable[..., Any]


class Phone:
    """A browser without scripts, on the network."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies, urllib.request.ProxyHandler({}))
        self.text = ""

    def open(self, address: str, **fields: str) -> str:
        """Open a page, or send a form with the token of the last one."""
        token = re.search(r'"X-CSRFToken": "([^"]+)"', self.text)
        data = None
        if fields:
            more = {"csrf_token": unescape(token[1])} if token else {}
            data = urllib.parse.urlencode(fields | more).encode()
        with self._opener.open(urllib.request.Request(address, data), timeout=20) as answer:
            self.text = answer.read().decode()
        return self.text


def work(site: str, invitation: str) -> Phone:
    """Do one HIT from the invitation to the submission."""
    phone = Phone()
    phone.open(invitation)
    phone.open(invitation, how="link")
    hit = re.search(r'action="/worker/hits/([A-Z0-9]+)/accept"', phone.text)
    assert hit, phone.text
    phone.open(f"{site}/worker/hits/{hit[1]}/accept", auto="")
    assignment = re.search(r'data-assignment="([A-Z0-9]+)"', phone.text)
    frame = re.search(r'<iframe [^>]*src="([^"]+)"', phone.text)
    assert assignment
    assert frame
    with urllib.request.urlopen(unescape(frame[1]), timeout=20) as answer:
        task = answer.read().decode()
    assert 'name="viewport"' in task
    assert re.search(r'class="word">\w+<', task)
    assert re.search(r"color: #[0-9a-f]{6}; }", task)
    assert "${" not in task
    phone.open(f"{site}/mturk/externalSubmit", assignmentId=assignment[1], same_colour="no")
    return phone


def ask_for_the_balance(site: str) -> None:
    """Ask as somebody on the network does who has no key."""
    scope = "Credential=ANYBODY/20260101/us-east-1/mturk-requester/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature={'0' * 64}",
        "X-Amz-Date": "20260101T000000Z",
        "X-Amz-Target": "MTurkRequesterServiceV20170117.GetAccountBalance",
        "Content-Type": "application/x-amz-json-1.1",
    }
    urllib.request.urlopen(urllib.request.Request(f"{site}/", b"{}", headers), timeout=20).close()


def test_a_hit_is_done_while_another_terminal_approves_it(folder: Path, turkctl: Run) -> None:
    command = [sys.executable, "-m", "turkctl", "demo", "--site", "--port", "0", "--keep", "demo", "-o", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        made = json.loads(process.stdout.readline())
        try:
            assert (made["hits"], made["folder"]) == (5, str(folder / "demo"))
            site = made["invitation"].partition("/worker/")[0]
            phone = work(site, made["invitation"])
            other = ("--config", str(folder / "demo" / "turkctl.toml"))
            assert turkctl("sync", *other).code == 0
            (row,) = json.loads(turkctl("workers", "assignments", "--json", *other).out)
            assert row["status"] == "Submitted"
            assert turkctl("workers", "approve", "--all", *other).code == 0
            assert "Approved" in phone.open(f"{site}/worker/mine")
            with pytest.raises(urllib.error.HTTPError, match="40"):
                ask_for_the_balance(site)
        finally:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
    assert (process.returncode, "goes on with: turkctl market serve" in err) == (0, True), err
    for name in ("turkctl.toml", "keys.toml"):
        assert (folder / "demo" / name).stat().st_mode & 0o077 == 0 or os.name != "posix"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--site", "--goal", "3"], "--goal"),
        (["--site", "--workers", "3"], "--workers"),
        (["--host", "0.0.0.0"], "--site"),
        (["--port", "1"], "--site"),
        (["--site", "--port", "70000"], "--port"),
        (["--site", "--host", ""], "empty"),
        (["--site", "--host", "192.0.2.77", "--port", "0"], "192.0.2.77"),
    ],
)
def test_a_demo_that_cannot_be_is_refused_before_anything_is_made(
    argv: list[str], says: str, outside: Path, turkctl: Run
) -> None:
    finished = turkctl("demo", "--keep", "demo", *argv)
    assert (finished.code, finished.out, says in finished.err) == (2, "", True), finished.err
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("installed", [True, False])
def test_the_invitation_is_drawn_where_that_is_installed(
    installed: bool, outside: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = SimpleNamespace(port=8800, run=lambda: None, close=lambda: None)
    monkeypatch.setattr(Context, "market_server", lambda *_args, **_more: served)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    if not installed:
        monkeypatch.setattr(demo, "find_spec", lambda _name: None)
    finished = turkctl("demo", "--site", "--keep", "demo")
    assert finished.code == 0, finished.err
    lines = finished.out.splitlines()
    place = next(number for number, line in enumerate(lines) if "/worker/join/" in line)
    drawn = qr_code(lines[place].strip(), color=False).splitlines()
    assert (lines[place + 1 : place + 1 + len(drawn)] == drawn) == installed
    assert ("█" in finished.out) == installed
    assert "In another terminal" in finished.out


def test_a_port_that_is_taken_leaves_no_folder(outside: Path, turkctl: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        finished = turkctl("demo", "--site", "--keep", "demo", "--port", port)
    assert (finished.code, "--port" in finished.err, list(outside.iterdir())) == (2, True, [])


def test_a_folder_with_something_in_it_is_left_alone(outside: Path, turkctl: Run) -> None:
    (outside / "mine.txt").write_text("precious", encoding="utf-8")
    finished = turkctl("demo", "--site", "--port", "0", "--keep", str(outside))
    assert (finished.code, "is not empty" in finished.err) == (2, True)
    assert [path.name for path in outside.iterdir()] == ["mine.txt"]


def test_without_the_extra_it_says_what_to_install(
    outside: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "SITE_NEEDS", ("a_package_that_nobody_has",))
    finished = turkctl("demo", "--site", "--keep", "demo")
    assert (finished.code, "pip install 'turkctl[web]'" in finished.err, list(outside.iterdir())) == (2, True, [])


def test_others_reach_a_server_by_an_address_of_this_machine() -> None:
    assert serving.address_for_others("192.0.2.7") == "192.0.2.7"
    assert serving.address_for_others("0.0.0.0") not in ("", "0.0.0.0")
