"""Find out which item each field of a submission is about.

If a HIT shows one item, all fields are about it. If it shows several, a field is about the item whose position or key
is in its name: in the form of ``answer_field``, or as a number at the end, ``comment_2`` for the second. Numbers that
go beyond the items are no positions: with two items, ``scale_1`` to ``scale_7`` are about both, as other fields are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.sync.answers import field_name, free_name
from turkctl.store import experiments
from turkctl.store.answered_items import ShownItem
from turkctl.store.experiments import Version

_NUMBERED = re.compile(r"(.+)[_-]([1-9][0-9]{0,3})")
_PLACE = re.compile(r"[_.\-]?\{(?:n|key)\}")
_LAST = 2**31
ANSWER = "answer"
"""The question of a field whose name is nothing but the item's key or position."""


@dataclass(frozen=True)
class ItemAnswer:
    """What a submission says in one field."""

    field: str
    """As it was submitted; of a crowd-form, the names inside of each other joined with dots."""
    question: str
    """The field's name without the position or key of the item, so that it is the same for all items."""
    value: Any
    item: ShownItem | None
    """The item that it is about; None if it is about all that the HIT shows."""


def by_item(fields: Mapping[str, Any], patterns: Sequence[str], items: Sequence[ShownItem]) -> list[ItemAnswer]:
    """Return the answers of a submission, each with its item; of one item, no question comes twice.

    They are in the order of the items, then those about all items; of each item in the order of the submission.

    Args:
        fields: the values by field, those of a crowd-form unpacked.
        patterns: names of fields with the answer to an item, as ``answer_field`` has them.
        items: those that the HIT showed.
    """
    known = _fields_of(patterns, items)
    numbers = _Positions(fields, items)
    found: list[ItemAnswer] = []
    taken: dict[int | None, dict[str, None]] = {}
    for name, value in fields.items():
        question, item = _known(name, known) or numbers.read(name) or (name, items[0] if len(items) == 1 else None)
        asked = taken.setdefault(None if item is None else item.position, {})
        question = question if question not in asked else free_name(name, asked)
        asked[question] = None
        found.append(ItemAnswer(name, question, value, item))
    return sorted(found, key=lambda each: _LAST if each.item is None else each.item.position)


def as_rows(fields: Mapping[str, Any], patterns: Sequence[str], items: Sequence[ShownItem]) -> list[dict[str, Any]]:
    """Return the answers of :func:`by_item` as rows with the ``key`` of the item, or the ``keys`` of all."""
    return [
        {
            **keys_of(each.item, items),
            "question": each.question,
            "answer": each.value,
            "field": each.field,
        }
        for each in by_item(fields, patterns, items)
    ]


def keys_of(item: ShownItem | None, items: Sequence[ShownItem]) -> dict[str, Any]:
    """Return the ``key`` of the item that an answer is about, or the ``keys`` of all of them."""
    return {
        "key": None if item is None else item.key,
        "keys": [each.key for each in items] if item is None else None,
    }


def _fields_of(patterns: Sequence[str], items: Sequence[ShownItem]) -> dict[str, tuple[str, ShownItem]]:
    """Return the question and the item of each field that a pattern names; the first pattern decides."""
    found: dict[str, tuple[str, ShownItem]] = {}
    for pattern in patterns:
        if len(items) > 1 and not _PLACE.search(pattern):
            continue
        question = _PLACE.sub("", pattern).strip("_.-") or ANSWER
        for item in items:
            found.setdefault(field_name(pattern, item.position, item.key), (question, item))
    return found


def _known(name: str, known: Mapping[str, tuple[str, ShownItem]]) -> tuple[str, ShownItem] | None:
    """Return question and item of a field that a pattern names, or that is inside of one, as ``label_1.label``."""
    for begin in _beginnings(name) if known else ():
        if begin in known:
            question, item = known[begin]
            return question + name[len(begin) :], item
    return None


def _beginnings(name: str) -> Iterator[str]:
    """Yield the name, then what is before each of its dots, the longest first."""
    yield name
    place = name.rfind(".")
    while place > 0:
        yield name[:place]
        place = name.rfind(".", 0, place)


class _Positions:
    """Reads the positions of items at the end of fields' names."""

    def __init__(self, fields: Mapping[str, Any], items: Sequence[ShownItem]) -> None:
        self._items = {item.position: item for item in items} if len(items) > 1 else {}
        self._beyond: set[str] = set()
        for name in fields if self._items else ():
            match = _numbered(name)
            if match is not None and int(match[2]) not in self._items:
                self._beyond.add(match[1])

    def read(self, name: str) -> tuple[str, ShownItem] | None:
        """Return the question and the item of a field with a position; None if it has none."""
        match = _numbered(name) if self._items else None
        if match is None or match[1] in self._beyond:
            return None
        return match[1] + name[match.end() :], self._items[int(match[2])]


def _numbered(name: str) -> re.Match[str] | None:
    """Return the name before the number and the number, of what is before the first dot."""
    return _NUMBERED.fullmatch(name, 0, len(name.partition(".")[0]))


class AnswerFields:
    """Finds the names of fields with answers: in the settings of the HIT, then in the experiment's current ones."""

    def __init__(self) -> None:
        self._known: dict[tuple[int | None, int], tuple[str, ...]] = {}

    def of(self, session: Session, settings_id: int | None, experiment_id: int) -> tuple[str, ...]:
        """Return the patterns of their names for a HIT with these settings; none if no settings name any."""
        which = (settings_id, experiment_id)
        if which not in self._known:
            made_with = None if settings_id is None else experiments.settings_of(session, settings_id)
            now = experiments.current(session, experiment_id)
            found = [pattern for each in (made_with, now) if each is not None for pattern in _patterns(each)]
            self._known[which] = tuple(dict.fromkeys(found))
        return self._known[which]


def _patterns(version: Version) -> list[str]:
    settings = settings_of(version)
    return [each for each in (settings.answer_field, settings.label_field) if each is not None]
