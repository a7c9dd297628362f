"""Add and list the items of an experiment (``content add``, ``content list``)."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from turkctl.errors import UsageError
from turkctl.harmless import hides_characters
from turkctl.operations.content.folder import rows_of_folder
from turkctl.operations.content.priority import PriorityError, compile_priority
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_active_experiment, find_experiment, settings_of
from turkctl.operations.sync.usable import look_at_answers
from turkctl.paths import is_folder
from turkctl.rows import STANDARD_INPUT, Table, opened
from turkctl.store import contents_adding, contents_counts, contents_usable, experiments, label_state
from turkctl.store.base import Scope
from turkctl.store.contents import KEY_LENGTH
from turkctl.store.contents_adding import Added, ContentStage, NewContent, Rules
from turkctl.store.contents_counts import ContentProgress, ListFilter
from turkctl.store.contents_usable import AnswerNumbers
from turkctl.store.experiments import Version
from turkctl.words import counted, plural

COLUMNS = ("key", "experiment", "answers", "usable", "wanted", "scheduled", "priority", "gold", "removed")
OLDER_KEYS = {"outputs_max": "wanted", "completed": "usable"}
"""Earlier names of columns, which rows still have."""
KEY_COLUMNS = ("key", "id")
"""If no key column is named, the first of these that exists."""
PART = 10_000
"""Number of items written in one transaction, which takes well below a second."""
MAX_OUTPUTS = 1000
_AS_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False).encode
"""Encodes a row as it is stored, so that an unchanged row has the same text."""


@dataclass(frozen=True)
class AddRequest:
    """The arguments of ``content add``."""

    path: Path
    """``-`` is standard input."""
    experiment: str | None
    key: str | None = None
    priority: str | None = None
    gold: str | None = None
    outputs: int | None = None
    glob: str | None = None
    """Only files whose paths in the folder match this pattern."""


@dataclass(frozen=True)
class AddReport:
    """The result of adding content."""

    experiment: str
    rows: int
    repeated: int
    """Number of rows whose key occurs again in a later row; the last one counts."""
    counted: Added
    dry_run: bool
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as it is printed."""
        return {
            "experiment": self.experiment,
            "dry_run": self.dry_run,
            "rows": self.rows,
            **asdict(self.counted),
            "repeated": self.repeated,
        }


def add_content(world: World, request: AddRequest, stdin: TextIO, *, dry_run: bool = False) -> AddReport:
    """Add the items of a file and change existing ones; if one row is invalid, change nothing.

    The whole file is first read into a temporary table and checked; then it is written to the database in short
    transactions, so that no other process waits long. After a crash in between, the same command adds the rest.

    Raises:
        NotFoundError: there is no such experiment.
        UsageError: the file, a row or an argument is invalid; nothing is added.
    """
    if request.outputs is not None and not 1 <= request.outputs <= MAX_OUTPUTS:
        raise UsageError(
            f"--outputs must be between 1 and {MAX_OUTPUTS:,}, not {request.outputs:,}",
            hint="give the number of answers wanted for each item",
        )
    with world.database.read() as session:
        version = find_active_experiment(session, request.experiment, world.settings)
    rules = Rules(request.gold is not None, request.outputs, settings_of(version).outputs)
    with contents_adding.staging() as stage:
        with _opened(request, stdin) as table:
            reader = Reader(table, request, needed_columns(version))
            _fill(stage, reader.items())
        if not stage.given:
            raise UsageError(f"{table.name} has no rows", hint="give a row per item below the column names")
        repeated = stage.given - stage.kept
        counted = _put(world, version.experiment_id, stage, rules, dry_run=dry_run)
    if not dry_run and (counted.added or counted.updated):
        told = f"{counted.added:,} items added, {counted.updated:,} changed"
        world.origin.tally.say(told, version.slug)
    return AddReport(version.slug, reader.rows, repeated, counted, dry_run, _notes(reader, repeated))


