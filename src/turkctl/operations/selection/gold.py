"""How well workers do on content with a known answer.

An answer is right when it is the known one, but for capital letters and blanks. An item that a submission leaves out
is answered wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from turkctl.errors import UsageError
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.selection.hits import Selection, compile_regex
from turkctl.operations.sync.answers import answers_of, parsed
from turkctl.store import contents_gold, experiments
from turkctl.store.base import Place
from turkctl.store.contents_gold import Submission

COLUMNS = ("gold_n", "gold_accuracy")


@dataclass(frozen=True)
class Accuracy:
    """How many known answers a worker was asked for, and how many were right."""

    asked: int = 0
    right: int = 0

    @property
    def share(self) -> float | None:
        """Right ones among those asked for, 0 to 1; None where there were none."""
        return self.right / self.asked if self.asked else None

    def as_dict(self) -> dict[str, Any]:
        """As it is listed."""
        return {"gold_n": self.asked, "gold_accuracy": None if self.share is None else round(self.share, 4)}


def accuracies(session: Session, place: Place, selection: Selection) -> dict[str, Accuracy]:
    """By worker: all that was submitted of the experiments that the selection names, whatever else it says.

    Raises:
        UsageError: the settings of such an experiment don't say which field the answers are in; a bad regular
            expression.
    """
    found: dict[str, Accuracy] = {}
    patterns = _GoldPatterns(session)
    for each in contents_gold.submissions(session, place, _experiments(session, selection)):
        answers = _answers(each, patterns.of(each))
        right = sum(_same(answers.get(known.key), known.answer) for known in each.known)
        before = found.get(each.worker_id, Accuracy())
        found[each.worker_id] = Accuracy(before.asked + len(each.known), before.right + right)
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


class _GoldPatterns:
    """The answers' field by settings: as they were when the HIT was made, else as they are now."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[int | None, int], str] = {}

    def of(self, submission: Submission) -> str:
        """The pattern of the field's name.

        Raises:
            UsageError: neither settings name it.
        """
        which = (submission.settings_id, submission.experiment_id)
        if which not in self._known:
            self._known[which] = self._look(*which)
        return self._known[which]

    def _look(self, settings_id: int | None, experiment_id: int) -> str:
        made_with = None if settings_id is None else experiments.settings_of(self._session, settings_id)
        now = experiments.current(self._session, experiment_id)
        for version in (made_with, now):
            pattern = None if version is None else settings_of(version).answer_field
            if pattern is not None:
                return pattern
        raise UsageError(
            f"experiment {now.slug} does not say which field holds the answer to an item",
            hint='set answer_field = "label" (of several items: "label_{n}") and run: turkctl experiments configure',
        )


def _answers(submission: Submission, pattern: str) -> Mapping[str, str]:
    fields = submission.answers if submission.answers is not None else parsed(submission.document)
    return answers_of(fields or {}, pattern, [(known.position, known.key) for known in submission.known])


def _same(answer: str | None, known: str) -> bool:
    return answer is not None and _plain(answer) == _plain(known)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def check_min_gold(share: float | None) -> float | None:
    """The lowest accuracy that is asked for.

    Raises:
        UsageError: it is no share.
    """
    if share is not None and not 0 <= share <= 1:
        raise UsageError(f"--min-gold must be between 0 and 1, not {share:g}", hint="write 0.8 for 80 %")
    return share
