"""Enter what the market said about a HIT and its submitted work: counters, assignments, participants, its end.

Nothing stored is ever lost: a list that lacks a stored row does not remove it, an answer that was under way when a
decision was stored does not undo the decision, and a HIT counts as gone only if GetHIT itself says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from turkctl.erasing import replacement
from turkctl.mturk.types import Assignment, Hit
from turkctl.operations.sync.answers import parsed
from turkctl.operations.sync.observe import snapshot
from turkctl.settings import Settings
from turkctl.store import (
    assignments,
    compensations,
    erasures,
    hit_changes,
    label_marks,
    label_state,
    meta,
    participants,
)
from turkctl.store.assignments import APPROVED, REJECTED, SUBMITTED
from turkctl.store.base import Place
from turkctl.store.hits import DISPOSED, HitRow
from turkctl.store.participants import credit, uniqueid
from turkctl.units import parse_zone

GONE_AFTER = timedelta(minutes=10)
"""A HIT younger than this never counts as gone, whatever the market says."""
_FORWARD = {SUBMITTED: (APPROVED, REJECTED), REJECTED: (APPROVED,), APPROVED: ()}
"""The decisions that can follow each status."""


@dataclass(frozen=True)
class HitAnswer:
    """The market's answer about one of our HITs.

    Attributes:
        row: the HIT as stored before.
        hit: the answer of GetHIT or ListHITs; None for "does not exist".
        listed: its submitted work; None if that was not asked for.
        read_at: when the market was asked, before its answer.
    """

    row: HitRow
    hit: Hit | None
    read_at: datetime
    listed: tuple[Assignment, ...] | None = None

    @property
    def gone(self) -> bool:
        """Return whether the market says that the HIT is gone, and it is old enough to believe that."""
        said = self.hit is None or self.hit.status == DISPOSED
        return said and self.read_at - self.row.created >= GONE_AFTER

    @property
    def submissions(self) -> int:
        """Return the number of submissions, decided or not, that its counters imply."""
        return 0 if self.hit is None else self.hit.max_assignments - self.hit.available - self.hit.pending

    @property
    def moved(self) -> bool:
        """Return whether its status or counters differ from the stored ones."""
        if self.hit is None or self.hit.status == DISPOSED:
            return False
        counters = ("status", "max_assignments", "available", "pending", "completed")
        return any(getattr(self.hit, name) != getattr(self.row, name) for name in counters)


@dataclass
class Entered:
    """Counts and ids of what was entered."""

    changed: list[str] = field(default_factory=list)
    """HITs whose counters or work changed, or that are gone."""
    assignments_new: int = 0
    assignments_changed: int = 0
    disposed: list[str] = field(default_factory=list)
    participants_added: int = 0
    new_workers: dict[str, set[str]] = field(default_factory=dict)
    """The workers of new assignments, by slug of the experiment."""


@dataclass(frozen=True)
class ParticipantsTable:
    """psiTurk's table, and what sync may write to it."""

    name: str
    fills: bool
    """Whether turkctl inserts rows; otherwise it only changes statuses."""
    zone: ZoneInfo

    @classmethod
    def of(cls, session: Session, settings: Settings) -> ParticipantsTable | None:
        """Return the table named in the settings; None if it does not exist.

        Raises:
            UsageError: the time zone in the settings is unknown.
        """
        name = settings["participants_table"]
        if not participants.exists(session, name):
            return None
        fills = settings["participants_source"] == "market" and meta.participants_made(session, name)
        return cls(name, fills, parse_zone(settings["participants_timezone"]))

    def time(self, moment: datetime | None) -> datetime | None:
        """Return a time as the table stores it: in its zone, without an offset."""
        return None if moment is None else moment.astimezone(self.zone).replace(tzinfo=None)


def enter(
    session: Session, place: Place, answers: Sequence[HitAnswer], table: ParticipantsTable | None, entered: Entered
) -> None:
    """Store the answers, and add the counts and ids to ``entered``."""
    answers = _as_known(session, place, answers)
    stored = assignments.statuses(session, place, [answer.row.hit_id for answer in answers])
    answered: set[str] = set()
    for answer in answers:
        before = entered.assignments_new
        fresh = _enter_work(session, place, answer, stored.get(answer.row.hit_id, {}), table, entered)
        if answer.gone:
            if hit_changes.mark_disposed(session, place, answer.row.hit_id, answer.read_at):
                entered.disposed.append(answer.row.hit_id)
                fresh = True
        elif answer.hit is not None and answer.hit.status != DISPOSED:
            hit_changes.update_counters(session, place, snapshot(answer.hit, answer.read_at))
        if fresh or answer.moved:
            entered.changed.append(answer.row.hit_id)
        if entered.assignments_new > before and answer.row.experiment is not None:
            answered.add(answer.row.experiment)
    if answered:
        label_state.mark_dirty_by_slug(session, answered, place.mode, answers[-1].read_at)


