"""The dashboard as a process of its own, and somebody who uses it over HTTP."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

from dashboard_support import Visitor

HARNESS = Path(__file__).with_name("dashboard_crash_harness.py")
LIMIT = 60.0
GONE = "gone"


class _StaysHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_: Any) -> None:
        """Return nothing: the redirect is the answer."""


class _Client:
    """What :class:`Visitor` needs of a client, over HTTP."""

    def __init__(self, address: str, cookies: http.cookiejar.CookieJar) -> None:
        self.address = address
        handlers = (urllib.request.HTTPCookieProcessor(cookies), urllib.request.ProxyHandler({}))
        self._follows = urllib.request.build_opener(*handlers)
        self._stays = urllib.request.build_opener(*handlers, _StaysHere())

    def get(self, path: str, *, follow_redirects: bool = False) -> Any:
        """Open a page."""
        return self._ask(path, None, follow_redirects)

    def post(self, path: str, data: Mapping[str, str], *, follow_redirects: bool = False) -> Any:
        """Send a form."""
        return self._ask(path, urlencode(data).encode(), follow_redirects)

    def _ask(self, path: str, data: bytes | None, follow: bool) -> Any:
        opener = self._follows if follow else self._stays
        try:
            answer = opener.open(self.address + path, data, LIMIT)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            text = answer.read().decode()
        parts = urlsplit(answer.url)
        return SimpleNamespace(
            get_data=lambda as_text: text,
            status_code=answer.status,
            headers=answer.headers,
            request=SimpleNamespace(full_path=f"{parts.path}?{parts.query}"),
        )


class HttpVisitor(Visitor):
    """Somebody who uses a dashboard over HTTP; the cookies outlive the server."""

    def __init__(self, address: str, name: str = "lab", cookies: http.cookiejar.CookieJar | None = None) -> None:
        self.cookies = cookies if cookies is not None else http.cookiejar.CookieJar()
        self.client: Any = _Client(address, self.cookies)
        self.text, self.status, self.path = "", 0, ""
        if cookies is None:
            self.sign_in(name)


class ServedProcess:
    """A dashboard that serves the study of a folder, until it is stopped or ends itself."""

    def __init__(self, folder: Path, way: str = "never", number: int = 0, **settings: str) -> None:
        environment = {f"TURKCTL_{name.upper()}": value for name, value in settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, str(HARNESS), way, str(number)],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://[^/ ]+", line)
        if found is None:
            self.process.kill()
            raise AssertionError(f"it did not start: {line}{self.process.communicate()[1]}")
        self.address = found[0]

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.wait()

    def stop(self) -> int:
        """Ask it to stop, and wait for it; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended; the exit code."""
        self.process.communicate(timeout=LIMIT)
        return self.process.returncode

    def __enter__(self) -> ServedProcess:
        """Return the running server."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no process behind."""
        if self.process.poll() is None:
            self.kill()
