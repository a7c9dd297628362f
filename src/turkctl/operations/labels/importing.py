"""Import a file's labels (``labels import``): all of them, or none if a row is bad."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TextIO

from turkctl.classes import AnswerRule, Kind, truth
from turkctl.errors import UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.labels.columns import ColumnNames, find_columns
from turkctl.operations.labels.left_out import LeftOut
from turkctl.operations.labels.meaning import method_of, odd_answer, rule_of
from turkctl.operations.labels.reading import Dropped, label_cells
from turkctl.operations.project.labels import NAMED_CLASSES
from turkctl.rows import Table, opened
from turkctl.store import label_staging, label_state, label_votes
from turkctl.store.label_staging import PART, LabelStage
from turkctl.store.label_votes import Vote
from turkctl.store.labels import ID_LENGTH

FIX_OR_SKIP = "fix that row, or add --skip-bad-rows"
BAD_SHOWN = 10
"""Maximum number of bad rows that are reported one by one."""

Meter = Callable[[str], Any]


@dataclass(frozen=True)
class ImportRequest:
    """The arguments of ``labels import``."""

    file: str
    experiment: str
    columns: ColumnNames
    skip_bad_rows: bool = False
    skip_missing: bool = False


@dataclass(frozen=True)
class ImportReport:
    """The counts of an import; see :meth:`as_dict`."""

    experiment: str
    mode: str
    dry_run: bool
    rows: int
    added: int
    changed: int
    """Number of labels that replaced another label of the same worker on the same item."""
    unchanged: int
    repeated: int
    """Number of rows whose item and worker appear again later in the file: the last one counts."""
    left_out: int
    """Number of rows without a label (null in JSON, or missing ones that are skipped) or of rejected work."""
    bad: int
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as it is printed."""
        return {name: value for name, value in asdict(self).items() if name != "notes"}


def import_labels(
    world: World, request: ImportRequest, stdin: TextIO, meter: Meter, *, dry_run: bool = False
) -> ImportReport:
    """Add a file's labels to an experiment, in the mode of the world.

    The whole file is read and checked first, into a staging file; then it is written to the database in short
    transactions. Importing it again adds nothing; a label that a worker already has for an item is replaced by the
    new one. After a crash in between, importing again completes it.

    Raises:
        NotFoundError: no such experiment.
        UsageError: the file cannot be used, or a row is bad, with its line; nothing is imported.
    """
    mode = world.listing_place.mode
    with world.database.read() as session:
        version = find_experiment(session, request.experiment)
        rule = rule_of(session, version, mode)
    with label_staging.staging() as stage:
        with meter("reading") as tick, opened(request.file, stdin) as table:
            reader = _LabelReader(table, request, _Question(version.slug, rule, method_of(version)), tick)
            stage.fill(reader.votes())
            stage.drop_values(reader.settle())
        if not stage.given:
            bad = f" that can be used: {reader.notes[0].removeprefix('left out: ')}" if reader.bad else ""
            raise UsageError(f"{table.name} has no labels{bad}", hint="give a row per label below the column names")
        kept = stage.kept
        with meter("importing") as tick:
            with world.database.read() as session:
                changed = stage.drop_known(label_votes.imported(session, version.experiment_id, mode))
            todo = stage.kept
            if not dry_run:
                _put(world, version.experiment_id, stage, partial(_told, tick, todo))
    if todo and not dry_run:
        world.origin.tally.say(f"{todo - changed:,} labels added, {changed:,} changed", version.slug)
    return ImportReport(
        version.slug,
        mode,
        dry_run,
        stage.given + reader.left_out + reader.bad,
        added=todo - changed,
        changed=changed,
        unchanged=kept - todo,
        repeated=stage.given - kept,
        left_out=reader.left_out,
        bad=reader.bad,
        notes=tuple(reader.notes),
    )


class _Question:
    """What the labels of the file can be; where nobody said so, their majority does."""

    def __init__(self, slug: str, rule: AnswerRule, method: str) -> None:
        self._slug = slug
        self._rule = rule
        self._names_too = method in NAMED_CLASSES
        self._counts: Counter[str] = Counter()
        self._unusual: list[tuple[int, str, str]] = []
        self.is_open = rule.question == "open"
        self.is_numeric = rule.question == "numbers"

    def kind(self, label: str) -> Kind:
        """Return what a label is, as far as is known before the end of the file."""
        return self._rule.kind(label)

    def error(self, label: str, place: str, rule: AnswerRule | None = None) -> UsageError:
        """Return the error for a label that is none of the classes."""
        return odd_answer(self._slug, rule or self._rule, label, place)

    def note(self, label: str, row: int, place: str) -> None:
        """Remember a label, and where it is if it is neither true nor false."""
        if not self.is_open:
            return
        self._counts[label] += 1
        if len(self._unusual) < BAD_SHOWN and truth(label) is None:
            self._unusual.append((row, place, label))

    def odd(self) -> tuple[Counter[str], list[tuple[int, UsageError]]]:
        """Return the labels so far that are none of the classes, and the errors of the first ones with their rows."""
        rule = self._rule.decided(self._counts, names_too=self._names_too)
        odd = Counter({each: count for each, count in self._counts.items() if rule.kind(each) == "odd"})
        first = [(row, self.error(each, place, rule)) for row, place, each in self._unusual if each in odd]
        return odd, first


