"""Import a psiTurk study as a turkctl project on the same database (``db import-psiturk``).

Everything is read first, so that an unreachable database leaves nothing half done; then the project file is written,
our tables are added, and psiTurk's campaigns, jobs and HITs are entered. Each step finds what an earlier run has done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlmodel import Session

from turkctl.errors import ConfigError, NotFoundError, SchemaError, TurkctlError
from turkctl.ids import can_be_id
from turkctl.operations.configure import CREATED, apply_configure, plan_configure
from turkctl.operations.engine.world import World
from turkctl.operations.project.experiments import parse_experiment
from turkctl.operations.project.files import find
from turkctl.operations.project.tables import LineOf
from turkctl.operations.psiturk.config import (
    Proposal,
    PsiturkConfig,
    check_there,
    full_url,
    mode_of,
    old_mode,
    public_url,
    read_config,
)
from turkctl.operations.psiturk.hits import take_hits
from turkctl.operations.psiturk.items import KEPT, SKIPPED, TAKEN, ImportItem
from turkctl.operations.psiturk.project_file import ProjectChange, lacks, plan_project
from turkctl.operations.psiturk.rows import OldCampaign, OldTask, UnfitRowError, parse_campaign, parse_task
from turkctl.operations.sync.observe import observe
from turkctl.paths import exists
from turkctl.settings import PROJECT_FILE, Origin, Settings
from turkctl.store import campaigns, experiments, participants, psiturk, schema, tasks
from turkctl.store.engine import Database
from turkctl.store.participant_columns import absent
from turkctl.units import format_duration, format_money, parse_zone
from turkctl.words import counted

WRITABLE = ("sqlite", "postgresql")
_MOST_ASKED = 20
"""Most HITs that the market is asked about for the reward."""


@dataclass(frozen=True)
class Study:
    """A psiTurk study as its own file describes it, and the settings for reading its database."""

    config: PsiturkConfig
    project_file: Path
    settings: Settings


@dataclass(frozen=True)
class StudySource:
    """The contents of psiTurk's tables, read and checked."""

    campaigns: tuple[OldCampaign, ...] = ()
    tasks: tuple[OldTask, ...] = ()
    hit_ids: tuple[str, ...] = ()
    people: Mapping[str, list[psiturk.People]] | None = None
    completed: Mapping[int, int] | None = None
    """Participants by campaign number, as psiTurk counts them."""
    done: Mapping[str, str] | None = None
    """The earlier imports, as :func:`turkctl.store.psiturk.imported` has it."""
    unfit: tuple[ImportItem, ...] = ()
    recent_hits: tuple[str, ...] = ()
    """The HITs that participants' rows name, the most recent first, to ask for what psiTurk's file lacks."""
    code_version: str | None = None
    """Of the participant who began last."""
    lacks_mode: bool = False
    """Whether the participants table has no column for the mode."""


def describe(path: Path, settings: Settings, *, named: bool = True) -> Study:
    """Read psiTurk's file; the project's own settings take precedence.

    Args:
        path: psiTurk's file.
        settings: of the project.
        named: whether the file was named; else it may be missing if the database was given.

    Raises:
        NotFoundError, ConfigError: see :func:`turkctl.operations.psiturk.config.read_config`.
        DatabaseUnreachableError: its SQLite file does not exist.
    """
    given = settings.origins["database_url"].kind in ("flag", "environment")
    if not named and given and not exists(path):
        config = PsiturkConfig(path, {"database_url": settings.database_url}, given=False)
        config = replace(config, values={**config.values, "table_name": _only_table(config, settings)})
    else:
        config = read_config(path)
    if (
        settings.origins["database_url"].kind == "flag"
    ):  # for example a copy of psiTurk's database: the project keeps it
        config = replace(config, values={**config.values, "database_url": settings.database_url})
    file = settings.project_file or settings.folder / PROJECT_FILE
    ours: dict[str, Any] = {
        "participants_table": config.get(config.table_key),
        "participants_mode": None if (old := old_mode(config)) is None else old.value,
        "participants_source": "psiturk",
        "mode": mode_of(config) or settings["mode"],
        "database_url": full_url(config),
    }
    origins, values = dict(settings.origins), dict(settings.values)
    public, _note = public_url(config, settings.folder)
    for name, value in ours.items():
        silent = settings.origins[name].kind in ("default", "user file")
        same = name == "database_url" and settings.values[name] in (public, value)
        if silent or same:  # the project's address may be psiTurk's without the password
            values[name], origins[name] = value, Origin("psiTurk's file", str(path))
    made = replace(settings, values=values, origins=origins)
    check_there(made.database_url)
    return Study(config, file, made)


