"""``content add`` and ``content list``: an experiment's items, and what is pending of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from turkctl.errors import UsageError
from turkctl.harmless import hides_characters
from turkctl.operations.content.priority import PriorityError, compile_priority
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment, settings_of, the_experiment
from turkctl.rows import Table, opened
from turkctl.store import contents_adding, contents_counts, label_state
from turkctl.store.contents import KEY_LENGTH
from turkctl.store.contents_adding import Added, ContentStage, NewContent, Rules
from turkctl.store.contents_counts import ListFilter
from turkctl.store.experiments import Version

COLUMNS = ("key", "experiment", "outputs_max", "completed", "scheduled", "priority", "gold", "removed")
KEY_COLUMNS = ("key", "id")
"""Columns that are the key where none is named, the first that is there."""
PART = 10_000
"""Items that are put into the database in one transaction, well below a second."""
MAX_OUTPUTS = 1000
_AS_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False).encode
"""As the column keeps it, so that what is unchanged is seen by its text."""


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


@dataclass(frozen=True)
class AddReport:
    """What adding came to."""

    experiment: str
    rows: int
    repeated: int
    """Rows whose key came again later: the last one counts."""
    counted: Added
    dry_run: bool
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As it is printed."""
        return {
            "experiment": self.experiment,
            "dry_run": self.dry_run,
            "rows": self.rows,
            **asdict(self.counted),
            "repeated": self.repeated,
        }


def add_content(world: World, request: AddRequest, stdin: TextIO, *, dry_run: bool = False) -> AddReport:
    """Add the items of a file, or change those that are there: all of them, or none where one row is bad.

    The whole file is read and checked first, on a stage of its own; then it is put into the database in short
    transactions, so that nobody waits. After a crash in between, adding it again does the rest.

    Raises:
        NotFoundError: no such experiment.
        UsageError: a file, a row or an argument that cannot be meant; nothing is added then.
    """
    if request.outputs is not None and not 1 <= request.outputs <= MAX_OUTPUTS:
        raise UsageError(
            f"--outputs {request.outputs} lies outside 1 to {MAX_OUTPUTS:,}", hint="give how many are wanted"
        )
    with world.database.read() as session:
        version = the_experiment(session, request.experiment, world.settings)
    rules = Rules(request.gold is not None, request.outputs, settings_of(version).outputs)
    with contents_adding.staging() as stage:
        with opened(request.path, stdin) as table:
            reader = Reader(table, request, needed_columns(version))
            _fill(stage, reader.items())
        if not stage.given:
            raise UsageError(f"{table.name} has no rows", hint="a row is an item of content")
        repeated = stage.given - stage.kept
        counted = _put(world, version.experiment_id, stage, rules, dry_run=dry_run)
    if not dry_run and (counted.added or counted.updated):
        told = f"{counted.added:,} items added, {counted.updated:,} changed"
        world.origin.tally.say(told, version.slug)
    return AddReport(version.slug, reader.rows, repeated, counted, dry_run, _notes(reader, repeated))


def _put(world: World, experiment_id: int, stage: ContentStage, rules: Rules, *, dry_run: bool) -> Added:
    """Put what is staged into the database, part by part; a dry run only counts."""
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
        notes.append("no column key or id, and no --key: an item's key is a digest of its row")
    if repeated:
        notes.append(f"rows whose key comes again later: {repeated:,}; the last one counts")
    return tuple(notes)


def _fill(stage: ContentStage, items: Iterator[NewContent]) -> None:
    while part := list(islice(items, 1000)):
        stage.put(part)


def needed_columns(version: Version) -> frozenset[str]:
    """The columns that the question's placeholders stand for.

    Raises:
        UsageError: a placeholder for more items than a HIT has.
    """
    from turkctl.operations.experiments.rendering import placeholders
    from turkctl.operations.project.questions import columns_of

    return columns_of(placeholders(version), settings_of(version).items_per_hit)


class Reader:
    """Rows of a file as items, each checked."""

    def __init__(self, table: Table, request: AddRequest, needed: frozenset[str]) -> None:
        self._table = table
        self._gold = request.gold
        self._needed = needed
        self.rows = 0
        for flag, column in (("--key", request.key), ("--gold", request.gold)):
            if column is not None:
                table.column(column, flag)
        for column in sorted(needed - set(table.columns)):
            message = f"the question has a placeholder ${{{column}}}, and {table.name} no such column"
            raise table.no_column(message, column)
        self.key_column = request.key or next((name for name in KEY_COLUMNS if name in table.columns), None)
        self._priority: Callable[[Mapping[str, Any]], float] | None = None
        if request.priority is not None:
            self._priority = compile_priority(request.priority, table.columns)
            if table.decimal_comma:
                self._priority = _with_points(self._priority, table)

    def items(self) -> Iterator[NewContent]:
        """The items.

        Raises:
            UsageError: a bad row, named.
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
            raise ValueError(f"it has no '{min(missing)}', which the question has a placeholder for")
        priority = None if self._priority is None else self._priority(row)
        gold = None if self._gold is None else _answer(row.pop(self._gold, None))
        data = _AS_JSON(row)
        try:
            as_bytes = data.encode()
        except UnicodeEncodeError:
            raise ValueError("it holds half of a surrogate pair, which is no character") from None
        if self.key_column is None:
            return NewContent(hashlib.sha256(as_bytes).hexdigest()[:32], data, priority, gold)
        return NewContent(_key(row.get(self.key_column), self.key_column), data, priority, gold)


def _with_points(priority: Callable[[Mapping[str, Any]], float], table: Table) -> Callable[[Mapping[str, Any]], float]:
    """Return the priority of rows whose numbers may have decimal commas."""
    return lambda row: priority({name: table.number(cell) if "," in cell else cell for name, cell in row.items()})


def _key(value: Any, column: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"its key '{column}' is {json.dumps(value)}, neither a text nor a whole number")
    key = str(value).strip()
    if not key:
        raise ValueError(f"its key '{column}' is empty")
    if len(key) > KEY_LENGTH:
        raise ValueError(f"its key '{column}' is longer than {KEY_LENGTH} characters")
    if not key.isprintable() and hides_characters(key):
        raise ValueError(f"its key '{column}' holds a sign that cannot be printed")
    return key


def _answer(value: Any) -> str | None:
    """A known answer as text; None where there is none."""
    if value is None or isinstance(value, dict | list):
        if value:
            raise ValueError("its known answer is neither a text, a number, true nor false")
        return None
    text = (value if isinstance(value, str) else json.dumps(value)).strip()
    if "\x00" in text:
        raise ValueError("its known answer holds a sign that cannot be printed")
    return text or None


def list_content(
    world: World,
    slug: str | None = None,
    *,
    pending: bool = False,
    gold: bool = False,
    removed: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> Iterator[dict[str, Any]]:
    """The rows of ``content list``, by experiment and age; pending ones in the order of dispatch.

    Args:
        world: database and clock.
        slug: only this experiment's.
        pending: only those that the next dispatch would be about.
        gold: only those with a known answer.
        removed: only those that were removed; else only the others.
        limit: at most so many.
        offset: after so many.

    Raises:
        NotFoundError: no such experiment.
    """
    with world.database.read() as session:
        if slug is not None:
            find_experiment(session, slug)
        wanted = ListFilter(slug, pending, gold, removed)
        listed = contents_counts.list_contents(
            session, world.listing_place, world.now(), wanted, limit=limit, offset=offset
        )
        for row in listed:
            yield {name: getattr(row, name) for name in COLUMNS}
