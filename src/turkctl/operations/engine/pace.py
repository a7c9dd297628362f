"""Control the pace that all threads of a batch share.

The pace is unlimited until the market throttles for the first time; then all threads wait until a second of requests
has shown what the market allows, and from then on requests are spaced evenly. Each success raises the pace a little. A
throttled request sets it just below the number of successes in the last second, which is what the market allows; if
there were too few successes to tell, it lowers the pace by a tenth. So the pace stays near the limit (as in TCP's
congestion control). Requests that were already in progress when the pace was set do not change it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

QUICKEN = 1.01
"""The factor by which each success raises the pace."""
SPURT = 1.05
"""The same factor after :data:`LONG` successes without throttling: the limit must be far above."""
LONG = 30
SLOW = 0.9
BELOW = 0.95
"""The pace after throttling, as a share of the recent successes."""
ENOUGH = 5
"""The lowest number of successes in the window that shows what the market allows."""
FLOOR = 0.5
"""The lowest pace, in requests a second."""
WINDOW = 1.0
"""The seconds over which successes are counted."""


class Pace:
    """Spaces requests out; safe to share between threads."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._gate = threading.Lock()
        """Held by the thread that waits for the next turn; the others queue behind, and use the pace of that time."""
        self._lock = threading.Lock()
        self._rate: float | None = None
        """Requests a second at the moment; None while unlimited."""
        self._next = 0.0
        self._slowed = float("-inf")
        self._since = 0
        self._successes: deque[float] = deque(maxlen=2000)

    def wait(self) -> float:
        """Wait for this request's turn; return its moment, for :meth:`slow_down`."""
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
        """Note that a request succeeded."""
        with self._lock:
            now = self._clock()
            self._successes.append(now)
            if now < self._slowed:  # in progress when the first pause began: it counts for the estimate
                self._rate = max(1.0, BELOW * self._recent(now))
            elif self._rate is not None:
                self._since += 1
                self._rate *= SPURT if self._since > LONG else QUICKEN

    def slow_down(self, began: float) -> None:
        """Note that a request that began at that moment was throttled."""
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
        """Begin to space requests; the first waits until a second of requests can be counted."""
        first = self._successes[0] if self._successes else now
        resume = max(now, first + WINDOW)
        self._rate = max(1.0, BELOW * self._recent(now))
        self._next = self._slowed = resume

    def _recent(self, now: float) -> float:
        """Return the recent number of successes a second."""
        return sum(moment > now - WINDOW for moment in self._successes) / WINDOW