def _only_table(config: PsiturkConfig, settings: Settings) -> str:
    """Return the name of the participants table: psiTurk's own, or the only one with its columns.

    Raises:
        DatabaseUnreachableError: the database cannot be opened or read.
    """
    from turkctl.store.engine import connect

    check_there(full_url(config))
    name: str = settings["participants_table"]
    database = connect(settings.database_url)
    try:
        with database.read() as session:
            found = [] if participants.exists(session, name) else psiturk.tables_of_participants(session)
    finally:
        database.close()
    return found[0] if len(found) == 1 else name


def read_source(study: Study, database: Database) -> StudySource:
    """Read psiTurk's tables; write nothing.

    Raises:
        DatabaseUnreachableError: the database cannot be opened or read.
        SchemaError: it was made by a newer turkctl, or the participants table lacks columns.
        NotFoundError: there is no participants table.
        UsageError: ``participants_timezone`` is not a time zone.
    """
    zone, table = parse_zone(study.settings["participants_timezone"]), study.settings["participants_table"]
    if database.dialect not in WRITABLE:
        why = f"turkctl keeps no tables of its own in {database.dialect}: participants can be listed and exported there"
        return StudySource(unfit=(ImportItem("database", database.url_for_people, None, SKIPPED, why),))
    found = schema.current(database)
    unfit: list[ImportItem] = []
    with database.read() as session:
        schema.refuse_newer(session, database)
        _check_participants(session, table)
        old = _parsed(session, psiturk.CAMPAIGNS, "campaign", lambda row: parse_campaign(row, zone), unfit)
        jobs = _parsed(session, psiturk.JOBS, "task", parse_task, unfit)
        ids = _parsed(session, psiturk.HITS, "hit", lambda row: str(row["hitid"]), unfit)
        people = psiturk.people_by_hit(session, table, ids)
        done = psiturk.imported(session) if found == schema.HEAD else {}
        completed = {each.number: psiturk.complete_rows(session, table, each.mode, each.code_version) for each in old}
        recent = tuple(psiturk.recent_hits(session, table, _MOST_ASKED))
        version = psiturk.newest_code_version(session, table)
    lacks_mode = "mode" in absent(database.engine, table)
    read = tuple(old), tuple(jobs), tuple(ids), people, completed, done, tuple(unfit)
    return StudySource(*read, recent, version, lacks_mode)


def _check_participants(session: Session, table: str) -> None:
    """Raise unless psiTurk's participants are there: campaigns and HITs are judged by them."""
    hint = "psiTurk's file names it with assignments_table_name or table_name, turkctl.toml with participants_table"
    if not participants.exists(session, table):
        raise NotFoundError(f"the database has no participants table '{table}'", hint=hint)
    missing = participants.missing_columns(session, table)
    if missing:
        raise SchemaError(f"the table '{table}' lacks psiTurk's column {', '.join(missing)}", hint=hint)


def _parsed(session: Session, table: str, what: str, parse: Any, unfit: list[ImportItem]) -> list[Any]:
    found = psiturk.read_table(session, table)
    if found.lacks:
        lacks = f"the table {table} lacks psiTurk's column {', '.join(found.lacks)}"
        unfit.append(ImportItem(what, table, None, SKIPPED, lacks))
    parsed = []
    for row in found.rows:
        try:
            parsed.append(parse(row))
        except UnfitRowError as error:
            unfit.append(ImportItem(what, str(row["id"]), None, SKIPPED, str(error)))
    return parsed


