"""Decide on submitted work: the common part of approving and rejecting.

Repeating a request is harmless: the market refuses work that is already decided, and then tells the decision. So a lost
answer, a second terminal or a decision on the market's web page leads to an item that is done already or skipped, never
to a false failure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from turkctl.errors import TurkctlError, UsageError
from turkctl.mturk.errors import InvalidStateError
from turkctl.mturk.types import Assignment
from turkctl.operations.engine.plan import ALREADY_DONE, SKIPPED, Act, Done, Step
from turkctl.operations.engine.world import World
from turkctl.operations.selection.work import Work, participants_table
from turkctl.store import assignments, compensations, hit_changes, label_marks
from turkctl.store.assignments import APPROVED, REJECTED, SUBMITTED, Review
from turkctl.store.participant_credits import credit_again
from turkctl.store.participants import credit, uniqueid
from turkctl.units import ZERO

NOT_READY_TRIES = 8
"""Number of requests for submitted work that the market is not ready to have decided: about six seconds in total."""

MAX_FEEDBACK = 1024
"""Most characters that the market accepts."""


class NotReadyError(InvalidStateError):
    """The market says that the work is submitted, but does not accept a decision on it yet."""

    retryable = True


@dataclass(frozen=True)
class Verdict:
    """A decision to be made.

    Attributes:
        done: the status of the result.
        status: the new status of the assignment.
        follows: the statuses that the decision can follow.
        ask: makes the request for an assignment, with the text that its worker reads, if any.
        feedback: that text.
        own: the texts of assignments that have one of their own.
    """

    done: str
    status: str
    follows: tuple[str, ...]
    ask: Callable[[str, str | None], None]
    feedback: str | None = None
    own: Mapping[str, str] = field(default_factory=dict)

    def told(self, assignment_id: str) -> str | None:
        """Return the text that the worker of an assignment reads."""
        return self.own.get(assignment_id, self.feedback)


class Decide(Act[Work]):
    """Makes the same decision on each assignment, and records it with the assignment and the participant."""

    def __init__(self, world: World, verdict: Verdict, now: datetime) -> None:
        self._world = world
        self._mturk = world.mturk
        self._verdict = verdict
        self._now = now
        self._asked: set[str] = set()
        self._not_ready: dict[str, int] = {}

    def perform(self, step: Step[Work]) -> Done:
        """Ask the market to decide; if it says that this is impossible, read the assignment's status.

        Raises:
            NotReadyError: the request must be repeated a little later.
            MarketRefusedError: the market refused, for example for lack of funds.
        """
        if step.payload.set_back is not None:
            return Done(ALREADY_DONE, "already approved; the participant's row is credited again", cost=ZERO)
        asked_before = step.id in self._asked
        self._asked.add(step.id)
        try:
            self._verdict.ask(step.id, self._verdict.told(step.id))
        except InvalidStateError as error:
            return self._look(step, error, asked_before=asked_before)
        return Done(self._verdict.done)

    def _look(self, step: Step[Work], error: InvalidStateError, *, asked_before: bool) -> Done:
        found = self._mturk.get_assignment(step.id)
        if found.status == self._verdict.status:
            if asked_before:
                return Done(self._verdict.done, value=found)
            return Done(ALREADY_DONE, f"already {found.status.lower()}", value=found, cost=ZERO)
        if found.status == SUBMITTED:
            raise self._later(step, error)
        if found.status in self._verdict.follows:
            raise error
        return Done(SKIPPED, f"already {found.status.lower()}", value=found, cost=ZERO)

    def _later(self, step: Step[Work], error: InvalidStateError) -> InvalidStateError:
        tries = self._not_ready[step.id] = self._not_ready.get(step.id, 0) + 1
        if tries >= NOT_READY_TRIES:
            return error
        return NotReadyError(error.message, code=error.code, operation=error.operation, raw=error.raw)

    def record(self, outcomes: Sequence[tuple[Step[Work], Done | TurkctlError]]) -> None:
        """Store what was decided, now or earlier, and credit participants whose work is approved."""
        ended = [(step.payload, done) for step, done in outcomes if isinstance(done, Done)]
        decided = [(work, *self._outcome(work, done)) for work, done in ended if work.set_back is None]
        set_back = [work.set_back for work, _done in ended if work.set_back is not None]
        approved = [(work, review) for work, status, review in decided if status == APPROVED]
        rejected = [(work, review) for work, status, review in decided if status == REJECTED]
        place = self._world.place
        with self._world.database.write() as session:
            reviews = [[review for _work, review in each] for each in (approved, rejected)]
            assignments.decide_many(session, place, APPROVED, reviews[0], expected=(SUBMITTED, REJECTED))
            assignments.decide_many(session, place, REJECTED, reviews[1], expected=(SUBMITTED,))
            accepted = [work.assignment_id for work, _review in approved]
            hit_changes.note_decisions(session, place, [work.hit_id for work, _review in (*approved, *rejected)])
            compensations.enter_approved(session, place, accepted)
            refused = [work.assignment_id for work, _review in rejected]
            label_marks.note_decisions(session, place, accepted, refused, self._now)
            table = participants_table(session, self._world) if approved or set_back else None
            if table is not None:
                credit_again(session, table, place, set_back)
                people = [uniqueid(work.worker_id, work.assignment_id) for work, _review in approved]
                credit(session, table, place.mode, people)

    def _outcome(self, work: Work, done: Done) -> tuple[str, Review]:
        """Return the assignment's status now; since when, with what feedback, and whether turkctl decided so."""
        found, ours = done.value, done.status == self._verdict.done
        if not isinstance(found, Assignment):
            return self._verdict.status, Review(
                work.assignment_id, self._now, self._verdict.told(work.assignment_id), ours
            )
        moment = found.approved if found.status == APPROVED else found.rejected
        return found.status, Review(work.assignment_id, moment or self._now, found.feedback, ours)


def check_feedback(feedback: str | None) -> None:
    """Raise if the market would refuse the feedback.

    Raises:
        UsageError: it is too long.
    """
    if feedback is not None and len(feedback) > MAX_FEEDBACK:
        raise UsageError(
            f"feedback must have at most {MAX_FEEDBACK:,} characters, not {len(feedback):,}", hint="shorten it"
        )
