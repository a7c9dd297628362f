"""Say of a label whether it counts, and if it does not, why."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.labels.meaning import Meaning
from turkctl.operations.project.labels import LabelSettings
from turkctl.store import label_repeats
from turkctl.store.experiments import Version
from turkctl.store.label_votes import ListedLabel, Narrowed

COUNTS, REPEATED, SKIPPED, MISSING = "counts", "repeated", "skipped", "missing"
"""Statuses that follow from the answers; ``rejected``, ``invalid`` and ``excluded`` follow from what somebody did."""


class LabelStatuses:
    """The statuses of the labels of experiments.

    Of a worker's labels on one item, the last one counts, and the others are repeated; only
    ``labels aggregate --duplicates all`` counts these too.
    """

    def __init__(self, session: Session, versions: Sequence[Version], mode: str, narrowed: Narrowed) -> None:
        """Find the repeated labels among those that ``narrowed`` chooses."""
        self._meanings = {each.slug: _meaning(each) for each in versions}
        self._repeated: set[int] = set()
        for each in versions:
            skips = self._meanings[each.slug].skips
            self._repeated |= label_repeats.repeated(session, each.experiment_id, mode, narrowed, skips)

    def of(self, label: ListedLabel) -> str:
        """Return the status of a label."""
        if label.status != COUNTS:
            return label.status
        if label.label is None:
            return MISSING
        if self._meanings[label.experiment].skips(label.label):
            return SKIPPED
        return REPEATED if label.row in self._repeated else COUNTS


def _meaning(version: Version) -> Meaning:
    settings = settings_of(version).labels or LabelSettings()
    return Meaning(version.slug, settings, settings.method or "majority")
