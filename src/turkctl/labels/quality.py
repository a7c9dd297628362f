"""Say how good each worker is, from votes and labels alone, whatever the method: by class, and what stands out.

An item's right class is the known answer if there is one, else its label. Three rules flag a worker. Each needs
evidence, so that nobody is flagged for a few labels; shares are compared by Wilson's interval (Probable inference, the
law of succession, and statistical inference, Journal of the American Statistical Association 22, 1927) at 95 %.

- ``one-answer``: they give one answer to at least nine of ten items, and to more than half of the items that are of
  another class.
- ``swaps``: they give answer b to more than half of the items of class a, and answer a to more than half of those of
  class b. With two classes, that is ``reversed``.
- ``guessing``: they agree with the others no more than by chance. Chance is how often they would agree if they gave
  their answers to their items in any order. The interval of what they gain over chance must hold 0 or lie below it,
  and end below half of what people gain on average. Workers with another flag are not flagged for guessing.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from turkctl.labels.agreement import MOST_CLASSES
from turkctl.labels.votes import Floats, Ints, Votes

Z = 1.96
"""Standard errors from the middle of an interval to its ends."""
NEARLY_ALL = 0.9
FEWEST = 10
"""Number of a worker's labels, on items that others labelled too, below which nobody is said to guess."""
MOST_PAIRS = 3
"""Number of swapped pairs that are named."""
ONE_ANSWER, SWAPS, REVERSED, GUESSING, ONE_SIDED = "one-answer", "swaps", "reversed", "guessing", "one-sided"
DIGITS = 6

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Quality:
    """What is known of each worker, in the order of ``votes.workers``.

    Attributes:
        with_others: how often they agree with others' labels on the same items; NaN where nobody else labelled any.
        classes: for each worker a row per class that they saw, in order: ``class``, ``n`` labels, the share ``right``,
            and ``wrong_as``, the shares of other answers by name.
        flags: the method's own flags, and those of this module that it does not have.
        remarks: the flags in words.
    """

    with_others: Floats
    classes: Sequence[list[dict[str, Any]]]
    flags: Mapping[str, Bools]
    remarks: Sequence[list[str]]


def rate(votes: Votes, label: Ints, own: Mapping[str, Bools], cut: Floats | None = None) -> Quality:
    """Return what is known of each worker.

    Args:
        votes: the votes.
        label: the index of each item's class, -1 for none.
        own: the flags of the method, by name.
        cut: for one-sided workers, above 0 if they say no too easily, below 0 for yes.
    """
    share, kept = _shares_of_others(votes)
    worker = votes.worker[kept]
    number = np.bincount(worker, minlength=len(votes.workers))
    with_others = _ratio(np.bincount(worker, share[kept], len(votes.workers)), number)
    table = _Confusions.of(votes, np.where(votes.gold >= 0, votes.gold, label))
    main, constant = _one_answer(votes, table)
    swapped = table.swaps()
    flags = {name: raised.copy() for name, raised in own.items()}
    found = {REVERSED if votes.binary else SWAPS: _raised(swapped, len(votes.workers)), ONE_ANSWER: constant}
    if ONE_SIDED in own:
        del found[ONE_ANSWER]
    found[GUESSING] = _guessing(votes, share, kept) & ~np.any([constant, *found.values()], axis=0)
    flags |= {name: raised for name, raised in found.items() if name not in own}
    words = _Words(votes, flags, main, swapped, cut)
    return Quality(with_others, table.rows(votes), flags, [words.of(each) for each in range(len(votes.workers))])


