"""Store which answers to content do not count, and count what does: one vote of a person on an item.

An answer counts unless a row here says that it is none, its work is rejected, or its worker is excluded. So work that
nobody has looked at yet counts, and nothing is asked for twice meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, case, delete, distinct, exists, func, insert, literal, select
from sqlmodel import Field, Session

from turkctl.store.assignments import APPROVED, ASSIGNMENTS, REJECTED, SUBMITTED
from turkctl.store.base import Place, TurkctlTable, chunks, insert_ignoring, insert_into
from turkctl.store.contents import CONTENTS, LINKS
from turkctl.store.hits import HITS
from turkctl.store.labels import EXCLUDED, LABELS
from turkctl.store.people import hits_at

INVALID = "invalid"
"""The reason of answers whose label was taken out by hand; the others are those of what was answered."""


class ContentUnusable(TurkctlTable, table=True):
    """An answer to an item that does not count, by what was answered or because it was taken out."""

    __tablename__ = "turkctl_content_unusable"

    content_id: int = Field(primary_key=True, foreign_key="turkctl_content.id")
    assignment_row: int = Field(primary_key=True, foreign_key="turkctl_assignment.id", index=True)
    reason: str = Field(primary_key=True, max_length=16)


class ContentReading(TurkctlTable, table=True):
    """How far an experiment's answers in a mode were looked at."""

    __tablename__ = "turkctl_content_reading"

    experiment_id: int = Field(primary_key=True, foreign_key="turkctl_experiment.id")
    mode: str = Field(primary_key=True, max_length=16)
    read_until: int = 0
    """The row of the last assignment that was looked at. Writers come one after another, so that a later assignment
    has a higher row."""
    rule: str = Field(sa_type=Text)
    """What decided which answers are usable; after a change, all are looked at again."""


UNUSABLE = ContentUnusable.__table__
READINGS = ContentReading.__table__
_KEY = ["content_id", "assignment_row", "reason"]


def reading(session: Session, experiment_id: int, mode: str) -> tuple[int, str] | None:
    """Return up to which row answers were looked at, and by which rule; None if never."""
    of = (READINGS.c.experiment_id == experiment_id, READINGS.c.mode == mode)
    row = session.connection().execute(select(READINGS.c.read_until, READINGS.c.rule).where(*of)).one_or_none()
    return None if row is None else (row.read_until, row.rule)


def note_reading(session: Session, experiment_id: int, mode: str, read_until: int, rule: str) -> None:
    """Store how far answers were looked at, and by which rule."""
    statement = insert_into(session, READINGS)
    new = {name: statement.excluded[name] for name in ("read_until", "rule")}
    statement = statement.on_conflict_do_update(index_elements=["experiment_id", "mode"], set_=new)
    row = {"experiment_id": experiment_id, "mode": mode, "read_until": read_until, "rule": rule}
    session.connection().execute(statement, [row])


def has_contents(session: Session, experiment_id: int) -> bool:
    """Return whether an experiment has items, removed ones included."""
    found = select(exists().where(CONTENTS.c.experiment_id == experiment_id))
    return bool(session.connection().execute(found).scalar_one())


def has_unusable(session: Session, experiment_id: int, least: int) -> bool:
    """Return whether an experiment has so many answers that do not count, by what was answered, in any mode."""
    found = select(UNUSABLE.c.content_id).join(CONTENTS, CONTENTS.c.id == UNUSABLE.c.content_id)
    found = found.where(CONTENTS.c.experiment_id == experiment_id, UNUSABLE.c.reason != INVALID).limit(least)
    return len(session.connection().execute(found).all()) >= least


def items_shown(session: Session, hit_rows: Sequence[int]) -> dict[int, list[tuple[int, int, str]]]:
    """Return (position, id, key) of the items that each HIT shows, by its row, without HITs that show none."""
    found: dict[int, list[tuple[int, int, str]]] = {}
    columns = (LINKS.c.hit_row, LINKS.c.position, CONTENTS.c.id, CONTENTS.c.key)
    for part in chunks(list(dict.fromkeys(hit_rows))):
        statement = select(*columns).join(CONTENTS, LINKS.c.content_id == CONTENTS.c.id)
        for row in session.connection().execute(statement.where(LINKS.c.hit_row.in_(part))):
            found.setdefault(row[0], []).append((row[1], row[2], row[3]))
    return found


