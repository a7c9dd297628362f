"""Count participants for people who look at pages: what filters can be set to, and counts that are kept for a while."""

from __future__ import annotations

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import fields, replace
from threading import Lock
from typing import Any

from turkctl.operations.participants.filters import Query, build_filter, needed_columns
from turkctl.operations.participants.lists import (
    Ordering,
    Reads,
    checked_table,
    count,
    grouped,
    readable,
    status_name,
)
from turkctl.store import participant_lists
from turkctl.store.participant_lists import ParticipantFilter

CHOICES = ("mode", "condition", "codeversion", "status")
"""What a list can be narrowed by, besides times."""
KEPT_S = 30.0
MOST_KEPT = 256
Choices = Mapping[str, Sequence[tuple[Any, int]]]
"""For each of :data:`CHOICES` the values that occur, with their numbers; None is a missing value."""
Groups = tuple[Sequence[str], list[dict[str, Any]]]


def choices(reads: Reads, within: Query) -> dict[str, list[tuple[Any, int]]]:
    """Return the values that occur for each of :data:`CHOICES`, with their number of participants.

    Each is counted within the other filters, but not within its own: another choice would take its place. The filter by
    the current code version belongs to the code versions. Missing values come last.

    Raises:
        UsageError, NotFoundError, SchemaError: see :func:`turkctl.operations.participants.lists.listed`.
    """
    others = replace(within, modes=(), conditions=(), code_versions=(), current=False, statuses=())
    with readable(reads, within).read() as session:
        chosen = _chosen(build_filter(session, reads.settings, within))
        wanted = build_filter(session, reads.settings, others)
        name = checked_table(session, reads, [*CHOICES, *needed_columns(within)])
        combinations = participant_lists.groups(session, name, wanted, CHOICES, Ordering())
    found: dict[str, dict[Any, int]] = {each: defaultdict(int) for each in CHOICES}
    for *values, number in combinations:
        outside = [what for what, value in zip(CHOICES, values, strict=True) if not _is_within(value, chosen[what])]
        for what, value in zip(CHOICES, values, strict=True):
            if not outside or outside == [what]:
                found[what][value] += number
    ordered = {
        what: sorted(numbers.items(), key=lambda pair: _last_if_missing(pair[0])) for what, numbers in found.items()
    }
    return ordered | {"status": [(status_name(value), number) for value, number in ordered["status"]]}


def _chosen(wanted: ParticipantFilter) -> dict[str, Sequence[Any] | None]:
    """Return the values of each filter, None where all are wanted."""
    return {
        "mode": wanted.modes or None,
        "condition": wanted.conditions or None,
        "codeversion": wanted.code_versions,
        "status": wanted.statuses or None,
    }


def _is_within(value: Any, chosen: Sequence[Any] | None) -> bool:
    return chosen is None or value in chosen


def _last_if_missing(value: Any) -> tuple[bool, bool, Any]:
    """Return a key by which to sort values, of which SQLite may have numbers and texts in one column."""
    return value is None, isinstance(value, str), "" if value is None else value


class CountCache:
    """Counts that are kept for a while, for many threads. What it returns is shared: do not change it.

    Of several threads that ask for the same at once, one counts and the others wait for it. An error is told to all who
    wait, and is not kept.
    """

    def __init__(
        self, seconds: float = KEPT_S, *, clock: Callable[[], float] = time.monotonic, most: int = MOST_KEPT
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._most = most
        self._lock = Lock()
        self._kept: OrderedDict[Any, tuple[float, Any]] = OrderedDict()
        self._at_work: dict[Any, Future[Any]] = {}

    def count(self, reads: Reads, query: Query) -> int:
        """Return :func:`turkctl.operations.participants.lists.count`."""
        found: int = self._get(reads, query, "count", lambda: count(reads, query))
        return found

    def groups(self, reads: Reads, query: Query, ordering: Ordering, by: Sequence[str]) -> Groups:
        """Return :func:`turkctl.operations.participants.lists.grouped`."""
        what = ("groups", tuple(by), ordering)
        found: Groups = self._get(reads, query, what, lambda: grouped(reads, query, ordering, by))
        return found

    def choices(self, reads: Reads, within: Query) -> Choices:
        """Return :func:`choices`."""
        found: Choices = self._get(reads, within, "choices", lambda: choices(reads, within))
        return found

    def _get(self, reads: Reads, query: Query, what: Any, find: Callable[[], Any]) -> Any:
        key = (what, _of_settings(reads), _of_query(query))
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and self._clock() - kept[0] < self._seconds:
                self._kept.move_to_end(key)
                return kept[1]
            running = self._at_work.get(key)
            mine = Future[Any]()
            if running is None:
                self._at_work[key] = mine
        return self._find(key, mine, find) if running is None else running.result()

    def _find(self, key: Any, mine: Future[Any], find: Callable[[], Any]) -> Any:
        try:
            found = find()
        except BaseException as error:
            with self._lock:
                del self._at_work[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._at_work[key]
            self._kept[key] = (self._clock(), found)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        mine.set_result(found)
        return found


def _of_settings(reads: Reads) -> tuple[Any, ...]:
    settings = reads.settings
    return settings.database_url, settings["participants_table"], settings["participants_timezone"]


def _of_query(query: Query) -> tuple[Any, ...]:
    """Return the filters in a form that is the same for the same values in another order."""
    values = (getattr(query, each.name) for each in fields(query))
    return tuple(value if isinstance(value, str | bool | None) else tuple(sorted(set(value))) for value in values)