@dataclass(frozen=True)
class _Confusions:
    """How often a worker gave an answer to items of a class, where that is not never; ``n`` is over all answers."""

    worker: Ints
    truth: Ints
    answer: Ints
    count: Ints
    n: Ints

    @classmethod
    def of(cls, votes: Votes, truth: Ints) -> _Confusions:
        """Return the table, sorted by worker, class, answer."""
        kinds = len(votes.classes)
        right = truth[votes.item].astype(np.int64)
        known = right >= 0
        seen = votes.worker[known].astype(np.int64) * kinds + right[known]
        cells, count = np.unique(seen * kinds + votes.value[known], return_counts=True)
        of_class, at = np.unique(cells // kinds, return_inverse=True)
        n = np.bincount(at, count, len(of_class)).astype(np.int64)[at]
        return cls(cells // kinds // kinds, cells // kinds % kinds, cells % kinds, count, n)

    def rows(self, votes: Votes) -> list[list[dict[str, Any]]]:
        """Return the rows of :attr:`Quality.classes`."""
        found: list[list[dict[str, Any]]] = [[] for _ in votes.workers]
        share = np.round(self.count / self.n, DIGITS).tolist()
        columns = (self.worker.tolist(), self.truth.tolist(), self.answer.tolist(), self.n.tolist(), share)
        for worker, truth, answer, n, part in zip(*columns, strict=True):
            mine, name = found[worker], votes.classes[truth]
            if not mine or mine[-1]["class"] != name:
                mine.append({"class": name, "n": n, "right": 0.0, "wrong_as": {}})
            if answer == truth:
                mine[-1]["right"] = part
            else:
                mine[-1]["wrong_as"][word(votes.classes[answer])] = part
        return found

    def swaps(self) -> dict[int, list[tuple[int, int]]]:
        """Return the pairs of classes that workers swap, by worker."""
        mostly = (self.answer != self.truth) & _most(self.count, self.n)
        cells = list(zip(*(part[mostly].tolist() for part in (self.worker, self.truth, self.answer)), strict=True))
        known = set(cells)
        found: dict[int, list[tuple[int, int]]] = {}
        for worker, truth, answer in cells:
            if truth < answer and (worker, answer, truth) in known:
                found.setdefault(worker, []).append((truth, answer))
        return found


def _raised(by_worker: Mapping[int, Any], workers: int) -> Bools:
    flags = np.zeros(workers, bool)
    flags[list(by_worker)] = True
    return flags


def _one_answer(votes: Votes, table: _Confusions) -> tuple[Ints, Bools]:
    """Return each worker's commonest answer, and who gives it to nearly everything, whatever the item is."""
    kinds, workers = len(votes.classes), len(votes.workers)
    cells, count = np.unique(votes.worker.astype(np.int64) * kinds + votes.value, return_counts=True)
    order = np.lexsort((-count, cells // kinds))
    first = order[np.unique(cells[order] // kinds, return_index=True)[1]]
    main = cells[first] % kinds
    elsewhere = table.truth != main[table.worker]
    n = np.bincount(table.worker[elsewhere], table.count[elsewhere], workers)
    as_main = elsewhere & (table.answer == main[table.worker])
    wrong = np.bincount(table.worker[as_main], table.count[as_main], workers)
    return main, (count[first] >= NEARLY_ALL * votes.per_worker) & _most(wrong, n)


def _most(count: Ints | Floats, n: Ints | Floats) -> Bools:
    """Return where a share is above one half beyond doubt: the lower end of Wilson's interval is."""
    number = np.maximum(n, 1)
    share = count / number
    middle = share + Z**2 / (2 * number)
    reach = Z * np.sqrt(share * (1 - share) / number + Z**2 / (4 * number**2))
    most: Bools = (n > 0) & ((middle - reach) / (1 + Z**2 / number) > 0.5)
    return most


def _shares_of_others(votes: Votes) -> tuple[Floats, Bools]:
    """Return for each vote the share of others' votes on the item that equal it, and where there are any."""
    kinds = len(votes.classes)
    cell = np.unique(votes.item.astype(np.int64) * kinds + votes.value, return_inverse=True)[1]
    vote = _pairs(votes)
    alike = np.unique(vote * kinds + votes.value, return_inverse=True)[1]
    own, mine = np.bincount(vote)[vote], np.bincount(alike)[alike]
    others = votes.per_item[votes.item] - own
    return _ratio(np.bincount(cell)[cell] - mine, others), others > 0


def _pairs(votes: Votes) -> Ints:
    """Return for each vote the number of its item and worker: a worker can have several votes on one item."""
    new = (np.diff(votes.item) != 0) | (np.diff(votes.worker) != 0)
    return np.concatenate(([0], np.cumsum(new)))


def _guessing(votes: Votes, share: Floats, kept: Bools) -> Bools:
    """Return who agrees with the others no more than by chance; nobody, where there are very many classes."""
    workers = len(votes.workers)
    if len(votes.classes) > MOST_CLASSES or not kept.any():
        return np.zeros(workers, bool)
    worker = votes.worker[kept]
    number = np.bincount(worker, minlength=workers)
    gain = share[kept] - _by_chance(votes, kept)
    mean = _ratio(np.bincount(worker, gain, workers), number)
    spread = np.bincount(worker, (gain - mean[worker]) ** 2, workers)
    error = np.sqrt(_ratio(spread, number * np.maximum(number - 1, 1)))
    low, high = mean - Z * error, mean + Z * error
    guesses: Bools = (number >= FEWEST) & (low <= 0) & (high < gain.mean() / 2)
    return guesses


def _by_chance(votes: Votes, kept: Bools) -> Floats:
    """Return for each kept vote how much the worker would agree with the others there if they answered in any order."""
    vote = _pairs(votes)
    item, worker, value, pair = votes.item[kept], votes.worker[kept], votes.value[kept], vote[kept]
    per_worker = np.maximum(np.bincount(worker, minlength=len(votes.workers)), 1)
    others = (votes.per_item[votes.item] - np.bincount(vote)[vote])[kept]
    expected = np.zeros(len(item))
    for kind in range(len(votes.classes)):
        said = votes.value == kind
        on_item = np.bincount(votes.item, said, len(votes.items))[item]
        share = np.bincount(worker, value == kind, len(votes.workers)) / per_worker
        expected += share[worker] * (on_item - np.bincount(vote, said)[pair])
    result: Floats = expected / others
    return result


def _ratio(above: Any, below: Any) -> Floats:
    result: Floats = np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
    return result


class _Words:
    """Says flags in words."""

    def __init__(
        self,
        votes: Votes,
        flags: Mapping[str, Bools],
        main: Ints,
        swapped: Mapping[int, list[tuple[int, int]]],
        cut: Floats | None,
    ) -> None:
        self._names = [shown(each) for each in votes.classes]
        self._binary = votes.binary
        self._flags = flags
        self._main = main
        self._swapped = swapped
        self._cut = cut

    def of(self, worker: int) -> list[str]:
        """Return what stands out with a worker."""
        raised = [name for name, flag in self._flags.items() if flag[worker]]
        found = []
        if REVERSED in raised:
            found.append("usually answers the opposite of what is right")
        for one, other in self._swapped.get(worker, ())[:MOST_PAIRS] if SWAPS in raised else ():
            found.append(f"swaps {self._names[one]} and {self._names[other]}")
        if ONE_ANSWER in raised:
            answer = self._names[self._main[worker]]
            found.append(f"answers {answer if self._binary else repr(answer)} to nearly everything")
        if GUESSING in raised and REVERSED not in raised:
            found.append("is hardly better than guessing")
        if ONE_SIDED in raised and self._cut is not None:
            found.append(f"says {'no' if self._cut[worker] > 0 else 'yes'} too easily")
        return found


def word(name: Hashable) -> str:
    """Return a class as a key of JSON: ``true``, ``false``, or its name."""
    return str(name).lower() if isinstance(name, bool) else str(name)


def shown(name: Hashable) -> str:
    """Return a class as people read it: ``yes``, ``no``, or its name."""
    return ("no", "yes")[name] if isinstance(name, bool) else str(name)
