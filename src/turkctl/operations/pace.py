"""The pace that all threads of a batch share.

Unlimited until the market throttles for the first time; from then on requests are spaced evenly. Each success
quickens the pace a little, each throttled request slows it more (additive increase, multiplicative decrease, as in
TCP's congestion control), so that it hovers just above what the market allows.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

QUICKEN = 1.01
SLOW = 0.9
FLOOR = 0.5
"""Requests a second below which the pace never falls."""
WINDOW = 1.0
"""Seconds of successes from which the first estimate is made."""


class Pace:
    """Spaces requests out; safe to share between threads."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._rate: float | None = None
        self._next = 0.0
        self._successes: deque[float] = deque(maxlen=1000)

    @property
    def rate(self) -> float | None:
        """Requests a second at the moment; None while unlimited."""
        return self._rate

    def wait(self) -> None:
        """Return when it is this request's turn."""
        with self._lock:
            if self._rate is None:
                return
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + 1 / self._rate
        if turn > now:
            self._sleep(turn - now)

    def speed_up(self) -> None:
        """A request came through."""
        with self._lock:
            if self._rate is None:
                self._successes.append(self._clock())
            else:
                self._rate *= QUICKEN

    def slow_down(self) -> None:
        """A request was throttled."""
        with self._lock:
            now = self._clock()
            if self._rate is None:
                recent = sum(moment > now - WINDOW for moment in self._successes)
                self._rate = max(1.0, recent / WINDOW)
                self._next = now
            else:
                self._rate = max(FLOOR, self._rate * SLOW)
