"""Store files as versioned settings, all of them or none (``experiments configure``)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from turkctl.errors import ConfigError, MistakesError
from turkctl.operations.campaigns.lifecycle import supersede
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import variant_of, whole_settings
from turkctl.operations.experiments.study_rules import mistakes
from turkctl.operations.project.differences import changed_keys, shown
from turkctl.operations.project.experiments import QUESTIONS
from turkctl.operations.project.files import Configured, ProjectFiles
from turkctl.operations.project.questions import additions, missing_columns, source_of
from turkctl.operations.qualifications.own_types import apply_types, plan_types
from turkctl.operations.qualifications.study_types import refuse_elsewhere
from turkctl.store import contents, experiments, participants
from turkctl.store.engine import Database
from turkctl.words import counted

CREATED = "created"
CHANGED = "changed"
UNCHANGED = "unchanged"
ENDED = "ended"
"""Nothing of an experiment that has ended, or is being ended, is stored until it is reopened."""
REMOVED = "removed"


@dataclass(frozen=True)
class Change:
    """The change of one experiment by configuring. ``differences`` has (old, new) by key."""

    slug: str
    status: str
    source: str | None
    code_version: str | None
    differences: Mapping[str, tuple[Any, Any]]
    configured: Configured | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the row that is shown."""
        return {
            "experiment": self.slug,
            "variant": variant_of(self.slug),
            "qualification": None,
            "status": self.status,
            "codeversion": self.code_version,
            "changes": shown(self.differences),
            "source": self.source,
        }


def _check_columns(
    session: Session, configured: Sequence[Configured], known: Mapping[str, experiments.Version]
) -> None:
    found: list[ConfigError] = []
    for each in configured:
        row = contents.first(session, known[each.slug].experiment_id) if each.slug in known else None
        if row is None:
            continue
        missing = missing_columns(source_of(each.settings, each.template), each.settings, set(row))
        key = next((name for name in QUESTIONS if getattr(each.settings, name)), "")
        found += [
            ConfigError(
                f"{each.locate(key)}: experiment '{each.slug}': "
                f"the content has no column for the placeholder ${{{name}}}",
                hint=f"its content has the columns {', '.join(row) or 'none'}",
            )
            for name in missing
        ]
    _raise_all(found)


def _raise_all(found: list[ConfigError]) -> None:
    if found:
        raise found[0] if len(found) == 1 else MistakesError(found)


def added_to_pages(found: ProjectFiles) -> list[tuple[str, str]]:
    """Return experiments with what turkctl adds to their page, in words."""
    return [(each.slug, words) for each in found.experiments for words in additions(each.settings, each.template)]


def digest(stored: Mapping[str, Any]) -> str:
    """Return a digest of all settings: equal if and only if they are equal."""
    return hashlib.sha256(json.dumps(stored, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def plan_configure(session: Session, configured: Sequence[Configured], *, whole: bool) -> list[Change]:
    """Return what would change; only read.

    Args:
        session: on turkctl's database.
        configured: the checked experiments.
        whole: whether these are all experiments, so that missing ones are no longer dispatched.

    Raises:
        ConfigError, MistakesError: a question uses a column that the experiment's content does not have; or
            ``not_after`` names no experiment; or a HIT cannot have so many requirements.
    """
    known = {version.slug: version for version in experiments.list_all(session)}
    _check_columns(session, configured, known)
    _raise_all([each.as_error() for each in mistakes(configured, known)])
    changes = [_compare(known.get(each.slug), each) for each in configured]
    if whole:
        present = {each.slug for each in configured}
        changes += [
            Change(version.slug, REMOVED, version.source, version.code_version, {})
            for version in known.values()
            if version.active and version.slug not in present
        ]
    return changes


def _compare(known: experiments.Version | None, each: Configured) -> Change:
    if known is None:
        return Change(each.slug, CREATED, str(each.source), each.settings.code_version, {}, each)
    if known.closed:
        return Change(each.slug, ENDED, str(each.source), known.code_version, {}, each)
    differences: dict[str, tuple[Any, Any]] = dict(changed_keys(whole_settings(known), each.stored()))
    if not known.active:
        differences["active"] = (False, True)
    status = CHANGED if differences else UNCHANGED
    return Change(each.slug, status, str(each.source), each.settings.code_version, differences, each)


def configure_project(
    world: World, found: ProjectFiles, *, whole: bool, dry_run: bool = False
) -> tuple[list[dict[str, Any]], list[int]]:
    """Store what the files describe, and set up its qualification types on the market of the mode.

    Running it again changes nothing and asks the market nothing. A type that cannot be set up now, for example because
    the market is unreachable, is created when the first HIT needs it, or at the next run.

    Args:
        world: database, market and clock.
        found: what the files describe.
        whole: whether these are all experiments, so that others are no longer dispatched.
        dry_run: only report what would change.

    Returns:
        A row per experiment and qualification, and the numbers of the campaigns that another code version ended.

    Raises:
        ConfigError, MistakesError: a placeholder has no column, the market cannot make a change of a type, or it does
            not know an audience or a consent; or ``not_after`` names no experiment.
        RefusedError, MarketRefusedError, UnreachableError: a type could not be set up; the experiments are stored.
    """
    now = world.now()
    with world.database.read() as session:
        changes = plan_configure(session, found.experiments, whole=whole)
        types = plan_types(session, world.place, found.qualifications) if found.qualifications else []
    refuse_elsewhere(world, {each.slug: each.own_keys for each in found.experiments if each.own_keys})
    superseded: list[int] = []
    if not dry_run:
        superseded = apply_configure(world.database, changes, now, world.settings["participants_table"])
        apply_types(world, types, now)
        _say(world, changes, [each.status for each in types])
    return [*(each.as_dict() for each in types), *(each.as_dict() for each in changes)], superseded


def _say(world: World, changes: Sequence[Change], types: Sequence[str]) -> None:
    """Tell the log what was stored, if anything was."""
    changed = [change for change in changes if change.status not in (UNCHANGED, ENDED)]
    statuses = Counter(change.status for change in changed)
    words = [f"{counted(number, 'experiment')} {status}" for status, number in statuses.items()]
    set_up = len(types) - types.count(UNCHANGED)
    words += [f"{counted(set_up, 'qualification')} set up"] if set_up else []
    if words:
        world.origin.tally.say(", ".join(words), *(change.slug for change in changed))


def apply_configure(
    database: Database,
    changes: Sequence[Change],
    now: datetime,
    participants_table: str = participants.DEFAULT_NAME,
) -> list[int]:
    """Store all of it in one transaction; return the numbers of the campaigns that a new code version ends."""
    superseded: list[int] = []
    with database.write() as session:
        for change in changes:
            if change.status == REMOVED:
                experiments.deactivate(session, change.slug)
            elif change.configured is not None and change.status in (CREATED, CHANGED):
                stored, code_version = change.configured.stored(), change.configured.settings.code_version
                before = experiments.by_slug(session, change.slug)
                if before is not None:
                    superseded += supersede(session, before.experiment_id, code_version, now, participants_table)
                experiments.save_version(
                    session,
                    change.slug,
                    code_version=code_version,
                    digest=digest(stored),
                    settings=stored,
                    source=str(change.configured.source),
                    now=now,
                )
    return superseded
