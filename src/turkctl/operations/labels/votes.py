"""Load the labels of an experiment as votes to aggregate: read once, in the order of time."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sqlmodel import Session

from turkctl.classes import NOTHING, ODD, SKIPPED, AnswerRule, Class, Sorted, sort_answers
from turkctl.errors import UsageError
from turkctl.labels.votes import Duplicates, Votes
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.labels.left_out import MOST_NAMED, LeftOut, check_number, shortened, why_odd
from turkctl.operations.labels.meaning import as_class, odd_answer, rule_of, word
from turkctl.operations.project.labels import NAMED_CLASSES, NUMERIC
from turkctl.store import contents, label_votes
from turkctl.store.experiments import Version

ROWS_PER_TICK = 1 << 16


@dataclass(frozen=True)
class Loaded:
    """The votes, what the answers mean, and what is left out of them."""

    votes: Votes
    found: Sorted
    left_out: LeftOut


def load_votes(
    session: Session, version: Version, mode: str, method: str, duplicates: Duplicates, tick: Callable[[int], None]
) -> Loaded:
    """Return the labels that count, as votes; those that are none of the classes are left out.

    Args:
        session: a reading session.
        version: the experiment.
        mode: of the labels.
        method: the method that will aggregate them.
        duplicates: which of a worker's labels on one item count.
        tick: called now and then with the number read.

    Raises:
        UsageError: there are no labels, or all are of one worker or the same.
    """
    items, workers, values = _columns(session, version, mode, tick)
    if not len(values.codes):
        raise UsageError(f"no label of experiment {version.slug} counts", hint=_see(version))
    value = np.frombuffer(values.codes, np.int32)
    counts = dict(zip(values.names, np.bincount(value).tolist(), strict=True))
    rule, gold = rule_of(session, version, mode, method), _gold(session, version, method)
    listed = counts | {answer.strip(): 0 for answer in gold.values() if answer.strip() not in counts}
    found = sort_answers(rule, listed, names_too=method in NAMED_CLASSES)
    check_number(found.classes, method, f"experiment {version.slug}", listed=rule.question != "open")
    code = np.array([found.codes[text] for text in values.names], np.int32)[value]
    left_out = LeftOut(
        skipped=found.count(counts, SKIPPED) if SKIPPED in code else 0,
        missing=found.count(counts, NOTHING),
        odd=found.count(counts, ODD),
        named=tuple(_named(session, version, mode, found)),
    )
    said = code >= 0
    votes = Votes.of_codes(
        items.names,
        workers.names,
        found.classes,
        np.frombuffer(items.codes, np.int32)[said],
        np.frombuffer(workers.codes, np.int32)[said],
        code[said],
        gold={item: _gold_class(found, item, answer) for item, answer in gold.items()},
        duplicates=duplicates,
    )
    _check_votes(votes, version, rule, left_out, numeric=method in NUMERIC)
    return Loaded(votes, found, left_out)


class _Column:
    """Maps names to numbers, in the order in which they first appear."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self.codes = array("i")

    def add(self, name: str) -> None:
        """Add the name of the next row."""
        self.codes.append(self._index.setdefault(name, len(self._index)))

    @property
    def names(self) -> list[str]:
        """Return the names by number."""
        return list(self._index)


def _columns(
    session: Session, version: Version, mode: str, tick: Callable[[int], None]
) -> tuple[_Column, _Column, _Column]:
    items, workers, values = _Column(), _Column(), _Column()
    rows = label_votes.counted(session, version.experiment_id, mode)
    for number, (item, worker, value) in enumerate(rows):
        items.add(item)
        workers.add(worker)
        values.add(value)
        if not number % ROWS_PER_TICK:
            tick(number)
    return items, workers, values


def _named(session: Session, version: Version, mode: str, found: Sorted) -> list[str]:
    """Return a line for each of the first odd answers: of which item, by whom, and in which assignment."""
    odd = [text for text, code in found.codes.items() if code == ODD][:MOST_NAMED]
    if not odd:
        return []
    why = why_odd(found.rule)
    first = label_votes.first_with(session, version.experiment_id, mode, odd, MOST_NAMED)
    return [
        f"item {each.item}, worker {each.worker} ({_source(each.assignment_id)}): "
        f"the label '{shortened(each.label or '')}' {why}"
        for each in first
    ]


def _source(assignment_id: str | None) -> str:
    return "an imported label" if assignment_id is None else f"assignment {assignment_id}"


def _check_votes(votes: Votes, version: Version, rule: AnswerRule, left_out: LeftOut, *, numeric: bool) -> None:
    """Raise if nothing can be made of the votes; an odd answer is what to tell first.

    Raises:
        UsageError: there are none, or all are of one worker or the same.
    """
    slug = version.slug
    same = len(votes) and votes.value.min() == votes.value.max() and not numeric
    if len(votes.workers) > 1 and not same:
        return
    if left_out.named:
        why = odd_answer(slug, rule, "", "").hint
        raise UsageError(f"experiment {slug}, {left_out.named[0]}", hint=why)
    if not len(votes):
        raise UsageError(
            f"all labels of experiment {slug} are skipped or say nothing",
            hint=f"see skip in [experiments.{slug}.labels]",
        )
    if len(votes.workers) == 1:
        raise UsageError(
            f"experiment {slug} has labels of one worker only, {votes.workers[0]}",
            hint="aggregating needs at least two workers",
        )
    label = word(votes.classes[votes.value[0]])
    raise UsageError(f"all labels of experiment {slug} are '{label}'", hint="there is nothing to aggregate")


def _gold(session: Session, version: Version, method: str) -> Mapping[str, str]:
    """Return known answers by item; none if the labels are in another field than the answers to content."""
    settings = settings_of(version)
    if method in NUMERIC or settings.label_field != settings.answer_field:
        return {}
    return contents.gold_answers(session, version.experiment_id)


def _gold_class(found: Sorted, item: str, answer: str) -> Class:
    try:
        return as_class(answer.strip(), found.classes, found.rule)
    except UsageError as error:
        raise UsageError(f"the known answer of content '{item}': {error.message}", error.hint) from None


def _see(version: Version) -> str:
    return f"see: turkctl labels list --experiment {version.slug}"
