"""Sync: turkctl's database brought up to date with the market, at the cost of what has changed.

The counters of a HIT are asked for first and its submissions after them. So an assignment that moves on in between is
counted twice for a moment, and never not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from turkctl.operations.intents.settle import enter_post, settle
from turkctl.operations.sync.adopt import Adopted, Adoption, adopt
from turkctl.operations.sync.enter import Entered, HitAnswer, ParticipantsTable, enter
from turkctl.operations.sync.of_psiturk import enter_psiturk
from turkctl.operations.sync.unknown import list_account, strangers, without_row
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
from turkctl.store.base import Place
from turkctl.store.hits import HitFilter, HitRow

GROUP = 50
"""HITs whose answers are stored in one transaction."""

Grant = Callable[[World, int, datetime], object]
"""Grants an experiment's qualification to its new workers.

See :func:`turkctl.operations.qualifications.took_part.grant_new`.
"""


@dataclass(frozen=True)
class ReadReport:
    """What reading HITs from the market came to."""

    changed: tuple[str, ...]
    """HITs whose counters or work changed, or that are gone."""
    assignments_new: int
    assignments_changed: int
    disposed: tuple[str, ...]
    participants_added: int
    new_workers: Mapping[int, frozenset[str]]
    """By experiment: the workers of new assignments."""
    failed: tuple[ItemResult, ...]
    """HITs that the market would not tell about; they keep what is stored."""


@dataclass(frozen=True)
class SyncReport:
    """What a sync came to."""

    full: bool
    hits_checked: int
    read: ReadReport
    unknown: tuple[str, ...]
    """HITs of the account that this database does not know."""
    adopted: Adopted
    found: int
    """Requests that an interrupted run had left open and that had reached the market."""
    requests: int
    credited_again: int = 0
    """Participants' rows that psiTurk had set back to submitted after their work was approved."""
    psiturk: tuple[str, ...] = ()
    """HITs that psiTurk posted on this database and that were entered now."""
    unassigned: tuple[str, ...] = ()
    """HITs of psiTurk's of which nothing says whose they are."""

    def as_dict(self) -> dict[str, Any]:
        """The report as it is printed."""
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
    """HITs that can still change the counting of people.

    Those not gone that have open slots in reach (or had when they were last read), workers at work, or submissions
    that the counters imply and that are not stored.
    """
    return people.unfinished(session, place, now, experiment_id=experiment_id, campaign_id=campaign_id)


def unread_since_expiry(session: Session, place: Place, experiment_id: int, now: datetime) -> list[HitRow]:
    """The experiment's HITs that expired with open slots by what was read last: what became of those is not known."""
    return [row for row in unfinished(session, place, now, experiment_id) if row.available and row.expires <= now]


def sync(
    world: World, *, full: bool = False, grant: Grant | None = None, adoption: Adoption | None = None
) -> SyncReport:
    """Bring the database up to date.

    All HITs of the account are listed, which tells their counters. Submissions are read of those HITs alone whose
    counters are not as stored, or imply submissions that are not; a HIT of ours that the listing lacks is asked for
    by name. With ``full`` the work of all HITs is read again, which also finds what was overturned, and all of
    psiTurk's participants are searched for HITs again.

    Args:
        world: database, market and clock.
        full: read the submissions of every HIT.
        grant: called for every experiment at the end.
        adoption: take in what the database does not know, as this says.

    Raises:
        UnreachableError: the market is out of reach; what was read until then is stored.
        UsageError: ``participants_timezone`` is no time zone; an adoption that cannot be meant.
        NotFoundError: no such experiment to adopt for.
    """
    now, before = world.now(), world.mturk.requests.total()
    settled = settle(world, now)
    listed = {hit.hit_id: hit for hit in list_account(world)}
    found = _enter_ours(world, list(listed.values()), now)
    theirs = tuple(enter_psiturk(world, now, listed, afresh=full))
    adopted = Adopted() if adoption is None else adopt(world, list(listed.values()), adoption, now)
    with world.database.read() as session:
        stored = hits.select_hits(session, HitFilter(world.place, disposed=False))
        unread = people.unread(session, world.place)
        unknown = strangers(session, world, list(listed.values()))
        nobodys = tuple(psiturk_hits.unassigned(session, world.place))
        configured = [each.experiment_id for each in experiments.list_all(session)]
    rows = [row for row in stored if full or row.hit_id in unread or _differs(row, listed.get(row.hit_id), now)]
    read = read_market(world, rows, now, known=listed, every=full)
    _note_unchanged(world, stored, rows, now)
    with world.database.write() as session:
        account_looks.note(session, world.place, now, len(unknown))
    credited = _credit_again(world)
    if grant is not None:
        for experiment_id in configured:
            grant(world, experiment_id, now)
    requests = world.mturk.requests.total() - before
    strange = tuple(hit.hit_id for hit in unknown)
    return SyncReport(
        full, len(stored), read, strange, adopted, settled.found + found, requests, credited, theirs, nobodys
    )


