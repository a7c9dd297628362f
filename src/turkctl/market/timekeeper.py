"""Let time pass in a market without requests: process and report what is due soon after its time.

Two threads. One looks for what is due, at least once a second, since another process may move the clock; a look costs
the first entry of five indexes. The other delivers, so that an unresponsive queue delays neither the time nor the
requests. All state is in the database: if a process ends with work undone, the next process does it.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from turkctl.copying.marks import MarkedError

if TYPE_CHECKING:
    from turkctl.market.core import MarketCore

log = logging.getLogger(__name__)

LONGEST_PAUSE = 1.0
"""Maximum number of seconds between two looks."""
_SHORTEST_PAUSE = 0.05
_STOP_SECONDS = 5.0


class Timekeeper:
    """Keeps a market's time while it is served. Call :meth:`start` to begin, :meth:`stop` to end."""

    def __init__(self, market: MarketCore) -> None:
        """Prepare without starting a thread.

        Args:
            market: the market whose time to keep.
        """
        self._market = market
        self._presence = market.presence()
        self._ending = threading.Event()
        self._written = threading.Event()
        """Set where there may be events to deliver."""
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start: from now on this timekeeper delivers the market's events.

        Raises:
            MarkedError: the market was moved to another database, or is a copy that does not act.
        """
        try:
            self._presence.begin()
        except MarkedError:
            raise
        except Exception as error:  # noqa: BLE001  the look at what is due says so as well, and goes on
            log.warning("the market cannot be told that it is served: %s", error)
        self._market.employ(self._written.set)
        for work in (self._settle, self._deliver):
            thread = threading.Thread(target=work, name=f"turkctl-market{work.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop once what is due is delivered, or after five seconds."""
        self._ending.set()
        self._market.employ(None)
        self._written.set()  # wakes whoever waits for events
        last = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, last - time.monotonic()))
        self._threads.clear()
        try:
            self._presence.end()
        except Exception as error:  # noqa: BLE001  it ends by itself
            log.warning("the market cannot be told that it is served no more: %s", error)

    def _settle(self) -> None:
        pause, failing = 0.0, False
        while not self._ending.wait(pause):
            try:
                pause = self._look()
                failing = False
            except Exception as error:  # noqa: BLE001  carry on once the database answers again
                pause = LONGEST_PAUSE
                if not failing:
                    log.warning("what is due in the market cannot be processed at present: %s", error)
                failing = True

    def _look(self) -> float:
        """Process what is due; return the number of seconds that the next look can wait."""
        self._presence.go_on()
        first, outbox = self._market.next_due()
        if outbox <= 0:
            self._written.set()
        if first > 0:
            return max(_SHORTEST_PAUSE, min(LONGEST_PAUSE, first))
        self._market.settle()
        return _SHORTEST_PAUSE

    def _deliver(self) -> None:
        """Deliver what is due whenever something may be; a last time at the end."""
        ending = False
        while not ending:
            self._written.wait()
            self._written.clear()
            ending = self._ending.is_set()
            try:
                while self._market.deliver_waiting():
                    pass
            except Exception as error:  # noqa: BLE001  the events are in the outbox, and their turn comes again
                log.warning("notifications were not delivered: %s", error)
