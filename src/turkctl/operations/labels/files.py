"""Aggregate labels from a file, without a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from turkctl.classes import NOTHING, ODD, AnswerRule, Question, Sorted, sort_answers
from turkctl.errors import UsageError
from turkctl.labels.agreement import Reliability, measure
from turkctl.labels.methods import aggregate, find_method, options_for
from turkctl.labels.result import Result
from turkctl.labels.votes import Duplicates, Indices, Votes, indices
from turkctl.operations.labels.columns import ColumnNames, find_columns, find_gold_columns
from turkctl.operations.labels.left_out import (
    MOST_NAMED,
    LeftOut,
    check_number,
    notes_on,
    shortened,
    why_odd,
)
from turkctl.operations.labels.reading import Numbers, read_gold, read_numbers
from turkctl.operations.project.labels import NAMED_CLASSES, NUMERIC, answer_rule
from turkctl.rows import opened
from turkctl.words import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

ITEM_COLUMNS = ("item", "label", "score", "p", "n", "method")
INTERVAL = ("low", "high")
"""Columns on items whose labels are numbers."""
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
    case_sensitive: bool = False
    skip_missing: bool = False

    @property
    def rule(self) -> AnswerRule:
        """Return what the labels mean."""
        names = tuple(self.classes or ())
        question: Question = "open" if self.classes is None else "classes"
        return answer_rule(self.method, AnswerRule(question, names, case_sensitive=self.case_sensitive))

    @property
    def checked_duplicates(self) -> Duplicates:
        """Return which of a worker's votes on one item count."""
        return next(each for each in DUPLICATES if each == self.duplicates)


@dataclass(frozen=True)
class Told:
    """Notes on a file's labels, and what is left out of them."""

    notes: list[str]
    left_out: LeftOut


@dataclass(frozen=True)
class FileResult:
    """The result, notes on the file, and what is left out of it."""

    result: Result
    notes: tuple[str, ...]
    left_out: LeftOut = field(default_factory=LeftOut)
    warnings: tuple[str, ...] = ()


def aggregate_file(request: FileRequest, stdin: TextIO, meter: Meter) -> FileResult:
    """Read the file and aggregate its labels; store nothing.

    Raises:
        UsageError: the options contradict each other; or the file cannot be used, with the line.
    """
    _check(request)
    options = options_for(request.method, request.options)
    with meter("reading") as tick:
        votes, told = read_votes(request, stdin, tick)
    with meter("aggregating") as tick:
        result = aggregate(votes, request.method, options, tick)
    warnings = told.left_out.warnings(_otherwise(request))
    return FileResult(result, (*told.notes, summary(result)), told.left_out, tuple(warnings))


@dataclass(frozen=True)
class FileAgreement:
    """How far people agree, notes on the file, and what is left out of it."""

    agreement: Reliability
    notes: tuple[str, ...]
    left_out: LeftOut
    warnings: tuple[str, ...]


def measure_file(request: FileRequest, stdin: TextIO, meter: Meter) -> FileAgreement:
    """Read the file and say how far people agree on its classes; store nothing.

    Raises:
        UsageError: as :func:`aggregate_file`.
    """
    _check(request)
    with meter("reading") as tick:
        votes, told = read_votes(request, stdin, tick)
    warnings = told.left_out.warnings(_otherwise(request))
    return FileAgreement(measure(votes), tuple(told.notes), told.left_out, tuple(warnings))


def read_votes(request: FileRequest, stdin: TextIO, tick: Tick) -> tuple[Votes, Told]:
    """Return the votes of the file, and what is worth knowing about them.

    Raises:
        UsageError: the file has no labels, only one worker, the same label throughout, or an invalid line.
    """
    rule = request.rule
    with opened(request.file, stdin) as file:
        skip = request.skip_missing
        table = read_numbers(file, request.columns, find_columns, tick, rule, skip_missing=skip)
        place_of, name = file.place_of, file.name
    if not table.item:
        rejected = ": all its rows are of rejected work" if table.dropped.rejected else ""
        raise UsageError(f"{name} has no labels{rejected}", hint="give a row per label below the column names")
    import numpy as np  # which the error for a missing one names, after turkctl.labels was imported

    value = indices(table.value)
    tally = np.bincount(value, minlength=len(table.values)).tolist()
    counts = dict(zip(table.values, tally, strict=True))
    found = sort_answers(rule, counts, names_too=find_method(request.method).named_classes)
    check_number(found.classes, request.method, name, listed=rule.question != "open")
    code = indices([found.codes[text] for text in table.values])[value]
    left_out = _left_out(table, found, code, counts, place_of)
    counting = code >= 0
    _check_rest(table, code, counting, left_out, request)
    votes = Votes.of_codes(
        list(table.items),
        list(table.workers),
        found.classes,
        indices(table.item)[counting],
        indices(table.worker)[counting],
        code[counting],
        gold=_gold(request, table, found, stdin),
        duplicates=request.checked_duplicates,
    )
    return votes, Told(_notes(votes, found, left_out, request), left_out)


def _left_out(
    table: Numbers, found: Sorted, code: Indices, counts: Mapping[str, int], place_of: Callable[[int], str]
) -> LeftOut:
    """Count what is left out, and name the first odd answers with their rows."""
    import numpy as np

    items, workers, texts = list(table.items), list(table.workers), list(table.values)
    why = why_odd(found.rule)
    named = [
        f"{place_of(table.row[at])}: the label '{shortened(texts[table.value[at]])}' {why} "
        f"(item {items[table.item[at]]}, worker {workers[table.worker[at]]})"
        for at in np.flatnonzero(code == ODD)[:MOST_NAMED].tolist()
    ]
    return LeftOut(
        missing=found.count(counts, NOTHING),
        unknown=table.dropped.unknown,
        rejected=table.dropped.rejected,
        odd=found.count(counts, ODD),
        named=tuple(named),
    )


