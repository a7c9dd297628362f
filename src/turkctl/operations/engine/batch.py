"""The one loop that applies plans: concurrency, retries, pace, progress and interrupt for every batch.

Requests run in a bounded pool of threads; everything that touches the database runs in the caller's thread, in
groups. One failing item never stops the batch. Retries are this module's alone (the client makes one attempt), so
that all threads share one pace: when the market throttles, everybody slows down together.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from turkctl.errors import InterruptedByUserError, TurkctlError, UnreachableError
from turkctl.mturk.errors import MarketRefusedError
from turkctl.operations.engine.health import Health, Tries
from turkctl.operations.engine.pace import Pace
from turkctl.operations.engine.plan import FAILED, Act, BatchResult, Done, ItemError, ItemResult, Plan, RunKeeper, Step

P = TypeVar("P")
T = TypeVar("T")

READ_PATIENCE = 30.0
"""Seconds for which a single read that meets retryable errors is tried again."""
FLUSH_AFTER = 0.2
"""Seconds for which finished results may wait for others, to be recorded in one transaction."""


class _UnstartedError(Exception):
    """The batch was stopped before this step's first request."""


@dataclass
class Engine:
    """How batches are applied.

    Attributes:
        workers: threads that ask the market at the same time.
        group: steps whose intents are committed, and results recorded, in one transaction.
        patience: seconds for which a step that meets retryable errors is tried again.
        stop: set it to let the items in hand finish and leave the rest undone.
        beat: called between groups, e.g. to see that a lease still holds; what it raises ends the batch.
        notice: hears what the user has to know while it lasts: that the market cannot be reached, or fails at
            everything. Called from any thread.
        journal: gives what keeps the row of a plan that brings none of its own.
    """

    workers: int = 32
    group: int = 64
    patience: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    rng: random.Random = field(default_factory=random.Random)
    stop: threading.Event = field(default_factory=threading.Event)
    beat: Callable[[], None] = lambda: None
    notice: Callable[[str], None] = lambda _words: None
    journal: Callable[[Plan[Any]], RunKeeper | None] = lambda _plan: None

    def apply(
        self, plan: Plan[P], act: Act[P], on_item: Callable[[ItemResult], None] = lambda _item: None
    ) -> BatchResult:
        """Do all steps of a plan; ``on_item`` hears of each result once it is recorded.

        Results come back in the order of the plan, whatever finished first; what was skipped is last.
        Never raises for a failing item. When :attr:`stop` is set, the result says how many were not started; so it
        does where the market failed at everything, in the same way, for as long as :attr:`patience` says.

        Raises:
            UnreachableError: the market is out of reach or turned the credentials down, so that no item can succeed;
                what was done before is recorded.
        """
        row = plan.run or self.journal(plan)
        if row is None:
            return _apply(self, plan, act, on_item)
        recorded: list[ItemResult] = []

        def note(item: ItemResult) -> None:
            recorded.append(item)
            on_item(item)

        with row.kept(plan) as run:

            def beat() -> None:
                self.beat()
                run.beat()

            try:
                result = _apply(replace(self, beat=beat), plan, act, note)
            except BaseException:
                run.close(_so_far(plan, recorded))
                raise
            run.close(result)
        return result

    def call(self, read: Callable[[], T]) -> T:
        """One request outside a batch, with the same retries and less patience: somebody waits for the answer.

        Raises:
            TurkctlError: not retryable, or still failing when patience ran out.
        """
        return replace(self, patience=min(self.patience, READ_PATIENCE)).attempt(read, Pace(self.clock, self.sleep))

    def health(self) -> Health:
        """Return what is known of the market before the first request: nothing against it."""
        return Health(self.clock, self.notice, self.workers)

    def attempt(self, action: Callable[[], T], pace: Pace, health: Health | None = None) -> T:
        """Run one request, again after retryable errors until it works or patience runs out.

        Where the connection is refused, nothing can have happened: the market is waited for, but not as long.

        Raises:
            TurkctlError: not retryable, or still failing when patience ran out or the batch was stopped.
        """
        health = health or self.health()
        tries = Tries(health, self.patience, self.stop.is_set)
        while True:
            began = pace.wait()
            try:
                done = action()
            except TurkctlError as error:
                if not tries.go_on(error):
                    error.uncertain, error.cut_short = tries.uncertain, tries.cut_short
                    raise
                if getattr(error, "throttled", False):
                    pace.slow_down(began)
                else:
                    self.sleep(tries.pause(self.rng))
            else:
                pace.speed_up()
                health.came_through()
                return done


