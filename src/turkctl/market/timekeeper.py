"""Makes time pass in a market that nobody asks: what is due happens soon after its time, and is told.

Two threads. One looks for what is due, at least once a second, since another process may turn the clock; a look costs
the first entry of five indexes. The other delivers, so that a queue that does not answer holds up neither the time nor
the requests. All state is in the database: what a process that ends leaves undone, the next one does.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turkctl.market.core import MarketCore

log = logging.getLogger(__name__)

LONGEST_PAUSE = 1.0
"""Seconds between two looks, at most."""
_SHORTEST_PAUSE = 0.05
_STOP_SECONDS = 5.0


class Timekeeper:
    """Keeps a market's time while it is served. Begin with :meth:`start`, end with :meth:`stop`."""

    def __init__(self, market: MarketCore) -> None:
        """Prepare without a thread.

        Args:
            market: whose time it is.
        """
        self._market = market
        self._ending = threading.Event()
        self._written = threading.Event()
        """Set where there may be events to deliver."""
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin: from now on the market's events are delivered by this timekeeper."""
        self._market.employ(self._written.set)
        for work in (self._settle, self._deliver):
            thread = threading.Thread(target=work, name=f"turkctl-market{work.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End, once what is due to be told is told, or after five seconds."""
        self._ending.set()
        self._market.employ(None)
        self._written.set()  # wakes whoever waits for events
        last = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, last - time.monotonic()))
        self._threads.clear()

    def _settle(self) -> None:
        pause, failing = 0.0, False
        while not self._ending.wait(pause):
            try:
                pause = self._look()
                failing = False
            except Exception as error:  # noqa: BLE001  time has to go on, once the database answers again
                pause = LONGEST_PAUSE
                if not failing:
                    log.warning("what is due in the market cannot be done at present: %s", error)
                failing = True

    def _look(self) -> float:
        """Do what is due, and tell how many seconds the next look can wait."""
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
