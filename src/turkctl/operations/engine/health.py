"""Track for all requests of a batch whether the market can be reached and whether anything works.

After a refused connection the batch waits a while, because the market may be restarting. If no request has succeeded
for as long as one request is retried, the others get one try each instead of the same patience; and when as many as
run at once have failed in the same way, the batch stops. The user is told.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from turkctl.errors import TurkctlError, UnreachableError

OUTAGE = 20.0
"""Seconds for which refused connections are retried: the time a market needs to restart."""
FEWEST = 8
"""The lowest number of failures in a row that ends a batch, even if fewer requests run at once."""
SILENT = 5.0
"""Seconds of failures after which the user is told that requests are being retried."""
FEW = 3
"""Number of tries of a request that is answered by something other than a market, where retrying does not help."""
LONGEST_PAUSE, LONGEST_KNOCK = 5.0, 1.0
"""The highest number of seconds between two tries: of a failed request, and of a refused connection."""


class Health:
    """The health of the market, shared by the threads of one batch.

    Attributes:
        impatient: no request succeeded for as long as one request was retried; further ones get one try each.
        hopeless: the error that all requests failed with; None unless the batch must stop.
    """

    def __init__(self, clock: Callable[[], float], notice: Callable[[str], None], enough: int) -> None:
        """Begin with a market that is assumed to work.

        Args:
            clock: returns seconds.
            notice: called with what the user must know, from any thread.
            enough: the number of requests that run at once; this number of equal failures in a row ends the batch.
        """
        self.clock = clock
        self.impatient = False
        self.hopeless: TurkctlError | None = None
        self._notice = notice
        self._enough = max(enough, FEWEST)
        self._lock = threading.Lock()
        self._told = False
        self._success = float("-inf")
        self._refused: float | None = None
        """When connections began to be refused; None if they are not."""
        self._alike: tuple[str, int] = ("", 0)
        """The code of the last failure, and the number of failures in a row with that code."""

    def came_through(self) -> None:
        """Note that the market answered."""
        with self._lock:
            self._success = self.clock()
            self._alike = ("", 0)
            self.impatient = False
            self._refused = None
            told, self._told = self._told, False
        if told:
            self._notice("the market answers again")

    def is_away(self, error: TurkctlError) -> bool:
        """Note that a connection was refused; return whether the market has been unreachable for too long."""
        now = self.clock()
        with self._lock:
            since = self._refused = now if self._refused is None else self._refused
        if now - since > OUTAGE:
            return True
        self.tell(f"{error.message}; waiting up to {OUTAGE:.0f} s for it to come back")
        return False

    def tell(self, words: str) -> None:
        """Tell the user, unless they were told since the market last answered."""
        with self._lock:
            told, self._told = self._told, True
        if not told:
            self._notice(words)

    def gave_up(self, error: TurkctlError, began: float) -> None:
        """Note that a request that began then has failed and is not retried."""
        with self._lock:
            code, number = self._alike
            self._alike = (error.code, number + 1 if error.code == code else 1)
            self.impatient = self.impatient or self._success < began
            if self.impatient and self._alike[1] >= self._enough and self.hopeless is None:
                self.hopeless = error
            stops = self.hopeless is error
        if stops:
            self._notice(f"the last {self._enough} requests all failed with {error.code}: {error.message}; stopping")


class Tries:
    """The tries of one request."""

    def __init__(self, health: Health, patience: float, stopped: Callable[[], bool]) -> None:
        """Begin the first try.

        Args:
            health: the health of the market.
            patience: seconds for which the request is retried.
            stopped: returns whether the user has asked to stop.
        """
        self.uncertain = False
        """Whether a try may have taken effect although no answer came."""
        self.cut_short = False
        """Whether there are no more tries only because the user asked to stop."""
        self._health = health
        self._patience = patience
        self._stopped = stopped
        self._began = health.clock()
        self._knocking = False
        self._delay = 0.1
        self._strange = 0
        """Number of answers from something other than a market."""

    def go_on(self, error: TurkctlError) -> bool:
        """Return whether to retry after this error."""
        now = self._health.clock()
        if getattr(error, "not_sent", False):
            return self._knock(error)
        self._knocking = False
        if not getattr(error, "retryable", False):
            if not isinstance(error, UnreachableError):
                self._health.came_through()  # a refusal is an answer
            return False
        if not getattr(error, "throttled", False):
            self.uncertain = True
            if now - self._began > SILENT:
                again = f"retrying for up to {self._patience:.0f} s"
                self._health.tell(f"requests fail with {error.code}: {error.message}; {again}")
        if self._stopped():
            self.cut_short = True
            return False
        if self._health.impatient or now - self._began > self._patience or self._is_no_market(error):
            self._health.gave_up(error, self._began)
            return False
        return True

    def _is_no_market(self, error: TurkctlError) -> bool:
        """Note who answered; return whether something other than a market has answered often enough to give up."""
        if not getattr(error, "few_tries", False):
            return False
        self._strange += 1
        self._delay = 1.0  # give a proxy's error page a moment to go away while the market restarts
        return self._strange >= FEW

    def _knock(self, error: TurkctlError) -> bool:
        """Return whether to wait for a market that refuses connections, so that the request had no effect."""
        if not self._knocking:
            self._knocking, self._delay = True, 0.1
        if self._health.is_away(error):
            return False
        self.cut_short = self._stopped()
        return not self.cut_short

    def pause(self, rng: random.Random) -> float:
        """Return the seconds to wait before the next try; longer each time."""
        wait = self._delay * rng.uniform(0.5, 1.0)
        self._delay = min(self._delay * 2, LONGEST_KNOCK if self._knocking else LONGEST_PAUSE)
        return wait
