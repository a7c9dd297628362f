"""The pace that all threads of a batch share.

Unlimited until the market throttles for the first time; then everybody waits until a second of requests has shown
what the market allows, and from then on requests are spaced evenly. Each success
quickens the pace a little. A throttled request sets it just below what came through in the last second, which is what
the market allows; where too little came through to tell, it slows the pace by a tenth. So it hovers around the limit
(the shape is TCP's congestion control). Requests that were under way when the pace was set say nothing about it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

QUICKEN = 1.01
"""How each success quickens the pace."""
SPURT = 1.05
"""The same once the limit has not been met for :data:`LONG` successes: it must be far above."""
LONG = 30
SLOW = 0.9
BELOW = 0.95
"""The pace after throttling, as a share of what came through."""
ENOUGH = 5
"""Successes in the window from which it tells what the market allows."""
FLOOR = 0.5
"""Requests a second below which the pace never falls."""
WINDOW = 1.0
"""Seconds."""


class Pace:
    """Spaces requests out; safe to share between threads."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._gate = threading.Lock()
        """Held by the one who waits for the next turn: the others queue behind, and get theirs by the pace of then."""
        self._lock = threading.Lock()
        self._rate: float | None = None
        """Requests a second at the moment; None while unlimited."""
        self._next = 0.0
        self._slowed = float("-inf")
        self._since = 0
        self._successes: deque[float] = deque(maxlen=2000)

    def wait(self) -> float:
        """Return when it is this request's turn; the moment, for :meth:`slow_down`."""
        if self._rate is None:
            return self._clock()
        with self._gate:
            now = self._clock()
            turn = max(now, self._next)
            if turn > now:
                self._sleep(turn - now)
            with self._lock:
                self._next = turn + 1 / (self._rate or FLOOR)
        return turn

    def speed_up(self) -> None:
        """A request came through."""
        with self._lock:
            now = self._clock()
            self._successes.append(now)
            if now < self._slowed:  # on its way when the first pause began: it belongs to the estimate
                self._rate = max(1.0, BELOW * self._recent(now))
            elif self._rate is not None:
                self._since += 1
                self._rate *= SPURT if self._since > LONG else QUICKEN

    def slow_down(self, began: float) -> None:
        """A request that began at that moment was throttled."""
        with self._lock:
            now = self._clock()
            if began <= self._slowed:
                return
            self._since = 0
            if self._rate is None:
                self._pause(now)
                return
            self._slowed = now
            recent = self._recent(now)
            self._rate = BELOW * recent if recent >= ENOUGH else max(FLOOR, SLOW * self._rate)

    def _pause(self, now: float) -> None:
        """Begin to space requests out: the first one when a second of them, or what there was, can be counted."""
        first = self._successes[0] if self._successes else now
        resume = max(now, first + WINDOW)
        self._rate = max(1.0, BELOW * self._recent(now))
        self._next = self._slowed = resume

    def _recent(self, now: float) -> float:
        """Successes a second of late."""
        return sum(moment > now - WINDOW for moment in self._successes) / WINDOW
