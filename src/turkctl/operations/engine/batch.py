"""Apply plans in one loop: concurrency, retries, pace, progress and interrupts for every batch.

Requests run in a bounded pool of threads; everything that touches the database runs in the caller's thread, in
groups. One failing item never stops the batch. Only this module retries (the client makes one attempt), so that all
threads share one pace: when the market throttles, all of them slow down together.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from turkctl.errors import InterruptedByUserError, TurkctlError, UnreachableError
from turkctl.mturk.errors import MarketRefusedError
from turkctl.operations.engine.health import Health, Tries
from turkctl.operations.engine.pace import Pace
from turkctl.operations.engine.plan import (
    FAILED,
    SKIPPED,
    Act,
    BatchResult,
    Done,
    ItemError,
    ItemResult,
    Plan,
    RunKeeper,
    Step,
)

P = TypeVar("P")
T = TypeVar("T")

READ_PATIENCE = 30.0
"""Seconds for which a single read is retried after retryable errors."""
FLUSH_AFTER = 0.2
"""Seconds for which finished results may wait for others, to be recorded in one transaction."""


class _UnstartedError(Exception):
    """The batch was stopped before this step's first request."""


@dataclass
class Engine:
    """Applies plans, and makes single requests.

    Attributes:
        workers: the number of threads that send requests to the market.
        group: the number of steps whose intents are committed, and results recorded, in one transaction.
        patience: seconds for which a step is retried after retryable errors.
        stop: once set, the items in progress finish, and the rest is left undone.
        beat: called between groups, for example to check that a lease still holds; an error that it raises ends the
            batch.
        notice: called with what the user must know at once: that the market cannot be reached, or that every request
            fails. Called from any thread.
        journal: returns what keeps the run's row of a plan without one of its own.
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
        """Do all steps of a plan; call ``on_item`` with each result once it is recorded.

        Results have the order of the plan, whichever finished first; skipped items are last. A failing item raises
        nothing. If :attr:`stop` was set, or all requests failed in the same way for longer than :attr:`patience`, the
        result says how many steps were not started.

        Raises:
            UnreachableError: the market cannot be reached or refused the credentials, so that no item can succeed;
                the results until then are recorded.
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
        """Send one request outside a batch, with the same retries but less patience: somebody waits for the answer.

        Raises:
            TurkctlError: the request failed and is not retryable, or it still failed when patience ran out.
        """
        return replace(self, patience=min(self.patience, READ_PATIENCE)).attempt(read, Pace(self.clock, self.sleep))

    def health(self) -> Health:
        """Return the health of the market before the first request: no failures."""
        return Health(self.clock, self.notice, self.workers)

    def attempt(self, action: Callable[[], T], pace: Pace, health: Health | None = None) -> T:
        """Run one request, and retry it after retryable errors until it works or patience runs out.

        After a refused connection, which had no effect, the retries end earlier.

        Raises:
            TurkctlError: the request failed and is not retryable, or it still failed when patience ran out or the
                batch was stopped.
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
    if plan.steps:
        run.run()
    hopeless = run.health.hopeless
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
        """The wave of the steps in progress."""
        self.flying: dict[Future[Done], Step[P]] = {}
        self.finished: deque[Future[Done]] = deque()
        self.signals: SimpleQueue[None] = SimpleQueue()
        """One entry for each finished request; the loop waits for them."""
        self.landed: list[tuple[Step[P], Done | TurkctlError]] = []
        self.flushed = engine.clock()
        self.fatal: BaseException | None = None
        self.cut_short = False
        """Whether a step failed only because it was not retried after the batch was stopped."""
        self.pace = Pace(engine.clock, engine.sleep)
        self.health = engine.health()

    def run(self) -> None:
        """Run all steps; raise only what ends the batch, after the finished results are recorded."""
        workers = min(self.engine.workers, len(self.todo))
        with ThreadPoolExecutor(workers, thread_name_prefix="turkctl") as pool:
            try:
                self._launch(pool)
                while self.flying:
                    self._land()
                    self._launch(pool)
            except BaseException as error:  # noqa: BLE001  # raised again below, once the results are recorded
                self.fatal = error
            while self.flying:
                self._land()
            self._flush()
        if self.fatal is not None:
            raise self.fatal

    @property
    def _stopping(self) -> bool:
        return self.engine.stop.is_set() or self.fatal is not None or self.health.hopeless is not None

    def _launch(self, pool: ThreadPoolExecutor) -> None:
        """Fill the pool, and a queue of the same size; a new wave waits until the one before is answered."""
        while not self._stopping and len(self.flying) < 2 * self.engine.workers:
            if not self.ready:
                self._prepare()
            if not self.ready:
                return
            if self.flying and self.ready[0].wave != self.wave:
                return
            step = self.ready.popleft()
            self.wave = step.wave
            future = pool.submit(copy_context().run, self._perform, step)
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
        """Wait for a request to finish; record results once there are enough or they have waited long enough."""
        self._await_one()
        while self.finished:
            future = self.finished[0]  # removed last: a Ctrl-C in between must not lose it
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
        """Wait for a signal and take all that have come; stop when results have waited long enough.

        ``futures.wait`` would visit every request in progress twice whenever one of them finishes.
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
    detail, posted = outcome.detail or step.detail, 0 if outcome.status == SKIPPED else step.assignments
    return ItemResult(outcome.id or step.id, outcome.status, detail, cost=cost, assignments=posted)


K = TypeVar("K")
V = TypeVar("V")


def read_each(engine: Engine, keys: Sequence[K], read: Callable[[K], V]) -> Iterator[tuple[K, V | MarketRefusedError]]:
    """Read every key in threads that share one pace; yield results as they come, in no fixed order.

    If the market refuses the request for a key, the error is that key's result.

    Raises:
        UnreachableError: the market cannot be reached or refused the credentials; the remaining keys are not read.
        MarketRefusedError: all requests fail in the same way.
        InterruptedByUserError: the engine was stopped.
    """
    if not keys:
        return
    pace, health = Pace(engine.clock, engine.sleep), engine.health()
    pool = ThreadPoolExecutor(min(engine.workers, len(keys)), thread_name_prefix="turkctl")
    try:
        under_way = {
            pool.submit(copy_context().run, _read, engine, _bound(read, key), pace, health): key for key in keys
        }
        for future in as_completed(under_way):
            error = future.exception()
            if error is not None and not isinstance(error, MarketRefusedError):
                raise error
            yield under_way[future], error if error is not None else future.result()
            if health.hopeless is not None:
                raise health.hopeless
            if engine.stop.is_set():
                raise InterruptedByUserError("interrupted; results read before are kept")
    finally:
        pool.shutdown(cancel_futures=True)


def _read(engine: Engine, read: Callable[[], V], pace: Pace, health: Health) -> V:
    """Return the result of the read.

    Raises:
        TurkctlError: the error of this read, or the one that all requests failed with before.
    """
    if health.hopeless is not None:
        raise health.hopeless
    return engine.attempt(read, pace, health)


def _bound(read: Callable[[K], V], key: K) -> Callable[[], V]:
    return lambda: read(key)