def put(session: Session, found: Sequence[tuple[int, int, str]]) -> None:
    """Store (item, row of the assignment, reason) of answers that do not count."""
    rows = [dict(zip(_KEY, each, strict=True)) for each in found]
    if rows:
        insert_ignoring(session, UNUSABLE, _KEY, rows)


def forget(session: Session, experiment_id: int, mode: str) -> None:
    """Forget what was found in answers, before they are looked at again; those taken out stay out."""
    session.connection().execute(delete(UNUSABLE).where(*_here(experiment_id, mode), UNUSABLE.c.reason != INVALID))


def mirror_invalid(session: Session, experiment_id: int, mode: str) -> None:
    """Let the answers not count whose labels are taken out, and no others of those that were."""
    session.connection().execute(delete(UNUSABLE).where(*_here(experiment_id, mode), UNUSABLE.c.reason == INVALID))
    taken_out = (
        select(CONTENTS.c.id, ASSIGNMENTS.c.id, literal(INVALID))
        .join_from(LABELS, CONTENTS, and_(CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.key == LABELS.c.item))
        .join(
            ASSIGNMENTS,
            and_(ASSIGNMENTS.c.market == LABELS.c.market, ASSIGNMENTS.c.assignment_id == LABELS.c.origin),
        )
        .where(LABELS.c.experiment_id == experiment_id, LABELS.c.mode == mode, LABELS.c.invalid.is_(True))
        .distinct()
    )
    session.connection().execute(insert(UNUSABLE).from_select(_KEY, taken_out))