@contextmanager
def _opened(request: AddRequest, stdin: TextIO) -> Iterator[Table]:
    """Open the table of the request; the files of a folder are one, too."""
    if not is_folder(request.path):
        if request.glob is not None:
            raise UsageError(f"--glob is for a folder, but {request.path} is none", hint="leave it out")
        with opened(request.path, stdin) as table:
            yield table
        return
    listed = io.BytesIO(rows_of_folder(request.path, request.glob).encode())
    with opened(Path(STANDARD_INPUT), io.TextIOWrapper(listed)) as table:
        table.name = str(request.path)
        yield table


def _put(world: World, experiment_id: int, stage: ContentStage, rules: Rules, *, dry_run: bool) -> Added:
    """Write the staged items to the database, part by part; a dry run only counts."""
    now, counted, looked_at = world.now(), Added(), 0
    for part in stage.parts(PART):
        with world.database.read() if dry_run else world.database.write() as session:
            put = contents_adding.put(session, experiment_id, part, rules, now, dry_run=dry_run)
            counted += put
            if dry_run:
                continue
            if rules.gold and (put.added or put.updated):
                label_state.mark_all_dirty(session, experiment_id, now)
            if counted.added >= max(2 * looked_at, PART):
                contents_adding.look_again(session)
                looked_at = counted.added
    return counted


def _notes(reader: Reader, repeated: int) -> tuple[str, ...]:
    notes = []
    if reader.key_column is None:
        notes.append("there is no column key or id, and no --key: each item's key is a digest of its row")
    if repeated:
        notes.append(f"rows whose key occurs again later: {repeated:,}; the last one of each key counts")
    return tuple(notes)


def _fill(stage: ContentStage, items: Iterator[NewContent]) -> None:
    while part := list(islice(items, 1000)):
        stage.put(part)


def needed_columns(version: Version) -> frozenset[str]:
    """Return the columns that the question's placeholders name.

    Raises:
        UsageError: a placeholder is for an item beyond the number that a HIT shows.
    """
    from turkctl.operations.experiments.rendering import version_source
    from turkctl.operations.project.questions import asked_columns

    return asked_columns(version_source(version), settings_of(version).items_per_hit)


class Reader:
    """Reads and checks the rows of a file as items."""

    def __init__(self, table: Table, request: AddRequest, needed: frozenset[str]) -> None:
        self._table = table
        self._gold = request.gold
        self._needed = needed
        self.rows = 0
        for flag, column in (("--key", request.key), ("--gold", request.gold)):
            if column is not None:
                table.column(column, flag)
        for column in sorted(needed - set(table.columns)):
            message = f"the question has a placeholder ${{{column}}}, but {table.name} has no such column"
            raise table.no_column(message, column)
        self.key_column = request.key or next((name for name in KEY_COLUMNS if name in table.columns), None)
        self._priority: Callable[[Mapping[str, Any]], float] | None = None
        if request.priority is not None:
            self._priority = compile_priority(request.priority, table.columns)
            if table.decimal_comma:
                self._priority = _with_points(self._priority, table)

    def items(self) -> Iterator[NewContent]:
        """Yield the items.

        Raises:
            UsageError: a row is invalid; the message names it.
        """
        try:
            for row in self._table.records():
                self.rows += 1
                yield self._item(row)
        except UsageError as error:
            raise UsageError(f"{error.message}; nothing was changed", hint=error.hint) from None

    def _item(self, row: dict[str, Any]) -> NewContent:
        try:
            return self._checked(row)
        except (PriorityError, ValueError) as error:
            raise self._table.error(str(error)) from None

    def _checked(self, row: dict[str, Any]) -> NewContent:
        missing = self._needed - row.keys()
        if missing:
            raise ValueError(f"'{min(missing)}' is missing, which the question has a placeholder for")
        priority = None if self._priority is None else self._priority(row)
        gold = None if self._gold is None else _answer(row.pop(self._gold, None))
        data = _AS_JSON(row)
        try:
            as_bytes = data.encode()
        except UnicodeEncodeError:
            raise ValueError("it contains half of a surrogate pair, which is not a character") from None
        if self.key_column is None:
            return NewContent(hashlib.sha256(as_bytes).hexdigest()[:32], data, priority, gold)
        return NewContent(_key(row.get(self.key_column), self.key_column), data, priority, gold)


