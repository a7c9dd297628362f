"""A token bucket: so many requests a second, with a second's worth of burst."""

from __future__ import annotations

import threading
from collections.abc import Callable


class TokenBucket:
    """Lets ``rate`` requests a second through, shared by all threads of an endpoint.

    The bucket holds one second's worth of tokens, one at least, and starts full. A request that is refused takes
    no token, so a client that hammers a full bucket gets as much through as one that waits.
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
        """Whether this request may pass; if so, its token is gone."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
