"""Collect what came of a command or a task, for its line in the log of acts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from turkctl.operations.engine.plan import BatchResult
from turkctl.units import ZERO


@dataclass
class Tally:
    """What came of one command so far. Operations that change something say so here; nothing else has to know why.

    Attributes:
        line: the number of its line, once it has one.
        results: of its batches.
        said: what it did besides, in words.
        experiments: the slugs of those that it was about.
    """

    line: int | None = None
    results: list[BatchResult] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    experiments: set[str] = field(default_factory=set)

    def say(self, words: str, *slugs: str | None) -> None:
        """Note that something was changed: what, and in which experiments."""
        self.said.append(words)
        self.experiments.update(slug for slug in slugs if slug is not None)

    def add(self, result: BatchResult, *slugs: str) -> None:
        """Take a batch that was applied; one that did nothing, because nothing matched, is nothing to tell."""
        if not result.dry_run and (result.succeeded or result.failed or result.unstarted):
            self.results.append(result)
            self.experiments.update(slugs)

    @property
    def is_empty(self) -> bool:
        """Return whether nothing was done."""
        return not self.results and not self.said

    @property
    def cost(self) -> Decimal:
        """Return the dollars that the batches added to the bill, commission included."""
        return sum((result.cost for result in self.results), ZERO)

    @property
    def numbers(self) -> dict[str, int]:
        """Return how many items were matched, and what became of them."""
        return {
            "matched": sum(len(result.results) + result.unstarted for result in self.results),
            "succeeded": sum(result.succeeded for result in self.results),
            "skipped": sum(result.skipped for result in self.results),
            "failed": sum(result.failed for result in self.results),
        }

    @property
    def ids(self) -> list[str]:
        """Return what the batches acted on."""
        return list(dict.fromkeys(item.id for result in self.results for item in result.results))

    def parts(self) -> Iterator[str]:
        """Yield what was done, in words."""
        yield from self.said
        yield from (result.outcome() for result in self.results)
