"""Define the tables of labels: votes on items, results, and runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Double, Index, Text, UniqueConstraint
from sqlmodel import Field

from turkctl.store.base import TurkctlTable
from turkctl.store.types import Json, UtcTime

IMPORTED = ""
"""The origin of labels from a file; other labels have the id of their assignment."""
ID_LENGTH = 255
"""Maximum number of characters of an item's or a worker's id, and of an answer that is relabelled."""
ACCOUNT_LENGTH = 128
"""Maximum number of characters of the name of an account."""


class Label(TurkctlTable, table=True):
    """One label: a worker's answer about an item."""

    __tablename__ = "turkctl_label"
    __table_args__ = (
        UniqueConstraint(
            "experiment_id", "mode", "market", "origin", "item", "worker_id", name="uq_turkctl_label_vote"
        ),
        # In the order of lists: a page begins where the one before ended, and nothing is sorted.
        Index("ix_turkctl_label_listed", "experiment_id", "mode", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    experiment_id: int = Field(foreign_key="turkctl_experiment.id")
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    """Of the assignment; empty for what came from a file."""
    origin: str = Field(max_length=64)
    """The assignment's id, or :data:`IMPORTED`."""
    item: str = Field(max_length=ID_LENGTH)
    worker_id: str = Field(max_length=ID_LENGTH)
    value: str | None = Field(default=None, sa_type=Text)
    """The answer; None if the worker gave none, which does not count."""
    at: datetime = Field(sa_type=UtcTime)
    """When it was answered or imported: of a worker's labels on one item the last counts."""
    rejected: bool = False
    """Whether the work is rejected; false again once that is overturned."""
    invalid: bool = False
    """Whether it was taken out."""


class ExcludedWorker(TurkctlTable, table=True):
    """A worker whose labels of an experiment do not count."""

    __tablename__ = "turkctl_label_excluded"

    experiment_id: int = Field(primary_key=True, foreign_key="turkctl_experiment.id")
    mode: str = Field(primary_key=True, max_length=16)
    worker_id: str = Field(primary_key=True, max_length=ID_LENGTH)
    excluded: datetime = Field(sa_type=UtcTime)


class LabelAdmin(TurkctlTable, table=True):
    """A label that was set by hand. It overrides all runs."""

    __tablename__ = "turkctl_label_admin"

    experiment_id: int = Field(primary_key=True, foreign_key="turkctl_experiment.id")
    mode: str = Field(primary_key=True, max_length=16)
    item: str = Field(primary_key=True, max_length=ID_LENGTH)
    label: str = Field(sa_type=Text)
    set_at: datetime = Field(sa_type=UtcTime)
    set_by: str | None = Field(default=None, max_length=ACCOUNT_LENGTH)
    """The account that set it; None for labels that an older turkctl stored."""
    reason: str | None = Field(default=None, sa_type=Text)
    """Why, if that was said."""


class LabelRelabel(TurkctlTable, table=True):
    """An answer that stands for another one, in labels that are there and in later ones."""

    __tablename__ = "turkctl_label_relabel"

    experiment_id: int = Field(primary_key=True, foreign_key="turkctl_experiment.id")
    mode: str = Field(primary_key=True, max_length=16)
    answer: str = Field(primary_key=True, max_length=ID_LENGTH)
    label: str = Field(sa_type=Text)
    set_at: datetime = Field(sa_type=UtcTime)
    set_by: str | None = Field(default=None, max_length=ACCOUNT_LENGTH)
    reason: str | None = Field(default=None, sa_type=Text)


class LabelRun(TurkctlTable, table=True):
    """One aggregation of an experiment's labels."""

    __tablename__ = "turkctl_label_run"
    __table_args__ = (Index(None, "experiment_id", "mode"),)

    id: int | None = Field(default=None, primary_key=True)
    experiment_id: int = Field(foreign_key="turkctl_experiment.id")
    mode: str = Field(max_length=16)
    method: str = Field(max_length=32)
    started: datetime = Field(sa_type=UtcTime)
    finished: datetime | None = Field(default=None, sa_type=UtcTime)
    status: str = Field(max_length=16)
    """``running``, ``done``, ``failed`` or ``interrupted``."""
    facts: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """What :class:`turkctl.labels.result.FitRun` says: parameters, versions, numbers, objective, warnings."""
    changes: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """Number of labels that changed, by old and new label."""
    error: str | None = Field(default=None, sa_type=Text)


class LabelState(TurkctlTable, table=True):
    """The state of an experiment's labels in one mode."""

    __tablename__ = "turkctl_label_state"

    experiment_id: int = Field(primary_key=True, foreign_key="turkctl_experiment.id")
    mode: str = Field(primary_key=True, max_length=16)
    dirty: datetime | None = Field(default=None, sa_type=UtcTime)
    """Since when there are labels that no finished run has seen; None if there are none."""
    read_until: int = 0
    """The row of the last assignment whose answers are labels already. Writers come one after another, so that a later
    assignment has a higher row."""
    read_field: str | None = Field(default=None, sa_type=Text)
    """The field that the settings named for the answer when they were read."""
    run_id: int | None = Field(default=None, foreign_key="turkctl_label_run.id")
    """The run whose results are current."""


class LabelResult(TurkctlTable, table=True):
    """A run's result for an item. Those of the run that :class:`LabelState` names are current."""

    __tablename__ = "turkctl_label_result"

    run_id: int = Field(primary_key=True, foreign_key="turkctl_label_run.id")
    item: str = Field(primary_key=True, max_length=ID_LENGTH)
    label: str | None = Field(default=None, sa_type=Text)
    """The class, ``true`` or ``false`` for a yes-or-no question, or the number; None if there is none."""
    score: float | None = Field(default=None, sa_type=Double)
    p: float | None = Field(default=None, sa_type=Double)
    n: int = 0
    n_true: int = 0
    """Votes for true; with several classes, for the best one; of numbers, all."""
    low: float | None = Field(default=None, sa_type=Double)
    """Where the interval of a number begins; None if there is none."""
    high: float | None = Field(default=None, sa_type=Double)
    """Where it ends."""
    votes: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """Number of votes by class; None for a yes-or-no question, where ``n`` and ``n_true`` tell them, and for runs of an
    older turkctl."""
    by_class: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """The probability of each of several classes, without those that round to 0; None where there is none."""


class LabelWorker(TurkctlTable, table=True):
    """A run's result for a worker."""

    __tablename__ = "turkctl_label_worker"

    run_id: int = Field(primary_key=True, foreign_key="turkctl_label_run.id")
    worker_id: str = Field(primary_key=True, max_length=ID_LENGTH)
    facts: dict[str, Any] = Field(sa_type=Json)


LABELS = Label.__table__
EXCLUDED = ExcludedWorker.__table__
ADMIN = LabelAdmin.__table__
RELABELS = LabelRelabel.__table__
STATES = LabelState.__table__
RUNS = LabelRun.__table__
RESULTS = LabelResult.__table__
WORKERS = LabelWorker.__table__
