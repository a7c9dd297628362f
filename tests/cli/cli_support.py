"""What the tests of the command line share."""

from __future__ import annotations

import io
import json
import sys
import threading
from typing import Any

import pytest

from turkctl.market.doors.http import serve
from turkctl.market.protocol.endpoint import Endpoint


class listening:  # noqa: N801  # reads as a function
    """Serves an endpoint on a free port for the length of a block; its address is the block's value."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._server = serve(endpoint, "127.0.0.1", 0, 8)
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.port}"

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


def last_error(err: str) -> dict[str, Any]:
    """The error object that ``--json`` leaves in the last line of standard error."""
    found = json.loads(err.splitlines()[-1])
    assert list(found) == ["error"]
    assert list(found["error"]) == ["code", "message", "hint"]
    error: dict[str, Any] = found["error"]
    return error


class Terminal(io.StringIO):
    """A standard stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True

    @classmethod
    def take_over(cls, monkeypatch: pytest.MonkeyPatch, answer: str) -> Terminal:
        """Somebody at a terminal who types ``answer``; what standard error showed them."""
        shown = cls()
        monkeypatch.setattr(sys, "stdin", cls(answer))
        monkeypatch.setattr(sys, "stderr", shown)
        return shown
