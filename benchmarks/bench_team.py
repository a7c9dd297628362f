"""Measure what a team's labels cost an item, from dispatch to labels, and whether that grows with the number of items.

Both sizes are measured in this process, after a small one that loads what is loaded once. Each is the whole job: items
are dispatched, twelve people work, two of them bad and one answer in a thousand odd, what is missing is dispatched
again, labels are aggregated, second opinions asked for. It is done when each item has all its usable answers; then the
two must be flagged. ``--items 500 5000`` measures other sizes. CPU seconds include the built-in market, which is in
this process too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.team_study import MOST_ROUNDS, ONE_ANSWER, SWAPS, TeamStudy

SIZES = (2_000, 20_000)
WARM = 100
GROWTH = 1.2
"""How many times as much an item may cost at the larger size."""
DISPATCH, WORK, SYNC, LOOK, AGGREGATE, AGAIN = (
    "dispatch",
    "people's work on the market",
    "sync",
    "content list",
    "labels aggregate",
    "second opinions",
)
STEPS = (DISPATCH, WORK, SYNC, LOOK, AGGREGATE, AGAIN)
TARGETS = (DISPATCH, SYNC, LOOK, AGGREGATE)
"""Steps that are held to :data:`GROWTH`, besides their sum."""

T = TypeVar("T")


class Spent:
    """CPU seconds by step."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STEPS, 0.0)

    def on(self, step: str, do: Callable[[], T]) -> T:
        """Do a step, and add its cost."""
        started = time.process_time()
        result = do()
        self.seconds[step] += time.process_time() - started
        return result


def main(arguments: Sequence[str] = ()) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, nargs=2, default=SIZES, metavar=("FEW", "MANY"))
    few, many = parser.parse_args(arguments).items
    measure(WARM)
    one, other = measure(few), measure(many)
    print(f"{'a team of twelve, CPU ms an item':<36} {few:>8,} {many:>8,} {'growth':>7}")
    for step in STEPS:
        tell(step, one[step] / few, other[step] / many, target=step in TARGETS)
    tell("all but people's work", ours(one) / few, ours(other) / many, target=True)


def ours(seconds: dict[str, float]) -> float:
    """Return what all steps cost together, without people's work."""
    return sum(seconds.values()) - seconds[WORK]


def tell(step: str, one: float, other: float, *, target: bool) -> None:
    """Print one line, with a note if the cost grows too much."""
    growth = other / one
    missed = "  NOT REACHED" if target and growth > GROWTH else ""
    print(f"{step:<36} {1000 * one:>8.3f} {1000 * other:>8.3f} {growth:>7.2f}{missed}", flush=True)


def measure(items: int) -> dict[str, float]:
    """Return the CPU seconds that each step of the whole job takes.

    Raises:
        RuntimeError: the job does not end, or the wrong people are flagged.
    """
    spent, asked = Spent(), 0
    with tempfile.TemporaryDirectory() as name:
        team = TeamStudy(Path(name), items)
        for _ in range(MOST_ROUNDS):
            if spent.on(DISPATCH, team.dispatch):
                spent.on(WORK, team.work)
                spent.on(SYNC, team.sync)
                spent.on(AGGREGATE, team.aggregate)
            elif not asked:
                asked = spent.on(AGAIN, team.ask_again)
            else:
                break
        looked = spent.on(LOOK, team.look)
        missing = sum(usable < wanted for usable, wanted in looked.values())
        flagged = set(team.flagged())
        team.close()
    if missing or flagged != {ONE_ANSWER, SWAPS}:
        raise RuntimeError(f"at {items:,} items, {missing} lack answers, and {sorted(flagged)} are flagged")
    return spent.seconds


if __name__ == "__main__":
    main(sys.argv[1:])
