"""Group the pending items that share a HIT. Pure.

A HIT has one number of assignments for all its items, so only items that need the same number share a HIT; no more
outputs are requested than are missing, rounded up to whole assignments. Groups are posted in the order of their first
item, even if they are not full. Items that need more assignments than a HIT has at the lowest commission are
shown in several HITs.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from turkctl.fees import FeeRule
from turkctl.store.contents_counts import Pending

LOOKAHEAD = 2000
"""Number of further items that may fill the groups begun, once no new group is possible."""


@dataclass
class ItemGroup:
    """Items that are shown together, and the number of assignments of each of their HITs."""

    assignments: tuple[int, ...]
    items: list[Pending] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        """Return the ids of the items, in the order of dispatch."""
        return [item.id for item in self.items]


def assignments_for(need: int, per_assignment: int) -> int:
    """Return how many assignments bring ``need`` outputs, if each assignment brings ``per_assignment``."""
    return -(-need // per_assignment)


def make_groups(
    pending: Iterable[Pending], size: int, per_assignment: int, most: int, fee: FeeRule
) -> tuple[list[ItemGroup], bool]:
    """Return groups of at most ``size`` items of the same need, for at most ``most`` HITs, and whether more is pending.

    ``pending`` is in the order of dispatch, and is read no further than needed.
    """
    made: list[ItemGroup] = []
    begun: dict[int, ItemGroup] = {}
    left, yet = most, LOOKAHEAD
    more = False
    for item in pending:
        wanted = assignments_for(item.need, per_assignment)
        group = begun.get(wanted)
        if left <= 0:
            more = more or group is None
            yet -= 1
            if not begun or yet <= 0:
                return made, True
        elif group is None:
            sizes = fee.split(wanted)
            more = more or len(sizes) > left
            group = begun[wanted] = ItemGroup(tuple(sizes[:left]))
            left -= len(group.assignments)
            made.append(group)
        if group is not None:
            group.items.append(item)
            if len(group.items) == size:
                del begun[wanted]
    return made, more


def mixed(ids: Sequence[int], gold: Sequence[int], number: int, token: str) -> list[int]:
    """Return the items of a HIT with ``number`` distinct known ones at random positions, determined by the token."""
    rng = random.Random(token)  # noqa: S311  # must be reproducible; it guards no secret
    shown = list(ids)
    for known in rng.sample(gold, min(number, len(gold))):
        shown.insert(rng.randint(0, len(shown)), known)
    return shown
