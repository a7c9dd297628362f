"""Read tables that name work or people, each row with words of its own (``--from FILE``).

Commands that take such a table find its columns by the names below: those of Amazon's result files and of pyMTurkR,
and turkctl's own. Capitals, spaces, ``_`` and ``-`` make no difference. Rows whose id nobody has fail alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO, TypeVar

from turkctl.errors import UsageError
from turkctl.ids import is_mangled
from turkctl.operations.engine.named import WORKER_COLUMNS
from turkctl.operations.engine.plan import ItemResult, fail
from turkctl.operations.engine.world import World
from turkctl.operations.selection.own_ids import worker_ids
from turkctl.rows import RowError, Table, as_text, opened
from turkctl.words import listed_or, nearest

ASSIGNMENTS = ("id", "assignment_id")
PEOPLE = WORKER_COLUMNS
WORK = (*ASSIGNMENTS, *(name for name in PEOPLE if name not in ASSIGNMENTS))
"""What the column of ids may be called where it names assignments, work or people; the first counts."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "approve": ("approve",),
    "reject": ("reject",),
    "feedback": ("feedback", "reason"),
    "amount": ("amount", "bonus_amount"),
    "reason": ("reason",),
    "subject": ("subject",),
    "text": ("text", "message"),
}
"""What the other columns may be called; the first that a table has is used."""