def ask_for_terms(
    world: World, study: Study, source: StudySource, slug: str | None
) -> tuple[list[Proposal], tuple[ImportItem, ...]]:
    """Return reward and duration of the newest HIT that the market still knows, if nothing else names them.

    Return also why the market could not be asked.

    Raises:
        UsageError, ConfigError: see :func:`turkctl.operations.psiturk.project_file.plan_project`.
    """
    ids = [each for each in dict.fromkeys((*source.recent_hits, *reversed(source.hit_ids))) if can_be_id(each)]
    told = any(each.reward > Decimal(0) for each in source.campaigns)
    if not ids or told or world.settings.mode == "local" or not lacks(study.config, study.project_file, slug, "reward"):
        return [], ()
    try:
        world.mturk.balance()  # one request without a retry: an unreachable market is noticed at once
        seen = observe(world.mturk, world.engine(), ids[:_MOST_ASKED], world.now())
    except TurkctlError as error:
        why = (
            f"the market could not be asked for the reward ({error.message}); run this again later, or add it yourself"
        )
        return [], (ImportItem("setting", "its HITs", None, SKIPPED, why),)
    hits = [each.hit for each in seen.values() if each.hit is not None and each.hit.created is not None]
    if not hits:
        return [], ()
    newest = max(hits, key=lambda hit: hit.created or world.now())
    found = [Proposal(f"HIT {newest.hit_id}", "reward", format_money(newest.reward))]
    if newest.duration is not None:
        found.append(Proposal(f"HIT {newest.hit_id}", "duration", format_duration(newest.duration)))
    return found, ()


def plan_file(study: Study, source: StudySource, slug: str | None, terms: Sequence[Proposal] = ()) -> ProjectChange:
    """Return the planned project file; values that psiTurk's file lacks come from its newest campaign, or its HITs.

    Args:
        study: the study, as its file describes it.
        source: the contents of its tables.
        slug: the experiment's name; None makes one from the title.
        terms: of :func:`ask_for_terms`.

    Raises:
        UsageError, ConfigError: see :func:`turkctl.operations.psiturk.project_file.plan_project`.
    """
    extra: list[Proposal] = list(terms)
    mode = old_mode(study.config)
    if source.lacks_mode and mode is not None:
        extra.append(mode)
    if source.code_version is not None:
        extra.append(Proposal("participants", "code_version", source.code_version))
    if source.campaigns:
        newest = max(source.campaigns, key=lambda each: each.created)
        name = f"campaign {newest.number}"
        if newest.reward > Decimal(0):
            extra.append(Proposal(name, "reward", format_money(newest.reward)))
        extra.append(Proposal(name, "duration", format_duration(newest.duration)))
    return plan_project(study.config, study.project_file, slug=slug, extra=extra)


def take_over(world: World, source: StudySource, change: ProjectChange, now: datetime) -> list[ImportItem]:
    """Enter psiTurk's campaigns, jobs and HITs in a database with our tables; keep earlier entries.

    Raises:
        DatabaseUnreachableError, SchemaError: see :mod:`turkctl.store.engine`.
    """
    items = [_configure(world, change, now)]
    with world.database.write() as session:
        version = experiments.by_slug(session, change.slug)
        done = psiturk.imported(session)
        if version is not None and psiturk.EXPERIMENT not in done:
            psiturk.remember(session, psiturk.EXPERIMENT, version.slug)
        items += [_take_campaign(session, old, version, done, source, change.slug, now) for old in source.campaigns]
        items += [_take_task(session, job, done, now) for job in source.tasks]
    items += take_hits(world, dict(source.people or {}), source.hit_ids, version)
    taken = Counter(item.what for item in items if item.status == TAKEN)
    if taken:
        told = ", ".join(counted(number, "HIT" if what == "hit" else what) for what, number in taken.items())
        world.origin.tally.say(f"taken over from psiTurk: {told}", change.slug)
    return [*items, *source.unfit]


