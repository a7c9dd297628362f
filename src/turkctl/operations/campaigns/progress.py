"""Tell how a campaign progressed: people, assignments and dollars over time, for a chart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from turkctl.fees import cost_of_each
from turkctl.operations.campaigns.lifecycle import find
from turkctl.operations.campaigns.standing import read_facts
from turkctl.operations.engine.world import World
from turkctl.store import campaign_money, rounds, standings
from turkctl.store.campaign_money import PromiseChange
from turkctl.store.campaigns import Campaign
from turkctl.units import ZERO

MOST_POINTS = 400


@dataclass(frozen=True)
class ProgressPoint:
    """What a campaign had come to at one moment."""

    time: datetime
    completed: int
    """Distinct people, those of before the campaign included, as its goal counts them."""
    posted: int
    """Assignments that its rounds have posted."""
    spent: Decimal | None
    """Dollars committed on its HITs, commission included; None where nobody knows."""


def progress_of(world: World, campaign_id: int) -> dict[str, Any]:
    """Return a campaign's ``goal``, ``budget`` and ``points``: its progress from its creation until now, or its end.

    The last point has the numbers of ``campaigns show``. A person counts from their first submission that counts today,
    whenever it was read; those without one (in psiTurk's rows alone) count from the start. At most
    :data:`MOST_POINTS` points are returned: changes in one of as many equal parts of the time are one point.

    Raises:
        NotFoundError: there is none of that number.
    """
    now, table = world.now(), world.settings["participants_table"]
    with world.database.read() as session:
        campaign = find(session, campaign_id)
        numbers = read_facts(session, campaign, table, now).numbers
        end = max(campaign.created, campaign.ended or now)
        last = ProgressPoint(end, numbers.completed, rounds.total_posted(session, campaign_id), numbers.spent)
        points = _added_up(_changes(session, campaign, now), campaign.created, last)
    return {
        "campaign": campaign.number,
        "goal": campaign.goal,
        "budget": campaign.budget,
        "points": [asdict(each) for each in points],
    }


@dataclass(frozen=True)
class _Step:
    """How much is added at one moment."""

    people: int = 0
    posted: int = 0
    dollars: Decimal = ZERO

    def plus(self, other: _Step) -> _Step:
        return _Step(self.people + other.people, self.posted + other.posted, self.dollars + other.dollars)


def _changes(session: Session, campaign: Campaign, now: datetime) -> Iterator[tuple[datetime, _Step]]:
    place, number = campaign.place, campaign.number
    for moment in standings.people_by_day(session, place, campaign.experiment_id, campaign.code_version):
        yield moment, _Step(people=1)
    for each in rounds.of_campaign(session, number):
        if each.posted:
            yield each.finished or each.started, _Step(posted=each.posted)
    for change in campaign_money.promises(session, place, number, now):
        yield change.at, _Step(dollars=_cost(change))


def _cost(change: PromiseChange) -> Decimal:
    return change.assignments * cost_of_each(change)


def _added_up(changes: Iterable[tuple[datetime, _Step]], start: datetime, last: ProgressPoint) -> list[ProgressPoint]:
    """Return a point for the start, for each part of the time in which something changes, and the last.

    The time of a point is that of the last change in its part. What changed before the start is in the first point, and
    no point has more people than the last.
    """
    width = max((last.time - start) / (MOST_POINTS - 2), timedelta(microseconds=1))
    parts: dict[int, tuple[datetime, _Step]] = {-1: (start, _Step())}
    arrived = 0
    for moment, step in changes:
        if moment > last.time:
            continue
        part = -1 if moment <= start else min((moment - start) // width, MOST_POINTS - 3)
        latest, before = parts.get(part, (start, _Step()))
        parts[part] = (max(latest, moment), before.plus(step))
        arrived += step.people
    so_far = _Step(people=max(0, last.completed - arrived))
    points = []
    for part in sorted(parts):
        moment, step = parts[part]
        so_far = so_far.plus(step)
        people = min(so_far.people, last.completed)
        spent = None if last.spent is None else so_far.dollars
        points.append(ProgressPoint(moment, people, so_far.posted, spent))
    if points[-1].time == last.time and len(points) > 1:
        points.pop()
    return [*points, last]
