"""Let time pass in a market without requests: process and report what is due soon after its time.

Two threads. One looks for what is due, at least once a second, since another process may move the clock; a look costs
the first entry of five indexes. The other delivers, so that an unresponsive queue delays neither the time nor the
requests. All state is in the database: if a process ends with work undone, the next process does it.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turkctl.market.core import MarketCore
    from turkctl.market.tx import Event

log = logging.getLogger(__name__)

LONGEST_PAUSE = 1.0
"""Maximum number of seconds between two looks."""
_SHORTEST_PAUSE = 0.05
_MOST_HANDED_OVER = 1_000
"""Number of transactions whose events may wait for delivery. The others stay in the outbox until they are retried."""
_STOP_SECONDS = 5.0


class Timekeeper:
    """Keeps a market's time while it is served. Call :meth:`start` to begin, :meth:`stop` to end."""

    def __init__(self, market: MarketCore) -> None:
        """Prepare without starting a thread.

        Args:
            market: the market whose time to keep.
        """
        self._market = market
        self._ending = threading.Event()
        self._handed_over: queue.Queue[list[Event] | None] = queue.Queue(_MOST_HANDED_OVER)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start: from now on this timekeeper delivers the market's events."""
        self._market.employ(self._take)
        for work in (self._settle, self._deliver):
            thread = threading.Thread(target=work, name=f"turkctl-market{work.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop once what was handed over is delivered, or after five seconds."""
        self._ending.set()
        self._market.employ(None)
        self._take([])  # wakes the thread that waits for events
        last = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, last - time.monotonic()))
        self._threads.clear()

    def _take(self, events: list[Event] | None) -> None:
        try:
            self._handed_over.put_nowait(events)
        except queue.Full:
            log.warning("notifications are written faster than they are delivered; the others are delivered later")

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
        first, outbox = self._market.next_due()
        if outbox <= 0 and self._handed_over.empty():
            self._take(None)
        if first > 0:
            return max(_SHORTEST_PAUSE, min(LONGEST_PAUSE, first))
        self._market.settle()
        return _SHORTEST_PAUSE

    def _deliver(self) -> None:
        while not (self._ending.is_set() and self._handed_over.empty()):
            try:
                events = self._handed_over.get(timeout=LONGEST_PAUSE)
            except queue.Empty:
                continue
            try:
                if events is None:
                    self._market.deliver_waiting()
                else:
                    self._market.deliver(events)
            except Exception as error:  # noqa: BLE001  the events are in the outbox and are retried
                log.warning("notifications were not delivered: %s", error)
