"""Content: the items of an experiment that workers are shown, and the HITs that each is shown in.

How many outputs an item has, and how many are under way, is never stored: :mod:`turkctl.store.content_counts` works
it out from HITs and assignments.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Double, Index, Text, UniqueConstraint
from sqlmodel import Field

from turkctl.store.base import TurkctlTable
from turkctl.store.types import Json, UtcTime

KEY_LENGTH = 255


class Content(TurkctlTable, table=True):
    """One item of an experiment, whatever the mode."""

    __tablename__ = "turkctl_content"
    __table_args__ = (UniqueConstraint("experiment_id", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    """In the order in which items were added: the lower, the older."""
    experiment_id: int = Field(foreign_key="turkctl_experiment.id")
    key: str = Field(max_length=KEY_LENGTH)
    data: dict[str, Any] = Field(sa_type=Json)
    """What a question's placeholders stand for, by column. The known answer is not among it."""
    priority: float = Field(default=0.0, sa_type=Double)
    outputs_max: int = 1
    """Outputs wanted: how many workers are to answer it."""
    gold: str | None = Field(default=None, sa_type=Text)
    """The known answer of an item that checks workers; such an item is never pending."""
    added: datetime = Field(sa_type=UtcTime)
    updated: datetime = Field(sa_type=UtcTime)
    removed: datetime | None = Field(default=None, sa_type=UtcTime)
    """Since when it is no longer dispatched."""


class ContentHit(TurkctlTable, table=True):
    """That an item is shown in a HIT, from the moment in which the HIT's intent is committed."""

    __tablename__ = "turkctl_content_hit"

    token: str = Field(primary_key=True, max_length=64, foreign_key="turkctl_intent.token")
    """Of the intent that the HIT is posted by."""
    position: int = Field(primary_key=True)
    """Of the item in the HIT, from 1."""
    content_id: int = Field(foreign_key="turkctl_content.id", index=True)
    hit_row: int | None = Field(default=None, foreign_key="turkctl_hit.id", index=True)
    """Our row of the HIT, once it is known to be posted."""
    assignments: int
    """Assignments that the HIT was asked for with."""
    outputs: int
    """Outputs of one assignment, by the settings that the HIT was made with."""


CONTENTS = Content.__table__
LINKS = ContentHit.__table__

Index("ix_turkctl_content_queue", CONTENTS.c.experiment_id, CONTENTS.c.priority.desc(), CONTENTS.c.id)
