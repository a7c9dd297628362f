"""Tell how a campaign progressed: people, assignments and dollars over time, for a chart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from turkctl.fees import assignment_cost
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
    :data:`MOST_POINTS` points are returned: of more, the last in each of equal parts of the time.

    Raises:
        NotFoundError: there is none of that number.
    """
    now, table = world.now(), world.settings["participants_table"]
    with world.database.read() as session:
        campaign = find(session, campaign_id)
        numbers = read_facts(session, campaign, table, now).numbers
        end = max(campaign.created, campaign.ended or now)
        last = ProgressPoint(end, numbers.completed, rounds.total_posted(session, campaign_id), numbers.spent)
        changes = _changes(session, campaign, now)
    points = _added_up(changes, campaign.created, last)
    return {
        "campaign": campaign.number,
        "goal": campaign.goal,
        "budget": campaign.budget,
        "points": [asdict(each) for each in _thinned(points)],
    }


@dataclass(frozen=True)
class _Step:
    """How much is added at one moment."""

    people: int = 0
    posted: int = 0
    dollars: Decimal = ZERO

    def plus(self, other: _Step) -> _Step:
        return _Step(self.people + other.people, self.posted + other.posted, self.dollars + other.dollars)


def _changes(session: Session, campaign: Campaign, now: datetime) -> list[tuple[datetime, _Step]]:
    place, number = campaign.place, campaign.number
    arrivals = standings.people_by_day(session, place, campaign.experiment_id, campaign.code_version)
    promised = campaign_money.promises(session, place, number, now)
    held = rounds.of_campaign(session, number)
    people = [(moment, _Step(people=1)) for moment in arrivals]
    posted = [(each.finished or each.started, _Step(posted=each.posted)) for each in held if each.posted]
    return [*people, *posted, *((each.at, _Step(dollars=_cost(each))) for each in promised)]


def _cost(change: PromiseChange) -> Decimal:
    return change.assignments * assignment_cost(change.reward, change.max_assignments, masters=change.masters)


def _added_up(changes: Iterable[tuple[datetime, _Step]], start: datetime, last: ProgressPoint) -> list[ProgressPoint]:
    """Return a point for each moment from the start on at which something changes, and the last.

    What changed before the start is in the first point, and nothing counts more people than the last one.
    """
    by_time: defaultdict[datetime, _Step] = defaultdict(_Step)
    for moment, step in changes:
        if moment <= last.time:
            by_time[max(moment, start)] = by_time[max(moment, start)].plus(step)
    arrived = sum(step.people for step in by_time.values())
    so_far = _Step(people=max(0, last.completed - arrived))
    by_time.setdefault(start, _Step())
    points = []
    for moment in sorted(by_time):
        so_far = so_far.plus(by_time[moment])
        people = min(so_far.people, last.completed)
        spent = None if last.spent is None else so_far.dollars
        points.append(ProgressPoint(moment, people, so_far.posted, spent))
    if points[-1].time == last.time:
        points.pop()
    return [*points, last]


def _thinned(points: Sequence[ProgressPoint]) -> list[ProgressPoint]:
    """Return the first and last point, and the last of each part of the time between them."""
    if len(points) <= MOST_POINTS:
        return list(points)
    first, last = points[0], points[-1]
    width = (last.time - first.time) / (MOST_POINTS - 2) or timedelta(microseconds=1)
    parts = {min((each.time - first.time) // width, MOST_POINTS - 3): each for each in points[1:-1]}
    return [first, *parts.values(), last]