def _credit_again(world: World) -> int:
    """Credit participants whose rows psiTurk set back to submitted after their work was approved; how many."""
    name: str = world.settings["participants_table"]
    with world.database.read() as session:
        rows = participant_credits.set_back(session, name, world.place) if participants.exists(session, name) else []
    if rows:
        with world.database.write() as session:
            participant_credits.credit_again(session, name, world.place, rows)
    return len(rows)


def _differs(row: HitRow, hit: Hit | None, now: datetime) -> bool:
    """Whether what is stored is not what the listing says, or the listing says nothing."""
    return hit is None or HitAnswer(row, hit, now).moved or (hit.expires is not None and hit.expires != row.expires)


def _note_unchanged(world: World, stored: Sequence[HitRow], rows: Sequence[HitRow], now: datetime) -> None:
    """Remember of the HITs that were listed as they are stored that this was true now."""
    looked_at = {row.hit_id for row in rows}
    with world.database.write() as session:
        hit_changes.note_unchanged(
            session, world.place, [row.hit_id for row in stored if row.hit_id not in looked_at], now
        )


def _enter_ours(world: World, listed: Sequence[Hit], now: datetime) -> int:
    """Enter HITs that carry an intent of ours which had been given up before they showed; how many."""
    if not listed:
        return 0
    place = world.place
    with world.database.read() as session:
        marked = [(hit, hit.annotation) for hit in without_row(session, world, listed) if hit.annotation]
        tokens = intents.known_tokens(session, [token for _hit, token in marked])
        found = [(hit, intents.get(session, token)) for hit, token in marked if token in tokens]
    ours = [
        (hit, intent)
        for hit, intent in found
        if intent is not None and intent.kind in (intents.CREATE_HIT, intents.COMPENSATE)
    ]
    if ours:
        with world.database.write() as session:
            for hit, intent in ours:
                enter_post(session, place, intent, hit, now)
    return len(ours)


def read_market(
    world: World,
    rows: Sequence[HitRow],
    now: datetime,
    *,
    known: Mapping[str, Hit] | None = None,
    every: bool = False,
) -> ReadReport:
    """Read HITs of ours from the market, counters before submissions, and store what it says.

    Args:
        world: database and market.
        rows: the HITs as they are stored.
        now: when it is read.
        known: HITs that the market has just told about; of the others each is asked for.
        every: read the submissions of all, not only of those whose counters disagree with what is stored.

    Raises:
        UnreachableError: the market is out of reach; what was read until then is stored.
        UsageError: ``participants_timezone`` is no time zone.
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
    """What the market says of each HIT, those first whose work need not be read."""
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
        # No more than were counted: the service would let us ask for an empty page after the last one.
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
    """The counters of each HIT."""
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
    """Whether submissions are to be read: all of them, or where the counters disagree with the stored statuses."""
    if answer.hit is None:
        return False
    statuses = list(stored)
    decided = sum(status != SUBMITTED for status in statuses)
    return answer.submissions > (0 if every else len(statuses)) or answer.hit.completed > decided


def _failure(row: HitRow, error: MarketRefusedError) -> ItemResult:
    return ItemResult(row.hit_id, FAILED, row.title, ItemError.of(error))
