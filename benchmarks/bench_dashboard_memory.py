"""Measure the memory of ``turkctl dashboard serve``: after its start, and after 200 pages of one visitor."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

VIEWS = 200
TARGET = 250
"""Megabytes of the process."""
HITS, PEOPLE = 30, 200
PASSWORD = "correct horse battery"
PATHS = ("", "/participants", "/participants?group_by=condition&group_by=status", "/tasks", "/log", "/settings")
PROGRAM = [sys.executable, "-m", "turkctl"]


def main() -> None:
    """Print the resident memory of the process with the scheduler inside."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "TURKCTL_DASHBOARD_ENABLE": "true",
            "TURKCTL_DASHBOARD_LOGIN_USERNAME": "lab",
            "TURKCTL_DASHBOARD_LOGIN_PASSWORD": PASSWORD,
            "TURKCTL_DASHBOARD_SECRET_KEY": "k" * 64,
        }
        for line in (
            "init",
            "experiments configure",
            f"hits create --hits {HITS} --assignments 9",
            f"market crowd --workers {PEOPLE} --seed 1",
            "sync",
        ):
            subprocess.run([*PROGRAM, *line.split()], cwd=folder, env=environment, check=True, capture_output=True)
        command = [*PROGRAM, "dashboard", "serve", "--port", "0", "--do-scheduler"]
        with served(command, folder, environment) as (process, address):
            sizes = list(measured(process.pid, address))
    print(f"{'memory of dashboard serve':<32} {'MB':>6} {'target':>8}")
    for title, size in zip(("after the start", f"after {VIEWS} pages"), sizes, strict=True):
        print(f"{title:<32} {size:>6.0f} {TARGET:>8}  {'' if size <= TARGET else 'NOT REACHED'}")


class served:  # noqa: N801  # reads as a function in a with statement
    """Serves the dashboard for a block; yields its process and its address."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._options: dict[str, Any] = {"cwd": folder, "env": environment, "text": True, "stdout": subprocess.PIPE}
        self._command = command

    def __enter__(self) -> tuple[subprocess.Popen[str], str]:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL, **self._options)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = re.search(r"http://[^ \"]+/dashboard", line)
            if found:
                return self._process, found[0]
        raise RuntimeError(f"the dashboard did not start: exit {self._process.wait()}")

    def __exit__(self, *_error: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=60)


def measured(pid: int, address: str) -> Iterator[float]:
    """Yield the megabytes of the process before and after the pages."""
    yield resident(pid)
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = opener.open(f"{address}/login").read().decode()
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    fields = {"name": "lab", "password": PASSWORD, "csrf_token": unescape(token[1])}
    opener.open(f"{address}/login", urllib.parse.urlencode(fields).encode()).read()
    for number in range(VIEWS):
        opener.open(address + PATHS[number % len(PATHS)]).read()
    yield resident(pid)


def resident(pid: int) -> float:
    """Return the resident memory of a process in megabytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
