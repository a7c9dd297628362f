"""Make rows of answers with the items that they are about (``content results``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from turkctl.operations.answers.columns import MOST, ItemColumns, QuestionColumns, flat
from turkctl.operations.answers.items import ItemAnswer, keys_of
from turkctl.operations.engine.world import World
from turkctl.operations.participants.anonymize import PseudonymKey, Pseudonyms, load_key
from turkctl.operations.participants.datastring import as_text
from turkctl.operations.results.reading import ReadWork, WorkSource, open_work
from turkctl.operations.selection.gold import INCLUDE, ONLY
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.workers.assignments import STATUSES
from turkctl.store.answered_items import ShownItem
from turkctl.words import known_name

OF_ITEM = ("key", "keys", "position", "gold")
OF_WORK = ("experiment", "hit_id", "assignment_id", "worker_id", "status", "submitted", "mode")
KEYS = (*OF_ITEM, "question", "answer", "field", *OF_WORK)
"""The keys of a row: of the item, of what was answered, and of the work."""
COLUMNS = ("key", "question", "answer", "worker_id", "status", "gold")
"""The columns of a table on a terminal."""
WIDE_KEYS = ("key", "position", "gold", *OF_WORK)
"""The first keys of a row with all answers of a worker to an item."""
WIDE_COLUMNS = ("key", "worker_id", "status", "gold")
Row = dict[str, Any]


@dataclass(frozen=True)
class ResultsRequest:
    """Which answers, and how they are shown."""

    work: WorkSelection
    statuses: Sequence[str] = ()
    item: str | None = None
    """Only answers about the item with this key."""
    gold: str | None = None
    """What to do with items with a known answer, see :func:`check_gold`; an item that is named is shown anyway."""
    wide: bool = False
    item_columns: bool = False
    key_file: Path | None = None
    """The file with the key of pseudonyms, which replace ids."""
    texts: bool = False
    """Whether lists and truth values become text as in JSON, for formats that have only text."""


@dataclass
class Results:
    """Rows, read on demand, and what is known of them; the numbers are complete after the last row."""

    rows: Iterator[Row] = field(default_factory=lambda: iter(()))
    keys: Sequence[str] = ()
    columns: Sequence[str] = ()
    """Those of a table on a terminal."""
    key: PseudonymKey | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    """The questions whose columns have other names, by the column."""
    missed: int = 0
    """Number of answers that have no column because their questions came up while the rows were read."""
    unread: int = 0
    """Number of assignments whose answers could not be read."""


def results(world: World, request: ResultsRequest) -> Results:
    """Return the answers of submitted work on HITs that show items, in the order in which the work was stored.

    A row is an answer to an item, or an answer about all items of a HIT, with their ``keys``. In the wide form a row
    is all that a worker said of an item in one assignment, including what was said about all of the HIT's items.
    Wide rows and columns of items need the work to be read twice; rows take the same memory however many there are.

    Raises:
        NotFoundError: a worker, assignment or experiment is unknown.
        UsageError: a status or the regular expression is invalid, or the file with the key cannot be used.
    """
    statuses = [
        known_name(each.capitalize(), STATUSES, "status of assignments") for each in dict.fromkeys(request.statuses)
    ]
    source = open_work(world, request.work, statuses, request.item)
    found = Results()
    made = _ResultRows(request, found)
    if request.key_file is not None:
        found.key = load_key(request.key_file)
        made.pseudonyms = Pseudonyms(found.key.secret)
    if request.item_columns:
        made.items = _item_columns(source, KEYS if not request.wide else WIDE_KEYS)
    if request.wide:
        wide = made.look_for_columns(source)
        found.keys = [*WIDE_KEYS, *made.items.names, *wide.names]
        found.columns = [*WIDE_COLUMNS, *wide.names]
        found.renamed = wide.renamed
    else:
        found.keys = [*KEYS, *made.items.names]
        found.columns = COLUMNS
    found.rows = made.of(source)
    return found


def _item_columns(source: WorkSource, taken: Iterable[str]) -> ItemColumns:
    """Return the columns of the items that were shown; this reads all work once."""
    names: dict[str, None] = {}
    for each in source:
        for item in each.items:
            names.update(dict.fromkeys(item.data))
        while len(names) > MOST:
            names.popitem()
    return ItemColumns(names, taken)


class _Asked:
    """The questions of all work, in the order in which they first occur.

    A question about all items of a HIT has the column of the question of this name about one item, unless HITs of
    several items ask both.
    """

    def __init__(self) -> None:
        self._asked: dict[str, None] = {}
        self._of_items: set[str] = set()
        self._of_hits: set[str] = set()

    def note(self, each: ReadWork) -> None:
        """Note the questions of an assignment."""
        for question, whole, _value in _flat(each.answers or ()):
            if question not in self._asked and len(self._asked) > MOST:
                continue
            self._asked[question] = None
            if len(each.items) > 1:
                (self._of_hits if whole else self._of_items).add(question)

    def key(self, question: str, *, whole: bool) -> tuple[str, bool]:
        """Return what identifies the column of a question."""
        return question, whole and question in self._of_items and question in self._of_hits

    def columns(self, taken: Iterable[str]) -> QuestionColumns:
        """Return the columns."""
        found = QuestionColumns(taken, MOST)
        for question in self._asked:
            for whole in (False, True):
                found.add(self.key(question, whole=whole), question)
        return found


def _flat(answers: Iterable[ItemAnswer]) -> Iterator[tuple[str, bool, Any]]:
    """Yield question, whether it is about all items of the HIT, and value; each question of an item comes once."""
    by_item: dict[int | None, list[tuple[str, Any]]] = {}
    for each in answers:
        by_item.setdefault(None if each.item is None else each.item.position, []).append((each.question, each.value))
    for position, said in by_item.items():
        yield from ((question, position is None, value) for question, value in flat(said).items())


class _ResultRows:
    """Makes the rows of work."""

    def __init__(self, request: ResultsRequest, found: Results) -> None:
        self._request = request
        self._found = found
        self.items = ItemColumns()
        self.pseudonyms: Pseudonyms | None = None
        self.asked = _Asked()
        self.wide: QuestionColumns | None = None

    def look_for_columns(self, source: WorkSource) -> QuestionColumns:
        """Find the columns of questions, for rows in the wide form; this reads all work once."""
        for work in source:
            self.asked.note(self._shown(work))
        self.wide = self.asked.columns([*WIDE_KEYS, *self.items.names])
        return self.wide

    def of(self, source: WorkSource) -> Iterator[Row]:
        """Yield the rows, and count what has no place in them."""
        for work in source:
            if work.answers is None:
                self._found.unread += 1
                continue
            wanted = {item.position for item in work.items if self._wants(item)}
            shown = self._shown(work)
            if self.wide is None:
                yield from self._long(shown, wanted)
            else:
                yield from self._wide(shown, wanted, self.wide)
                self._found.missed = self.wide.missed

    def _shown(self, work: ReadWork) -> ReadWork:
        """Return the work with pseudonyms in place of ids, if a key is given."""
        if self.pseudonyms is None:
            return work
        did = work.work
        keys = {"worker_id": did.worker_id, "assignment_id": did.assignment_id, "hit_id": did.hit_id}
        person = self.pseudonyms.participant({**keys, "uniqueid": f"{did.worker_id}:{did.assignment_id}"}, None)
        worker, assignment, hit = (person.names[identity] for identity in keys.values())
        return ReadWork(
            replace(did, worker_id=worker, assignment_id=assignment, hit_id=hit),
            [_cleaned(item, person.clean) for item in work.items],
            None if work.answers is None else [_without_ids(each, person.clean) for each in work.answers],
        )

    def _wants(self, item: ShownItem) -> bool:
        if self._request.item is not None:
            return item.key == self._request.item
        return self._request.gold == INCLUDE or (self._request.gold == ONLY) == (item.gold is not None)

    def _long(self, each: ReadWork, wanted: Set[int]) -> Iterator[Row]:
        """Yield a row for each answer to an item at one of these positions, or to all items that are not all gold."""
        of_work = _of_work(each)
        for answer in each.answers or ():
            if not (wanted and self._request.gold != ONLY if answer.item is None else answer.item.position in wanted):
                continue
            yield {
                **_of_item(answer.item, each.items),
                "question": answer.question,
                "answer": self._value(answer.value),
                "field": answer.field,
                **of_work,
                **self._cells(answer.item),
            }

    def _wide(self, each: ReadWork, wanted: Set[int], columns: QuestionColumns) -> Iterator[Row]:
        """Yield a row for each item at one of these positions."""
        of_work = _of_work(each)
        for item in each.items:
            if item.position not in wanted:
                continue
            about = [said for said in each.answers or () if said.item is None or said.item.position == item.position]
            answers = (
                (self.asked.key(question, whole=whole), question, self._value(value))
                for question, whole, value in _flat(about)
            )
            first = {"key": item.key, "position": item.position, "gold": item.gold}
            yield {**first, **of_work, **self._cells(item), **columns.cells(answers)}

    def _cells(self, item: ShownItem | None) -> Row:
        return {name: self._value(value) for name, value in self.items.of(None if item is None else item.data).items()}

    def _value(self, value: Any) -> Any:
        return as_text(value) if self._request.texts else value


def _of_work(each: ReadWork) -> Row:
    return {name: getattr(each.work, name) for name in OF_WORK}


def _of_item(item: ShownItem | None, items: Sequence[ShownItem]) -> Row:
    one = {"position": None, "gold": None} if item is None else {"position": item.position, "gold": item.gold}
    return {**keys_of(item, items), **one}


def _cleaned(item: ShownItem, clean: Callable[[Any], Any]) -> ShownItem:
    data: Mapping[str, Any] = {name: clean(value) for name, value in item.data.items()}
    return replace(item, key=clean(item.key), data=dict(data), gold=clean(item.gold))


def _without_ids(answer: ItemAnswer, clean: Callable[[Any], Any]) -> ItemAnswer:
    return ItemAnswer(
        clean(answer.field),
        clean(answer.question),
        clean(answer.value),
        None if answer.item is None else _cleaned(answer.item, clean),
    )
