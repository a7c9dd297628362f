"""``turkctl market serve`` as a process of its own: time passes in it while it is idle, and outlives it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from market_support import REQUESTER, hit_request
from sqlalchemy import create_engine
from test_core_time import EVENTS, eventually, true_of, turn, waiting
from waitress import create_server

from turkctl.market.service import Market

HITS = 40


class QueueHost:
    """A host on this computer that takes messages as SQS does."""

    def __init__(self) -> None:
        self.taken: Counter[tuple[str, str]] = Counter()
        connections: dict[int, object] = {}
        self._server = create_server(self._app, map=connections, host="127.0.0.1", port=0, threads=1)
        self._connections = connections
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        self.queue = f"http://127.0.0.1:{self._server.effective_port}/1/events"

    def _app(self, environ: Any, start_response: Any) -> list[bytes]:
        body = json.loads(environ["wsgi.input"].read())["MessageBody"]
        self.taken.update((each["EventType"], each["HITId"]) for each in json.loads(body)["Events"])
        start_response("200 OK", [("Content-Type", "application/x-amz-json-1.0")])
        digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        return [json.dumps({"MessageId": "1", "MD5OfMessageBody": digest}).encode()]

    def close(self) -> None:
        self._server.trigger.pull_trigger(lambda: [each.close() for each in list(self._connections.values())])  # type: ignore[attr-defined]
        self._thread.join(timeout=10)
        self._server.task_dispatcher.shutdown()


@pytest.fixture
def host() -> Iterator[QueueHost]:
    made = QueueHost()
    yield made
    made.close()


def environment(url: str) -> dict[str, str]:
    return {**os.environ, "TURKCTL_MARKET_URL": url, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}


@contextmanager
def served(url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The market at ``url`` as a process of its own, once it listens."""
    command = [sys.executable, "-m", "turkctl", "market", "serve", "--port", "0"]
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(url), stdout=subprocess.PIPE, stderr=log, text=True
        )
    with process:
        assert process.stdout is not None
        assert re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline()), (folder / "log").read_text()
        try:
            yield process
        finally:
            process.kill()


def notified_hits(url: str, queue: str, count: int) -> set[str]:
    """HITs of an hour whose events are told to ``queue``."""
    market = Market(url)
    kind = market.create_hit_type(REQUESTER, hit_request())["HITTypeId"]
    notification = {"Destination": queue, "Transport": "SQS", "Version": "2014-08-15", "EventTypes": EVENTS}
    market.update_notification_settings(REQUESTER, {"HITTypeId": kind, "Notification": notification})
    made = set(market.bulk_hits(REQUESTER, hit_request(), count))
    market.close()
    return made


def test_time_passes_in_an_idle_server_whoever_turns_the_clock(url: str, tmp_path: Path, host: QueueHost) -> None:
    hits = notified_hits(url, host.queue, 2)
    other = create_engine(url)
    with served(url, tmp_path) as process:
        turn(other, timedelta(hours=2))  # by a process that does nothing else: the server alone can tell
        eventually(lambda: set(host.taken) == {(kind, hit) for kind in ("HITExpired", "HITReviewable") for hit in hits})
        command = [sys.executable, "-m", "turkctl", "market", "clock", "--advance", "200d", "--json"]
        clock = subprocess.run(command, cwd=tmp_path, env=environment(url), capture_output=True, text=True, check=False)
        assert (clock.returncode, clock.stderr) == (0, "")
        eventually(lambda: {hit for kind, hit in host.taken if kind == "HITDisposed"} == hits)
        eventually(lambda: waiting(other) == 0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    other.dispose()
    assert set(host.taken.values()) == {1}


@pytest.mark.slow
def test_a_server_that_is_killed_while_time_passes_loses_no_event(url: str, tmp_path: Path, host: QueueHost) -> None:
    hits = notified_hits(url, host.queue, HITS)
    expected = {(kind, hit) for kind in ("HITExpired", "HITReviewable", "HITDisposed") for hit in hits}
    other = create_engine(url)
    for by in (timedelta(hours=2), timedelta(days=200), timedelta(minutes=1)):
        with served(url, tmp_path) as process:
            before = host.taken.total()
            turn(other, by)
            eventually(lambda before=before: host.taken.total() > before + 3)  # type: ignore[misc]
            process.kill()
        assert {hit for _, hit in host.taken} <= true_of(other)
    with served(url, tmp_path):
        turn(other, timedelta(minutes=1))
        eventually(lambda: set(host.taken) == expected)
        eventually(lambda: waiting(other) == 0)
    other.dispose()
