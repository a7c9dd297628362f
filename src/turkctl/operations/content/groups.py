"""Group the pending items that share a HIT. Pure.

A HIT has one number of assignments for all its items, so only items that need the same number share a HIT; no more
outputs are requested than are missing, rounded up to whole assignments. Groups are posted in the order of their first
item, even if they are not full. Items that need more assignments than a HIT has at the lowest commission are
shown in several HITs.

Where the market gives nobody an item twice, a HIT is closed to all who had one of its items. In a team of twelve, nine
items that three people answered can leave nobody at all, so such items share a HIT only as long as enough people are
left for it (:class:`Answerers`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from turkctl.fees import FeeRule
from turkctl.operations.project.experiments import gold_wanted
from turkctl.store.contents_counts import Pending
from turkctl.store.contents_gold import Places

LOOKAHEAD = 2000
"""Number of further items that may fill the groups begun, once no new group is possible."""
MOST_BEGUN = 50
"""Number of groups of one need that are kept open for further items."""


@dataclass(frozen=True)
class Answerers:
    """Who has had which item, where nobody gets one twice.

    Attributes:
        had: the people who have had an item, by its id.
        everybody: number of people who have had any.
    """

    had: Mapping[int, frozenset[str]] = field(default_factory=dict)
    everybody: int = 0

    def of(self, item: Pending) -> frozenset[str]:
        """Return the people who have had an item."""
        return self.had.get(item.id, frozenset())

    def fits(self, group: ItemGroup, item: Pending, wanted: int) -> bool:
        """Return whether an item may join a group: a third of the people, and two for each answer, can still do it.

        So may an item that closes the group to nobody else, or that the group's other items close to nobody else.
        """
        had = self.of(item)
        enough = self.everybody - max(2 * wanted, -(-self.everybody // 3))
        return len(group.closed_to | had) <= max(enough, len(group.closed_to), len(had))


@dataclass
class ItemGroup:
    """Items that are shown together, and the number of assignments of each of their HITs."""

    assignments: tuple[int, ...]
    items: list[Pending] = field(default_factory=list)
    closed_to: frozenset[str] = frozenset()
    """People who have had one of the items."""

    def add(self, item: Pending, had: frozenset[str]) -> None:
        """Add an item, which these people have had."""
        self.items.append(item)
        self.closed_to |= had

    @property
    def ids(self) -> list[int]:
        """Return the ids of the items, in the order of dispatch."""
        return [item.id for item in self.items]


def assignments_for(need: int, per_assignment: int) -> int:
    """Return how many assignments bring ``need`` outputs, if each assignment brings ``per_assignment``."""
    return -(-need // per_assignment)


def make_groups(
    pending: Iterable[Pending],
    size: int,
    per_assignment: int,
    most: int,
    fee: FeeRule,
    crowd: Answerers = Answerers(),
) -> tuple[list[ItemGroup], bool]:
    """Return groups of at most ``size`` items of the same need, for at most ``most`` HITs, and whether more is pending.

    ``pending`` is in the order of dispatch, and is read no further than needed.
    """
    made: list[ItemGroup] = []
    begun: dict[int, list[ItemGroup]] = {}
    left, yet = most, LOOKAHEAD
    more = False
    for item in pending:
        wanted = assignments_for(item.need, per_assignment)
        of_need = begun.setdefault(wanted, [])
        group = next((each for each in of_need if crowd.fits(each, item, wanted)), None)
        if left <= 0:
            more = more or group is None
            yet -= 1
            if not any(begun.values()) or yet <= 0:
                return made, True
        elif group is None:
            sizes = fee.split(wanted)
            more = more or len(sizes) > left
            group = ItemGroup(tuple(sizes[:left]))
            of_need.append(group)
            del of_need[:-MOST_BEGUN]
            left -= len(group.assignments)
            made.append(group)
        if group is not None:
            group.add(item, crowd.of(item))
            if len(group.items) == size:
                of_need.remove(group)
    return made, more


def mixed(ids: Sequence[int], known: Sequence[int], token: str) -> list[int]:
    """Return the items of a HIT with the known ones at random positions, determined by the token."""
    rng = random.Random(token)  # noqa: S311  # must be reproducible; it guards no secret
    shown = list(ids)
    for each in known:
        shown.insert(rng.randint(0, len(shown)), each)
    return shown


class KnownItems:
    """Deals items with a known answer out to HITs: each as often as any other, so that people meet each once.

    HITs that are posted one after another show different ones, until all were shown. How many a HIT gets is a fixed
    number, or follows from the share of all places that they are to have.
    """

    def __init__(self, gold: Sequence[int], places: Places, number: int, share: float | None, most: int) -> None:
        """Begin from what earlier HITs showed.

        Args:
            gold: the ids of the known items.
            places: what earlier HITs showed.
            number: known items of each HIT, if ``share`` is None.
            share: of all places, 0 to 1.
            most: the highest number in a HIT.
        """
        self._uses = {item: places.uses.get(item, 0) for item in gold}
        self._known, self._others = places.known, places.others
        self._number, self._share, self._most = number, share, most

    def deal(self, others: int, token: str) -> list[int]:
        """Return the known items of the next HIT, which shows so many others: the least used, at random among equal."""
        rng = random.Random(f"known {token}")  # noqa: S311  # must be reproducible; it guards no secret
        order = sorted((uses, rng.random(), item) for item, uses in self._uses.items())
        dealt = [item for _uses, _chance, item in order[: self._wanted(others)]]
        for item in dealt:
            self._uses[item] += 1
        self._known += len(dealt)
        self._others += others
        return dealt

    def _wanted(self, others: int) -> int:
        if self._share is None:
            return self._number
        due = math.floor(gold_wanted(self._others + others, self._share) + 0.5) - self._known
        return min(max(0, due), self._most)

    @property
    def used_up_after(self) -> int | None:
        """Return after how many HITs somebody has met all known items, if there are more HITs than that; else None."""
        enough = -(-len(self._uses) // max(1, self._most))
        return enough if max(self._uses.values(), default=0) > 1 else None
