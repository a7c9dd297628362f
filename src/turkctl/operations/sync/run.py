"""Bring turkctl's database up to date with the market, with requests only for what has changed (``sync``).

The counters of a HIT are read before its submissions. So an assignment whose status changes in between may be counted
twice briefly, but is never missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlmodel import Session

from turkctl.mturk.errors import DoesNotExistError, MarketRefusedError
from turkctl.mturk.types import Assignment, Hit
from turkctl.operations.engine.batch import read_each
from turkctl.operations.engine.plan import FAILED, ItemError, ItemResult
from turkctl.operations.engine.world import World
from turkctl.operations.intents.settle import enter_posts, settle
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.qualifications.consents import read_consents
from turkctl.operations.qualifications.study_types import purposes_to_grant
from turkctl.operations.qualifications.took_part import grant_new
from turkctl.operations.sync.adopt import Adopted, Adoption, adopt
from turkctl.operations.sync.enter import Entered, HitAnswer, ParticipantsTable, enter
from turkctl.operations.sync.of_psiturk import enter_psiturk
from turkctl.operations.sync.unknown import list_account, unknown_hits, without_row
from turkctl.operations.sync.usable import look_at_answers
from turkctl.store import (
    account_looks,
    assignments,
    experiments,
    hit_changes,
    hits,
    intents,
    participant_credits,
    participants,
    people,
    psiturk_hits,
)
from turkctl.store.assignments import SUBMITTED
from turkctl.store.base import Place, Scope
from turkctl.store.hits import HitFilter, HitRow
from turkctl.words import counted

GROUP = 50
"""Number of HITs whose answers are stored in one transaction."""


@dataclass(frozen=True)
class ReadReport:
    """The result of reading HITs from the market."""

    changed: tuple[str, ...]
    """HITs whose counters or work changed, or that are gone."""
    assignments_new: int
    assignments_changed: int
    disposed: tuple[str, ...]
    participants_added: int
    new_workers: Mapping[int, frozenset[str]]
    """The workers of new assignments, by experiment."""
    failed: tuple[ItemResult, ...]
    """HITs that the market refused to tell about; what is stored of them stays."""


@dataclass(frozen=True)
class SyncReport:
    """The result of a sync."""

    full: bool
    hits_checked: int
    read: ReadReport
    unknown: tuple[str, ...]
    """HITs of the account that this database does not know."""
    adopted: Adopted
    found: int
    """Number of unanswered requests of interrupted runs that had reached the market."""
    requests: int
    credited_again: int = 0
    """Number of participants' rows that psiTurk had set back to submitted after the approval."""
    psiturk: tuple[str, ...] = ()
    """HITs that psiTurk posted on this database and that this sync entered."""
    unassigned: tuple[str, ...] = ()
    """HITs of psiTurk whose experiment is unknown."""

    def news(self) -> Iterator[str]:
        """Yield what changed in the database, in words; nothing if nothing did."""
        work = self.read.assignments_new + self.read.assignments_changed
        for number, thing, what in (
            (len(self.read.changed), "HIT", "changed"),
            (work, "assignment", "read"),
            (len(self.adopted.hit_ids), "HIT", "adopted"),
            (len(self.psiturk), "HIT", "of psiTurk's added"),
            (self.found, "request", "of an interrupted run found"),
            (self.credited_again, "participant", "credited again"),
            (len(self.read.failed), "HIT", "not read"),
        ):
            if number:
                yield f"{counted(number, thing)} {what}"

    def as_dict(self) -> dict[str, Any]:
        """Return the report as it is printed."""
        return {
            "full": self.full,
            "hits_checked": self.hits_checked,
            "hits_changed": len(self.read.changed),
            "assignments_new": self.read.assignments_new,
            "assignments_changed": self.read.assignments_changed,
            "disposed": len(self.read.disposed),
            "participants_added": self.read.participants_added,
            "participants_credited_again": self.credited_again,
            "found": self.found,
            "psiturk": list(self.psiturk),
            "unassigned": list(self.unassigned),
            "unknown": list(self.unknown),
            "adopted": list(self.adopted.hit_ids),
            "not_adopted": [{"id": hit_id, "detail": reason} for hit_id, reason in self.adopted.left],
            "failed": [item.as_dict() for item in self.read.failed],
            "requests": self.requests,
        }


def unfinished(
    session: Session,
    place: Place,
    now: datetime,
    experiment_id: int | None = None,
    campaign_id: int | None = None,
) -> list[HitRow]:
    """Return the HITs that can still change the number of people.

    They are not gone, and have open slots in reach (or had some when last read), workers at work, or submissions that
    the counters imply but that are not stored.
    """
    return people.unfinished(session, place, now, experiment_id=experiment_id, campaign_id=campaign_id)


