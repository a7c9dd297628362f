"""Aggregate labels from a file, without a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TextIO

from turkctl.errors import UsageError
from turkctl.labels.methods import aggregate, find_method, options_for
from turkctl.labels.result import Result
from turkctl.labels.votes import BINARY, Duplicates, Indices, Votes, indices
from turkctl.operations.labels.columns import ColumnNames, find_columns, find_gold_columns
from turkctl.operations.labels.meaning import truth
from turkctl.operations.labels.reading import Numbers, read_gold, read_numbers
from turkctl.rows import opened
from turkctl.words import counted

ITEM_COLUMNS = ("item", "label", "score", "p", "n", "method")
WORKER_COLUMNS = ("worker", "n", "agreement")
"""Columns on workers that every method has; the method's own columns follow."""
DUPLICATES: tuple[Duplicates, ...] = ("last", "all")

Tick = Callable[[int, int], None]
Meter = Callable[[str], AbstractContextManager[Tick]]
"""Starts a progress meter for a named step; the meter takes the amount done and the total."""


@dataclass(frozen=True)
class FileRequest:
    """What to aggregate and how. ``options`` are the given options of the method; see ``labels.options``."""

    file: str
    method: str = "cubam"
    options: Mapping[str, Any] = field(default_factory=dict)
    columns: ColumnNames = field(default_factory=ColumnNames)
    classes: Sequence[str] | None = None
    duplicates: str = "last"
    gold_file: str | None = None


@dataclass(frozen=True)
class FileResult:
    """The result, and notes on the file."""

    result: Result
    notes: tuple[str, ...]


def aggregate_file(request: FileRequest, stdin: TextIO, meter: Meter) -> FileResult:
    """Read the file and aggregate its labels; store nothing.

    Raises:
        UsageError: the options contradict each other; or the file cannot be used, with the line.
    """
    _check(request)
    options = options_for(request.method, request.options)
    with meter("reading") as tick:
        votes, notes = read_votes(request, stdin, tick)
    with meter("aggregating") as tick:
        result = aggregate(votes, request.method, options, tick)
    return FileResult(result, (*notes, summary(result)))


def read_votes(request: FileRequest, stdin: TextIO, tick: Tick) -> tuple[Votes, list[str]]:
    """Return the votes of the file, and notes on them.

    Raises:
        UsageError: the file has no labels, only one worker, the same label throughout, or an invalid line.
    """
    insists = request.classes is None and not find_method(request.method).named_classes
    with opened(request.file, stdin) as file:
        table = read_numbers(file, request.columns, find_columns, tick, classes=request.classes, binary=insists)
        name = file.name
    _check_table(table, name)
    written = list(table.values)
    classes, code = _classes(written, request.classes)
    value = code[indices(table.value)]
    if value.min() == value.max():
        raise UsageError(
            f"all labels of {name} are '{written[table.value[0]]}'",
            hint="there is nothing to aggregate; check --label-column",
        )
    gold = _gold(request, table, written, classes, stdin)
    assert request.duplicates in DUPLICATES
    votes = Votes.of_codes(
        list(table.items),
        list(table.workers),
        classes,
        indices(table.item),
        indices(table.worker),
        value,
        gold=gold,
        duplicates=request.duplicates,
    )
    return votes, _notes(table, votes, request)


def _check(request: FileRequest) -> None:
    method = find_method(request.method)
    if request.duplicates not in DUPLICATES:
        raise UsageError(f"--duplicates must be last or all, not '{request.duplicates}'", hint="give one of them")
    if request.classes is not None:
        if len(set(request.classes)) < 2:
            raise UsageError("--classes names fewer than two classes", hint="write them as in --classes cat,dog,other")
        if method.many is None:
            raise UsageError(f"{request.method} takes true and false only", hint="leave out --classes")
    if request.gold_file is not None and request.columns.gold is not None:
        raise UsageError("--gold and --gold-column cannot be used together", hint="keep one of them")
    if request.gold_file == "-" == request.file:
        raise UsageError("labels and gold cannot both come from standard input", hint="name a file for one of them")


def _check_table(table: Numbers, name: str) -> None:
    if not table.item:
        raise UsageError(f"{name} has no labels", hint="give a row per label below the column names")
    if len(table.workers) == 1:
        raise UsageError(
            f"{name} has labels of one worker only, {next(iter(table.workers))}",
            hint="aggregating needs at least two workers; check --worker-column",
        )


def _classes(written: Sequence[str], named: Sequence[str] | None) -> tuple[tuple[Any, ...], Indices]:
    """Return the classes, and for each value in the file the index of its class."""
    truths = [truth(text) for text in written]
    if named is None and None not in truths:
        return BINARY, indices([int(bool(each)) for each in truths])
    classes = tuple(sorted(set(written)) if named is None else dict.fromkeys(named))
    index = {name: position for position, name in enumerate(classes)}
    return classes, indices([index[text] for text in written])


def _gold(
    request: FileRequest, table: Numbers, written: Sequence[str], classes: Sequence[Any], stdin: TextIO
) -> dict[str, Any]:
    """Return the known class by item."""

    def as_class(text: str) -> Any:
        return truth(text) if tuple(classes) == BINARY else text

    if request.columns.gold is not None:
        items = list(table.items)
        return {items[item]: as_class(written[answer]) for item, answer in table.gold.items()}
    if request.gold_file is None:
        return {}

    def check(answer: str, place: str) -> None:
        if as_class(answer) not in classes:
            raise UsageError(f"{place}: the gold answer '{answer}' is not one of the labels' values", hint="fix it")

    with opened(request.gold_file, stdin) as file:
        gold = read_gold(file, request.columns, find_gold_columns, check)
    if not gold.keys() & table.items.keys():
        raise UsageError(
            f"no gold item of {request.gold_file} has labels", hint="use the same item names in both files"
        )
    return {item: as_class(answer) for item, answer in gold.items()}


def _notes(table: Numbers, votes: Votes, request: FileRequest) -> list[str]:
    notes = []
    if votes.duplicates:
        kept = "the last one of each counts" if request.duplicates == "last" else "all of them count"
        again = counted(votes.duplicates, "duplicate vote")
        notes.append(f"{again} by the same worker on the same item: {kept}")
    if table.left_out:
        notes.append(f"left out: {counted(table.left_out, 'row')} without a label")
    if not votes.binary:
        shown = ", ".join(str(each) for each in votes.classes[:10])
        notes.append(f"{len(votes.classes)} classes: {shown}{', …' if len(votes.classes) > 10 else ''}")
    known = int((votes.gold >= 0).sum())
    if known:
        notes.append(f"gold answers: {counted(known, 'item')}")
    return notes


def summary(result: Result) -> str:
    """Return a run in one line."""
    run = result.run
    labelled = int((result.label >= 0).sum())
    cut = f"cut at {run.threshold:.4g} ({run.threshold_from}), " if run.threshold is not None else ""
    return (
        f"{run.method}: {counted(run.labels, 'label')} of {counted(run.items, 'item')} by "
        f"{counted(run.workers, 'worker')}; {labelled:,} labelled, {run.items - labelled:,} not; "
        f"{cut}{counted(run.rounds, 'round')}" + (f", {run.seconds:.1f} s" if run.seconds >= 1 else "")
    )
