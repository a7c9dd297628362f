"""Collect the results of a command or a task, for its line in the log of acts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from turkctl.units import ZERO

if TYPE_CHECKING:
    from turkctl.operations.engine.plan import BatchResult

MOST_SAID = 3
"""What an outcome tells one by one, as of the rounds that a watch has run."""


@dataclass
class ActTally:
    """The results of one command so far. Operations that change something say so here, and need not know of the log.

    Attributes:
        line: the number of its line, once it has one.
        owner: the random name under which the line was begun.
        results: of its batches.
        said: what it did besides, in words.
        experiments: the slugs of those that it was about.
    """

    line: int | None = None
    owner: str = ""
    results: list[BatchResult] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    experiments: set[str] = field(default_factory=set)

    def say(self, words: str, *slugs: str | None) -> None:
        """Note that something was changed: what, and in which experiments."""
        self.said.append(words)
        self.experiments.update(slug for slug in slugs if slug is not None)

    def add(self, result: BatchResult, *slugs: str) -> None:
        """Take a batch that was applied; one that did nothing, because nothing matched, is nothing to tell.

        Batches of one action, as a watch applies many, are told as one.
        """
        if result.dry_run or not (result.succeeded or result.failed or result.unstarted):
            return
        self.experiments.update(slugs)
        before = next((each for each in self.results if each.action == result.action), None)
        if before is None:
            self.results.append(replace(result, results=list(result.results)))
            return
        before.results += result.results
        before.unstarted += result.unstarted
        before.interrupted = before.interrupted or result.interrupted

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

    def outcome(self) -> list[str]:
        """Return what was done, in words; of much that was said, the first."""
        said = self.said
        if len(said) > MOST_SAID:
            said = [*said[: MOST_SAID - 1], f"and {len(said) - MOST_SAID + 1:,} more"]
        return [*said, *(result.outcome() for result in self.results)]
