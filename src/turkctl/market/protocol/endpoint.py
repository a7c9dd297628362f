"""A market as clients reach it: with switches that make it misbehave, keys, and a count of requests."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from turkctl.market.errors import ServiceFault, ThrottlingException
from turkctl.market.names import method_name
from turkctl.market.protocol.switches import Dice, Fate, Switches
from turkctl.market.protocol.throttle import TokenBucket

if TYPE_CHECKING:
    from turkctl.market.archived import ArchivedMarket
    from turkctl.market.notifier import LossyNotify
    from turkctl.market.requester import Requester
    from turkctl.market.service import Market


class CutAnswerError(Exception):
    """Raised if the effect happened but the connection must break unanswered; each door does so in its own way."""


class Endpoint:
    """One market behind any number of doors, which share all state; safe for many threads.

    Attributes:
        market: carries out the requests.
        keys: secret by access key id; if there are any, every request must be signed with one of them.
        accounts: account number by access key id, for keys that name one.
        before: called with the operation's name right before each effect. If it raises, the request fails with an
            internal error and without effect.
        after: called right after each effect, before the answer can be lost.
        now: real time in epoch seconds, for the age of signatures.
        requests: number of requests by operation, refused ones included.
        peak_concurrency: largest number of requests in progress at once.
    """

    def __init__(
        self,
        market: Market | ArchivedMarket,
        *,
        switches: Switches | None = None,
        notifications: LossyNotify | None = None,
        keys: Mapping[str, str] | None = None,
        accounts: Mapping[str, str] | None = None,
        before: Callable[[str], None] | None = None,
        after: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        """Put an endpoint in front of ``market``.

        Args:
            market: carries out the requests.
            switches: how it misbehaves; by default not at all.
            notifications: what the market delivers notifications with; needed in order to lose some.
            keys: secret by access key id; if None or empty, signatures are not checked.
            accounts: see the class.
            before: see the class.
            after: see the class.
            clock: seconds for the throttle, never going back.
            sleep: waits for a number of seconds, for the latency.
            now: see the class.
            rng: the source of request ids.
        """
        self.market = market
        self.keys = dict(keys or {})
        self.accounts = dict(accounts or {})
        self.before = before
        self.after = after
        self.now = now
        self.requests: Counter[str] = Counter()
        self.peak_concurrency = 0
        self._under_way = 0
        self._clock = clock
        self._sleep = sleep
        self._rng = rng or random.Random()  # noqa: S311  request ids are no secrets
        self._lock = threading.Lock()
        self._notifications = notifications
        self.switches = switches or Switches()

    @property
    def switches(self) -> Switches:
        """Return how the market misbehaves; setting it refills the bucket and restarts the random source.

        Raises:
            ValueError: notifications are to be lost, but the endpoint was not given what delivers them.
        """
        return self._switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        if self._notifications is not None:
            self._notifications.lose(switches.notification_loss, switches.seed)
        elif switches.notification_loss:
            raise ValueError("notification_loss needs the market's notifications: Endpoint(notifications=…)")
        self._switches = switches
        self._bucket = TokenBucket(switches.throttle, self._clock) if switches.throttle else None
        self._dice = Dice(switches)
        self.market.listing_lag = timedelta(seconds=switches.lag)

    def request_id(self) -> str:
        """Return a new id for the ``x-amzn-RequestId`` header."""
        with self._lock:
            return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def perform(self, operation: str, requester: Requester, request: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a checked request, or misbehave as the switches say.

        Args:
            operation: the API's name, as in ``CreateHIT``.
            requester: who asks, and in which environment.
            request: as :func:`turkctl.market.protocol.validate.check` returns it.

        Raises:
            MarketError: the market refused, or a switch made it fail.
            AnswerLostError: the effect happened, but the caller must not learn of it.
        """
        with self._counted(operation):
            if self._bucket is not None and not self._bucket.take():
                raise ThrottlingException
            fate = self._dice.throw()
            if self._switches.latency:
                self._sleep(self._switches.latency)
            if fate.fault_before:
                raise ServiceFault
            return self._effect(operation, requester, request, fate)

    def _effect(self, operation: str, requester: Requester, request: Mapping[str, Any], fate: Fate) -> dict[str, Any]:
        if self.before is not None:
            self.before(operation)
        answer: dict[str, Any] = getattr(self.market, method_name(operation))(requester, request)
        if self.after is not None:
            self.after(operation)
        if fate.answer_lost:
            raise CutAnswerError(operation)
        if fate.fault_after:
            raise ServiceFault
        return answer

    @contextmanager
    def _counted(self, operation: str) -> Iterator[None]:
        with self._lock:
            self.requests[operation] += 1
            self._under_way += 1
            self.peak_concurrency = max(self.peak_concurrency, self._under_way)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
