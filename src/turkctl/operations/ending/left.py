"""What is left open of an experiment, so that it has not ended, and what there is of it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from turkctl.operations.selection.work import participants_table
from turkctl.operations.status.read import StatusWorld, read_status
from turkctl.operations.status.shapes import ExperimentStatus
from turkctl.store import experiment_work, hits, intents, owed
from turkctl.store.experiment_work import OpenElsewhere
from turkctl.store.experiments import Version
from turkctl.store.hits import HitFilter
from turkctl.units import money_text
from turkctl.words import counted, plural

_NOT_OWED = "turkctl participants set ID --bonus 0"


@dataclass(frozen=True)
class LeftOpen:
    """Something that is left open.

    Attributes:
        what: ``campaigns``, ``submissions``, ``at_work``, ``bonuses``, ``requests`` or ``hits``.
        number: how many.
        words: the same in words.
        next: what to type; None if only waiting helps.
    """

    what: str
    number: int
    words: str
    next: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def read_left(world: StatusWorld, version: Version, now: datetime) -> list[LeftOpen]:
    """Return what is left open of the experiment in this mode and market, by what the database knows."""
    (status,) = (
        each for each in read_status(world, now, experiment=version.slug).experiments if each.experiment is not None
    )
    with world.database.read() as session:
        there = hits.count(session, HitFilter(world.place, slugs=[version.slug], disposed=False))
        waiting = [
            each
            for each in intents.unfinished(session, world.place)
            if each.experiment_id == version.experiment_id and each.kind != intents.MESSAGE
        ]
    return [*_of_status(version.slug, status), *_of_requests(len(waiting)), *_of_hits(there, version)]


def _of_status(slug: str, status: ExperimentStatus) -> Iterator[LeftOpen]:
    campaign = status.campaign
    if campaign is not None and campaign.ended is None:
        words = f"campaign {campaign.id} is {campaign.status}"
        yield LeftOpen("campaigns", 1, words, f"turkctl campaigns cancel {campaign.id}")
    number = status.to_review.assignments + status.people.unread
    if number:
        words = f"{counted(number, 'submission')} {plural(number, 'waits', 'wait')} for approval or rejection"
        yield LeftOpen("submissions", number, words, f"turkctl workers approve --experiment {slug}")
    if status.people.at_work:
        number = status.people.at_work
        yield LeftOpen("at_work", number, f"{counted(number, 'worker')} {plural(number, 'is', 'are')} still at work")
    yield from _of_bonuses(slug, status)


def _of_bonuses(slug: str, status: ExperimentStatus) -> Iterator[LeftOpen]:
    owing = status.bonuses_owed
    if owing.bonuses:
        words = f"{counted(owing.bonuses, 'bonus', 'bonuses')} of {money_text(owing.amount)} in all not paid"
        pay = f"turkctl workers bonus --experiment {slug} --auto --reason TEXT"
        yield LeftOpen("bonuses", owing.bonuses, words, f"{pay} (or, of one that is not owed: {_NOT_OWED})")
    if owing.unclear:
        words = f"{counted(owing.unclear, 'bonus', 'bonuses')} in participants' rows with a fraction of a cent"
        yield LeftOpen("bonuses", owing.unclear, words, "turkctl participants set ID --bonus A")


def _of_requests(number: int) -> Iterator[LeftOpen]:
    if number:
        words = f"what became of {counted(number, 'request')} is unknown, or {plural(number, 'it was', 'they were')}"
        yield LeftOpen("requests", number, f"{words} never sent", "turkctl status: it names the command to repeat")


def _of_hits(number: int, version: Version) -> Iterator[LeftOpen]:
    if number:
        words = f"{counted(number, 'HIT')} {plural(number, 'is', 'are')} not deleted"
        yield LeftOpen("hits", number, words, f"turkctl hits list --experiment {version.slug}")


def owing_hits(session: Session, world: StatusWorld, version: Version) -> dict[str, int]:
    """Return the HITs on which bonuses are owed: after a HIT is deleted, none can be paid any more."""
    table = participants_table(session, world)
    return {} if table is None else owed.hits_owing(session, world.place, table, version.experiment_id)


def open_elsewhere(session: Session, world: StatusWorld, version: Version) -> Sequence[OpenElsewhere]:
    """Return what is open of the experiment in other modes and on other markets."""
    return experiment_work.open_elsewhere(session, world.place, version.experiment_id, world.now())
