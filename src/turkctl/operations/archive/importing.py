"""Make a study of an archive: experiments by title, HITs, work, people, and payments as paid. No market is asked.

An experiment is made of each title; the code version of a HIT is its annotation where several HITs of that title have
the same, which is how batches are told apart. Where the project has an experiment of that title, its HITs are the
archive's as well. Rows have the mode and the market of the archive, so that nothing mixes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session

from turkctl.archive.folder import ArchiveDatabase, opened_archive
from turkctl.archive.study import ArchivedHit, ArchivedStudy, hits_of, read_until, studies
from turkctl.fees import MTURK
from turkctl.harmless import hides_characters
from turkctl.mturk import answers
from turkctl.mturk.client import MTurk
from turkctl.mturk.types import BonusPayment, Hit
from turkctl.operations.configure import digest
from turkctl.operations.engine.world import CommandOrigin, World
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.intents.bonuses import enter_found
from turkctl.operations.intents.posts import found_row
from turkctl.operations.project.experiments import HALF_MINUTE, YEAR, ExperimentSettings
from turkctl.operations.sync.enter import Entered, HitAnswer, ParticipantsTable, enter
from turkctl.settings import Settings
from turkctl.store import assignments, experiments, hits, payments
from turkctl.store.base import Place
from turkctl.store.engine import Database
from turkctl.store.experiments import Version
from turkctl.store.hits import HitFilter
from turkctl.store.payments import PaymentFilter
from turkctl.units import CENT
from turkctl.words import counted

ARCHIVED = "archived"
"""The code version of HITs whose annotation names no batch."""
COLUMNS = ("experiment", "status", "title", "hits", "assignments", "workers", "bonuses", "new_hits", "new_bonuses")
CREATED, KNOWN = "created", "known"
Tick = Callable[[int, int], None]
_LONGEST_SLUG = 60
_LONGEST_CODE, _LONGEST_ANNOTATION = 128, 255


@dataclass(frozen=True)
class ImportedStudy:
    """An experiment that an archive becomes: how much there is, and how much of it is new.

    Attributes:
        status: whether the experiment is created, or known.
        new_hits, new_work, new_bonuses: numbers of what the database did not have.
        left_out: number of HITs that no database can hold, because they are not what a market gives.
    """

    study: ArchivedStudy
    slug: str
    status: str
    new_hits: int = 0
    new_work: int = 0
    new_bonuses: int = 0
    left_out: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the row that is shown."""
        study = self.study
        return {
            "experiment": self.slug,
            "status": self.status,
            "title": study.title,
            "hits": study.hits,
            "assignments": study.assignments,
            "workers": study.workers,
            "bonuses": study.bonuses,
            "new_hits": self.new_hits,
            "new_assignments": self.new_work,
            "new_bonuses": self.new_bonuses,
            "left_out": self.left_out,
        }


@dataclass(frozen=True)
class _ArchiveWorld:
    """The study's database with the place of the archive, and without a market."""

    world: World
    place: Place

    @property
    def settings(self) -> Settings:
        return self.world.settings

    @property
    def database(self) -> Database:
        return self.world.database

    @property
    def mturk(self) -> MTurk:
        raise RuntimeError("an archive is imported without a market")

    @property
    def listing_place(self) -> Place:
        return self.place

    @property
    def origin(self) -> CommandOrigin:
        return self.world.origin

    def now(self) -> datetime:
        return self.world.now()

    def engine(self, **_options: Any) -> Any:
        raise RuntimeError("an archive is imported without a market")


def import_archive(
    world: World, folder: Path, *, dry_run: bool, tick: Tick = lambda _done, _total: None
) -> list[ImportedStudy]:
    """Enter an archive into the study's database; what is there already stays. Return a row for each experiment.

    Args:
        world: database, settings and clock; its market is not asked.
        folder: of the archive.
        dry_run: only count.
        tick: called with the number of HITs that are done, and of all.

    Raises:
        NoProjectError: nothing says which database is meant.
        NotFoundError, SchemaError, UsageError: the folder is no archive that can be read.
    """
    world.settings.require_database()
    with opened_archive(folder) as database:
        identity = database.identity
        scoped = _ArchiveWorld(world, Place(identity.mode, identity.market))
        named = list(_named(scoped, studies(database)))
        step = _foreseen if dry_run else _entered
        parts = _Parts(database, sum(each.study.hits for each in named), tick)
        done = [step(scoped, parts, each) for each in named]
    if not dry_run:
        _say(world, done)
    return done


