"""A token bucket: a number of requests a second, with bursts of up to one second's worth."""

from __future__ import annotations

import threading
from collections.abc import Callable


class TokenBucket:
    """Lets ``rate`` requests a second through, shared by all threads of an endpoint.

    The bucket holds one second's worth of tokens, at least one, and starts full. A refused request takes no token, so a
    client that keeps asking gets through as often as one that waits.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        """Fill the bucket.

        Args:
            rate: requests a second, above 0.
            clock: seconds, never going back (``time.monotonic``).
        """
        self._rate = rate
        self._capacity = max(1.0, rate)
        self._tokens = self._capacity
        self._clock = clock
        self._filled_at = clock()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Return whether this request may pass; if so, take its token."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
