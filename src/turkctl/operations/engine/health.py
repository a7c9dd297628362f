"""What the requests of a batch know together of the market: whether it can be reached, and whether anything works.

A refused connection is waited out, for a market may be starting anew. Where nothing has come through for as long as
one request is tried again, the others get one try each instead of the same patience, and when as many as are under way
at once have failed in the same way, the batch stops. Whoever waits hears of it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from turkctl.errors import TurkctlError, UnreachableError

OUTAGE = 20.0
"""Seconds for which refused connections are tried again: what a market takes to start anew."""
FEWEST = 8
"""Failures in a row that make a market hopeless, at least, however few requests are under way at once."""
SILENT = 5.0
"""Seconds of failures after which the user hears that requests are being repeated."""
FEW = 3
"""Tries of a request that something answers which is no market, where repeating it helps nobody."""
LONGEST_PAUSE, LONGEST_KNOCK = 5.0, 1.0
"""Seconds between two tries, at most: of a request that failed, and of a connection that was refused."""


class Health:
    """What is known of the market; shared by the threads of one batch.

    Attributes:
        impatient: nothing came through for as long as one request was tried again: further ones get one try each.
        hopeless: the error with which all of a wave failed; None unless the batch has to stop.
    """

    def __init__(self, clock: Callable[[], float], notice: Callable[[str], None], enough: int) -> None:
        """Begin with a market that is taken to work.

        Args:
            clock: seconds.
            notice: hears what the user has to know; called from any thread.
            enough: requests under way at once: as many failures in a row, all alike, make it hopeless.
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
        """Since when connections are refused."""
        self._alike: tuple[str, int] = ("", 0)
        """The code of the last failure, and how many with it came one after another."""

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
        """Note that a connection was refused; return whether the market has been away for too long."""
        now = self.clock()
        with self._lock:
            since = self._refused = now if self._refused is None else self._refused
        if now - since > OUTAGE:
            return True
        self.tell(f"{error.message}; waiting up to {OUTAGE:.0f} s for it to come back")
        return False

    def tell(self, words: str) -> None:
        """Let the user know, once until the market answers again."""
        with self._lock:
            told, self._told = self._told, True
        if not told:
            self._notice(words)

    def gave_up(self, error: TurkctlError, began: float) -> None:
        """Note that a request that had begun then failed for good."""
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
        """Begin the first.

        Args:
            health: of the market.
            patience: seconds for which the request is tried again.
            stopped: whether the user wants an end.
        """
        self.uncertain = False
        """Whether a try may have had its effect though no answer came."""
        self.cut_short = False
        """Whether there are no more tries only because the user wants an end."""
        self._health = health
        self._patience = patience
        self._stopped = stopped
        self._began = health.clock()
        self._knocking = False
        self._delay = 0.1
        self._strange = 0
        """Answers of something that is no market."""

    def go_on(self, error: TurkctlError) -> bool:
        """Return whether to try again after this error."""
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
                again = f"trying again for up to {self._patience:.0f} s"
                self._health.tell(f"requests fail with {error.code}: {error.message}; {again}")
        if self._stopped():
            self.cut_short = True
            return False
        if self._health.impatient or now - self._began > self._patience or self._is_no_market(error):
            self._health.gave_up(error, self._began)
            return False
        return True

    def _is_no_market(self, error: TurkctlError) -> bool:
        """Note what answered; return whether it has been seen often enough not to be a market."""
        if not getattr(error, "few_tries", False):
            return False
        self._strange += 1
        self._delay = 1.0  # what stands in for a market that starts anew has a moment to go away
        return self._strange >= FEW

    def _knock(self, error: TurkctlError) -> bool:
        """Return whether to wait for a market that refuses connections: nothing can have happened."""
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