class _Parts:
    """Reads HITs a few at a time, and tells how far it is."""

    def __init__(self, database: ArchiveDatabase, total: int, tick: Tick) -> None:
        self.read_at = read_until(database)
        self._database, self._total, self._tick = database, total, tick
        self._done = 0

    def of(self, study: ArchivedStudy) -> Iterator[list[ArchivedHit]]:
        """Yield the HITs of a study."""
        for part in hits_of(self._database, study.title):
            yield part
            self._done += len(part)
            self._tick(self._done, self._total)


def _say(world: World, done: Sequence[ImportedStudy]) -> None:
    new = [each for each in done if each.status == CREATED or each.new_hits or each.new_work or each.new_bonuses]
    if new:
        number = counted(sum(each.new_hits for each in new), "HIT")
        work = counted(sum(each.new_work for each in new), "assignment")
        paid = counted(sum(each.new_bonuses for each in new), "bonus", "bonuses")
        world.origin.tally.say(f"imported from an archive: {number}, {work}, {paid}", *(each.slug for each in new))


def _named(world: _ArchiveWorld, found: Sequence[ArchivedStudy]) -> Iterator[ImportedStudy]:
    """Give each study the name of the experiment that it belongs to."""
    with world.database.read() as session:
        known = experiments.list_all(session)
    taken = {each.slug for each in known}
    by_source = {each.source: each.slug for each in known}
    by_title = {settings_of(each).title: each.slug for each in sorted(known, key=lambda each: each.active)}
    for study in found:
        slug = by_source.get(_source(world.place, study.title)) or by_title.get(study.title)
        status = CREATED if slug is None else KNOWN
        slug = slug or _slug(study.title, taken)
        taken.add(slug)
        yield ImportedStudy(study, slug, status)


def _source(place: Place, title: str) -> str:
    return f"archive of {place.market} ({place.mode}): {title}"


