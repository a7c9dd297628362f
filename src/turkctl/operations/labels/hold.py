"""Hold the labels of an experiment for one run at a time, by a lease, and find runs that never ended."""

from __future__ import annotations

from sqlmodel import Session

from turkctl.errors import RefusedError
from turkctl.operations.intents.lease import Keeper, in_words, living_holder
from turkctl.store import label_results, leases
from turkctl.store.engine import Database
from turkctl.store.experiments import Version
from turkctl.store.label_state import State
from turkctl.store.leases import LeaseRow


class LabelsKeeper(Keeper):
    """The hold of one run on an experiment's labels."""

    def __init__(self, database: Database, version: Version, mode: str) -> None:
        super().__init__(database, name=leases.of_labels(version.experiment_id, mode))
        self._slug = version.slug

    def refusal(self, row: LeaseRow) -> RefusedError:
        """Return the error for labels that another process aggregates."""
        return RefusedError(
            f"experiment {self._slug} is being aggregated by {in_words(row)}",
            hint="wait for it, or stop it, and run this again",
        )

    def loss(self) -> RefusedError:
        """Return the error for a run that another one may have replaced."""
        return RefusedError(f"another run has taken over experiment {self._slug}", hint="see: turkctl labels history")


def abandoned(session: Session, mode: str) -> set[int]:
    """Return the experiments with a run that began and whose process is gone."""
    return {
        experiment_id
        for experiment_id in label_results.unended(session, mode)
        if living_holder(session, leases.of_labels(experiment_id, mode)) is None
    }


def has_news(session: Session, state: State) -> bool:
    """Return whether there are labels that no finished run has seen."""
    return state.dirty is not None or state.experiment_id in abandoned(session, state.mode)
