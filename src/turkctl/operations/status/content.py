"""Tell how far items are: by experiment, by day or week, and by the people who answered (``content status``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from statistics import median
from typing import Any

from sqlmodel import Session

from turkctl.classes import sort_answers
from turkctl.errors import UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.labels.from_answers import read_answers
from turkctl.operations.labels.meaning import rule_of
from turkctl.operations.selection.gold import COLUMNS as GOLD_COLUMNS
from turkctl.operations.selection.gold import Accuracy, accuracies
from turkctl.operations.selection.hits import Selection
from turkctl.operations.status.pace import pace_of
from turkctl.operations.sync.usable import look_at_answers
from turkctl.store import contents, contents_counts, contents_progress, experiments, label_votes
from turkctl.store.experiments import Version
from turkctl.words import known_name

COLUMNS = (
    "experiment", "items", "finished", "usable", "wanted", "today", "last_7_days", "per_day", "expected_end",
)  # fmt: skip
DAY_COLUMNS = ("experiment", "day", "usable", "finished")
WEEK_COLUMNS = ("experiment", "week", "begins", "usable", "finished")
WORKER_COLUMNS = ("experiment", "worker_id", "items", "usable", "seconds_per_item", *GOLD_COLUMNS, "agreement")
GROUPS: Mapping[str | None, Sequence[str]] = {
    None: COLUMNS,
    "day": DAY_COLUMNS,
    "week": WEEK_COLUMNS,
    "worker": WORKER_COLUMNS,
}
"""The columns of rows, by what they are grouped by."""
DIGITS = 4
"""Decimals of shares."""

Row = dict[str, Any]


def check_group(given: str | None) -> str | None:
    """Return what rows are grouped by.

    Raises:
        UsageError: it is none of the names.
    """
    return None if given is None else known_name(given, [name for name in GROUPS if name is not None], "group")


def content_status(
    world: World, slug: str | None = None, *, group: str | None = None, ended: bool = False
) -> Iterator[Row]:
    """Return how far the items of experiments are, with the columns of :data:`GROUPS`.

    Removed items, and those with a known answer, are left out.

    Args:
        world: database and clock.
        slug: the only experiment; by default all that have items.
        group: ``day``, ``week`` or ``worker`` for a row of each; by default a row of each experiment.
        ended: also experiments that have ended; the one that is named is told about anyway.

    Raises:
        NotFoundError: there is no such experiment.
    """
    with world.database.read() as session:
        found = [find_experiment(session, slug)] if slug is not None else experiments.list_all(session, ended=ended)
    versions = sorted(found, key=lambda each: each.slug)
    look_at_answers(world, versions)
    made: Mapping[str | None, Callable[[World, Sequence[Version]], Iterator[Row]]] = {
        None: _by_experiment,
        "day": _by_day,
        "week": _by_week,
        "worker": _by_worker,
    }
    return made[group](world, versions)


def _by_experiment(world: World, versions: Sequence[Version]) -> Iterator[Row]:
    place, now = world.listing_place, world.now()
    with world.database.read() as session:
        progress = contents_counts.progress(session, place, now)
        days = contents_progress.days(session, place)
        posted = contents_progress.first_posted(session, place)
    for version in versions:
        key = version.experiment_id
        far = progress.get(key)
        if far is not None:
            pace = pace_of(days.get(key, []), posted.get(key), now, far.outputs - far.completed)
            row = {"experiment": version.slug, "items": far.items, "finished": far.finished}
            yield {**row, "usable": far.completed, "wanted": far.outputs, **vars(pace)}


def _by_day(world: World, versions: Sequence[Version]) -> Iterator[Row]:
    days = _days(world, versions)
    for version in versions:
        for each in days.get(version.experiment_id, ()):
            row = {"experiment": version.slug, "day": each.day.isoformat()}
            yield {**row, "usable": each.usable, "finished": each.finished}


def _by_week(world: World, versions: Sequence[Version]) -> Iterator[Row]:
    days = _days(world, versions)
    for version in versions:
        for begins, part in groupby(days.get(version.experiment_id, ()), lambda each: _monday(each.day)):
            whole = list(part)
            year, week, _ = begins.isocalendar()
            row = {"experiment": version.slug, "week": f"{year}-W{week:02}", "begins": begins.isoformat()}
            yield {
                **row,
                "usable": sum(each.usable for each in whole),
                "finished": sum(each.finished for each in whole),
            }


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _days(world: World, versions: Sequence[Version]) -> Mapping[int, Sequence[contents_progress.DayOfContent]]:
    only = versions[0].experiment_id if len(versions) == 1 else None
    with world.database.read() as session:
        return contents_progress.days(session, world.listing_place, only)


def _by_worker(world: World, versions: Sequence[Version]) -> Iterator[Row]:
    """Yield a row for each person who answered items of each experiment, those with most usable answers first."""
    place = world.listing_place
    for version in versions:
        read_answers(world, version)
        with world.database.read() as session:
            answered = contents_progress.answered_by(session, place, version.experiment_id)
            if not answered:
                continue
            times = contents_progress.durations(session, place, version.experiment_id)
            seconds = {who: median(took for _, took in each) for who, each in groupby(times, itemgetter(0))}
            known = _by_known_items(session, world, version)
            agreed = agreements(session, version, place.mode)
        for who, (items, usable) in sorted(answered.items(), key=lambda each: (-each[1][1], each[0])):
            took = seconds.get(who)
            yield {
                "experiment": version.slug,
                "worker_id": who,
                "items": items,
                "usable": usable,
                "seconds_per_item": None if took is None else round(took, 1),
                **known.get(who, Accuracy()).as_dict(),
                "agreement": agreed.get(who),
            }


def _by_known_items(session: Session, world: World, version: Version) -> Mapping[str, Accuracy]:
    """Return how well people did on items with a known answer; nothing if the settings do not name their field."""
    try:
        return accuracies(session, world.listing_place, Selection(experiment=version.slug))
    except UsageError:
        return {}


def agreements(session: Session, version: Version, mode: str) -> dict[str, float]:
    """Return the share of each person's labels that most of the others gave, too.

    Only labels that count are compared, a person's last one on each item, and only where one class has more votes of
    the others than any other class. Items with a known answer are left out. Who has no such label is not in it.
    """
    counts = label_votes.value_counts(session, version.experiment_id, mode)
    codes = sort_answers(rule_of(session, version, mode), counts, names_too=True).codes
    known = contents.gold_answers(session, version.experiment_id)
    compared: Counter[str] = Counter()
    same: Counter[str] = Counter()
    for item, part in groupby(label_votes.by_item(session, version.experiment_id, mode), itemgetter(0)):
        said = {worker: codes[value] for _, worker, value in part}
        if item in known or len(said) < 2:
            continue
        tally = Counter(code for code in said.values() if code >= 0)
        alike = {code: _as_others(code, tally) for code in tally}
        for worker, code in said.items():
            agrees = alike.get(code)
            if agrees is not None:
                compared[worker] += 1
                same[worker] += agrees
    return {worker: round(same[worker] / number, DIGITS) for worker, number in compared.items()}


def _as_others(code: int, tally: Mapping[int, int]) -> bool | None:
    """Return whether one who said this said what most others did; None if no class has most of the others' votes."""
    mine = tally[code] - 1
    others = sorted((number for each, number in tally.items() if each != code), reverse=True)[:2]
    most = others[0] if others else 0
    if mine > most:
        return True
    return None if mine == most or (len(others) > 1 and others[1] == most) else False
