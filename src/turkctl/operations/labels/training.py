"""Export results as data to train a model with: items with what the study's files say of them, votes, probabilities."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlmodel import Session

from turkctl.classes import BINARY, AnswerRule, Class, class_named
from turkctl.operations.answers.columns import MOST, FreshNames, ItemColumns
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment, settings_of
from turkctl.operations.labels.lists import (
    BY_HAND,
    DIGITS,
    GOLD_COLUMN,
    INTERVAL,
    ITEM_COLUMNS,
    as_shown,
    is_numeric,
    items_of,
    settled_rule,
)
from turkctl.operations.labels.meaning import rule_of, word
from turkctl.operations.selection.gold import INCLUDE, ONLY
from turkctl.store import contents, experiments, label_results
from turkctl.store.experiments import Version
from turkctl.store.label_results import AggregationRun, LabelledItem

SOURCE, VOTES = "source", "votes"
FROM_VOTES, FROM_GOLD = "votes", "gold"
"""Where a label is from, besides :data:`BY_HAND`."""
PART = 5000
"""Number of items whose data is read at a time."""

Row = dict[str, Any]


@dataclass(frozen=True)
class TrainingData:
    """The results of one experiment or all: rows are read on demand."""

    columns: Sequence[str]
    rows: Iterator[Row]
    types: Mapping[str, type]
    """Which columns hold whole numbers, and which any."""
    old: Sequence[str]
    """Experiments whose results an older turkctl made, which kept no votes and probabilities of several classes."""


@dataclass(frozen=True)
class _LabelledExperiment:
    """An experiment with its results, as they were when the export began."""

    version: Version
    run: AggregationRun | None
    rule: AnswerRule
    known: Mapping[str, str]
    """Known answers by item."""
    answered: bool
    """Whether the known answers are answers to the same question as the labels."""
    names: Sequence[str]
    """Of what the study's files say of items."""

    @property
    def classes(self) -> Sequence[Class]:
        """Return the classes of the results; none for numbers, and where there are no results."""
        if self.run is None or is_numeric(self.run):
            return ()
        return (self.run.facts or {}).get("classes") or BINARY

    @property
    def old(self) -> bool:
        """Return whether votes and probabilities of several classes were not kept."""
        return self.run is not None and tuple(self.classes) != BINARY and not (self.run.facts or {}).get("per_class")


def training_data(world: World, slug: str | None, *, gold: str | None = None, texts: bool = False) -> TrainingData:
    """Return a row per item: the label, where it is from, the votes, a probability per class, and the item's columns.

    The label is the one that was set by hand; else the known answer, of items that have one; else that of the votes.
    Columns of items need their data to be read twice; rows take the same memory however many there are.

    Args:
        world: database and clock.
        slug: the experiment; None for all, and rows name theirs.
        gold: what to do with items with a known answer, see :func:`turkctl.operations.selection.gold.check_gold`.
        texts: whether lists and truth values of items become text as in JSON, for formats that have only text.

    Raises:
        NotFoundError: no such experiment.
    """
    with world.database.read() as session:
        versions = [find_experiment(session, slug)] if slug is not None else experiments.list_all(session)
        sources = [_source(session, world, version) for version in versions]
    interval = INTERVAL if any(is_numeric(each.run) for each in sources) else ()
    marked = (GOLD_COLUMN,) if gold is not None and any(each.known for each in sources) else ()
    first = (*(("experiment",) if slug is None else ()), *ITEM_COLUMNS, *interval, *marked, SOURCE, VOTES)
    given = FreshNames(first)
    classes = dict.fromkeys(word(each) for source in sources for each in source.classes)
    shares = {name: given.add(f"p.{name}") for name in classes}
    items = ItemColumns({name for source in sources for name in source.names}, [*first, *shares.values()])
    made = _TrainingRows(world, first, shares, items, gold, texts=texts)
    return TrainingData(
        (*first, *shares.values(), *items.names),
        (row for source in sources for row in made.of(source)),
        {"n": int, **dict.fromkeys(("score", "p", *INTERVAL, *shares.values()), float)},
        [each.version.slug for each in sources if each.old],
    )


