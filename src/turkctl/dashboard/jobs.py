"""Do acts in threads of this process, so that one thread of the server is enough."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from turkctl.errors import RefusedError, TurkctlError
from turkctl.operations.engine.plan import FAILED, SKIPPED, BatchResult, ItemResult
from turkctl.words import counted

if TYPE_CHECKING:
    from turkctl.dashboard.acts.base import ActPlan
    from turkctl.operations.intents.forms import FormLine
    from turkctl.scheduler.worlds import ChildWorld

log = logging.getLogger(__name__)

MOST_AT_ONCE = 8
"""Acts of one process at the same time."""
MOST_KEPT = 50
"""Ended acts whose items are kept in memory."""
MOST_SHOWN = 200
"""Items of one act that are kept: those that failed or were skipped, and the last others."""
MOST_SAID = 20
STOP_SECONDS = 120.0
"""How long acts may take to finish what they have in hand when the server ends."""


@dataclass
class RunningAct:
    """One act at work, or ended. Its thread writes, the server's threads read.

    Attributes:
        number: of its line in the log.
        total: items to do.
        done: items done, failed or skipped so far.
        words: what it did, once it has ended.
        error: what ended it early.
        workers: ids of workers that its results may name.
    """

    number: int
    total: int
    stop: threading.Event = field(default_factory=threading.Event)
    done: int = 0
    failed: int = 0
    ended: bool = False
    words: str | None = None
    error: TurkctlError | None = None
    notable: deque[ItemResult] = field(default_factory=lambda: deque(maxlen=MOST_SHOWN))
    latest: deque[ItemResult] = field(default_factory=lambda: deque(maxlen=MOST_SHOWN))
    said: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_SAID))
    """What the person should know while it is at work, as that the market does not answer."""
    thread: threading.Thread | None = None
    workers: Sequence[str] = ()

    def note(self, item: ItemResult) -> None:
        """Take the result of one item."""
        self.done += 1
        self.failed += item.status == FAILED
        (self.notable if item.status in (FAILED, SKIPPED) else self.latest).append(item)

    @property
    def items(self) -> list[ItemResult]:
        """Return the kept results: first what failed or was skipped, then the others, the last first."""
        for _ in range(3):
            try:
                return [*self.notable, *reversed(self.latest)]
            except RuntimeError:  # its thread added one meanwhile
                continue
        return []


class Jobs:
    """The acts of this process."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[int, RunningAct] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False

    def get(self, number: int) -> RunningAct | None:
        """Return the act with this line, if this process did it."""
        with self._lock:
            return self._jobs.get(number)

    def start(self, line: FormLine, proposal: ActPlan, world: ChildWorld) -> RunningAct:
        """Begin an act whose line was begun.

        Raises:
            RefusedError: too many acts are at work, or the server is stopping.
        """
        job = RunningAct(line.number, len(proposal.items) + len(proposal.skipped), world.stop, workers=proposal.workers)
        world.notice = job.said.append
        with self._lock:
            self._refuse_more()
            self._jobs[job.number] = job
            self._forget_old()
        job.thread = threading.Thread(
            target=_work, args=(job, line, proposal, world), name=f"turkctl-act-{job.number}", daemon=True
        )
        job.thread.start()
        return job

    def refuse_more(self) -> None:
        """Raise RefusedError if no other act can begin now."""
        with self._lock:
            self._refuse_more()

    def _refuse_more(self) -> None:
        if self._closed:
            raise RefusedError("the dashboard is stopping", hint="start it again, then repeat this")
        if sum(not job.ended for job in self._jobs.values()) >= MOST_AT_ONCE:
            raise RefusedError(f"{MOST_AT_ONCE} acts are at work already", hint="wait until one has ended, or stop one")

    def _forget_old(self) -> None:
        ended = [number for number, job in self._jobs.items() if job.ended]
        for number in ended[: max(0, len(ended) - MOST_KEPT)]:
            del self._jobs[number]

    def close(self) -> None:
        """Stop all acts after what they have in hand, and wait for them."""
        with self._lock:
            self._closed = True
            running = [job for job in self._jobs.values() if not job.ended]
        for job in running:
            job.stop.set()
        deadline = time.monotonic() + STOP_SECONDS
        for job in running:
            if job.thread is not None:
                job.thread.join(max(0.0, deadline - time.monotonic()))


def _work(job: RunningAct, line: FormLine, proposal: ActPlan, world: ChildWorld) -> None:
    """Do an act; its line in the log is closed whatever happens."""
    try:
        with line.keeping():
            world.beat = line.beat
            job.words = _words(proposal.do(world.engine(), job.note), world)
    except TurkctlError as error:
        job.error = error
    except Exception as error:  # nobody else would tell: the page does
        log.exception("an act failed: %s", type(error).__name__, extra={"event": "act_failed"})
        job.error = TurkctlError(f"an unexpected error: {type(error).__name__}", hint="the server's log says more")
    finally:
        job.ended = True


def _words(result: BatchResult | str, world: ChildWorld) -> str:
    """Return what an act did, for its page; what was said without a batch goes into its line of the log."""
    if isinstance(result, str):
        if world.origin.tally.is_empty:
            world.origin.tally.say(result)
        return result
    words = result.outcome() or "nothing was done"
    if result.interrupted:
        words += f"; stopped with {counted(result.unstarted, 'item')} left"
    return words