def _as_known(session: Session, place: Place, answers: Sequence[HitAnswer]) -> Sequence[HitAnswer]:
    """Return the answers with the names under which workers are known here who were erased, here or on the market."""
    work = [(each.assignment_id, each.worker_id) for answer in answers for each in answer.listed or ()]
    known = erasures.renamed(session, place, work) if work else {}
    if not known:
        return answers
    return [
        answer
        if answer.listed is None
        else replace(answer, listed=tuple(_renamed(each, known.get(each.assignment_id)) for each in answer.listed))
        for answer in answers
    ]


def _renamed(work: Assignment, known: erasures.Renamed | None) -> Assignment:
    if known is None:
        return work
    hide = replacement(work.worker_id, known.name)
    answer = None if known.without_answers or work.answer is None else hide(work.answer)
    feedback = None if work.feedback is None else hide(work.feedback)
    return replace(work, worker_id=known.name, answer=answer, feedback=feedback)


def _enter_work(
    session: Session,
    place: Place,
    answer: HitAnswer,
    stored: Mapping[str, str],
    table: ParticipantsTable | None,
    entered: Entered,
) -> bool:
    listed = answer.listed or ()
    new = [each for each in listed if each.assignment_id not in stored]
    decided = [each for each in listed if each.status in _FORWARD.get(stored.get(each.assignment_id, ""), ())]
    assignments.upsert_many(session, [_row(each, place, answer.read_at) for each in (*new, *decided)])
    approved = [each.assignment_id for each in (*new, *decided) if each.status == APPROVED]
    compensations.enter_approved(session, place, approved)
    overturned = [each.assignment_id for each in decided if each.status == APPROVED]
    rejected = [each.assignment_id for each in decided if each.status == REJECTED]
    label_marks.note_decisions(session, place, overturned, rejected, answer.read_at)
    entered.assignments_new += len(new)
    entered.assignments_changed += len(decided)
    if new and answer.row.experiment is not None:
        entered.new_workers.setdefault(answer.row.experiment, set()).update(each.worker_id for each in new)
    if table is not None and listed and answer.row.code_version is not None:
        entered.participants_added += _enter_people(session, answer.row, listed, table)
    return bool(new or decided)


def _enter_people(session: Session, row: HitRow, listed: Sequence[Assignment], table: ParticipantsTable) -> int:
    """Insert missing participants if turkctl fills the table, credit approved ones; return how many were inserted."""
    added = 0
    if table.fills:
        added = participants.insert_new(session, table.name, [_participant(row, each, table) for each in listed])
    approved = [uniqueid(each.worker_id, each.assignment_id) for each in listed if each.status == APPROVED]
    credit(session, table.name, row.mode, approved)
    return added


def _participant(row: HitRow, work: Assignment, table: ParticipantsTable) -> dict[str, Any]:
    return {
        "uniqueid": uniqueid(work.worker_id, work.assignment_id),
        "assignmentid": work.assignment_id,
        "workerid": work.worker_id,
        "hitid": row.hit_id,
        "codeversion": row.code_version,
        "beginhit": table.time(work.accepted),
        "beginexp": table.time(work.accepted),
        "endhit": table.time(work.submitted),
        "bonus": 0.0,
        "status": participants.CREDITED if work.status == APPROVED else participants.SUBMITTED,
        "mode": row.mode,
    }


def _row(work: Assignment, place: Place, read_at: datetime) -> assignments.Assignment:
    return assignments.Assignment(
        mode=place.mode,
        market=place.market,
        assignment_id=work.assignment_id,
        hit_id=work.hit_id,
        worker_id=work.worker_id,
        status=work.status,
        accepted=work.accepted,
        submitted=work.submitted,
        auto_approval=work.auto_approval,
        deadline=work.deadline,
        approved=work.approved,
        rejected=work.rejected,
        feedback=work.feedback,
        answer=work.answer,
        answers=parsed(work.answer),
        synced=read_at,
    )