NOTHING = frozenset({"NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "None", "null", "NULL"})
"""What R, pandas and spreadsheets write into a cell that is empty."""
_SHOWN = 3
"""Rows that a note lists at most."""


@dataclass(frozen=True)
class Named:
    """A row and the id in it, which may be unknown. Rows are counted as in :class:`turkctl.rows.Table`."""

    row: int
    id: str


@dataclass(frozen=True)
class FileRow(Named):
    """A row as it was read."""

    texts: Mapping[str, str]
    """The cell of each column that the command uses; empty if it or the column is missing."""
    worker: str = ""
    """The worker that the row names besides its assignment."""


@dataclass(frozen=True)
class Bad:
    """A row that cannot be used, and why."""

    row: int
    id: str
    why: str
    hint: str | None = None


R = TypeVar("R", bound=Named)


class FileRows:
    """The rows of an open table, with the columns that a command uses."""

    def __init__(self, table: Table, ids: Sequence[str], *used: str) -> None:
        """Find the columns.

        Args:
            table: the open table.
            ids: the names of the column of ids.
            used: names in :data:`COLUMNS`.

        Raises:
            UsageError: there is no column of ids, or two columns match one name.
        """
        self.table = table
        self.bad: list[Bad] = []
        """The rows that could not be read, once :meth:`read` has come to them."""
        self._columns = {name: table.find(*COLUMNS[name]) for name in used}
        named = table.find(*ids)
        if named is None:
            raise self._missing(ids)
        self._id = named
        worker = table.find("worker_id") if "assignment_id" in ids else None
        self._worker = None if worker == named else worker

    def has(self, name: str) -> bool:
        """Return whether the table has this column."""
        return self._columns[name] is not None

    def require(self, *names: str) -> None:
        """Raise if the table has none of these columns.

        Raises:
            UsageError: it has none; the message says under which names they were looked for.
        """
        if any(map(self.has, names)):
            return
        others = [each for name in names for each in COLUMNS[name][1:]]
        error = self._missing([COLUMNS[name][0] for name in names])
        also = f"; it may also be called {listed_or(others)}" if others else ""
        raise UsageError(error.message, hint=f"{error.hint}{also}")

    def _missing(self, names: Sequence[str]) -> UsageError:
        near = next((name for name in names if nearest(name, self.table.columns)), names[0])
        return self.table.no_column(f"{self.table.name} has no column {listed_or(names)}", near)

    def read(self) -> Iterator[FileRow]:
        """Yield the rows; those that cannot be read are added to :attr:`bad`."""
        for record in self.table.records(lambda error: self.bad.append(_bad(error))):
            cells = {name: "" if column is None else record.get(column) for name, column in self._columns.items()}
            try:
                name = as_text(record.get(self._id))
                worker = "" if self._worker is None else as_text(record.get(self._worker))
            except ValueError as error:
                self.bad.append(Bad(self.table.row, "", str(error)))
                continue
            try:
                texts = {column: as_text(cell) for column, cell in cells.items()}
            except ValueError as error:
                self.bad.append(Bad(self.table.row, name, str(error)))
                continue
            texts = {column: "" if text in NOTHING else text for column, text in texts.items()}
            yield FileRow(self.table.row, name, texts, "" if worker in NOTHING else worker)


def _bad(error: RowError) -> Bad:
    return Bad(error.row, "", error.why, error.hint)


def refusal(table: Table, bad: Sequence[Bad], undone: str, *, otherwise: str = "") -> UsageError:
    """Return the error for a table with bad rows; the first is named.

    Args:
        table: the table.
        bad: the rows, at least one.
        undone: what was not done, as in ``nothing was paid``.
        otherwise: what else can be done than to fix the row, for the hint.
    """
    first = min(bad, key=lambda one: one.row)
    whose = f", for {first.id}" if first.id and first.id not in first.why else ""
    more = f" ({len(bad)} bad rows in total)" if len(bad) > 1 else ""
    hint = first.hint or "fix the row"
    return UsageError(f"{table.place_of(first.row)}: {first.why}{whose}{more}; {undone}", hint=f"{hint}{otherwise}")


def with_worker_ids(world: World, rows: Sequence[R]) -> list[R]:
    """Return the rows with worker ids in the place of a lab's own ids.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    found = worker_ids(world, [row.id for row in rows])
    return [replace(row, id=found.get(row.id, row.id)) for row in rows]


def parted(rows: Iterable[R]) -> tuple[list[R], tuple[ItemResult, ...]]:
    """Return the rows that have an id, and a failed item for each of the others."""
    every = list(rows)
    missing = (fail("", UsageError("the id is missing"), row.row) for row in every if not row.id)
    return [row for row in every if row.id], tuple(missing)


def mangled_ids(rows: Iterable[Named]) -> tuple[str, ...]:
    """Return a note on ids that a spreadsheet made numbers of, if there are any."""
    found = [f"row {each.row:,} ({each.id})" for each in rows if is_mangled(each.id)]
    if not found:
        return ()
    more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    advice = "format their column as text before you enter or open them"
    return (f"a spreadsheet made numbers of ids: {', '.join(found[:_SHOWN])}{more}; {advice}",)


def first_rows(rows: Iterable[Named]) -> dict[str, int]:
    """Return the first row of each id."""
    found: dict[str, int] = {}
    for each in rows:
        found.setdefault(each.id, each.row)
    return found


def in_rows(failed: Iterable[ItemResult], rows: Mapping[str, int]) -> tuple[ItemResult, ...]:
    """Return the failed items with the rows that name them in their messages."""
    return tuple(
        each if each.error is None else replace(each, error=each.error.in_row(rows.get(each.id))) for each in failed
    )


@dataclass(frozen=True)
class NamedPeople:
    """The rows of a file that name people, and a failed item for each row without an id."""

    table: Table
    rows: tuple[FileRow, ...]
    nameless: tuple[ItemResult, ...]

    def once(self, column: str) -> tuple[FileRow, ...]:
        """Return the first row of each person.

        Raises:
            UsageError: another row of a person has another text in this column.
        """
        first: dict[str, FileRow] = {}
        for row in self.rows:
            before = first.setdefault(row.id, row)
            if before.texts[column] != row.texts[column]:
                why = f"row {before.row:,} gives another {column} for {row.id}"
                raise refusal(self.table, [Bad(row.row, row.id, why, "keep one of the two")], "nothing was done")
        return tuple(first.values())


def read_people(
    world: World, file: Path, stdin: TextIO, *used: str, ids: Sequence[str] = PEOPLE, needed: Sequence[str] = ()
) -> NamedPeople:
    """Return the rows of a file, or of standard input for ``-``, with worker ids in the place of a lab's own ids.

    Args:
        world: the market, which is asked about a lab's own ids.
        file: the file.
        stdin: standard input.
        used: the columns that the command uses, as named in :data:`COLUMNS`.
        ids: the names of the column of ids.
        needed: those columns without which nothing can be done.

    Raises:
        UsageError: the file cannot be read, a column is missing, or a row is bad.
    """
    with opened(file, stdin) as table:
        given = FileRows(table, ids, *used)
        for name in needed:
            given.require(name)
        rows = list(given.read())
        if given.bad:
            raise refusal(table, given.bad, "nothing was done")
    named, nameless = parted(with_worker_ids(world, rows))
    return NamedPeople(table, tuple(named), nameless)


Said = tuple[int, str, str]
"""A row, the assignment that it names, and the worker that it names besides; empty if it names none."""


def other_workers(world: World, said: Iterable[Said], did: Mapping[str, str]) -> tuple[str, ...]:
    """Return a note if rows name other workers than did their assignments, as after sorting one column of a table.

    Args:
        world: the market, which is asked about a lab's own ids.
        said: what the rows say.
        did: the workers who did the assignments.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    doubtful = [each for each in said if each[2] and did.get(each[1], each[2]) != each[2]]
    known = worker_ids(world, [worker for _row, _name, worker in doubtful])
    wrong = [each for each in doubtful if known.get(each[2], each[2]) != did[each[1]]]
    if not wrong:
        return ()
    shown = [f"row {row:,} ({name}: {did[name]} did it, not {worker})" for row, name, worker in wrong[:_SHOWN]]
    more = f" and {len(wrong) - _SHOWN:,} more" if len(wrong) > _SHOWN else ""
    words = "rows with another worker than the one who did the assignment (the assignment counts)"
    return (f"{words}: {', '.join(shown)}{more}",)
