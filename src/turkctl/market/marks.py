"""Remember, in a process, up to where workers have had the HITs of a type.

Somebody may have had thousands of HITs that are still open to others; a mark saves reading them again at each step
(:mod:`turkctl.market.next_work`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

Position = tuple[int, int]
"""Where a HIT stands among those of its type: when it expires, then ``seq``."""

START: Position = (0, 0)
END: Position = (2**62, 2**62)
_MOST = 20_000


@dataclass(frozen=True)
class PassedMark:
    """Up to where a worker has had all open HITs of a type.

    Attributes:
        opened: the last opening that was taken into account.
        position: they have had everything that is open before it.
        behind: ``seq`` of the exceptions.
    """

    opened: int
    position: Position = START
    behind: tuple[int, ...] = ()


class Marks:
    """The marks that were used last. Safe for many threads."""

    def __init__(self) -> None:
        """Begin without marks."""
        self._marks: OrderedDict[tuple[str, str], PassedMark] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, worker_id: str, type_id: str) -> PassedMark | None:
        """Return the worker's mark among the HITs of a type, or None."""
        with self._lock:
            return self._marks.get((worker_id, type_id))

    def forget(self, worker_id: str) -> None:
        """Forget the marks of somebody who was erased. Those in other processes are of an id that nobody has again."""
        with self._lock:
            for key in [key for key in self._marks if key[0] == worker_id]:
                del self._marks[key]

    def put(self, worker_id: str, type_id: str, mark: PassedMark) -> None:
        """Remember a mark, and forget the one that was not used for longest."""
        with self._lock:
            self._marks[(worker_id, type_id)] = mark
            self._marks.move_to_end((worker_id, type_id))
            if len(self._marks) > _MOST:
                self._marks.popitem(last=False)
