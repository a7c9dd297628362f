"""Show pseudonyms in place of worker ids to those who may not see names.

Only people are veiled: ids of HITs and assignments stay, since acts need them, and nobody but the market can tell from
them who somebody is. The pseudonyms are those of :mod:`turkctl.operations.participants.anonymize` with a letter of
their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlmodel import Session

from turkctl.errors import NotFoundError
from turkctl.ids import can_be_worker
from turkctl.operations.engine.world import World
from turkctl.operations.participants.anonymize import DIGITS, Pseudonyms
from turkctl.operations.selection.work import participants_table
from turkctl.store import persons

LETTER = "P-"
NAMES = ("worker_id", "worker", "workers", "workerid")
"""Keys whose values are ids of workers, or lists of them."""
KEYS_OF_ROWS = ("uniqueid", "participant")
"""Keys whose values may be psiTurk's ``worker:assignment``."""
ADDRESSES = ("ip_address", "ipaddress")
"""Keys that are emptied."""
BATCH = 5000
"""Number of rows that are read at a time when a pseudonym is looked up."""
_PSEUDONYM = re.compile(rf"{LETTER}[0-9a-f]{{{DIGITS}}}")
_LONG = 5
"""An id of at least this many characters is replaced anywhere; a shorter one only where it is a whole word."""
_WORD = re.compile(r"[A-Za-z0-9]+")
_SHAPE = re.compile(r"A(?=[A-Z]*[0-9])[A-Z0-9]{11,14}")
"""The form of a worker's id on Mechanical Turk."""


class Veil:
    """Replaces the ids of workers by pseudonyms, the same for the same secret; without a secret it changes nothing."""

    def __init__(self, secret: bytes | None) -> None:
        self._pseudonyms = None if secret is None else Pseudonyms(secret)

    @property
    def hides(self) -> bool:
        """Return whether names are hidden."""
        return self._pseudonyms is not None

    def worker(self, worker_id: str) -> str:
        """Return what to show in place of a worker's id; an empty one stays empty."""
        if self._pseudonyms is None or not worker_id:
            return worker_id
        return self._pseudonyms.of(LETTER, worker_id)

    def rows(self, rows: Iterable[Mapping[str, Any]], ids: Collection[str] = ()) -> list[dict[str, Any]]:
        """Return rows, or trees of them, without the ids of workers and without addresses.

        Ids are replaced under the keys that hold them, and in all other texts: those of the row itself anywhere in a
        text, those of other rows where they are a whole word, and whatever looks like a worker's id of Mechanical Turk.

        Args:
            rows: what is to be shown.
            ids: of workers who may be named in texts although no row is theirs.
        """
        found = [dict(row) for row in rows]
        if self._pseudonyms is None:
            return found
        own = [set(_ids(row)) for row in found]
        everybody = {name.lower(): self.worker(name) for name in set(ids).union(*own)}
        return [_Cleaner(self, theirs, everybody).mapping(row) for row, theirs in zip(found, own, strict=True)]

    def record(self, record: Mapping[str, Any], ids: Collection[str] = ()) -> dict[str, Any]:
        """Return one object as :meth:`rows` does."""
        return self.rows([record], ids)[0]

    def text(self, text: str, ids: Collection[str] = ()) -> str:
        """Return a text with pseudonyms in place of these ids, and of whatever looks like one of Mechanical Turk."""
        if self._pseudonyms is None:
            return text
        return _Cleaner(self, set(ids), {}).text(text)

    def find_worker(self, world: World, shown: str) -> str:
        """Return the worker of this mode who is shown like this.

        Raises:
            NotFoundError: nobody is.
        """
        return self.find_workers(world, [shown])[0]

    def find_workers(self, world: World, shown: Sequence[str]) -> list[str]:
        """Return the workers of this mode who are shown like this, in the same order.

        The study's workers are gone through once, a few thousand at a time, each in a short transaction. Without a
        secret, what is shown is the id.

        Raises:
            NotFoundError: nobody is shown like one of them.
        """
        if self._pseudonyms is None:
            return list(shown)
        wanted, found = {each for each in shown if _PSEUDONYM.fullmatch(each)}, dict[str, str]()
        for worker_id in _workers(world) if wanted else ():
            pseudonym = self.worker(worker_id)
            if pseudonym in wanted:
                found[pseudonym] = worker_id
                if len(found) == len(wanted):
                    break
        if not found.keys() >= set(shown):
            # What was typed is not said again: a pseudonym in its place would tell whose it is.
            raise NotFoundError("there is no worker with this pseudonym", hint="see: turkctl workers list")
        return [found[each] for each in shown]