def _check_rest(table: Numbers, code: Indices, counting: NDArray[Any], left_out: LeftOut, request: FileRequest) -> None:
    """Raise if nothing can be made of the labels that count; an odd answer is what to tell first.

    Raises:
        UsageError: there are none, or all are of one worker or the same.
    """
    import numpy as np

    name = request.file
    workers = np.unique(indices(table.worker)[counting])
    same = not len(workers) or (code[counting].min() == code[counting].max() and request.method not in NUMERIC)
    if len(workers) > 1 and not same:
        return
    if left_out.named:
        raise UsageError(left_out.named[0], hint=_otherwise(request))
    if not len(workers):
        raise UsageError(f"{name} has no labels: all of them are missing", hint="check --label-column")
    if len(workers) == 1:
        raise UsageError(
            f"{name} has labels of one worker only, {list(table.workers)[workers[0]]}",
            hint="aggregating needs at least two workers; check --worker-column",
        )
    text = list(table.values)[table.value[int(np.flatnonzero(counting)[0])]]
    raise UsageError(f"all labels of {name} are '{text}'", hint="there is nothing to aggregate; check --label-column")


def _otherwise(request: FileRequest) -> str:
    """Return how to make odd answers count."""
    if request.method in NUMERIC:
        return "write numbers, such as 3 or 2.5"
    if request.classes is not None:
        return "fix it, or add it to --classes"
    return "write 1 or 0, true or false, yes or no; for other answers: --classes, or --method dawid-skene"


def _check(request: FileRequest) -> None:
    method = find_method(request.method)
    if request.duplicates not in DUPLICATES:
        raise UsageError(f"--duplicates must be last or all, not '{request.duplicates}'", hint="give one of them")
    if request.classes is not None:
        if method.numeric:
            raise UsageError(f"{request.method} is for numbers, not classes", hint="leave out --classes")
        if len({request.rule.fold(name) for name in request.classes}) < 2:
            raise UsageError("--classes names fewer than two classes", hint="write them as in --classes cat,dog,other")
        if method.many is None:
            raise UsageError(f"{request.method} takes true and false only", hint="leave out --classes")
    if method.numeric and (request.gold_file is not None or request.columns.gold is not None):
        raise UsageError(f"{request.method} does not use known answers", hint="leave out --gold and --gold-column")
    if request.gold_file is not None and request.columns.gold is not None:
        raise UsageError("--gold and --gold-column cannot be used together", hint="keep one of them")
    if request.gold_file == "-" == request.file:
        raise UsageError("labels and gold cannot both come from standard input", hint="name a file for one of them")


def _gold(request: FileRequest, table: Numbers, found: Sorted, stdin: TextIO) -> dict[str, Any]:
    """Return the known class by item."""
    if request.columns.gold is not None:
        items, texts = list(table.items), list(table.values)
        known = {items[item]: texts[answer] for item, answer in table.gold.items()}
        gold = {item: found.as_class(text) for item, text in known.items()}
        odd = next((item for item, each in gold.items() if each is None), None)
        if odd is not None:
            raise UsageError(
                f"{request.file}: the gold answer '{known[odd]}' of item {odd} is not one of the labels' values",
                hint=f"fix it in the column {request.columns.gold}",
            )
        return gold
    if request.gold_file is None:
        return {}

    def check(answer: str, place: str) -> None:
        if found.as_class(answer) is None:
            raise UsageError(f"{place}: the gold answer '{answer}' is not one of the labels' values", hint="fix it")

    with opened(request.gold_file, stdin) as file:
        answers = read_gold(file, request.columns, find_gold_columns, check)
    if not answers.keys() & table.items.keys():
        raise UsageError(
            f"no gold item of {request.gold_file} has labels", hint="use the same item names in both files"
        )
    return {item: found.as_class(answer) for item, answer in answers.items()}


def _notes(votes: Votes, found: Sorted, left_out: LeftOut, request: FileRequest) -> list[str]:
    notes = []
    if votes.duplicates:
        kept = "the last one of each counts" if request.duplicates == "last" else "all of them count"
        again = counted(votes.duplicates, "duplicate vote")
        notes.append(f"{again} by the same worker on the same item: {kept}")
    notes += left_out.notes()
    notes += notes_on(found, request.method, "--case-sensitive")
    if not votes.binary and request.method not in NUMERIC:
        shown = ", ".join(str(each) for each in votes.classes[:10])
        few = "; most labels are neither true nor false" if _against_rest(found, request) else ""
        notes.append(f"{len(votes.classes)} classes: {shown}{', …' if len(votes.classes) > 10 else ''}{few}")
    known = int((votes.gold >= 0).sum())
    if known:
        notes.append(f"gold answers: {counted(known, 'item')}")
    return notes


def _against_rest(found: Sorted, request: FileRequest) -> bool:
    """Return whether a method for yes and no has to take the labels as classes, because of what most of them say."""
    return request.classes is None and found.rule.question == "any" and request.method not in NAMED_CLASSES


def summary(result: Result) -> str:
    """Return a run in one line."""
    run = result.run
    labelled = int((result.label >= 0).sum())
    cut = f"cut at {run.threshold:.4g} ({run.threshold_from}), " if run.threshold is not None else ""
    rounds = "" if result.numeric else f"; {cut}{counted(run.rounds, 'round')}"
    return (
        f"{run.method}: {counted(run.labels, 'label')} of {counted(run.items, 'item')} by "
        f"{counted(run.workers, 'worker')}; {labelled:,} labelled, {run.items - labelled:,} not{rounds}"
        + (f", {run.seconds:.1f} s" if run.seconds >= 1 else "")
    )
