"""Measure the memory of ``turkctl market serve`` with its worker site: after its start, and after 200 pages."""

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
from contextlib import contextmanager
from html import unescape
from pathlib import Path

from benchmarks.bench_dashboard_memory import resident

VIEWS = 200
TARGET = 90
"""Megabytes of the process."""
HITS = 30
PATHS = ("", "?search=a&sort=reward", "/mine", "/messages", "/qualifications", "/password")
PROGRAM = [sys.executable, "-m", "turkctl"]


def main() -> None:
    """Print the resident memory of the process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for line in ("init", "experiments configure", f"hits create --hits {HITS} --assignments 9"):
            subprocess.run([*PROGRAM, *line.split()], cwd=folder, check=True, capture_output=True)
        command = [*PROGRAM, "market", "workers", "invite", "--quiet"]
        invited = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
        token = invited.strip().rpartition("/")[2]
        with served(folder) as (process, address):
            sizes = list(measured(process.pid, address, token))
    print(f"{'memory of market serve':<32} {'MB':>6} {'target':>8}")
    for title, size in zip(("after the start", f"after {VIEWS} pages"), sizes, strict=True):
        print(f"{title:<32} {size:>6.0f} {TARGET:>8}  {'' if size <= TARGET else 'NOT REACHED'}")


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the market for a block; yield its process and its address."""
    command = [*PROGRAM, "market", "serve", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        found = re.search(r"http://[^ ]+", process.stdout.readline())
        assert found, "the market did not start"
        try:
            yield process, found[0].rstrip("/")
        finally:
            process.send_signal(signal.SIGTERM)


def measured(pid: int, address: str, token: str) -> Iterator[float]:
    """Yield the megabytes of the process before and after the pages of somebody who was invited."""
    yield resident(pid)
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = opener.open(f"{address}/worker/join/{token}").read().decode()
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    fields = urllib.parse.urlencode({"csrf_token": unescape(found[1])}).encode()
    page = opener.open(f"{address}/worker/join/{token}", fields).read().decode()
    assert "HITs open to you" in page
    for number in range(VIEWS):
        opener.open(f"{address}/worker{PATHS[number % len(PATHS)]}").read()
    yield resident(pid)


if __name__ == "__main__":
    main()
