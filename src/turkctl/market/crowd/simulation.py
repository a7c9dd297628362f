"""The crowd at work: a discrete-event simulation in the market's own time.

Everybody who is here has one event to come: to look for a HIT, to submit or return the one they work on, or to have
abandoned it. Events happen at whole seconds after the crowd's start. Before each event the market's clock is moved to
its time, unless the clock is already past it because another process moved it or because the simulation takes longer
than what it simulates; then the event happens late, and nothing that anybody decides depends on it.
"""

from __future__ import annotations

import heapq
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from turkctl.errors import UsageError
from turkctl.market.crowd.behaviour import CrowdOptions, people
from turkctl.market.crowd.report import CrowdEvent, CrowdReport, EventKind, Tally
from turkctl.market.crowd.visitor import NO_WAY_TO_SUBMIT, AcceptedWork, Item, Visitor, Workplace, item_of
from turkctl.market.service import Environment, Market

Act = Callable[[int], CrowdEvent]
"""Takes the seconds since the crowd's start."""

_NAP = 0.5
"""Seconds of real time after which a waiting crowd checks whether to stop."""
_LEAST = timedelta(milliseconds=1)
_LATE = 60
"""Seconds. After an event that is later than this, people go on from the present: they do not catch up with what they
would have done while somebody moved the clock by a day."""
_LONGEST_PAUSE = 3600.0
"""Maximum seconds between two searches of somebody who finds nothing; each pause is twice as long as the last."""


def _never() -> bool:
    return False