def _source(session: Session, world: World, version: Version) -> _LabelledExperiment:
    mode, settings = world.listing_place.mode, settings_of(version)
    run = label_results.standing_run(session, version.experiment_id, mode)
    names: dict[str, None] = {}
    for data in contents.all_data(session, version.experiment_id):
        names.update(dict.fromkeys(data))
        while len(names) > MOST:
            names.popitem()
    return _LabelledExperiment(
        version,
        run,
        settled_rule(rule_of(session, version, mode), run),
        contents.gold_answers(session, version.experiment_id),
        settings.label_field == settings.answer_field,
        list(names),
    )


@dataclass(frozen=True)
class _TrainingRows:
    """Makes the rows."""

    world: World
    first: Sequence[str]
    """The columns before those of classes and items."""
    shares: Mapping[str, str]
    """The column of each class."""
    items: ItemColumns
    gold: str | None
    texts: bool

    def of(self, source: _LabelledExperiment) -> Iterator[Row]:
        """Yield the rows of one experiment."""
        found = (each for each in items_of(self.world, source.version, source.run) if self._wants(each, source))
        while part := list(islice(found, PART)):
            with self.world.database.read() as session:
                data = contents.data_by_key(session, source.version.experiment_id, [each.item for each in part])
            for each in part:
                yield self._row(each, source, data.get(each.item))

    def _wants(self, item: LabelledItem, source: _LabelledExperiment) -> bool:
        return self.gold == INCLUDE or (self.gold == ONLY) == (item.item in source.known)

    def _row(self, item: LabelledItem, source: _LabelledExperiment, data: Mapping[str, Any] | None) -> Row:
        label, origin = _decided(item, source)
        numbers = {name: _rounded(getattr(item, name)) for name in ("score", "p", *INTERVAL)}
        row = {
            "experiment": source.version.slug,
            "item": item.item,
            "label": label,
            **numbers,
            "n": item.n,
            "method": item.method,
            GOLD_COLUMN: source.known.get(item.item),
            SOURCE: origin,
            VOTES: _votes(item, source),
        }
        shares = _shares(item, source)
        return {
            **{name: row[name] for name in self.first},
            **{column: shares.get(name) for name, column in self.shares.items()},
            **{name: _as_text(value) if self.texts else value for name, value in self.items.of(data).items()},
        }


def _decided(item: LabelledItem, source: _LabelledExperiment) -> tuple[Class | None, str | None]:
    """Return the label of an item, and where it is from; nothing for an item without one."""
    if item.method == "admin":
        return as_shown(item.label, source.run), BY_HAND
    known = source.known.get(item.item) if source.answered else None
    meant = None if known is None else class_named(known.strip(), source.classes, source.rule)
    if meant is not None:
        return meant, FROM_GOLD
    label = as_shown(item.label, source.run)
    return label, None if label is None else FROM_VOTES


def _votes(item: LabelledItem, source: _LabelledExperiment) -> Mapping[str, int] | None:
    """Return the number of votes by class; None where none are stored."""
    if item.votes is not None or tuple(source.classes) != BINARY:
        return item.votes
    numbers = (("false", item.n - item.n_true), ("true", item.n_true))
    return {name: number for name, number in numbers if number}


def _shares(item: LabelledItem, source: _LabelledExperiment) -> Mapping[str, float | None]:
    """Return the probability of each class; nothing where none are known."""
    if item.p is None:
        return {}
    if tuple(source.classes) == BINARY:
        true = round(item.p, DIGITS) + 0.0
        return {"false": round(1 - true, DIGITS) + 0.0, "true": true}
    if item.by_class is None:
        return {}
    return {word(each): item.by_class.get(word(each), 0.0) for each in source.classes}


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DIGITS) + 0.0