def _so_far(plan: Plan[Any], recorded: list[ItemResult]) -> BatchResult:
    """Return what was done of a plan before an error ended it."""
    left = len(plan.steps) + len(plan.skipped) - len(recorded)
    return BatchResult(plan.action, plan.mode, recorded, unstarted=left)


def _apply(engine: Engine, plan: Plan[P], act: Act[P], on_item: Callable[[ItemResult], None]) -> BatchResult:
    done: dict[int, ItemResult] = {}

    def keep(place: int, item: ItemResult) -> None:
        done[place] = item
        on_item(item)

    for item in plan.skipped:
        on_item(item)
    run = _Application(engine, act, plan.steps, keep)
    hopeless = run.run() if plan.steps else None
    in_order = [done[place] for place in sorted(done)]
    unstarted = len(plan.steps) - len(done)
    result = BatchResult(plan.action, plan.mode, [*in_order, *plan.skipped], unstarted=unstarted)
    result.interrupted = (unstarted > 0 or run.cut_short) and hopeless is None
    result.hopeless = None if hopeless is None else ItemError.of(hopeless)
    return result


class _Application(Generic[P]):
    """One application of one plan. Its methods run in the caller's thread, ``_perform`` in the pool's."""

    def __init__(
        self, engine: Engine, act: Act[P], steps: tuple[Step[P], ...], keep: Callable[[int, ItemResult], None]
    ) -> None:
        self.engine = engine
        self.act = act
        self.todo = deque(steps)
        self.places = {id(step): place for place, step in enumerate(steps)}
        self.keep = keep
        self.ready: deque[Step[P]] = deque()
        self.wave: Hashable = None
        """Of the steps that are under way."""
        self.flying: dict[Future[Done], Step[P]] = {}
        self.finished: deque[Future[Done]] = deque()
        self.signals: SimpleQueue[None] = SimpleQueue()
        """One entry for each request that has finished: what the loop waits for."""
        self.landed: list[tuple[Step[P], Done | TurkctlError]] = []
        self.flushed = engine.clock()
        self.fatal: BaseException | None = None
        self.cut_short = False
        """Whether a step failed only because it was not tried again after the batch was stopped."""
        self.pace = Pace(engine.clock, engine.sleep)
        self.health = engine.health()

    def run(self) -> TurkctlError | None:
        """Return the error with which everything failed, where that ended the batch."""
        workers = min(self.engine.workers, len(self.todo))
        with ThreadPoolExecutor(workers, thread_name_prefix="turkctl") as pool:
            try:
                self._launch(pool)
                while self.flying:
                    self._land()
                    self._launch(pool)
            except BaseException as error:  # noqa: BLE001  # raised again below, once what is in hand is recorded
                self.fatal = error
            while self.flying:
                self._land()
            self._flush()
        if self.fatal is not None:
            raise self.fatal
        return self.health.hopeless

    @property
    def _stopping(self) -> bool:
        return self.engine.stop.is_set() or self.fatal is not None or self.health.hopeless is not None

    def _launch(self, pool: ThreadPoolExecutor) -> None:
        """Keep the pool full, with as much again waiting; a new wave waits until all of the one before are answered."""
        while not self._stopping and len(self.flying) < 2 * self.engine.workers:
            if not self.ready:
                self._prepare()
            if not self.ready:
                return
            if self.flying and self.ready[0].wave != self.wave:
                return
            step = self.ready.popleft()
            self.wave = step.wave
            future = pool.submit(self._perform, step)
            self.flying[future] = step
            future.add_done_callback(self._finish)

    def _prepare(self) -> None:
        group = [self.todo.popleft() for _ in range(min(self.engine.group, len(self.todo)))]
        if group:
            self.engine.beat()
            self.act.prepare(group)
            self.ready.extend(group)

    def _perform(self, step: Step[P]) -> Done:
        if self._stopping:
            raise _UnstartedError
        return self.engine.attempt(lambda: self.act.perform(step), self.pace, self.health)

    def _land(self) -> None:
        """Wait for a request to finish; record finished ones when there are enough or they have waited enough."""
        self._await_one()
        while self.finished:
            future = self.finished[0]  # taken away last: a Ctrl-C in between must not lose it
            step = self.flying.pop(future, None)
            if step is not None:
                self._take(step, future)
            self.finished.popleft()
        if len(self.landed) >= self.engine.group or self.engine.clock() - self.flushed > FLUSH_AFTER:
            self._flush()

    def _take(self, step: Step[P], future: Future[Done]) -> None:
        error = future.exception()
        if isinstance(error, TurkctlError):
            self.landed.append((step, error))
            self.cut_short = self.cut_short or error.cut_short
            if isinstance(error, UnreachableError) and not error.cut_short and not getattr(error, "retryable", False):
                self.fatal = error
        elif error is None:
            self.landed.append((step, future.result()))
        elif not isinstance(error, _UnstartedError):
            self.fatal = error

    def _finish(self, future: Future[Done]) -> None:
        self.finished.append(future)
        self.signals.put(None)

    def _await_one(self) -> None:
        """Wait for a signal, and take those that came with it; not longer than results may wait for each other.

        ``futures.wait`` would visit every request under way twice whenever one of them finishes.
        """
        try:
            self.signals.get(timeout=FLUSH_AFTER)
        except Empty:  # a Ctrl-C may have come between a request and its signal
            self.finished.extend(each for each in self.flying if each.done())
            return
        with suppress(Empty):
            while True:
                self.signals.get_nowait()

    def _flush(self) -> None:
        self.flushed = self.engine.clock()
        outcomes, self.landed = self.landed, []
        if outcomes:
            self.act.record(outcomes)
            for step, outcome in outcomes:
                self.keep(self.places[id(step)], _item(step, outcome))


