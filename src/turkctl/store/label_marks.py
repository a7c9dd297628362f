"""What decisions on work mean for the labels that came from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from turkctl.store import label_state, label_votes
from turkctl.store.base import Place


def note_decisions(
    session: Session, place: Place, approved: Sequence[str], rejected: Sequence[str], now: datetime
) -> None:
    """Labels of rejected work count no more, and again once that is overturned; their experiments are dirty then.

    Args:
        session: that stores the decisions themselves.
        place: of the assignments.
        approved: ids of assignments that are approved now, whatever they were.
        rejected: ids of those that are rejected now.
        now: since when it is so.
    """
    for ids, is_rejected in ((approved, False), (rejected, True)):
        for experiment_id in label_votes.set_rejected(session, place, ids, to=is_rejected):
            label_state.mark_dirty(session, experiment_id, place.mode, now)