class Crowd:
    """Simulated workers of one environment of a market.

    Other processes, and other crowds, may work on the same market at the same time. The same seed on the same market
    makes the same calls.
    """

    def __init__(
        self,
        market: Market,
        environment: Environment,
        options: CrowdOptions | None = None,
        *,
        real_time: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        item: Item = item_of,
    ) -> None:
        """Prepare the crowd; people are registered when they arrive.

        Args:
            market: the market to work on.
            environment: the environment to work in.
            options: the people and their behaviour.
            real_time: wait for the market's clock instead of moving it.
            sleep: waits for a number of seconds; used in real time only.
            item: returns what a HIT is about, as a text: HITs with the same item have the same right answers.
        """
        self._market = market
        self._options = options or CrowdOptions()
        self._place = Workplace(market, environment, self._options, item)
        self._real_time = real_time
        self._sleep = sleep
        self._turns = count()
        self._heap: list[tuple[int, int, Visitor, Act]] = []
        self._origin: datetime | None = None
        self._quiet: set[str] = set()
        self._people = people(self._options)
        self._arrivals = random.Random(f"turkctl crowd arrivals {self._options.seed}")  # noqa: S311  a simulation
        self._expect_next(0)

    def run(
        self,
        until: timedelta | None = None,
        max_submissions: int | None = None,
        *,
        idle: bool = True,
        stop: Callable[[], bool] | None = None,
        on_event: Callable[[CrowdEvent], None] | None = None,
    ) -> CrowdReport:
        """Work until there is a reason to stop; may be called again, for example when there are new HITs.

        Args:
            until: how long to work, in the market's time.
            max_submissions: number of submissions after which to stop.
            idle: stop when nobody works on a HIT and nobody found one. Without it, people keep looking.
            stop: called before each event and twice a second while waiting; True ends the run, accepted HITs stay so.
            on_event: called with each event.

        Returns:
            What happened in this run.

        Raises:
            UsageError: no argument would end the run.
        """
        if not idle and until is None and max_submissions is None and stop is None:
            raise UsageError(
                "the crowd would never stop", hint="give a time, a number of submissions, or stop when idle"
            )
        stop, tally, began = stop or _never, Tally(), self._market.now()
        end = None if until is None else began + until
        self._look_afresh()
        while not stop() and (max_submissions is None or tally.kinds["submitted"] < max_submissions):
            if idle and self._nothing_left():
                break
            if end is not None and (not self._heap or self._due() > end):
                self._reach(end, stop)
                break
            event = self.step(stop)
            if event is None:
                break
            tally.add(event)
            if on_event is not None:
                on_event(event)
        return tally.report(self._market.now() - began)

    def step(self, stop: Callable[[], bool] = _never) -> CrowdEvent | None:
        """Let the next event happen, after moving the market's clock to its time.

        Returns:
            What happened; None if everybody has left, or if ``stop`` returned True while waiting.
        """
        if not self._heap:
            return None
        now = self._reach(self._due(), stop)
        if now is None:
            return None
        at, _, visitor, act = heapq.heappop(self._heap)
        late = self._seconds(now) - at
        event = act(at + late if late > _LATE else at)
        if event.kind in ("returned", "abandoned"):  # a slot is free for others
            self._quiet.clear()
        if event.kind == "found_nothing":
            self._quiet.add(visitor.person.worker_id)
        else:
            self._quiet.discard(visitor.person.worker_id)
        return event

    def _start(self) -> datetime:
        """Return the market's time at the crowd's first step."""
        if self._origin is None:
            self._origin = self._market.now()
        return self._origin

    def _due(self) -> datetime:
        return self._start() + timedelta(seconds=self._heap[0][0])

    def _seconds(self, moment: datetime) -> int:
        return int((moment - self._start()).total_seconds())

    def _reach(self, moment: datetime, stop: Callable[[], bool]) -> datetime | None:
        """Move the market's clock to ``moment`` unless it is past it; return its time, or None if told to stop."""
        while (now := self._market.now()) < moment:
            if stop():
                return None
            if self._real_time:
                self._sleep(min((moment - now).total_seconds(), _NAP))
            else:
                # The market counts whole milliseconds: less than one would not move it.
                self._market.advance(max(moment - now, _LEAST))
        return now

    def _nothing_left(self) -> bool:
        """Return whether nobody is coming or working, and nobody found a HIT since a slot last became free."""
        return len(self._quiet) == len(self._heap)

    def _look_afresh(self) -> None:
        """Let those who wait for HITs look again soon: there may be new HITs since the last run ended."""
        self._quiet.clear()
        now = self._seconds(self._market.now())
        for index, (at, turn, visitor, act) in enumerate(self._heap):
            if visitor.fruitless:
                visitor.fruitless = 0
                self._heap[index] = (min(at, now + self._pause(visitor)), turn, visitor, act)
        heapq.heapify(self._heap)

    def _expect(self, at: int, visitor: Visitor, act: Act) -> None:
        heapq.heappush(self._heap, (at, next(self._turns), visitor, act))

    def _expect_next(self, at: int) -> None:
        """Let the next person arrive, if there is one."""
        person = next(self._people, None)
        if person is not None:
            visitor = Visitor(person, self._place)
            self._expect(at + _drawn(self._arrivals, self._options.arrival), visitor, partial(self._arrive, visitor))

    def _arrive(self, visitor: Visitor, at: int) -> CrowdEvent:
        self._expect_next(at)
        return self._look(visitor, at)

    def _look(self, visitor: Visitor, at: int) -> CrowdEvent:
        work = visitor.look()
        if work is None:
            self._expect(at + self._pause(visitor), visitor, partial(self._look, visitor))
        else:
            self._begin(visitor, work, at)
        return self._event(
            "found_nothing" if work is None else "accepted", visitor, work, visitor.refused, visitor.requested
        )

    def _begin(self, visitor: Visitor, work: AcceptedWork, at: int) -> None:
        """Decide what happens to accepted work, and when."""
        options, rng = self._options, visitor.person.rng
        seconds, fate = visitor.person.work_seconds(options, work.duration), rng.random()
        if not visitor.can_submit(work):
            self._expect(at + 1, visitor, partial(self._refuse_page, visitor, work))
        elif fate < options.drop_out:
            self._expect(at + math.ceil(seconds * rng.random()), visitor, partial(self._give_back, visitor, work))
        elif fate < options.drop_out + options.abandon:
            self._expect(at + math.ceil(work.duration) + 1, visitor, partial(self._abandon, visitor, work))
        else:
            self._expect(at + max(math.ceil(seconds), 1), visitor, partial(self._submit, visitor, work))

    def _submit(self, visitor: Visitor, work: AcceptedWork, at: int) -> CrowdEvent:
        return self._finished("submitted", visitor, work, at, visitor.submit(work))

    def _give_back(self, visitor: Visitor, work: AcceptedWork, at: int) -> CrowdEvent:
        return self._finished("returned", visitor, work, at, visitor.give_back(work))

    def _refuse_page(self, visitor: Visitor, work: AcceptedWork, at: int) -> CrowdEvent:
        """Return a HIT that nobody could submit."""
        event = self._give_back(visitor, work, at)
        return replace(event, refused=(NO_WAY_TO_SUBMIT, *event.refused))

    def _abandon(self, visitor: Visitor, work: AcceptedWork, at: int) -> CrowdEvent:
        return self._finished("abandoned", visitor, work, at, None)

    def _finished(
        self, kind: EventKind, visitor: Visitor, work: AcceptedWork, at: int, refusal: str | None
    ) -> CrowdEvent:
        if refusal is not None:
            kind = "abandoned"
        if kind == "abandoned":
            visitor.given_up.add(work.hit_id)
        if visitor.person.comes_back:
            self._expect(at + self._pause(visitor), visitor, partial(self._look, visitor))
        return self._event(kind, visitor, work, [] if refusal is None else [refusal])

    def _pause(self, visitor: Visitor) -> int:
        """Return the seconds until a person looks for HITs again."""
        mean = max(self._options.arrival, 1.0)
        return _drawn(visitor.person.rng, min(mean * 2 ** min(visitor.fruitless, 30), max(mean, _LONGEST_PAUSE)))

    @staticmethod
    def _event(
        kind: EventKind, visitor: Visitor, work: AcceptedWork | None, refused: Sequence[str], requested: int = 0
    ) -> CrowdEvent:
        hit_id = None if work is None else work.hit_id
        return CrowdEvent(kind, visitor.person.worker_id, hit_id, tuple(refused), requested)


def _drawn(rng: random.Random, mean: float) -> int:
    """Return whole seconds drawn from an exponential distribution."""
    return math.ceil(rng.expovariate(1 / mean)) if mean else 0