def _with_points(priority: Callable[[Mapping[str, Any]], float], table: Table) -> Callable[[Mapping[str, Any]], float]:
    """Return the priority of rows whose numbers may have decimal commas."""
    return lambda row: priority({name: table.number(cell) if "," in cell else cell for name, cell in row.items()})


def _key(value: Any, column: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"its key '{column}' must be text or a whole number, not {json.dumps(value)}")
    key = str(value).strip()
    if not key:
        raise ValueError(f"its key '{column}' is empty")
    if len(key) > KEY_LENGTH:
        raise ValueError(f"its key '{column}' is longer than {KEY_LENGTH} characters")
    if not key.isprintable() and hides_characters(key):
        raise ValueError(f"its key '{column}' contains a character that cannot be printed")
    return key


def _answer(value: Any) -> str | None:
    """Return a known answer as text; None if there is none."""
    if value is None or isinstance(value, dict | list):
        if value:
            raise ValueError("its known answer must be text, a number, true or false")
        return None
    text = (value if isinstance(value, str) else json.dumps(value)).strip()
    if "\x00" in text:
        raise ValueError("its known answer contains a character that cannot be printed")
    return text or None


def list_content(
    world: World,
    slug: str | None = None,
    *,
    pending: bool = False,
    gold: bool = False,
    removed: bool = False,
    ended: bool = True,
    limit: int | None = None,
    offset: int = 0,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``content list``, by experiment and age; pending ones in the order of dispatch.

    Args:
        world: database and clock.
        slug: only items of this experiment.
        pending: only items that the next dispatch would post.
        gold: only items with a known answer.
        removed: only removed items; by default only the others.
        ended: also items of experiments that have ended; those of ``slug`` are listed anyway.
        limit: the highest number of rows.
        offset: the number of rows to skip.

    Raises:
        NotFoundError: there is no such experiment.
    """
    look_at_answers(world, _versions(world, slug))
    with world.database.read() as session:
        wanted = ListFilter(slug, pending, gold, removed, ended)
        listed = contents_counts.list_contents(
            Scope(session, world.listing_place, world.now()), wanted, limit=limit, offset=offset
        )
        for row in listed:
            shown = asdict(row) | {"usable": row.completed, "wanted": None if row.gold else row.outputs_max}
            yield {name: shown[name] for name in (*COLUMNS, *OLDER_KEYS)}


def _versions(world: World, slug: str | None) -> list[Version]:
    with world.database.read() as session:
        return experiments.list_all(session) if slug is None else [find_experiment(session, slug)]


def summaries(world: World, slug: str | None = None) -> list[str]:
    """Return how far the items of each experiment with content are, a line each, and why answers do not count.

    Removed items, and those with a known answer, are left out.

    Raises:
        NotFoundError: there is no such experiment.
    """
    place = world.listing_place
    versions = {each.experiment_id: each for each in _versions(world, slug)}
    with world.database.read() as session:
        found = contents_counts.progress(session, place, world.now())
        return [
            f"{versions[key].slug}: {_in_words(found[key], contents_usable.numbers(session, place, key))}"
            for key in sorted(found.keys() & versions.keys(), key=lambda each: versions[each].slug)
        ]


def _in_words(far: ContentProgress, numbers: AnswerNumbers) -> str:
    """Return how far items are as a user reads it."""
    lacking = far.items - far.finished
    lacks = f", {lacking:,} {plural(lacking, 'lacks', 'lack')} {far.outputs - far.completed:,}" if lacking else ""
    has = "has" if 1 in (far.finished, far.items) else "have"
    have = f"{far.finished:,} of {counted(far.items, 'item')} {has} all answers wanted"
    reasons = (
        (numbers.unusable, "blank, skipped or outside the classes"),
        (numbers.rejected, "rejected"),
        (numbers.excluded, plural(numbers.excluded, "of an excluded worker", "of excluded workers")),
        (numbers.taken_out, "taken out"),
        (numbers.repeated, "by somebody who had answered the item"),
    )
    why = ", ".join(f"{number:,} {words}" for number, words in reasons if number)
    usable = f"{numbers.usable:,} usable" + (f" ({why})" if why else "")
    return f"{have}{lacks}; {counted(numbers.answers, 'answer')}, {usable}"
