"""Say of a label whether it counts, and if it does not, why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlmodel import Session

from turkctl.classes import AnswerRule
from turkctl.store import label_repeats
from turkctl.store.experiments import Version
from turkctl.store.label_votes import ListedLabel, Narrowed

COUNTS, REPEATED, MISSING, CLASS = "counts", "repeated", "missing", "class"
"""Statuses, and the kind of an answer that can count. Other kinds are statuses too: a skip, an odd answer."""


class LabelStatuses:
    """The statuses of the labels of experiments.

    Of a worker's labels on one item, the last one counts, and the others are repeated; only
    ``labels aggregate --duplicates all`` counts these too. Statuses that follow from what somebody did, ``rejected``,
    ``invalid`` and ``excluded``, go before those that follow from the answers.
    """

    def __init__(
        self,
        session: Session,
        versions: Sequence[Version],
        mode: str,
        narrowed: Narrowed,
        rules: Mapping[str, AnswerRule],
    ) -> None:
        """Find the repeated labels among those that ``narrowed`` chooses; ``rules`` are by experiment."""
        self._rules = rules
        self._kinds: dict[tuple[str, str], str] = {}
        self._repeated: set[int] = set()
        for each in versions:
            of = (each.experiment_id, mode)
            self._repeated |= label_repeats.repeated(session, *of, narrowed, self._says_nothing(each.slug))

    def of(self, label: ListedLabel) -> str:
        """Return the status of a label."""
        if label.status != COUNTS:
            return label.status
        if label.label is None:
            return MISSING
        kind = self._kind(label.experiment, label.label)
        if kind != CLASS:
            return kind
        return REPEATED if label.row in self._repeated else COUNTS

    def as_counted(self, label: ListedLabel) -> str:
        """Return the answer as which a label counts."""
        return self._rules[label.experiment].instead(label.label or "")

    def _kind(self, slug: str, text: str) -> str:
        key = (slug, text)
        if key not in self._kinds:
            self._kinds[key] = self._rules[slug].kind(text)
        return self._kinds[key]

    def _says_nothing(self, slug: str) -> Callable[[str], bool]:
        return lambda text: self._kind(slug, text) != CLASS
