"""Measure which method suits whom: how many labels are wrong for a staff, for a crowd, and with known answers.

Each person has two numbers: how often they are right on true and on false items. Where items are of one kind, that is
all; where some are harder, an item lies at a place on a line, true ones around 1 and false ones around -1, and people
are less often right near 0. The truth of each item is drawn, so that wrong labels can be counted. Each figure is the
mean over studies that are drawn anew, with the lowest and the highest. ``python -m benchmarks.bench_methods`` takes
about three minutes; ``--studies 3`` takes less.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from turkctl.labels.methods import aggregate
from turkctl.labels.options import MethodOptions
from turkctl.labels.votes import Votes

METHODS = ("majority", "one-coin", "dawid-skene", "cubam", "cubam-marginal")
STUDIES = 20
GOLD = (0, 20, 50, 100, 200)

Floats = NDArray[np.float64]
People = Callable[[np.random.Generator], tuple[Floats, Floats]]
"""Draws how often each person is right on true and on false items."""


@dataclass(frozen=True)
class Scene:
    """A study: who answers, about how many items, how many times each, and the share of true items."""

    words: str
    people: People
    items: int
    per_item: int
    positive: float
    spread: float = 0.0
    """How far items scatter around 1 and -1; 0 if they are all equally hard."""


def staff(rng: np.random.Generator, bad: Callable[[float], tuple[float, float]] | None) -> tuple[Floats, Floats]:
    """Return twelve people who are right on 85 to 95 % of either kind; with ``bad``, one of them is not."""
    a1, a0 = rng.uniform(0.85, 0.95, (2, 12))
    if bad is not None:
        a1[0], a0[0] = bad(float(rng.random()))
    return a1, a0


def crowd(rng: np.random.Generator, size: int = 400) -> tuple[Floats, Floats]:
    """Return a crowd: right on 60 to 95 %, of whom 20 % guess, 10 % say yes or no to nearly all, 5 % the opposite."""
    a1, a0 = rng.uniform(0.6, 0.95, (2, size))
    kind = rng.random(size)
    a1[kind < 0.2], a0[kind < 0.2] = 0.5, 0.5
    one_sided = (kind >= 0.2) & (kind < 0.3)
    yes = rng.random(size) < 0.5
    a1[one_sided & yes], a0[one_sided & yes] = 0.95, 0.05
    a1[one_sided & ~yes], a0[one_sided & ~yes] = 0.05, 0.95
    opposite = (kind >= 0.3) & (kind < 0.35)
    a1[opposite], a0[opposite] = 1 - a1[opposite], 1 - a0[opposite]
    return a1, a0


SCENES = (
    Scene("staff of 12, all good", lambda rng: staff(rng, None), 2000, 5, 0.5),
    Scene("staff of 12, one guesses", lambda rng: staff(rng, lambda _: (0.5, 0.5)), 2000, 5, 0.5),
    Scene("staff of 12, one says yes to all", lambda rng: staff(rng, lambda _: (1.0, 0.0)), 2000, 5, 0.5),
    Scene("staff of 12, one is reversed", lambda rng: staff(rng, lambda _: (0.1, 0.1)), 2000, 5, 0.5),
    Scene("the same, 10 % of items true", lambda rng: staff(rng, lambda _: (0.1, 0.1)), 2000, 5, 0.1),
    Scene("crowd of 400", crowd, 2000, 5, 0.5),
    Scene("crowd of 400, some items harder", crowd, 2000, 5, 0.5, 0.5),
    Scene("crowd of 2,000, 5 labels each", lambda rng: crowd(rng, 2000), 2000, 5, 0.5),
    Scene("the same, some items harder", lambda rng: crowd(rng, 2000), 2000, 5, 0.5, 0.5),
    Scene("crowd of 400, 20 % of items true", crowd, 2000, 5, 0.2),
    Scene("crowd of 400, 10 % of items true", crowd, 2000, 5, 0.1),
)
KNOWN = (SCENES[5], SCENES[-1])
"""The studies with known answers."""


def draw(scene: Scene, seed: int) -> tuple[Votes, NDArray[np.bool_]]:
    """Return the votes of a study, and the truth of each item."""
    rng = np.random.default_rng(seed)
    a1, a0 = scene.people(rng)
    place = np.where(rng.random(scene.items) < scene.positive, 1.0, -1.0)
    place += scene.spread * rng.standard_normal(scene.items)
    truth = place > 0
    one, other = ndtri(np.clip(a1, 1e-4, 1 - 1e-4)), ndtri(np.clip(a0, 1e-4, 1 - 1e-4))
    worker = np.argsort(rng.random((scene.items, len(a1))), axis=1)[:, : scene.per_item].ravel()
    item = np.repeat(np.arange(scene.items), scene.per_item)
    sees = (one + other)[worker] / 2 * place[item] + (one - other)[worker] / 2
    value = (rng.random(len(item)) < ndtr(sees)).astype(np.int32)
    ids = list(range(scene.items)), list(range(len(a1)))
    return Votes.of_codes(*ids, (False, True), item, worker, value), truth


def wrong(votes: Votes, truth: NDArray[np.bool_], method: str, gold: int = 0) -> int:
    """Return the number of items with a wrong label; an item without a label is wrong. The known ones do not count."""
    known = {item: bool(truth[item]) for item in range(gold)}
    ids = [list(votes.items), list(votes.workers)]
    given = Votes.of_codes(*ids, (False, True), votes.item, votes.worker, votes.value, gold=known)
    label = aggregate(given, method, MethodOptions(min_votes=1)).label
    return int((label != truth)[gold:].sum())


def told(counts: list[int]) -> str:
    """Return the mean, and the lowest and highest."""
    return f"{np.mean(counts):.0f} ({min(counts)}–{max(counts)})"


def told_share(counts: list[int], items: int) -> str:
    """Return the same as shares of the items."""
    low, high = 100 * min(counts) / items, 100 * max(counts) / items
    return f"{100 * np.mean(counts) / items:.1f} ({low:.1f}–{high:.1f})"


def main(argv: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=STUDIES, help="number of studies of each kind")
    studies = range(parser.parse_args([] if argv is None else argv).studies)
    print("Wrong labels of 2,000 items with 5 labels each: mean (lowest–highest)")
    print(f"{'study':<34}" + "".join(f"{method:>17}" for method in METHODS))
    for scene in SCENES:
        drawn = [draw(scene, seed) for seed in studies]
        cells = [told([wrong(*study, method) for study in drawn]) for method in METHODS]
        print(f"{scene.words:<34}" + "".join(f"{cell:>17}" for cell in cells), flush=True)
    for scene in KNOWN:
        print(f"\n{scene.words}, with known answers: wrong labels of 100 items whose answer is not known")
        print(f"{'known answers':<34}" + "".join(f"{method:>17}" for method in METHODS))
        drawn = [draw(scene, seed) for seed in studies]
        for gold in GOLD:
            unknown = scene.items - gold
            cells = [told_share([wrong(*study, method, gold) for study in drawn], unknown) for method in METHODS]
            print(f"{gold:<34}" + "".join(f"{cell:>17}" for cell in cells), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
