"""Load the labels of an experiment as votes to aggregate: read once, in the order of time."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlmodel import Session

from turkctl.errors import UsageError
from turkctl.labels.votes import Duplicates, Votes
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.labels.meaning import SKIPPED, Class, Meaning
from turkctl.store import contents, label_votes
from turkctl.store.experiments import Version

ROWS_PER_TICK = 1 << 16


@dataclass(frozen=True)
class Loaded:
    """The votes, and the number of skipped labels, which are left out."""

    votes: Votes
    skipped: int


def load_votes(
    session: Session,
    version: Version,
    mode: str,
    meaning: Meaning,
    duplicates: Duplicates,
    tick: Callable[[int], None],
) -> Loaded:
    """Return the labels that count, as votes.

    Args:
        session: a reading session.
        version: the experiment.
        mode: of the labels.
        meaning: the meaning of answers.
        duplicates: which of a worker's labels on one item count.
        tick: called now and then with the number read.

    Raises:
        UsageError: there are no labels, all are of one worker or the same, or one is invalid.
    """
    items, workers, values, texts = _columns(session, version, mode, tick)
    if not values:
        raise UsageError(f"no label of experiment {version.slug} counts", hint=_see(version))
    for text in texts:
        _check(session, version, mode, meaning, text)
    gold = _gold(session, version)
    classes = meaning.classes([*texts, *gold.values()])
    code = np.array(meaning.codes(texts, classes), np.int32)[np.frombuffer(values, np.int32)]
    said = code != SKIPPED
    votes = Votes.of_codes(
        items.names,
        workers.names,
        classes,
        np.frombuffer(items.codes, np.int32)[said],
        np.frombuffer(workers.codes, np.int32)[said],
        code[said],
        gold={item: _gold_class(meaning, item, answer, classes) for item, answer in gold.items()},
        duplicates=duplicates,
    )
    _check_votes(votes, version)
    return Loaded(votes, int(len(code) - said.sum()))


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
) -> tuple[_Column, _Column, array[int], list[str]]:
    items, workers, values = _Column(), _Column(), _Column()
    rows = label_votes.counted(session, version.experiment_id, mode)
    for number, (item, worker, value) in enumerate(rows):
        items.add(item)
        workers.add(worker)
        values.add(value)
        if not number % ROWS_PER_TICK:
            tick(number)
    return items, workers, values.codes, values.names


def _check(session: Session, version: Version, mode: str, meaning: Meaning, text: str) -> None:
    """Raise if an answer is invalid; the error names one worker who gave it."""
    try:
        meaning.check(text, "")
    except UsageError:
        found = label_votes.example(session, version.experiment_id, mode, text)
        source = "an imported label" if found.assignment_id is None else f"assignment {found.assignment_id}"
        meaning.check(text, f"experiment {version.slug}, item {found.item}, worker {found.worker} ({source})")


def _check_votes(votes: Votes, version: Version) -> None:
    slug = version.slug
    if not len(votes):
        raise UsageError(
            f"all labels of experiment {slug} are skipped", hint=f"see skip in [experiments.{slug}.labels]"
        )
    if len(votes.workers) == 1:
        raise UsageError(
            f"experiment {slug} has labels of one worker only, {votes.workers[0]}",
            hint="aggregating needs at least two workers",
        )
    if votes.value.min() == votes.value.max():
        label = str(votes.classes[votes.value[0]]).lower()
        raise UsageError(f"all labels of experiment {slug} are '{label}'", hint="there is nothing to aggregate")


def _gold(session: Session, version: Version) -> dict[str, str]:
    """Return known answers by item; none if the labels are in another field than the answers to content."""
    settings = settings_of(version)
    if settings.labels is not None and settings.label_field != settings.answer_field:
        return {}
    return contents.gold_answers(session, version.experiment_id)


def _gold_class(meaning: Meaning, item: str, answer: str, classes: Sequence[Class]) -> Class:
    try:
        return meaning.as_class(answer.strip(), classes)
    except UsageError as error:
        raise UsageError(f"the known answer of content '{item}': {error.message}", error.hint) from None


def _see(version: Version) -> str:
    return f"see: turkctl labels list --experiment {version.slug}"
