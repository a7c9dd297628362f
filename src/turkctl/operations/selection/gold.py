"""Compute how well workers do on content with a known answer.

An answer is right if it is the known one; capital letters, blanks and the zeros of ``1.0`` make no difference. An item
that a submission leaves out counts as wrong. Each item counts once, by the first answer: a later one tells what was
remembered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from turkctl.classes import folded
from turkctl.errors import UsageError
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.selection.hits import Selection, compile_regex
from turkctl.operations.sync.answers import answers_of, parsed
from turkctl.store import contents_gold, experiments
from turkctl.store.base import Place
from turkctl.store.contents_gold import Submission

COLUMNS = ("gold_n", "gold_accuracy", "gold_low", "gold_high")
INCLUDE, ONLY = "include", "only"

_Z = 1.959964
"""The normal quantile of an interval of 95 %."""


def check_gold(given: str | None) -> str | None:
    """Return what to do with items with a known answer in an export; None leaves them out.

    Raises:
        UsageError: it is neither ``include`` nor ``only``.
    """
    if given not in (None, INCLUDE, ONLY):
        raise UsageError(f"--gold must be include or only, not '{given}'", hint="give one of them")
    return given


@dataclass(frozen=True)
class Accuracy:
    """Number of different items with a known answer that a worker was given, and how many they answered right."""

    asked: int = 0
    right: int = 0

    @property
    def share(self) -> float | None:
        """Return the share of right answers, 0 to 1; None if the worker was given no such item."""
        return self.right / self.asked if self.asked else None

    def as_dict(self) -> dict[str, Any]:
        """Return the columns that lists show."""
        low, high = self.interval or (None, None)
        return {
            "gold_n": self.asked,
            "gold_accuracy": None if self.share is None else round(self.share, 4),
            "gold_low": None if low is None else round(low, 4),
            "gold_high": None if high is None else round(high, 4),
        }

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return within which shares, 0 to 1, the true one is with 95 % confidence; None without such items.

        It is the score interval (E. B. Wilson, Probable inference, the law of succession, and statistical inference,
        1927), which holds for few items and for shares near 0 and 1.
        """
        if not self.asked:
            return None
        n, share, z2 = self.asked, self.right / self.asked, _Z**2
        middle = (share + z2 / (2 * n)) / (1 + z2 / n)
        half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)


def accuracies(
    session: Session, place: Place, selection: Selection, *, worker_id: str | None = None
) -> dict[str, Accuracy]:
    """Return the accuracy of each worker over all submissions of the selected experiments; ignore other selectors.

    With ``worker_id``, only that worker's submissions are read.

    Raises:
        UsageError: an experiment's settings do not name the field with the answers, or the regular expression is
            invalid.
    """
    found: dict[str, Accuracy] = {}
    met: set[tuple[str, int, str]] = set()
    patterns = AnswerPatterns(session)
    for each in contents_gold.submissions(session, place, _experiments(session, selection), worker_id):
        answers = _answers(each, patterns.of(each))
        new = [known for known in each.known if (each.worker_id, each.experiment_id, known.key) not in met]
        met.update((each.worker_id, each.experiment_id, known.key) for known in new)
        right = sum(is_right(answers.get(known.key), known.answer) for known in new)
        before = found.get(each.worker_id, Accuracy())
        found[each.worker_id] = Accuracy(before.asked + len(new), before.right + right)
    return found


def _experiments(session: Session, selection: Selection) -> list[int] | None:
    pattern = compile_regex(selection.regex)
    if pattern is None and selection.experiment is None:
        return None
    return [
        each.experiment_id
        for each in experiments.list_all(session)
        if selection.experiment in (None, each.slug) and (pattern is None or pattern.search(each.slug))
    ]


class AnswerPatterns:
    """Finds the field with the answers: in the settings that the HIT was posted with, else in the current ones."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[int | None, int], str | None] = {}

    def of(self, submission: Submission) -> str:
        """Return the pattern of the field's name.

        Raises:
            UsageError: neither settings name it.
        """
        pattern = self.find(submission.settings_id, submission.experiment_id)
        if pattern is not None:
            return pattern
        slug = experiments.current(self._session, submission.experiment_id).slug
        raise UsageError(
            f"the settings of experiment {slug} do not name the field with the answer to an item",
            hint='set answer_field = "label" (for several items "label_{n}"), then run: turkctl experiments configure',
        )

    def find(self, settings_id: int | None, experiment_id: int) -> str | None:
        """Return the pattern for a HIT with these settings; None if neither settings name it."""
        which = (settings_id, experiment_id)
        if which not in self._known:
            made_with = None if settings_id is None else experiments.settings_of(self._session, settings_id)
            now = experiments.current(self._session, experiment_id)
            patterns = (settings_of(each).answer_field for each in (made_with, now) if each is not None)
            self._known[which] = next((each for each in patterns if each is not None), None)
        return self._known[which]


def _answers(submission: Submission, pattern: str) -> Mapping[str, str]:
    fields = submission.answers if submission.answers is not None else parsed(submission.document)
    return answers_of(fields or {}, pattern, [(known.position, known.key) for known in submission.known])


def is_right(answer: str | None, known: str) -> bool:
    """Return whether an answer is the known one; a missing answer is not."""
    return answer is not None and folded(answer) == folded(known)


def check_min_gold(share: float | None) -> float | None:
    """Return the lowest accuracy, given as a share from 0 to 1.

    Raises:
        UsageError: it is outside that range.
    """
    if share is not None and not 0 <= share <= 1:
        raise UsageError(f"--min-gold must be between 0 and 1, not {share:g}", hint="write 0.8 for 80 %")
    return share
