"""Import a file's labels (``labels import``): all of them, or none if a row is bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TextIO

from turkctl.errors import UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment, settings_of
from turkctl.operations.labels.aggregation import DEFAULT_METHOD
from turkctl.operations.labels.columns import ColumnNames, find_columns
from turkctl.operations.labels.meaning import Meaning
from turkctl.operations.labels.reading import label_cells
from turkctl.operations.project.labels import LabelSettings
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
    """Number of rows of JSON Lines with null, for "can't tell"."""
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
    settings = settings_of(version).labels or LabelSettings()
    meaning = Meaning(version.slug, settings, settings.method or DEFAULT_METHOD)
    with label_staging.staging() as stage:
        with meter("reading") as tick, opened(request.file, stdin) as table:
            reader = _LabelReader(table, request, meaning, tick)
            stage.fill(reader.votes())
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


class _LabelReader:
    """Reads rows of a file as labels; checks each distinct value once."""

    def __init__(
        self, table: Table, request: ImportRequest, meaning: Meaning, tick: Callable[[int, int], None]
    ) -> None:
        self._table = table
        self._request = request
        self._meaning = meaning
        self._tick = tick
        self._good: set[str] = set()
        self.left_out = 0
        self.bad = 0
        self.notes: list[str] = []

    def votes(self) -> Iterator[Vote]:
        """Yield the labels one by one.

        Raises:
            UsageError: a row is bad, unless bad rows are skipped.
        """
        bad = self._skip if self._request.skip_bad_rows else None
        for number, row in enumerate(label_cells(self._table, self._request.columns, find_columns, bad), start=1):
            if not number % PART:
                self._table.progress(self._tick)
            if row is None:
                self.left_out += 1
                continue
            try:
                vote = self._vote(row)
            except UsageError as error:
                if bad is None:
                    raise
                bad(error)
                continue
            yield vote

    def _skip(self, error: UsageError) -> None:
        self.bad += 1
        if self.bad <= BAD_SHOWN:
            self.notes.append(f"left out: {error.message}")

    def _vote(self, row: Sequence[str]) -> Vote:
        item, worker, label = (cell.strip() for cell in row[:3])
        for role, text in (("item", item), ("worker", worker), ("label", label)):
            if not text:
                raise self._table.error(f"the {role} is missing", FIX_OR_SKIP)
            if "\0" in text or (role != "label" and len(text) > ID_LENGTH):
                what = "a NUL byte in it" if "\0" in text else f"more than {ID_LENGTH} characters"
                raise self._table.error(f"the {role} has {what}", FIX_OR_SKIP)
        if label not in self._good:
            self._meaning.check(label, self._table.place)
            self._good.add(label)
        return Vote(item, worker, label)


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
