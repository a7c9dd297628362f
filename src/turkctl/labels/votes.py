"""Votes as arrays: who said what about which item, sorted, so that neither row order nor names matter."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from turkctl.errors import UsageError

BINARY = (False, True)
"""The classes of a yes-or-no question; a vote's value is the index of its class."""

Duplicates = Literal["last", "all"]
"""How a worker's repeated votes on one item count: only the last one, or all of them."""

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]


@dataclass(frozen=True)
class Votes:
    """Votes sorted by item, then worker. Every item and every worker has at least one vote.

    ``items`` and ``workers`` are ids in ascending order, ``classes`` the possible answers. ``item``, ``worker``
    (int32) and ``value`` (indices into the three) have an entry per vote; ``gold`` (int32) has one per item, the index
    of the class known to be right, or -1. ``duplicates`` counts the votes that repeat an item and a worker.
    """

    items: tuple[Hashable, ...]
    workers: tuple[Hashable, ...]
    classes: tuple[Hashable, ...]
    item: NDArray[np.int32]
    worker: NDArray[np.int32]
    value: NDArray[np.int32]
    gold: NDArray[np.int32]
    duplicates: int = 0

    def __len__(self) -> int:
        return len(self.item)

    @property
    def binary(self) -> bool:
        """Return whether the classes are false and true, and not the numbers 0 and 1."""
        return self.classes == BINARY and isinstance(self.classes[0], bool)

    @property
    def per_item(self) -> Ints:
        """Return the number of votes per item."""
        return np.bincount(self.item, minlength=len(self.items))

    @property
    def per_worker(self) -> Ints:
        """Return the number of votes per worker."""
        return np.bincount(self.worker, minlength=len(self.workers))

    @classmethod
    def of(
        cls,
        items: Sequence[Hashable],
        workers: Sequence[Hashable],
        values: Sequence[Hashable],
        *,
        classes: Sequence[Hashable] | None = None,
        gold: Mapping[Any, Hashable] | None = None,
        duplicates: Duplicates = "last",
    ) -> Votes:
        """Return votes from three columns of equal length, one row per vote.

        Without ``classes``, values that are all true or false (or 1 and 0) make a binary question; other values become
        the classes. Gold answers of items without votes are ignored.

        Raises:
            UsageError: columns differ in length, or a value or a gold answer is not one of the classes.
        """
        if not len(items) == len(workers) == len(values):
            raise UsageError("items, workers and values differ in length", hint="give one of each per vote")
        if classes is None:
            known = {*values, *(gold or {}).values()}
            classes = BINARY if known <= set(BINARY) else _ordered(known)
        index = {each: position for position, each in enumerate(classes)}
        strange = next((value for value in values if value not in index), None)
        if strange is not None:
            raise UsageError(f"{strange!r} is not one of the classes", hint="use " + ", ".join(map(str, classes)))
        item_of, item = _interned(items)
        worker_of, worker = _interned(workers)
        value = np.fromiter((index[each] for each in values), np.int32, len(values))
        return cls.of_codes(item_of, worker_of, classes, item, worker, value, gold=gold, duplicates=duplicates)

    @classmethod
    def of_codes(
        cls,
        items: Sequence[Hashable],
        workers: Sequence[Hashable],
        classes: Sequence[Hashable],
        item: Ints,
        worker: Ints,
        value: Ints,
        *,
        gold: Mapping[Any, Hashable] | None = None,
        duplicates: Duplicates = "last",
    ) -> Votes:
        """Return votes from ids in any order and, per vote, indices into them: for reading millions of votes.

        Raises:
            UsageError: a gold answer is not one of the classes.
        """
        items, item = _sorted(items, item)
        workers, worker = _sorted(workers, worker)
        order, repeated = _order(item, worker, value, len(workers), duplicates)
        return cls(
            items,
            workers,
            tuple(classes),
            item[order],
            worker[order],
            np.asarray(value, np.int32)[order],
            _gold(items, tuple(classes), gold or {}),
            repeated,
        )

    def against(self, position: int) -> Votes:
        """Return binary votes on "is it the class at ``position``, or another one?", with gold answers to match."""
        gold = np.where(self.gold < 0, -1, self.gold == position).astype(np.int32)
        value = (self.value == position).astype(np.int32)
        return Votes(self.items, self.workers, BINARY, self.item, self.worker, value, gold, self.duplicates)


def indices(numbers: Sequence[int]) -> Indices:
    """Return numbers as an array; those of an ``array.array`` of C ints are not copied."""
    return np.asarray(numbers, np.int32)


def _ordered(ids: Sequence[Hashable] | set[Hashable]) -> list[Hashable]:
    """Return ids in ascending order; if their types differ, by type first."""
    try:
        return sorted(ids)  # type: ignore[type-var]  # what cannot be compared is handled below
    except TypeError:
        return sorted(ids, key=lambda each: (type(each).__name__, str(each)))


def _interned(ids: Sequence[Hashable]) -> tuple[list[Hashable], NDArray[np.int32]]:
    index: dict[Hashable, int] = {}
    codes = np.fromiter((index.setdefault(each, len(index)) for each in ids), np.int32, len(ids))
    return list(index), codes


def _sorted(ids: Sequence[Hashable], codes: Ints) -> tuple[tuple[Hashable, ...], NDArray[np.int32]]:
    """Return the ids that occur, in order, and the votes' indices into them."""
    used = np.flatnonzero(np.bincount(codes, minlength=len(ids)))
    ordered = _ordered([ids[position] for position in used.tolist()])
    rank = {each: position for position, each in enumerate(ordered)}
    place = np.fromiter((rank.get(each, -1) for each in ids), np.int32, len(ids))
    return tuple(ordered), place[codes]


def _order(item: Ints, worker: Ints, value: Ints, workers: int, duplicates: Duplicates) -> tuple[Ints, int]:
    """Return the order of the votes to keep, and the number of votes that repeat another."""
    pair = item.astype(np.int64) * workers + worker
    order = np.argsort(pair, kind="stable") if duplicates == "last" else np.lexsort((value, pair))
    again = pair[order][1:] == pair[order][:-1]
    repeated = int(again.sum())
    if duplicates == "last" and repeated:
        order = order[np.append(~again, True)]
    return order, repeated


def _gold(
    items: tuple[Hashable, ...], classes: tuple[Hashable, ...], gold: Mapping[Any, Hashable]
) -> NDArray[np.int32]:
    index = {each: position for position, each in enumerate(classes)}
    strange = next(((item, answer) for item, answer in gold.items() if answer not in index), None)
    if strange is not None:
        raise UsageError(
            f"the gold answer {strange[1]!r} of item {strange[0]} is not one of the classes",
            hint="classes are " + ", ".join(map(str, classes)),
        )
    if not gold:
        return np.full(len(items), -1, np.int32)
    return np.fromiter((index[gold[item]] if item in gold else -1 for item in items), np.int32, len(items))
