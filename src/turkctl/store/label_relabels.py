"""Store which answers stand for another one (``labels relabel``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlmodel import Session

from turkctl.store.base import chunks, insert_into
from turkctl.store.labels import RELABELS


@dataclass(frozen=True)
class Relabel:
    """An answer, the one that it stands for, who said so, when and why."""

    answer: str
    label: str
    set_at: datetime
    set_by: str | None
    reason: str | None


_COLUMNS = tuple(RELABELS.c[name] for name in Relabel.__dataclass_fields__)
_KEY = ["experiment_id", "mode", "answer"]


def list_all(session: Session, experiment_id: int, mode: str) -> list[Relabel]:
    """Return the answers that stand for another one, the latest last."""
    statement = select(*_COLUMNS).where(*_of(experiment_id, mode)).order_by(RELABELS.c.set_at, RELABELS.c.answer)
    return [Relabel(*row) for row in session.connection().execute(statement)]


def instead(session: Session, experiment_id: int, mode: str) -> dict[str, str]:
    """Return ``{answer: the one that it stands for}``."""
    return {each.answer: each.label for each in list_all(session, experiment_id, mode)}


def put(session: Session, experiment_id: int, mode: str, relabels: Sequence[Relabel]) -> None:
    """Store that these answers stand for others; replace what was said of them before."""
    statement = insert_into(session, RELABELS).values(experiment_id=experiment_id, mode=mode)
    new = statement.excluded
    values = {name: new[name] for name in ("label", "set_at", "set_by", "reason")}
    rows: list[dict[str, Any]] = [dict(vars(each)) for each in relabels]
    if rows:
        session.connection().execute(statement.on_conflict_do_update(index_elements=_KEY, set_=values), rows)


def remove(session: Session, experiment_id: int, mode: str, answers: Sequence[str]) -> None:
    """Let these answers stand for themselves again."""
    for part in chunks(answers):
        gone = RELABELS.delete().where(*_of(experiment_id, mode), RELABELS.c.answer.in_(part))
        session.connection().execute(gone)


def _of(experiment_id: int, mode: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return RELABELS.c.experiment_id == experiment_id, RELABELS.c.mode == mode
