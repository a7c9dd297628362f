"""A market that only remembers what it was asked: enough for everything that happens before the market itself."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.wire import answer

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


class RecordingMarket:
    listing_lag = timedelta()

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}

    def now(self) -> datetime:
        return NOW

    def employ(self, _courier: Any) -> None:
        """Nothing is ever due here."""

    def deliver(self, _events: Any) -> None:
        """There never are any."""

    def presence(self) -> RecordingMarket:
        return self

    def begin(self) -> None:
        """Nobody else looks for who serves it."""

    def go_on(self) -> None:
        """It needs no sign of life."""

    def end(self) -> None:
        """Nothing is kept of it."""

    def next_due(self) -> tuple[float, float]:
        return math.inf, math.inf

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def operation(requester: Any, request: dict[str, Any]) -> Any:
            self.asked.append((name, requester, request))
            reply = self.answers.get(name, {})
            if isinstance(reply, Exception):
                raise reply
            return reply

        return operation


def call(
    endpoint: Endpoint,
    operation: str,
    request: Any,
    path: str = "/",
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    target = {"X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}"}
    status, _, content = answer(endpoint, path, {**target, **(headers or {})}, body)
    return status, json.loads(content)


MINIMAL_HIT = {
    "LifetimeInSeconds": 3600,
    "AssignmentDurationInSeconds": 600,
    "Reward": "0.50",
    "Title": "Name the colour",
    "Description": "Ten minutes",
    "Question": "<ExternalQuestion/>",
}