def unread_since_expiry(session: Session, place: Place, experiment_id: int, now: datetime) -> list[HitRow]:
    """Return the experiment's HITs that expired with open slots and were not read since."""
    return [row for row in unfinished(session, place, now, experiment_id) if row.available and row.expires <= now]


def sync(
    world: World, *, full: bool = False, grant_took_part: bool = True, adoption: Adoption | None = None
) -> SyncReport:
    """Bring the database up to date.

    All HITs of the account are listed, with their counters. Submissions are read only of HITs whose counters differ
    from the stored ones or imply submissions that are not stored; if the list lacks one of our HITs, it is asked for by
    id. With ``full`` the work of all HITs is read again, which also finds overturned rejections, and all of psiTurk's
    participants are searched for HITs again.

    Args:
        world: database, market and clock.
        full: read the submissions of every HIT.
        grant_took_part: at the end, grant each experiment's qualification for having taken part to its new workers.
        adoption: adopt HITs that the database does not know, as this says.

    Raises:
        UnreachableError: the market cannot be reached; what was read before is stored.
        UsageError: ``participants_timezone`` is not a time zone, or the adoption is invalid.
        NotFoundError: the experiment to adopt for is unknown.
    """
    now, before = world.now(), world.mturk.requests.total()
    learn_rules(world)
    settled = settle(world, now)
    listed = {hit.hit_id: hit for hit in list_account(world)}
    found = _enter_ours(world, list(listed.values()), now)
    theirs = tuple(enter_psiturk(world, now, listed, afresh=full))
    adopted = Adopted() if adoption is None else adopt(world, list(listed.values()), adoption, now)
    with world.database.read() as session:
        stored = hits.select_hits(session, HitFilter(world.place, disposed=False))
        unread = people.unread(session, world.place)
        unknown = unknown_hits(session, world, list(listed.values()))
        nobodys = tuple(psiturk_hits.unassigned(session, world.place))
        configured = experiments.list_all(session)
        to_grant = purposes_to_grant(session, configured)
    rows = [row for row in stored if full or row.hit_id in unread or _differs(row, listed.get(row.hit_id), now)]
    read = read_market(world, rows, now, known=listed, every=full)
    _note_unchanged(world, stored, rows, now)
    with world.database.write() as session:
        account_looks.note(session, world.place, now, len(unknown))
    credited = _credit_again(world)
    look_at_answers(world, configured)
    if grant_took_part:
        for experiment_id, purpose in to_grant:
            grant_new(world, experiment_id, now, purpose=purpose)
    read_consents(world, [each.experiment_id for each in configured])
    requests = world.mturk.requests.total() - before
    strange = tuple(hit.hit_id for hit in unknown)
    report = SyncReport(
        full, len(stored), read, strange, adopted, settled.found + found, requests, credited, theirs, nobodys
    )
    told = ", ".join(report.news())
    if told:
        world.origin.tally.say(told, *(each.experiment for each in rows if each.hit_id in read.changed))
    return report


def _credit_again(world: World) -> int:
    """Credit participants whose rows psiTurk set back to submitted after the approval; return how many."""
    name: str = world.settings["participants_table"]
    with world.database.read() as session:
        rows = participant_credits.set_back(session, name, world.place) if participants.exists(session, name) else []
    if rows:
        with world.database.write() as session:
            participant_credits.credit_again(session, name, world.place, rows)
    return len(rows)


def _differs(row: HitRow, hit: Hit | None, now: datetime) -> bool:
    """Return whether the stored row differs from the list, or the list lacks the HIT."""
    return hit is None or HitAnswer(row, hit, now).moved or (hit.expires is not None and hit.expires != row.expires)


def _note_unchanged(world: World, stored: Sequence[HitRow], rows: Sequence[HitRow], now: datetime) -> None:
    """Store the current time as last read for HITs whose stored row is the same as in the list."""
    looked_at = {row.hit_id for row in rows}
    with world.database.write() as session:
        hit_changes.note_unchanged(
            session, world.place, [row.hit_id for row in stored if row.hit_id not in looked_at], now
        )


