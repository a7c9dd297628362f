"""market workers: add, invite, list, show, invitations, revoke; the site of market serve."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def rows(turkctl: Run, *argv: str) -> list[dict[str, Any]]:
    finished = turkctl("market", "workers", *argv, "--json")
    assert finished.code == 0, finished.err
    found: list[dict[str, Any]] = json.loads(finished.out)
    return found


def test_a_person_is_found_by_their_own_id_and_names_are_shown_only_where_asked_for(folder: Path, turkctl: Run) -> None:
    added = turkctl("market", "workers", "add", "--id", "47 ü", "--group", "a", "--group", "b", "--locale", "US-NY")
    assert re.fullmatch(r"A[A-Z0-9]{13}\n", added.out)
    (row,) = rows(turkctl, "list")
    assert (row["worker_id"], row["groups"], row["can_sign_in"]) == (added.out.strip(), "a, b", False)
    assert "own_id" not in row
    (named,) = rows(turkctl, "list", "--names")
    assert named["own_id"] == "47 ü"
    shown = json.loads(turkctl("market", "workers", "show", "47 ü", "--json").out)
    assert (shown["worker_id"], shown["locale"], shown["submitted"]) == (row["worker_id"], "US-NY", 0)
    assert rows(turkctl, "list", "--group", "c") == []
    assert rows(turkctl, "list", "--sandbox") == []


def test_a_password_is_a_line_of_standard_input(folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery\n"))
    assert turkctl("market", "workers", "add", "--name", "ana", "--password").code == 0
    (row,) = rows(turkctl, "list", "--names")
    assert (row["name"], row["can_sign_in"]) == ("ana", True)
    for path in folder.rglob("*"):
        assert path.is_dir() or b"correct horse" not in path.read_bytes()


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["add", "--name", "ana"], "--password"),
        (["add", "--password"], "--name"),
        (["add", "--id", ""], "own id"),
        (["add", "--locale", "nowhere"], "not a locale"),
        (["invite", "--uses", "0"], "--uses"),
        (["invite", "--uses", "twice"], "--uses"),
        (["invite", "--until", "2001-01-01"], "--until"),
        (["invite", "--count", "0"], "--count"),
        (["show", "nobody"], "nobody here"),
        (["revoke", "INONE"], "no invitation"),
    ],
)
def test_what_cannot_be_is_wrong_usage(argv: list[str], says: str, folder: Path, turkctl: Run) -> None:
    finished = turkctl("market", "workers", *argv)
    assert (finished.code, finished.out) == (2, "")
    assert says in finished.err


def test_invitations_are_addresses_that_are_shown_once_and_can_be_revoked(folder: Path, turkctl: Run) -> None:
    finished = turkctl("market", "workers", "invite", "--count", "3", "--base-url", "https://work.example.org/")
    lines = finished.out.splitlines()
    assert len({*lines}) == 3
    assert all(re.fullmatch(r"https://work\.example\.org/worker/join/[\w-]{32}", line) for line in lines)
    (made,) = rows(turkctl, "invite", "--uses", "60", "--until", "2036-05-04")
    assert (made["uses"], made["until"]) == ("60", "2036-05-04T00:00:00Z")
    assert made["url"].startswith("http://127.0.0.1:8800/worker/join/")
    listed = rows(turkctl, "invitations")
    assert [row["uses"] for row in listed] == ["once", "once", "once", 60]
    assert lines[0].rpartition("/")[2] not in json.dumps(listed)
    assert turkctl("market", "workers", "revoke", lines[0], listed[1]["id"]).code == 0
    assert [row["revoked"] is None for row in rows(turkctl, "invitations")] == [False, False, True, True]


def served(argv: list[str], then: Callable[[str], None]) -> str:
    """Serve the market, do something with its address, stop it; what it said on standard error."""
    command = [sys.executable, "-m", "turkctl", "market", "serve", "--port", "0", *argv]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found
        try:
            then(found[0])
        finally:
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=30)
    return err


def opened(address: str, **headers: str) -> tuple[int, str, str]:
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.url, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.url, error.read().decode()


def test_browsers_find_the_site_and_clients_the_api(folder: Path) -> None:
    def look(site: str) -> None:
        status, url, page = opened(f"{site}/", Accept="text/html,*/*")
        assert (status, "<h1>Sign in</h1>" in page) == (200, True)
        assert url.startswith(f"{site}/worker/sign-in")
        assert "Requester API" in opened(f"{site}/", Accept="*/*")[2]
        status, _, page = opened(f"{site}//mturk/externalSubmit")
        assert status == 405, "only forms that post"

    said = served([], look)
    assert "/worker; invite people: turkctl market workers invite" in said


def test_without_the_site_there_is_the_api_alone(folder: Path) -> None:
    def look(site: str) -> None:
        assert opened(f"{site}/worker", Accept="text/html")[0] == 404
        assert "Requester API" in opened(f"{site}/", Accept="text/html")[2]

    assert "worker site" not in served(["--no-site"], look)


@pytest.mark.parametrize("argv", [["--behind-proxy"], ["--host", "0.0.0.0"]])
@pytest.mark.parametrize("key", [None, "short"])
def test_others_are_served_only_with_a_key_of_one_s_own(
    key: str | None, argv: list[str], folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    if key is not None:
        monkeypatch.setenv("TURKCTL_MARKET_SITE_SECRET_KEY", key)
    finished = turkctl("market", "serve", "--port", "0", *argv)
    assert (finished.code, finished.out) == (2, "")
    assert "market.site.secret_key" in finished.err
    assert "TURKCTL_MARKET_SITE_SECRET_KEY" in finished.err


def test_the_site_s_settings_are_a_table_below_the_market_s(folder: Path, turkctl: Run) -> None:
    (folder / "turkctl.toml").write_text("[market.site]\n# ours\n", encoding="utf-8")
    assert turkctl("config", "set", "market.site.url", "https://work.example.org").code == 0
    written = (folder / "turkctl.toml").read_text(encoding="utf-8")
    assert written == '[market.site]\n# ours\nurl = "https://work.example.org"\n'
    assert turkctl("config", "get", "market.site.url").out == "https://work.example.org\n"
    assert turkctl("market", "workers", "invite").out.startswith("https://work.example.org/worker/join/")
    (folder / "turkctl.toml").write_text("[market.site]\nurk = 'x'\n", encoding="utf-8")
    assert "unknown key 'market.site.urk'" in turkctl("config", "show").err


def test_another_host_for_tasks_needs_the_site_s_own_address(
    folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURKCTL_MARKET_SITE_CONTENT_URL", "https://tasks.example.org")
    finished = turkctl("market", "serve", "--port", "0")
    assert (finished.code, "market.site.url" in finished.err) == (2, True)


def test_without_the_extra_the_api_is_served_and_it_is_said(
    folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from turkctl.cli import extras
    from turkctl.cli.commands import market

    monkeypatch.setattr(extras, "SITE_NEEDS", ("flask", "a_package_that_nobody_has"))
    said: list[str] = []

    class Printer:
        note = said.append

    class Invoked:
        output = Printer

    assert market._can_have_site(Invoked) is False  # type: ignore[arg-type]  # it only prints
    assert said == ["the worker site needs: pip install 'turkctl[web]'; the API alone is served"]