class _Cleaner:
    """Cleans one row."""

    def __init__(self, veil: Veil, own: Collection[str], everybody: Mapping[str, str]) -> None:
        self._veil = veil
        self._names = {name.lower(): veil.worker(name) for name in own if name}
        self._everybody = {**everybody, **self._names}
        words = [
            re.escape(each) if len(each) >= _LONG else rf"(?<![^\W_]){re.escape(each)}(?![^\W_])"
            for each in sorted(self._names, key=len, reverse=True)
        ]
        self._pattern = re.compile("|".join(words) or r"(?!)", re.IGNORECASE | re.ASCII)

    def mapping(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row with pseudonyms in its values and names."""
        return {self.text(key) if isinstance(key, str) else key: self._of(key, value) for key, value in row.items()}

    def text(self, text: str) -> str:
        """Return a text with pseudonyms."""
        parts, end = [], 0
        for match in self._pattern.finditer(text):
            parts += [_WORD.sub(self._word, text[end : match.start()]), self._names[match[0].lower()]]
            end = match.end()
        return "".join([*parts, _WORD.sub(self._word, text[end:])])

    def _of(self, key: Any, value: Any) -> Any:
        if key in ADDRESSES:
            return None
        if key in NAMES and isinstance(value, str):
            return self._veil.worker(value)
        return self._clean(value)

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self.mapping(value)
        if isinstance(value, list | tuple):
            return [self._clean(each) for each in value]
        if isinstance(value, int) and not isinstance(value, bool) and str(value) in self._names:
            return self._names[str(value)]
        return value

    def _word(self, match: re.Match[str]) -> str:
        word = match[0]
        known = self._everybody.get(word.lower())
        return known or (self._veil.worker(word) if _SHAPE.fullmatch(word) else word)


def _ids(value: Any, key: Any = None) -> Iterator[str]:
    """Yield the ids of workers that a row has under the keys for them."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _ids(inner, name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _ids(inner, key)
    elif isinstance(value, str) and value:
        if key in NAMES or (key == "id" and can_be_worker(value)):
            yield value
        elif key in KEYS_OF_ROWS:
            yield value.rpartition(":")[0] or value


def _workers(world: World) -> Iterator[str]:
    """Yield the workers of this mode, some of them more than once."""
    wanted = world.listing_place.mode
    with world.database.read() as session:
        table = participants_table(session, world)
    for _row, mode, worker in _paged(world, 0, persons.workers_by_work):
        if mode == wanted:
            yield worker
    for _key, mode, worker in () if table is None else _paged(world, "", partial(_by_row, table)):
        if mode == wanted:
            yield worker
    for _token, workers in _paged(world, "", partial(_by_message, wanted)):
        yield from workers


def _by_row(table: str, session: Session, after: str, limit: int) -> list[tuple[str, str, str]]:
    return persons.workers_by_row(session, table, after, limit)


def _by_message(mode: str, session: Session, after: str, limit: int) -> list[tuple[str, list[str]]]:
    return persons.workers_by_message(session, mode, after, limit)


def _paged(world: World, after: Any, page: Callable[[Session, Any, int], list[Any]]) -> Iterator[Any]:
    """Yield the rows of one page after another, each read in a transaction of its own."""
    while True:
        with world.database.read() as session:
            found = page(session, after, BATCH)
        yield from found
        if len(found) < BATCH:
            return
        after = found[-1][0]