class _LabelReader:
    """Reads rows of a file as labels; checks each distinct value once."""

    def __init__(
        self, table: Table, request: ImportRequest, question: _Question, tick: Callable[[int, int], None]
    ) -> None:
        self._table = table
        self._request = request
        self._question = question
        self._tick = tick
        self._kinds: dict[str, Kind] = {}
        self._told: list[tuple[int, str]] = []
        self._dropped = Dropped()
        self._missing = 0
        self.bad = 0

    @property
    def left_out(self) -> int:
        """Return the number of rows that are no labels."""
        return self._dropped.unknown + self._dropped.rejected + self._missing

    @property
    def notes(self) -> list[str]:
        """Return what is left out, the first bad rows one by one."""
        kinds = LeftOut(unknown=self._dropped.unknown, rejected=self._dropped.rejected, missing=self._missing)
        return [text for _row, text in sorted(self._told)[:BAD_SHOWN]] + kinds.notes()

    def votes(self) -> Iterator[Vote]:
        """Yield the labels one by one.

        Raises:
            UsageError: a row is bad, unless bad rows are skipped.
        """
        skips = self._request.skip_bad_rows
        bad, numeric = self._skip if skips else None, self._question.is_numeric
        rows = label_cells(self._table, self._request.columns, find_columns, bad, self._dropped, numbers=numeric)
        for number, row in enumerate(rows, start=1):
            if not number % PART:
                self._table.progress(self._tick)
            try:
                vote = self._vote(row)
            except UsageError as error:
                if not skips:
                    raise self._first(error) from None
                self._skip(error)
                continue
            if vote is not None:
                self._question.note(vote.value or "", self._table.row, self._table.place)
                yield vote

    def settle(self) -> Counter[str]:
        """Return how often labels were given that turn out to be none of the classes, once all are read.

        Raises:
            UsageError: there are some, unless bad rows are skipped.
        """
        odd, first = self._question.odd()
        if first and not self._request.skip_bad_rows:
            raise first[0][1]
        self.bad += odd.total()
        self._told += [(row, f"left out: {error.message}") for row, error in first]
        return odd

    def _first(self, error: UsageError) -> UsageError:
        """Return the error of an earlier row, if there is one; else this one."""
        _odd, first = self._question.odd()
        return first[0][1] if first else error

    def _skip(self, error: UsageError) -> None:
        self.bad += 1
        if len(self._told) < BAD_SHOWN:
            self._told.append((self._table.row, f"left out: {error.message}"))

    def _vote(self, row: Sequence[str]) -> Vote | None:
        """Return a row as a label; None if it has none and such rows are left out."""
        item, worker, label = (cell.strip() for cell in row[:3])
        if self._question.is_numeric:
            label = self._table.number(label)
        for role, text in (("item", item), ("worker", worker), ("label", label)):
            if not text and role != "label":
                raise self._table.error(f"the {role} is missing", FIX_OR_SKIP)
            if "\0" in text or (role != "label" and len(text) > ID_LENGTH):
                what = "a NUL byte in it" if "\0" in text else f"more than {ID_LENGTH} characters"
                raise self._table.error(f"the {role} has {what}", FIX_OR_SKIP)
        if label not in self._kinds:
            self._kinds[label] = self._question.kind(label)
        kind = self._kinds[label]
        if kind == "missing":
            self._without_label(label)
            return None
        if kind == "odd":
            raise self._question.error(label, self._table.place)
        return Vote(item, worker, label)

    def _without_label(self, label: str) -> None:
        if not self._request.skip_missing:
            says = f": '{label}' says nothing" if label else ""
            raise self._table.error(f"the label is missing{says}", f"{FIX_OR_SKIP} or --skip-missing")
        self._missing += 1


def _told(tick: Callable[[int, int], None], total: int, done: int) -> None:
    tick(done, total)


def _put(world: World, experiment_id: int, stage: LabelStage, done: Callable[[int], None]) -> None:
    """Write all labels to the database; the first one marks the experiment dirty."""
    mode, now, counted = world.listing_place.mode, world.now(), 0
    for part in stage.parts():
        with world.database.write() as session:
            label_state.ensure(session, experiment_id, mode, now)
            label_votes.put_imported(session, experiment_id, mode, part, now)
            label_state.mark_dirty(session, experiment_id, mode, now)
        counted += len(part)
        done(counted)
