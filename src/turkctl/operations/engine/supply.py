"""Read what is supplied as the work grows: each answer may lead to further requests, and none is kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from turkctl.errors import CredentialsError, InterruptedByUserError, TurkctlError
from turkctl.mturk.errors import AnswerLostError, MarketRefusedError
from turkctl.operations.engine.batch import FLUSH_AFTER, Engine
from turkctl.operations.engine.pace import Pace

K = TypeVar("K")
V = TypeVar("V")

VALUES = (MarketRefusedError, CredentialsError, AnswerLostError)
"""Errors of one request, which others may be spared."""
Supply = Callable[[int, Collection[K]], Sequence[K]]
"""Returns what to read next: at most this number of keys, without those that are under way."""


def read_supplied(
    engine: Engine, supply: Supply[K], read: Callable[[K], V]
) -> Iterator[list[tuple[K, V | TurkctlError]]]:
    """Read in threads that share one pace, until nothing is supplied any more; yield results in groups.

    What a group leads to can be supplied once the next group is asked for. If a request fails, its error is its
    result. Before any exception of this function all finished results are yielded.

    Raises:
        UnreachableError: the market cannot be reached.
        TurkctlError: all requests fail in the same way.
        InterruptedByUserError: the engine was stopped; requests that would have been repeated have no result.
    """
    with ThreadPoolExecutor(engine.workers, thread_name_prefix="turkctl") as pool:
        stream = _Stream(engine, supply, read, pool)
        while stream.go_on():
            landed = stream.land()
            if landed:
                yield landed
    if stream.fatal is not None:
        raise stream.fatal
    if engine.stop.is_set():
        raise InterruptedByUserError(
            "interrupted; what was read is kept", hint="run the same command again for the rest"
        )


class _Stream(Generic[K, V]):
    """Requests under way, and those that have landed."""

    def __init__(self, engine: Engine, supply: Supply[K], read: Callable[[K], V], pool: ThreadPoolExecutor) -> None:
        self.fatal: BaseException | None = None
        self._engine, self._supply, self._read, self._pool = engine, supply, read, pool
        self._pace, self._health = Pace(engine.clock, engine.sleep), engine.health()
        self._flying: dict[Future[V], K] = {}
        self._finished: SimpleQueue[Future[V]] = SimpleQueue()
        self._dry = False
        """Whether nothing was supplied since the last result."""

    def go_on(self) -> bool:
        """Send what there is room for; return whether anything is under way."""
        self.fatal = self.fatal or self._health.hopeless
        room = 2 * self._engine.workers - len(self._flying)
        if self.fatal is None and not self._engine.stop.is_set() and room >= self._engine.workers and not self._dry:
            supplied = self._supply(room, self._flying.values())
            self._dry = len(supplied) < room
            for key in supplied:
                future = self._pool.submit(self._attempt, key)
                self._flying[future] = key
                future.add_done_callback(self._finished.put)
        return bool(self._flying)

    def _attempt(self, key: K) -> V:
        return self._engine.attempt(lambda: self._read(key), self._pace, self._health)

    def land(self) -> list[tuple[K, V | TurkctlError]]:
        """Wait for a result, and return those that have come; while there is enough to do, wait for a few more."""
        landed: list[tuple[K, V | TurkctlError]] = []
        ends = self._engine.clock() + FLUSH_AFTER
        with suppress(Empty):
            landed += self._outcome(self._finished.get(timeout=FLUSH_AFTER))
            while len(landed) < self._engine.group:
                busy = len(self._flying) >= self._engine.workers
                patience = max(0.0, ends - self._engine.clock()) if busy else 0.0
                landed += self._outcome(self._finished.get(block=patience > 0, timeout=patience or None))
        self._dry = self._dry and not landed
        return landed

    def _outcome(self, future: Future[V]) -> list[tuple[K, V | TurkctlError]]:
        key, error = self._flying.pop(future), future.exception()
        if error is None:
            return [(key, future.result())]
        if isinstance(error, VALUES):
            return [] if error.cut_short else [(key, error)]
        self.fatal = self.fatal or error
        return []