def _here(experiment_id: int, mode: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    items = select(CONTENTS.c.id).where(CONTENTS.c.experiment_id == experiment_id)
    work = select(ASSIGNMENTS.c.id).where(ASSIGNMENTS.c.mode == mode)
    return UNUSABLE.c.content_id.in_(items), UNUSABLE.c.assignment_row.in_(work)


def _is_unusable() -> ColumnElement[bool]:
    mine = and_(UNUSABLE.c.content_id == LINKS.c.content_id, UNUSABLE.c.assignment_row == ASSIGNMENTS.c.id)
    return exists().where(mine)


def _is_excluded() -> ColumnElement[bool]:
    return exists().where(
        EXCLUDED.c.experiment_id == HITS.c.experiment_id,
        EXCLUDED.c.mode == ASSIGNMENTS.c.mode,
        EXCLUDED.c.worker_id == ASSIGNMENTS.c.worker_id,
    )


def _work(place: Place, narrowed: Collection[ColumnElement[bool]], *columns: Any) -> Select[Any]:
    """Select from the submissions on HITs of a place, with the items that they show."""
    statement = select(*columns).join_from(LINKS, HITS, LINKS.c.hit_row == HITS.c.id)
    return statement.join(ASSIGNMENTS, ASSIGNMENTS.c.hit_row == HITS.c.id).where(*hits_at(place), *narrowed)


def by_person(place: Place, narrowed: Collection[ColumnElement[bool]]) -> Select[Any]:
    """Select ``content_id, worker_id, outputs, at``: the usable outputs of each person on an item, and since when.

    ``narrowed`` are conditions on links, HITs and items that choose submissions.
    """
    person = (LINKS.c.content_id, ASSIGNMENTS.c.worker_id)
    outputs = func.max(LINKS.c.outputs).label("outputs")
    each = _work(place, narrowed, *person, outputs, func.min(ASSIGNMENTS.c.submitted).label("at"))
    good = ASSIGNMENTS.c.status.in_((SUBMITTED, APPROVED))
    return each.where(good, ~_is_unusable(), ~_is_excluded()).group_by(*person)


def votes(place: Place, narrowed: Collection[ColumnElement[bool]]) -> Select[Any]:
    """Select ``content_id, completed``: the usable outputs of items, those of a person on an item once.

    ``narrowed`` are conditions on links, HITs and items that choose submissions.
    """
    each = by_person(place, narrowed).subquery()
    total = func.sum(each.c.outputs).label("completed")
    return select(each.c.content_id, total).group_by(each.c.content_id)


@dataclass(frozen=True)
class AnswerNumbers:
    """Numbers of answers of an experiment to its items, those with a known answer left out.

    An answer that does not count has one reason, the first of these.
    """

    answers: int = 0
    rejected: int = 0
    excluded: int = 0
    taken_out: int = 0
    unusable: int = 0
    """Blank, missing, skipped, or none of the classes."""
    repeated: int = 0
    """By somebody whose other answer to the item counts."""

    @property
    def usable(self) -> int:
        """Return how many count."""
        return self.answers - self.rejected - self.excluded - self.taken_out - self.unusable - self.repeated


def numbers(session: Session, place: Place, experiment_id: int) -> AnswerNumbers:
    """Return how many answers an experiment has, and why some of them do not count."""
    taken_out = exists().where(
        UNUSABLE.c.content_id == LINKS.c.content_id,
        UNUSABLE.c.assignment_row == ASSIGNMENTS.c.id,
        UNUSABLE.c.reason == INVALID,
    )
    why = case(
        (ASSIGNMENTS.c.status == REJECTED, "rejected"),
        (_is_excluded(), "excluded"),
        (taken_out, "taken_out"),
        (_is_unusable(), "unusable"),
        else_="usable",
    ).label("why")
    here = [HITS.c.experiment_id == experiment_id, CONTENTS.c.gold.is_(None), CONTENTS.c.removed.is_(None)]
    each = _work(place, here, LINKS.c.content_id, ASSIGNMENTS.c.worker_id, why)
    each = each.join(CONTENTS, CONTENTS.c.id == LINKS.c.content_id)
    part = each.subquery()
    by_item = (
        select(
            part.c.content_id,
            part.c.why,
            func.count().label("answers"),
            func.count(distinct(part.c.worker_id)).label("people"),
        )
        .group_by(part.c.content_id, part.c.why)
        .subquery()
    )
    sums = select(by_item.c.why, func.sum(by_item.c.answers), func.sum(by_item.c.people)).group_by(by_item.c.why)
    found = {row[0]: (int(row[1]), int(row[2])) for row in session.connection().execute(sums)}
    usable, people = found.pop("usable", (0, 0))
    reasons = {name: number for name, (number, _people) in found.items()}
    return AnswerNumbers(usable + sum(reasons.values()), repeated=usable - people, **reasons)


def people_who_answered(session: Session, place: Place, ids: Sequence[int]) -> dict[int, int]:
    """Return ``{item: number of people with a submission on it}``, whether their answers count or not."""
    found: dict[int, int] = {}
    people = func.count(distinct(ASSIGNMENTS.c.worker_id))
    for part in chunks(list(dict.fromkeys(ids))):
        statement = _work(place, [LINKS.c.content_id.in_(part)], LINKS.c.content_id, people)
        rows = session.connection().execute(statement.group_by(LINKS.c.content_id))
        found.update((row[0], int(row[1])) for row in rows)
    return found


def who_answered(session: Session, place: Place, ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """Return the people with a submission on each item, whether their answers count or not."""
    found: dict[int, set[str]] = {}
    for part in chunks(list(dict.fromkeys(ids))):
        statement = _work(place, [LINKS.c.content_id.in_(part)], LINKS.c.content_id, ASSIGNMENTS.c.worker_id)
        for row in session.connection().execute(statement.distinct()):
            found.setdefault(row[0], set()).add(row[1])
    return {item: frozenset(people) for item, people in found.items()}


def people_of(session: Session, place: Place, experiment_id: int) -> int:
    """Return the number of people with a submission on a HIT of the experiment that shows items."""
    number = func.count(distinct(ASSIGNMENTS.c.worker_id))
    statement = _work(place, [CONTENTS.c.experiment_id == experiment_id], number)
    found = session.connection().execute(statement.join(CONTENTS, CONTENTS.c.id == LINKS.c.content_id)).scalar_one()
    return int(found)
