"""Apply decisions on work to the labels that came from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from turkctl.store import label_state, label_votes
from turkctl.store.base import Place


def note_decisions(
    session: Session, place: Place, approved: Sequence[str], rejected: Sequence[str], now: datetime
) -> None:
    """Exclude labels of rejected work, include them again if that is overturned, and mark their experiments dirty.

    Args:
        session: the session that stores the decisions.
        place: of the assignments.
        approved: ids of assignments that are approved now, whatever their status was.
        rejected: ids of those that are rejected now.
        now: the time of the decisions.
    """
    for ids, is_rejected in ((approved, False), (rejected, True)):
        for experiment_id in label_votes.set_rejected(session, place, ids, to=is_rejected):
            label_state.mark_dirty(session, experiment_id, place.mode, now)