def foresee(source: StudySource, change: ProjectChange, database: Database) -> list[ImportItem]:
    """Return what :func:`take_over` would enter, without asking a market; nothing if our tables cannot be added."""
    if database.dialect not in WRITABLE:
        return list(source.unfit)
    missing, done = _incomplete(change), source.done or {}
    items = [ImportItem("experiment", None, change.slug, SKIPPED if missing else TAKEN, missing or "to be configured")]
    for old in source.campaigns:
        if old.key in done:
            items.append(ImportItem("campaign", str(old.number), f"campaign {done[old.key]}", KEPT, "imported before"))
            continue
        detail = missing or _about(old, change.slug)
        items.append(ImportItem("campaign", str(old.number), None, SKIPPED if missing else TAKEN, detail))
    for job in source.tasks:
        known = done.get(job.key)
        detail = _rests(job) if known is None else "imported before"
        items.append(ImportItem("task", job.name, known or "approve-all", TAKEN if known is None else KEPT, detail))
    items += [ImportItem("hit", hit_id, hit_id, TAKEN, "if the market still knows it") for hit_id in source.hit_ids]
    return [*items, *source.unfit]


def _incomplete(change: ProjectChange) -> str | None:
    """Return why the experiment cannot be configured yet."""
    table = change.document.get("experiments", {}).get(change.slug, {})
    try:
        parse_experiment(change.slug, table, LineOf(change.path, change.text or "", f"experiments.{change.slug}"))
    except ConfigError as error:
        return f"{error.message}; fix that, run: turkctl experiments configure, then this again"
    return None


def _configure(world: World, change: ProjectChange, now: datetime) -> ImportItem:
    """Store the experiment's settings the first time; ``experiments configure`` makes later changes."""
    with world.database.read() as session:
        if experiments.by_slug(session, change.slug) is not None:
            return ImportItem("experiment", None, change.slug, KEPT, "already configured")
    missing = _incomplete(change)
    if missing is not None:
        return ImportItem("experiment", None, change.slug, SKIPPED, missing)
    try:
        configured = [each for each in find(change.path, change.path.parent, [change.path]) if each.slug == change.slug]
    except ConfigError as error:
        return ImportItem("experiment", None, change.slug, SKIPPED, f"{error.message}; fix that and run this again")
    with world.database.read() as session:
        changes = plan_configure(session, configured, whole=False)
    apply_configure(world.database, [each for each in changes if each.status == CREATED], now)
    return ImportItem("experiment", None, change.slug, TAKEN, "configured")


def _take_campaign(
    session: Session,
    old: OldCampaign,
    version: experiments.Version | None,
    done: Mapping[str, str],
    source: StudySource,
    slug: str,
    now: datetime,
) -> ImportItem:
    if old.key in done:
        return ImportItem("campaign", str(old.number), f"campaign {done[old.key]}", KEPT, "imported before")
    if version is None:
        return ImportItem("campaign", str(old.number), None, SKIPPED, "its experiment is not configured yet")
    row = old.row(version.experiment_id, completed=(source.completed or {}).get(old.number, 0), now=now)
    stored = campaigns.insert(session, row)
    psiturk.remember(session, old.key, str(stored.number))
    return ImportItem("campaign", str(old.number), f"campaign {stored.number}", TAKEN, _about(old, slug))


def _about(old: OldCampaign, slug: str) -> str:
    if not old.active:
        return f"goal {old.goal}, code version {old.code_version}, as history"
    return f"it is active in psiTurk: end it there. Not continued here; to go on: {old.again(slug)}"


def _take_task(session: Session, job: OldTask, done: Mapping[str, str], now: datetime) -> ImportItem:
    if job.key in done:
        return ImportItem("task", job.name, done[job.key], KEPT, "imported before")
    names = ("approve-all", f"approve-all-{job.mode}", *(f"approve-all-psiturk-{number}" for number in range(1, 100)))
    name = next(each for each in names if tasks.by_name(session, each) is None)
    tasks.create(session, job.row(name, now))
    psiturk.remember(session, job.key, name)
    return ImportItem("task", job.name, name, TAKEN, f"{_rests(job)}: turkctl tasks resume {name} --mode {job.mode}")


def _rests(job: OldTask) -> str:
    return f"every {format_duration(job.every)} in mode {job.mode}; paused"


def all_items(change: ProjectChange, entered: Sequence[ImportItem]) -> list[dict[str, Any]]:
    """Return the rows of the report, settings first."""
    return [item.as_dict() for item in (*change.items, *entered)]
