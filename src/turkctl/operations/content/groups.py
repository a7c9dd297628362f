"""Which pending items go into a HIT together. Pure.

A HIT has one number of assignments for all that it shows, so only items that need the same number share one; nobody is
asked for more outputs than are missing, rounded up to whole assignments. Groups go out in the order of their first
item, a group that stays partly empty as well. What needs ten assignments or more is shown in several HITs.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from turkctl.fees import split_assignments
from turkctl.store.contents_counts import Pending

LOOKAHEAD = 2000
"""Items that are looked through for those that fill the groups begun, once no other group fits."""


@dataclass
class ItemGroup:
    """Items that are shown together, and the assignments of each of their HITs."""

    assignments: tuple[int, ...]
    items: list[Pending] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        """Of the items, in the order of dispatch."""
        return [item.id for item in self.items]


def assignments_for(need: int, per_assignment: int) -> int:
    """The assignments that bring ``need`` outputs, of which each assignment gives ``per_assignment``."""
    return -(-need // per_assignment)


def make_groups(pending: Iterable[Pending], size: int, per_assignment: int, most: int) -> tuple[list[ItemGroup], bool]:
    """Groups of at most ``size`` items of the same need, for at most ``most`` HITs in all, and whether more is pending.

    ``pending`` is in the order of dispatch, and is read no further than it takes.
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
            sizes = split_assignments(wanted)
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
    """The items of a HIT with ``number`` known ones among them, none twice, anywhere: by the HIT's token alone."""
    rng = random.Random(token)  # noqa: S311  # has to come out the same again; it guards no secret
    shown = list(ids)
    for known in rng.sample(gold, min(number, len(gold))):
        shown.insert(rng.randint(0, len(shown)), known)
    return shown
