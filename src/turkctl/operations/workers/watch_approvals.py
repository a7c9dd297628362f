"""Approve submissions as soon as they arrive (``workers approve --watch``).

With a queue, the market's notifications announce submissions, and a regular look at everything finds those whose
notification was lost. Without a queue, the database is brought up to date at intervals that become shorter while work
comes in, and longer while none does. Work that is not ready to be approved, or fails, is tried again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlmodel import Session

from turkctl.errors import DatabaseReplacedError, InterruptedByUserError, TurkctlError, UnreachableError
from turkctl.mturk.errors import DoesNotExistError, MarketRefusedError
from turkctl.mturk.queues import SUBMITTED as EVENT
from turkctl.mturk.queues import Queue
from turkctl.mturk.types import Assignment, Notification
from turkctl.operations.engine.batch import read_each
from turkctl.operations.engine.plan import FAILED, SKIPPED, BatchResult, ItemResult, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.selection.hits import hit_filter
from turkctl.operations.selection.work import Work, WorkSelection
from turkctl.operations.sync.run import read_market, sync
from turkctl.operations.workers.approve import approval, prepare_approve
from turkctl.store import assignments, hits, people
from turkctl.store.hits import HitFilter

SHORTEST, LONGEST = 5.0, 60.0
"""Seconds between looks without a queue, as in OpenSurfaces, where they raised the rate of submissions."""
LOOK_EVERY = 60.0
"""Seconds between looks at everything with a queue, because notifications get lost."""
RECEIVE = 3
"""Seconds that one request to the queue waits, and so the longest time until an interrupt takes effect."""


@dataclass
class Watch:
    """One run of ``workers approve --watch``.

    Attributes:
        world: database, market and clock.
        wanted: the submissions to approve.
        stop: ends the watch when it is set.
        feedback: the text that workers read, if any.
        queue: receives the market's notifications, if there is one.
        sleep: waits for a number of real seconds; by default it returns early when ``stop`` is set.
        clock: returns real seconds.
        warn: called with a message when something failed and will be tried again.
        results: the last result of each assignment, by id.
    """

    world: World
    wanted: WorkSelection
    stop: threading.Event
    feedback: str | None = None
    queue: Queue | None = None
    sleep: Callable[[float], object] | None = None
    clock: Callable[[], float] = time.monotonic
    warn: Callable[[str], None] = lambda _words: None
    results: dict[str, ItemResult] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def run(self) -> Iterator[ItemResult]:
        """Approve until :attr:`stop` is set; yield each result once it is recorded.

        Raises:
            UsageError, NotFoundError, UnreachableError: the first look failed.
        """
        yield from self._look()
        delay, looked = SHORTEST, self.clock()
        while not self.stop.is_set():
            try:
                if self.queue is None:
                    self._wait(delay)
                    found = [] if self.stop.is_set() else self._look()
                    delay = max(SHORTEST, delay / 2) if found else min(LONGEST, delay * 2)
                    yield from found
                    continue
                yield from self._receive(self.queue)
                if self.clock() - looked >= LOOK_EVERY and not self.stop.is_set():
                    yield from self._look()
                    looked = self.clock()
            except InterruptedByUserError:
                return  # stopped between two reads; what was approved has been yielded
            except DatabaseReplacedError:
                raise
            except TurkctlError as error:
                if not (isinstance(error, UnreachableError) or getattr(error, "retryable", False)):
                    raise
                self.warn(f"{error.message}; trying again")
                delay = LONGEST
                if self.queue is not None:
                    self._wait(SHORTEST)

    def _wait(self, seconds: float) -> None:
        (self.sleep or self.stop.wait)(seconds)

    def result(self) -> BatchResult:
        """Return the result of the watch; an item that failed and was approved later counts as approved."""
        return BatchResult("approve", self.world.place.mode, list(self.results.values()))

    def _look(self) -> list[ItemResult]:
        """Bring the database up to date, approve what is marked submitted, and return the new results."""
        self._subscribe()
        sync(self.world)
        plan, act = prepare_approve(self.world, self.wanted, feedback=self.feedback)
        return self._keep(self.world.engine(stop=self.stop).apply(plan, act))

    def _keep(self, batch: BatchResult) -> list[ItemResult]:
        """Keep the results, and return those that are new."""
        news = [item for item in batch.results if item.status != SKIPPED and self.results.get(item.id) != item]
        self.results.update({item.id: item for item in news})
        return news

    def _subscribe(self) -> None:
        """Make the market send notifications of submissions to the queue, once for each HIT type."""
        if self.queue is None:
            return
        now = self.world.now()
        with self.world.database.read() as session:
            open_ = people.unfinished(session, self.world.place, now)
            meant = self._meant(session, [row.hit_id for row in open_])
        notification = Notification(self.queue.url, [EVENT])
        for kind in sorted({row.hit_type_id for row in open_ if row.hit_id in meant} - self._told):
            self.world.engine().call(partial(self.world.mturk.set_notifications, kind, notification))
            self._told.add(kind)

    def _meant(self, session: Session, hit_ids: Sequence[str]) -> set[str]:
        """Return those of the HITs whose work the watch approves."""
        chosen = replace(self.wanted.selection, ids=())
        if chosen.all_studies and not chosen.filters and not self.wanted.hit_ids:
            return set(hit_ids)
        narrowed = hit_filter(session, self.world.place, chosen)
        rows = hits.select_hits(session, replace(narrowed, ids=hit_ids))
        return {row.hit_id for row in rows if not self.wanted.hit_ids or row.hit_id in self.wanted.hit_ids}

    def _receive(self, queue: Queue) -> list[ItemResult]:
        """Approve the work in the next messages; a message whose work could not be approved will be received again."""
        messages = queue.receive(RECEIVE)
        told = [event for message in messages for event in message.events if event.kind == EVENT]
        with self.world.database.read() as session:
            meant = self._meant(session, list({event.hit_id for event in told}))
        names = {event.assignment_id for event in told if event.hit_id in meant and event.assignment_id is not None}
        ready, waiting = self._read(sorted(names))
        plan = Plan("approve", self.world.place.mode, tuple(Step(each.assignment_id, each) for each in ready))
        act = approval(self.world, self.world.now(), feedback=self.feedback)
        batch = self.world.engine(stop=self.stop).apply(plan, act)
        finished = {item.id for item in batch.results if item.status != FAILED}
        waiting |= {each.assignment_id for each in ready} - finished
        queue.done([each for each in messages if not waiting & {event.assignment_id for event in each.events}])
        self._enter({each.hit_id for each in ready if each.assignment_id in finished})
        return self._keep(batch)

    def _enter(self, hit_ids: Collection[str]) -> None:
        """Read the HITs of approved work, which the database may only know from a notification."""
        if not hit_ids:
            return
        with self.world.database.read() as session:
            rows = hits.select_hits(session, HitFilter(self.world.place, ids=sorted(hit_ids)))
        try:
            read_market(self.world, rows, self.world.now())
        except (MarketRefusedError, UnreachableError) as error:
            self.warn(f"{error.message}; lists will be complete after the next look")

    def _read(self, names: Sequence[str]) -> tuple[list[Work], set[str]]:
        """Return the submitted work with these ids that the watch approves, and the ids that cannot be read yet."""
        ready, waiting = [], set()
        for name, answer in read_each(self.world.engine(stop=self.stop), names, self.world.mturk.get_assignment):
            if isinstance(answer, DoesNotExistError):
                continue
            if isinstance(answer, MarketRefusedError):  # not ready, or the market has a fault
                waiting.add(name)
            elif answer.status == assignments.SUBMITTED and self._named(answer):
                ready.append(Work.of_market(answer))
        return ready, waiting

    def _named(self, work: Assignment) -> bool:
        ids = self.wanted.selection.ids
        return not ids or work.assignment_id in ids or work.worker_id in ids