def _item(step: Step[P], outcome: Done | TurkctlError) -> ItemResult:
    if isinstance(outcome, TurkctlError):
        return ItemResult(step.id, FAILED, step.detail, ItemError.of(outcome).in_row(step.row))
    cost = step.cost if outcome.cost is None else outcome.cost
    return ItemResult(outcome.id or step.id, outcome.status, outcome.detail or step.detail, cost=cost)


K = TypeVar("K")
V = TypeVar("V")


def read_each(engine: Engine, keys: Sequence[K], read: Callable[[K], V]) -> Iterator[tuple[K, V | MarketRefusedError]]:
    """Read every key in threads that share one pace; gives results as they come, in no order.

    What the market refuses for one key is that key's result.

    Raises:
        UnreachableError: the market is out of reach or turned the credentials down; the rest is not asked for.
        MarketRefusedError: the market fails at everything in the same way.
        InterruptedByUserError: the engine was told to stop.
    """
    if not keys:
        return
    pace, health = Pace(engine.clock, engine.sleep), engine.health()
    pool = ThreadPoolExecutor(min(engine.workers, len(keys)), thread_name_prefix="turkctl")
    try:
        under_way = {pool.submit(_read, engine, _bound(read, key), pace, health): key for key in keys}
        for future in as_completed(under_way):
            error = future.exception()
            if error is not None and not isinstance(error, MarketRefusedError):
                raise error
            yield under_way[future], error if error is not None else future.result()
            if health.hopeless is not None:
                raise health.hopeless
            if engine.stop.is_set():
                raise InterruptedByUserError("interrupted; what was read until then is kept")
    finally:
        pool.shutdown(cancel_futures=True)


def _read(engine: Engine, read: Callable[[], V], pace: Pace, health: Health) -> V:
    """Return what is read.

    Raises:
        TurkctlError: as it came, or the one with which everything failed before.
    """
    if health.hopeless is not None:
        raise health.hopeless
    return engine.attempt(read, pace, health)


def _bound(read: Callable[[K], V], key: K) -> Callable[[], V]:
    return lambda: read(key)
