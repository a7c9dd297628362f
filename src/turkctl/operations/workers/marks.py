"""Read from a table which work to approve and which to reject (``workers approve`` and ``reject --from FILE``).

The table is Amazon's result file, with a mark in its column Approve or a reason in its column Reject; or one without
these columns, whose rows are all meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from turkctl.errors import UsageError
from turkctl.operations.engine.plan import SKIPPED, ItemResult, Plan
from turkctl.operations.engine.world import World
from turkctl.operations.selection.file_rows import (
    ASSIGNMENTS,
    WORK,
    Bad,
    FileRow,
    FileRows,
    Named,
    first_rows,
    in_rows,
    mangled_ids,
    other_workers,
    parted,
    refusal,
    with_worker_ids,
)
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import FoundWork, Work, WorkSelection, find_work
from turkctl.operations.workers.decide import check_feedback
from turkctl.rows import Table, opened
from turkctl.words import counted, plural

APPROVE = "approve"
REJECT = "reject"
UNDONE = "nothing was decided"
NO_REASON = "a rejection needs a reason, which the worker reads"

_NOT_MARKED = frozenset({"", "0", "0.0", "n", "no", "false"})
_ONLY_MARKED = frozenset({"1", "1.0", "x", "y", "yes", "true", "✓", "✔"})
"""What is in a column of marks without saying anything, in small letters."""


@dataclass(frozen=True)
class Marked(Named):
    """A row that decides on work: the verb, and the text that the worker reads; empty if there is none."""

    verb: str
    text: str
    worker: str
    """The worker that the row names besides its assignment."""


@dataclass(frozen=True)
class Decisions:
    """What a table decides.

    Attributes:
        verb: what the command does.
        marks: the rows that the command takes, each id once.
        others: the first row of each id that the table decides otherwise.
        left: results of rows that decide nothing, and of rows without an id.
        name: the table's name, for notes.
    """

    verb: str
    marks: tuple[Marked, ...]
    others: Mapping[str, int]
    left: tuple[ItemResult, ...]
    name: str

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids that the command takes, in the order of the rows."""
        return tuple(mark.id for mark in self.marks)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return a note on the rows that the other command takes, and on a table without marks for this one."""
        other = REJECT if self.verb == APPROVE else APPROVE
        number = len(self.others)
        words = f"{counted(number, 'assignment')} in {self.name} {plural(number, 'is', 'are')} marked to {other}"
        notes = (f"{words}; for that, run: turkctl workers {other} --from FILE",) if number else ()
        return notes if self.marks or self.left else (*notes, f"no row of {self.name} is marked to {self.verb}")


def read_decisions(world: World, file: Path, stdin: TextIO, verb: str, feedback: str | None) -> Decisions:
    """Return what a file decides.

    Args:
        world: the market, which is asked about a lab's own ids.
        file: the file; ``-`` is standard input.
        stdin: standard input.
        verb: what the command does: ``approve`` or ``reject``.
        feedback: the text for rows that have none.

    Raises:
        UsageError: the file cannot be read, a column is missing, a row is bad, or rows contradict each other.
    """
    with opened(file, stdin) as table:
        given = FileRows(table, WORK if verb == APPROVE else ASSIGNMENTS, "approve", "reject", "feedback", "amount")
        _check_columns(given, verb, feedback)
        marks, left = _marks(given, verb, feedback)
    marks = with_worker_ids(world, marks)
    ours, nameless = parted(mark for mark in marks if mark.verb == verb)
    _refuse_contradictions(table, marks)
    others = first_rows(mark for mark in marks if mark.verb != verb and mark.id)
    once = {mark.id: mark for mark in reversed(ours)}
    return Decisions(verb, tuple(reversed(once.values())), others, (*nameless, *left), table.name)


def _check_columns(given: FileRows, verb: str, feedback: str | None) -> None:
    if given.has(APPROVE) or given.has(REJECT):
        given.require(verb)
    elif verb == REJECT and feedback is None:
        given.require(REJECT, "feedback")


def _marks(given: FileRows, verb: str, feedback: str | None) -> tuple[list[Marked], list[ItemResult]]:
    """Return the rows that decide something, with this verb or the other one, and the skipped rows.

    Raises:
        UsageError: a row cannot be read, is marked twice, or has no reason or one that is too long.
    """
    marks: list[Marked] = []
    left: list[ItemResult] = []
    bad: list[Bad] = []
    for row in given.read():
        verbs = _verbs(given, row, verb)
        if not verbs:
            why = f"row {row.row:,} has no mark in Approve or Reject"
            left.append(ItemResult(row.id or f"row {row.row:,}", SKIPPED, why))
            continue
        mark = Marked(row.row, row.id, verbs[0], _text(given, row, verbs[0]), row.worker)
        if mark.verb == verb:
            mark = replace(mark, text=mark.text or feedback or "")
        why_bad = _why_bad(mark, verb)
        if len(verbs) > 1:
            bad.append(Bad(row.row, row.id, f"{row.id or 'it'} is marked both in Approve and in Reject"))
        elif why_bad == NO_REASON:
            bad.append(Bad(row.row, "", why_bad, "write it into the row, or give --feedback"))
        elif why_bad is not None:
            bad.append(Bad(row.row, row.id, why_bad))
        else:
            marks.append(mark)
    if bad or given.bad:
        raise refusal(given.table, [*given.bad, *bad], UNDONE)
    return marks, left


def _verbs(given: FileRows, row: FileRow, verb: str) -> list[str]:
    """Return what a row is marked for; without columns of marks every row is meant."""
    if not (given.has(APPROVE) or given.has(REJECT)):
        return [verb]
    return [each for each in (APPROVE, REJECT) if row.texts[each].lower() not in _NOT_MARKED]


def _text(given: FileRows, row: FileRow, verb: str) -> str:
    """Return the text that the worker reads. A column Reason beside amounts is about bonuses, and is not used."""
    if verb == REJECT and row.texts[REJECT].lower() not in _ONLY_MARKED | _NOT_MARKED:
        return row.texts[REJECT]
    of_bonus = given.has("amount") and given.table.find("feedback") is None
    return "" if of_bonus else row.texts["feedback"]


def _why_bad(mark: Marked, verb: str) -> str | None:
    if mark.verb != verb:
        return None
    if verb == REJECT and not mark.text.strip():
        return NO_REASON
    try:
        check_feedback(mark.text)
    except UsageError as error:
        return error.message
    return None


def _refuse_contradictions(table: Table, marks: Iterable[Marked]) -> None:
    """Raise if two rows decide differently on the same work.

    Raises:
        UsageError: they do; the message names both.
    """
    first: dict[str, Marked] = {}
    for mark in (each for each in marks if each.id):
        before = first.setdefault(mark.id, mark)
        if before.verb != mark.verb:
            why = f"this row would {mark.verb} {mark.id}, and row {before.row:,} would {before.verb} it"
        elif before.text != mark.text:
            text = "reason" if mark.verb == REJECT else "feedback"
            why = f"row {before.row:,} has another {text} for {mark.id}"
        else:
            continue
        raise refusal(table, [Bad(mark.row, mark.id, why, "keep one of the two")], UNDONE)


def find_decided(world: World, decisions: Decisions) -> FoundWork:
    """Return the work that the rows name.

    Raises:
        UsageError: a row would approve all work of a worker, and another row would reject some of it.
        NotFoundError, WrongMarketError: see :func:`turkctl.operations.selection.work.find_work`.
    """
    if not decisions.marks:
        return FoundWork(())
    found = find_work(world, WorkSelection(Selection(ids=decisions.ids)))
    rows = first_rows(decisions.marks)
    for work in found.work:
        if work.assignment_id in decisions.others and work.worker_id in rows:
            row, whole = decisions.others[work.assignment_id], rows[work.worker_id]
            raise UsageError(
                f"{decisions.name}: row {row:,} would reject {work.assignment_id}, and row {whole:,} approve all work "
                f"of {work.worker_id}; {UNDONE}",
                hint="name assignments instead of workers",
            )
    return found


def texts_of(decisions: Decisions, work: Sequence[Work]) -> dict[str, str]:
    """Return the text for each assignment: that of the row that names it, else that of its worker's row."""
    by_id = {mark.id: mark.text for mark in decisions.marks if mark.text}
    texts = {each.assignment_id: by_id.get(each.assignment_id) or by_id.get(each.worker_id) for each in work}
    return {name: text for name, text in texts.items() if text is not None}


def told_by_rows(world: World, plan: Plan[Work], decisions: Decisions, found: FoundWork) -> Plan[Work]:
    """Return the plan with the row and the text of each step, the rows of failed items, and what the rows leave."""
    rows = first_rows(decisions.marks)
    texts = texts_of(decisions, [step.payload for step in plan.steps])
    steps = [
        replace(
            step,
            row=rows.get(step.id, rows.get(step.payload.worker_id)),
            detail=": ".join(filter(None, (step.detail, texts.get(step.id)))),
        )
        for step in plan.steps
    ]
    in_order = tuple(sorted(steps, key=lambda step: step.row or 0))
    skipped = (*in_rows(plan.skipped, rows), *decisions.left)
    said = [(mark.row, mark.id, mark.worker) for mark in decisions.marks]
    doubts = mangled_ids(decisions.marks) + other_workers(
        world, said, {work.assignment_id: work.worker_id for work in found.work}
    )
    return replace(plan, steps=in_order, skipped=skipped, notes=(*plan.notes, *decisions.notes, *doubts))
