"""Count and name the answers that an aggregation leaves out, and say which spellings it takes for one class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from turkctl.classes import AnswerRule, Class, Sorted, folded, mostly_numbers
from turkctl.errors import UsageError
from turkctl.operations.project.labels import NAMED_CLASSES, NUMERIC
from turkctl.words import counted, plural

MOST_NAMED = 20
"""Maximum number of odd answers that are named one by one."""
MOST_CLASSES = 50
"""Maximum number of classes that nobody listed and of which each needs a fit of its own."""
LONGEST_SHOWN = 40
"""Maximum number of characters of an answer that is named."""
MOST_SPELLINGS = 5
"""Maximum number of classes whose spellings are told."""


@dataclass(frozen=True)
class LeftOut:
    """The numbers of answers that do not count, and the first ones that are none of the classes.

    Attributes:
        skipped: skips that the settings list.
        missing: blank, NA, NaN.
        unknown: null in JSON, for "can't tell".
        rejected: of rejected work, as a file says.
        odd: answers that are none of the classes.
        named: a line for each of the first odd ones.
    """

    skipped: int = 0
    missing: int = 0
    unknown: int = 0
    rejected: int = 0
    odd: int = 0
    named: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """Return what is left out as it should be, a line for each kind."""
        told = []
        if self.unknown:
            told.append(f"left out: {counted(self.unknown, 'row')} without a label")
        if self.missing:
            told.append(f"left out: {counted(self.missing, 'label')} that {_says(self.missing)} (blank, NA or NaN)")
        if self.rejected:
            told.append(f"left out: {counted(self.rejected, 'row')} of rejected work (AssignmentStatus)")
        if self.skipped:
            told.append(f"labels left out as the settings say: {self.skipped:,}")
        return told

    def warnings(self, otherwise: str) -> list[str]:
        """Return a line on the odd answers, and one for each of the first of them.

        Args:
            otherwise: how to make such answers count.
        """
        if not self.odd:
            return []
        first = f"; the first {len(self.named)} of them:" if len(self.named) < self.odd else ":"
        told = f"left out: {counted(self.odd, 'odd answer')}, none of the classes ({otherwise}){first}"
        return [told, *self.named]


def _says(number: int) -> str:
    return plural(number, "says nothing", "say nothing")


def shortened(text: str) -> str:
    """Return an answer as errors and lists of odd answers show it."""
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def why_odd(rule: AnswerRule) -> str:
    """Return what is wrong with an answer that is none of the classes."""
    if rule.question == "numbers":
        return "is not a number"
    return "is not one of the classes" if rule.question == "classes" else "is neither true nor false"


def notes_on(found: Sorted, method: str, apart: str) -> list[str]:
    """Return which spellings count as one class, and a better method if the classes are numbers.

    Args:
        found: the sorted answers.
        method: the method that aggregates them.
        apart: how to keep spellings apart.
    """
    told = []
    if found.merged:
        shown = [f"{' and '.join(_quoted(other))} as '{name}'" for name, other in found.merged.items()]
        more = f" and {len(shown) - MOST_SPELLINGS:,} more" if len(shown) > MOST_SPELLINGS else ""
        hint = f"; {apart} keeps them apart" if _differ_in_case(found.merged) else ""
        told.append(f"spellings of one class: {', '.join(shown[:MOST_SPELLINGS])}{more}{hint}")
    if method not in NUMERIC and mostly_numbers(found.classes):
        told.append("most labels are numbers: for their mean or median with an interval, --method mean or median")
    return told


def _quoted(texts: Sequence[str]) -> list[str]:
    return [f"'{shortened(text)}'" for text in islice(texts, MOST_SPELLINGS)]


def _differ_in_case(merged: Mapping[str, Sequence[str]]) -> bool:
    keys = ({folded(text, case_sensitive=True) for text in (name, *others)} for name, others in merged.items())
    return any(len(each) > 1 for each in keys)


def check_number(classes: Sequence[Class], method: str, where: str, *, listed: bool) -> None:
    """Raise if a method would need a fit for each of too many classes that nobody listed.

    Raises:
        UsageError: it would.
    """
    if listed or method in NAMED_CLASSES or method in NUMERIC or len(classes) <= MOST_CLASSES:
        return
    able = "--method majority or dawid-skene"
    raise UsageError(
        f"{where} has {len(classes):,} different labels, and {method} needs a fit for each",
        hint=f"use {'--method mean or median' if mostly_numbers(classes) else able}, or list the classes",
    )