def _enter_ours(world: World, listed: Sequence[Hit], now: datetime) -> int:
    """Enter HITs of our intents that were given up before the HITs appeared in the list; return how many."""
    if not listed:
        return 0
    with world.database.read() as session:
        marked = [(hit, hit.annotation) for hit in without_row(session, world, listed) if hit.annotation]
        tokens = intents.known_tokens(session, [token for _hit, token in marked])
        found = [(hit, intents.get(session, token)) for hit, token in marked if token in tokens]
    ours = [
        (intent, hit)
        for hit, intent in found
        if intent is not None and intent.kind in (intents.CREATE_HIT, intents.COMPENSATE)
    ]
    if ours:
        with world.database.write() as session:
            enter_posts(Scope(session, world.place, now), ours)
    return len(ours)


def read_market(
    world: World,
    rows: Sequence[HitRow],
    now: datetime,
    *,
    known: Mapping[str, Hit] | None = None,
    every: bool = False,
) -> ReadReport:
    """Read our HITs from the market, counters before submissions, and store the answers.

    Args:
        world: database and market.
        rows: the HITs as stored.
        now: when they are read.
        known: HITs that were just read from the market; each other one is asked for.
        every: read the submissions of all HITs, not only of those whose counters differ from what is stored.

    Raises:
        UnreachableError: the market cannot be reached; what was read before is stored.
        UsageError: ``participants_timezone`` is not a time zone.
    """
    place, entered = world.place, Entered()
    failed: list[ItemResult] = []
    with world.database.read() as session:
        table = ParticipantsTable.of(session, world.settings)
        slugs = {each.slug: each.experiment_id for each in experiments.list_all(session)}
    for group in _groups(_answers(world, rows, now, known or {}, every, failed), GROUP):
        with world.database.write() as session:
            enter(session, place, group, table, entered)
    return ReadReport(
        changed=tuple(entered.changed),
        assignments_new=entered.assignments_new,
        assignments_changed=entered.assignments_changed,
        disposed=tuple(entered.disposed),
        participants_added=entered.participants_added,
        new_workers={slugs[slug]: frozenset(workers) for slug, workers in entered.new_workers.items()},
        failed=tuple(failed),
    )


def _groups(answers: Iterable[HitAnswer], size: int) -> Iterator[list[HitAnswer]]:
    iterator = iter(answers)
    while group := list(islice(iterator, size)):
        yield group


def _answers(
    world: World,
    rows: Sequence[HitRow],
    now: datetime,
    known: Mapping[str, Hit],
    every: bool,
    failed: list[ItemResult],
) -> Iterator[HitAnswer]:
    """Yield the market's answer about each HIT, starting with those whose work need not be read."""
    counted = _count(world, rows, now, known, failed)
    with world.database.read() as session:
        stored = assignments.statuses(session, world.place, [answer.row.hit_id for answer in counted])
    unread = []
    for answer in counted:
        if _reads_work(answer, stored.get(answer.row.hit_id, {}).values(), every):
            unread.append(answer)
        else:
            yield answer

    def read(answer: HitAnswer) -> tuple[Assignment, ...]:
        # No more than were counted: otherwise we would request an empty page after the last one.
        try:
            return tuple(islice(world.mturk.list_assignments(answer.row.hit_id), answer.submissions))
        except DoesNotExistError:
            return ()

    for answer, listed in read_each(world.engine(), unread, read):
        if isinstance(listed, MarketRefusedError):
            failed.append(_failure(answer.row, listed))
        else:
            yield HitAnswer(answer.row, answer.hit, answer.read_at, listed)


def _count(
    world: World, rows: Sequence[HitRow], now: datetime, known: Mapping[str, Hit], failed: list[ItemResult]
) -> list[HitAnswer]:
    """Return the answer about each HIT, with its counters and without its work."""
    counted = [HitAnswer(row, known[row.hit_id], now) for row in rows if row.hit_id in known]

    def read(row: HitRow) -> Hit | None:
        try:
            return world.mturk.get_hit(row.hit_id)
        except DoesNotExistError:
            return None

    for row, hit in read_each(world.engine(), [row for row in rows if row.hit_id not in known], read):
        if isinstance(hit, MarketRefusedError):
            failed.append(_failure(row, hit))
        else:
            counted.append(HitAnswer(row, hit, now))
    return counted


def _reads_work(answer: HitAnswer, stored: Iterable[str], every: bool) -> bool:
    """Return whether to read a HIT's submissions: with ``every``, or if the counters differ from what is stored."""
    if answer.hit is None:
        return False
    statuses = list(stored)
    decided = sum(status != SUBMITTED for status in statuses)
    return answer.submissions > (0 if every else len(statuses)) or answer.hit.completed > decided


def _failure(row: HitRow, error: MarketRefusedError) -> ItemResult:
    return ItemResult(row.hit_id, FAILED, row.title, ItemError.of(error))