def _slug(title: str, taken: set[str]) -> str:
    """Return a name that no experiment has, made from a title."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-") or ARCHIVED
    names = (stem if number == 1 else f"{stem[: _LONGEST_SLUG - 6]}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _foreseen(world: _ArchiveWorld, parts: _Parts, each: ImportedStudy) -> ImportedStudy:
    """Return what would be entered of a study."""
    for part in parts.of(each.study):
        ids = [found.hit["HITId"] for found in part]
        with world.database.read() as session:
            new = hits.unknown_ids(session, world.place, ids)
            stored = assignments.statuses(session, world.place, ids)
            paid = _paid(session, world.place, part)
        known = {name for statuses in stored.values() for name in statuses}
        work = sum(each["AssignmentId"] not in known for found in part for each in found.work)
        bonuses = sum(len(found.bonuses) for found in part) - paid
        each = replace(  # counted up
            each,
            new_hits=each.new_hits + len(new),
            new_work=each.new_work + work,
            new_bonuses=each.new_bonuses + max(0, bonuses),
        )
    return each


def _paid(session: Session, place: Place, part: Sequence[ArchivedHit]) -> int:
    """Return how many bonuses of these HITs are in the ledger."""
    names = list({bonus["AssignmentId"] for found in part for bonus in found.bonuses})
    return len(payments.select_payments(session, PaymentFilter(place, kind=payments.BONUS, assignment_ids=names)))


def _entered(world: _ArchiveWorld, parts: _Parts, each: ImportedStudy) -> ImportedStudy:
    """Enter a study: its experiment, then its HITs with their work and bonuses, a few at a time."""
    with world.database.write() as session:
        if each.status == CREATED:
            _create(session, world, each)
        version = experiments.by_slug(session, each.slug)
        table = ParticipantsTable.of(session, world.settings)
    assert version is not None
    for part in parts.of(each.study):
        each = _enter_part(world, each, version, part, table, parts.read_at)  # counted up
    return each


def _enter_part(
    world: _ArchiveWorld,
    each: ImportedStudy,
    version: Version,
    part: Sequence[ArchivedHit],
    table: ParticipantsTable | None,
    read_at: datetime,
) -> ImportedStudy:
    usable, entered = _usable(part), Entered()
    by_id = {hit.hit_id: (hit, found) for hit, found in usable}
    with world.database.write() as session:
        new = hits.unknown_ids(session, world.place, list(by_id))
        for hit_id in new:
            hit = by_id[hit_id][0]
            code = _code_version(hit, each.study)
            row = found_row(hit, world.place, read_at, MTURK, experiment_id=version.experiment_id, code_version=code)
            hits.insert(session, row)
        rows = hits.select_hits(session, HitFilter(world.place, ids=list(by_id)))
        told = [
            HitAnswer(row, by_id[row.hit_id][0], read_at, tuple(map(answers.assignment, by_id[row.hit_id][1].work)))
            for row in rows
        ]
        enter(session, world.place, told, table, entered)
        before = _paid(session, world.place, part)
    enter_found(world, {hit.hit_id: _bonuses(found) for hit, found in usable}, read_at, guess=True)
    with world.database.read() as session:
        after = _paid(session, world.place, part)
    return replace(
        each,
        new_hits=each.new_hits + len(new),
        new_work=each.new_work + entered.assignments_new,
        new_bonuses=each.new_bonuses + after - before,
        left_out=each.left_out + len(part) - len(usable),
    )


def _usable(part: Sequence[ArchivedHit]) -> list[tuple[Hit, ArchivedHit]]:
    """Return the HITs that a database can hold, converted."""
    usable = []
    for found in part:
        try:
            hit = answers.hit(found.hit)
        except answers.MALFORMED:
            continue
        usable.append((replace(hit, annotation=(hit.annotation or "")[:_LONGEST_ANNOTATION] or None), found))
    return usable


def _bonuses(found: ArchivedHit) -> list[BonusPayment]:
    return [answers.bonus_payment(each) for each in found.bonuses]


def _code_version(hit: Hit, study: ArchivedStudy) -> str:
    """Return the annotation that names the HIT's batch, if one does."""
    named = hit.annotation
    fits = named is not None and named.strip() == named and len(named) <= _LONGEST_CODE and not hides_characters(named)
    return named if named is not None and fits and named in study.batches else ARCHIVED


def _create(session: Session, world: _ArchiveWorld, each: ImportedStudy) -> None:
    """Store the experiment of a study, inactive: nothing is posted for it."""
    question = str(each.study.example.get("Question") or "")
    stored = {**_settings(each.study).stored(), "template": question}
    source = _source(world.place, each.study.title)
    experiments.save_version(
        session,
        each.slug,
        code_version=ARCHIVED,
        digest=digest({**stored, "source": source}),
        settings=stored,
        source=source,
        now=world.now(),
    )
    experiments.deactivate(session, each.slug)


def _settings(study: ArchivedStudy) -> ExperimentSettings:
    """Return the settings that the newest HIT was posted with, as far as settings can say so."""
    title = _line(study.title, 128) or ARCHIVED
    try:
        hit = answers.hit(study.example)
    except answers.MALFORMED:
        hit = None
    known = {} if hit is None else _known(hit)
    return ExperimentSettings(
        **{"description": title, "reward": CENT, **known},
        code_version=ARCHIVED,
        title=title,
        question_file="question.xml",
        placeholders=False,
    )


def _known(hit: Hit) -> dict[str, Any]:
    """Return the settings of a HIT, within the bounds that settings have."""
    known = {
        "description": _line(hit.description or "", 2000),
        "keywords": [word for each in hit.keywords if (word := _line(each, 100))][:9],
        "reward": max(hit.reward, CENT),
        "duration": min(max(hit.duration or HALF_MINUTE, HALF_MINUTE), YEAR),
        "auto_approval_delay": min(hit.auto_approval_delay or timedelta(), timedelta(days=30)),
    }
    return {name: value for name, value in known.items() if value != ""}


def _line(text: str, longest: int) -> str:
    """Return a text as a setting can hold it: one line without control characters."""
    seen = "".join(sign if unicodedata.category(sign)[0] not in "CZ" else " " for sign in text)
    return " ".join(seen.split())[:longest].strip()
