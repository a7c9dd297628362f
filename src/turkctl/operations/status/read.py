"""Read a study's status: a number of queries that does not grow with its HITs, in one snapshot of the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from sqlmodel import Session

from turkctl.fees import cost_of_each
from turkctl.operations.engine.world import World
from turkctl.operations.experiments import people as counting
from turkctl.operations.experiments.terms import terms_of
from turkctl.operations.hits.deadlines import APPROVAL, EXPIRY, FINAL, OVERRIDABLE
from turkctl.operations.status.shapes import (
    DAY,
    ContentStatus,
    DayStatus,
    DeadlineStatus,
    DecisionsStatus,
    ExperimentStatus,
    MoneyStatus,
    OwedStatus,
    PeopleStatus,
    ReviewStatus,
    RunStatus,
    SchedulerStatus,
    Status,
    TaskStatus,
    UnknownStatus,
)
from turkctl.store import deadlines, experiments, intents, participants, people, presence, slots, standings
from turkctl.store.base import Place, Scope
from turkctl.store.deadlines import DueSoon
from turkctl.store.experiments import Version
from turkctl.store.hits import HitFilter
from turkctl.store.slots import Slots
from turkctl.store.standings import Handed, OpenWork
from turkctl.units import ZERO

if TYPE_CHECKING:
    from turkctl.operations.status.campaigns import CampaignReader
    from turkctl.operations.tasks.scheduler import SchedulerState
    from turkctl.store.contents_counts import ContentProgress
    from turkctl.store.contents_progress import DayOfContent
    from turkctl.store.owed import OwedGroup

# Importing a table's module takes time. The modules of tables without rows are not imported, and some others only where
# they are used, because the page of a small study would take twice as long as a list otherwise.


class StatusWorld(World, Protocol):
    """A world that can tell who is left to recruit."""

    def eligible(self, hit_ids: Sequence[str]) -> tuple[int, int] | None:
        """Return how many workers the market has, and how many could accept one of these HITs; None if unknown."""


def read_status(
    world: StatusWorld, now: datetime, *, experiment: str | None = None, days: bool = False, ended: bool = False
) -> Status:
    """Return where the study stands in the mode of the settings, by what the database knows.

    Args:
        world: settings and database. No request goes to a market; in mode local, the built-in one's own database tells
            who could take what is open.
        now: the time that the study lives in.
        experiment: slug of the only experiment to tell about; tasks and the scheduler are those of all.
        days: also count the people of each day.
        ended: also tell about experiments that have ended; the one that is named is told about anyway.

    Raises:
        NotFoundError: no experiment of this name was ever configured.
    """
    mode, place, table = world.settings.mode, world.listing_place, world.settings["participants_table"]
    with world.database.read() as session:
        versions = _versions(session, experiment)
        there = presence.present(session)
        numbers = _read_numbers(session, place, table, now, there)
        campaigns = _campaigns(session, numbers) if presence.CAMPAIGNS in there else None
        found = [_experiment(session, numbers, campaigns, version) for version in versions]
        if experiment is None:
            found.append(_nobodys(numbers))
        told_of = tuple(each for each in found if each.experiment is not None or not each.idle)
        hidden = () if ended or experiment is not None else tuple(each for each in told_of if each.ended is not None)
        shown = tuple(each for each in told_of if each not in hidden)
        scheduler = _read_scheduler(session, mode, now) if there & {presence.TASKS, presence.SCHEDULER} else None
        status = Status(
            mode=mode,
            now=now,
            experiments=shown,
            money=MoneyStatus.total(each.money for each in told_of),
            decisions=_decisions(session, place, told_of, there),
            deadlines=_deadlines(session, HitFilter(place, slugs=None if experiment is None else [experiment]), now),
            tasks=_tasks(scheduler),
            scheduler=_scheduler(scheduler),
            days=_all_days(session, place, versions, shown) if days else (),
            ended=tuple(each.experiment for each in hidden if each.experiment is not None),
        )
    waiting = {} if campaigns is None else campaigns.waiting
    told = tuple(_with_eligible(world, each, waiting) for each in status.experiments)
    return replace(status, experiments=told)


def _with_eligible(
    world: StatusWorld, each: ExperimentStatus, waiting: Mapping[int, Sequence[str]]
) -> ExperimentStatus:
    """Add who could take the campaign's open assignments, where the built-in market can tell."""
    campaign = each.campaign
    if campaign is None or campaign.id not in waiting:
        return each
    counted = world.eligible(waiting[campaign.id])
    if counted is None:
        return each
    workers, able = counted
    return replace(each, campaign=replace(campaign, workers=workers, eligible=able))


def _versions(session: Session, slug: str | None) -> Sequence[Version]:
    if slug is None:
        return experiments.list_all(session)
    from turkctl.operations.experiments.stored import find_experiment  # imports the validation of settings

    return [find_experiment(session, slug)]


@dataclass(frozen=True)
class _Numbers:
    """What the database counts, of all experiments at once."""

    place: Place
    now: datetime
    table: str
    work: Sequence[OpenWork]
    handed: Sequence[Handed]
    groups: Sequence[Slots]
    requested: Mapping[int | None, Decimal]
    """Dollars of unfinished requests."""
    bonuses: Mapping[int | None, tuple[Decimal, Decimal]]
    """Dollars and commission."""
    compensation: Mapping[int | None, Decimal]
    """Dollars of rewards that were posted as compensation."""
    owed: Sequence[OwedGroup]
    progress: Mapping[int, ContentProgress]
    arrivals: Mapping[int, tuple[int, datetime]]
    days: Mapping[int, Sequence[DayOfContent]]
    """Those with answers to items, by experiment."""
    exact: bool
    """Whether everybody who counts handed in work on a HIT of their experiment, so that ``handed`` has them all."""


def _read_numbers(session: Session, place: Place, table: str, now: datetime, there: Collection[str]) -> _Numbers:
    handed = standings.handed_in(session, place)
    rows = participants.exists(session, table)
    elsewhere = people.complete_of_unknown_hits(session, place, table) if rows else {}
    progress, arrivals, days = _read_content(session, place, now) if presence.CONTENT in there else ({}, {}, {})
    return _Numbers(
        place=place,
        now=now,
        table=table,
        work=standings.open_work(session, place, now),
        handed=handed,
        groups=slots.slots(Scope(session, place, now), apart=True),
        requested=intents.unfinished_costs(session, place),
        bonuses=_read_bonuses(session, place) if presence.PAYMENTS in there else {},
        compensation=_read_compensation(session, place) if presence.PAYMENTS in there else {},
        owed=_read_owed(session, place, table) if rows and participants.any_bonus(session, table, place.mode) else (),
        progress=progress,
        arrivals=arrivals,
        days=days,
        exact=not elsewhere and all(each.experiment_id is not None for each in handed),
    )


def _read_content(
    session: Session, place: Place, now: datetime
) -> tuple[Mapping[int, ContentProgress], Mapping[int, tuple[int, datetime]], Mapping[int, Sequence[DayOfContent]]]:
    from turkctl.store import contents_counts, contents_progress

    arrivals = contents_counts.arrivals(session, place, now - DAY)
    return contents_counts.progress(session, place, now), arrivals, contents_progress.days(session, place)


def _read_bonuses(session: Session, place: Place) -> Mapping[int | None, tuple[Decimal, Decimal]]:
    from turkctl.store import payments

    return payments.by_experiment(session, payments.PaymentFilter(place, kind=payments.BONUS))


def _read_compensation(session: Session, place: Place) -> Mapping[int | None, Decimal]:
    from turkctl.store import payments

    paid = payments.by_experiment(session, payments.PaymentFilter(place, kind=payments.COMPENSATION))
    return {key: dollars for key, (dollars, _) in paid.items()}


def _read_owed(session: Session, place: Place, table: str) -> list[OwedGroup]:
    from turkctl.store import owed

    return _claimed(session, owed.bonuses_owed(session, place, table))


def _campaigns(session: Session, numbers: _Numbers) -> CampaignReader:
    from turkctl.operations.status.campaigns import CampaignReader

    return CampaignReader(session, numbers.place, numbers.table, numbers.now, numbers.work, numbers.handed)


def _read_scheduler(session: Session, mode: str, now: datetime) -> SchedulerState:
    from turkctl.operations.tasks.scheduler import read_scheduler

    return read_scheduler(session, mode, now)


def _claimed(session: Session, owed: Sequence[OwedGroup]) -> list[OwedGroup]:
    """Assign what belongs to no known HIT to the only configured experiment with its code version."""
    if all(group.code_version is None for group in owed):
        return list(owed)
    active = [each for each in experiments.list_all(session, ended=False) if each.active or each.closed]
    versions = Counter(version.code_version for version in active)
    owner = {each.code_version: each.experiment_id for each in active if versions[each.code_version] == 1}
    return [
        group if group.experiment_id is not None else replace(group, experiment_id=owner.get(group.code_version or ""))
        for group in owed
    ]


def _experiment(
    session: Session, numbers: _Numbers, campaigns: CampaignReader | None, version: Version
) -> ExperimentStatus:
    key = version.experiment_id
    campaign = None if campaigns is None else campaigns.of(version)
    return ExperimentStatus(
        experiment=version.slug,
        codeversion=version.code_version,
        active=version.active,
        people=_people(numbers, key, _completed(session, numbers, version)),
        money=_money(numbers, key, terms_of(version).budget),
        campaign=campaign,
        content=_content(numbers, key),
        to_review=_to_review(numbers, key),
        bonuses_owed=_owed(numbers, key),
        deletable_hits=sum(each.deletable for each in numbers.work if each.experiment_id == key),
        closed=version.closed,
        ended=version.ended,
    )


def _nobodys(numbers: _Numbers) -> ExperimentStatus:
    """Return the same about HITs that belong to no experiment, which have neither campaign nor items."""
    return ExperimentStatus(
        experiment=None,
        codeversion=None,
        active=False,
        people=_people(numbers, None, 0),
        money=_money(numbers, None, None),
        campaign=None,
        content=None,
        to_review=_to_review(numbers, None),
        bonuses_owed=_owed(numbers, None),
        deletable_hits=sum(each.deletable for each in numbers.work if each.experiment_id is None),
    )


def _completed(session: Session, numbers: _Numbers, version: Version) -> int:
    """Count the people of the current code version; one by one where some of them are known by their rows alone."""
    if not numbers.exact:
        triple = (numbers.place, version.experiment_id, version.code_version)
        return counting.completed(session, *triple, participants_table=numbers.table)
    mine = (version.experiment_id, version.code_version)
    return sum(each.people for each in numbers.handed if (each.experiment_id, each.code_version) == mine)


def _people(numbers: _Numbers, key: int | None, completed: int) -> PeopleStatus:
    mine = [each for each in numbers.work if each.experiment_id == key]
    return PeopleStatus(
        completed=completed,
        open=sum(each.open for each in mine),
        at_work=sum(each.at_work for each in mine),
        unread=sum(each.unread for each in mine),
        hits=sum(each.hits for each in mine),
    )


def _money(numbers: _Numbers, key: int | None, budget: Decimal | None) -> MoneyStatus:
    rewards = fees = ZERO
    on_hold = numbers.requested.get(key, ZERO)
    for group in numbers.groups:
        if group.experiment_id == key:
            each = cost_of_each(group)
            rewards += group.reward * group.paid
            fees += (each - group.reward) * group.paid
            on_hold += each * (group.committed - group.paid)
    bonuses, commission = numbers.bonuses.get(key, (ZERO, ZERO))
    compensation = numbers.compensation.get(key, ZERO)
    return MoneyStatus.of(
        rewards=rewards - compensation,  # it is the reward of a HIT of its own
        bonuses=bonuses,
        compensation=compensation,
        fees=fees + commission,
        on_hold=on_hold,
        budget=budget,
    )


def _content(numbers: _Numbers, key: int) -> ContentStatus | None:
    progress = numbers.progress.get(key)
    if progress is None:
        return None
    answers, first = numbers.arrivals.get(key, (0, None))
    rate = None
    if first is not None and first < numbers.now:
        rate = answers / (min(DAY, numbers.now - first).total_seconds() / 3600)
    from turkctl.operations.status.pace import pace_of

    missing = progress.outputs - progress.completed
    pace = pace_of(numbers.days.get(key, ()), first, numbers.now, missing)
    return ContentStatus(
        items=progress.items,
        finished=progress.finished,
        answers=progress.completed,
        wanted=progress.outputs,
        per_hour=None if rate is None else round(rate, 1),
        **vars(pace),
    )


def _to_review(numbers: _Numbers, key: int | None) -> ReviewStatus:
    mine = [each for each in numbers.handed if each.experiment_id == key and each.submitted]
    return ReviewStatus(
        assignments=sum(each.submitted for each in mine),
        oldest=_first(each.oldest for each in mine),
        approves=_first(each.approves for each in mine),
    )


def _first(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _owed(numbers: _Numbers, key: int | None) -> OwedStatus:
    mine = [group for group in numbers.owed if group.experiment_id == key]
    if not mine:
        return OwedStatus()
    from turkctl.store.participant_bonuses import BonusRow

    amounts = {group.bonus: BonusRow("", None, group.bonus).amount for group in mine}
    payable = [(group.assignments, amount) for group in mine if (amount := amounts[group.bonus]) is not None]
    return OwedStatus(
        bonuses=sum(number for number, _ in payable),
        amount=sum((amount * number for number, amount in payable), ZERO),
        unclear=sum(group.assignments for group in mine if amounts[group.bonus] is None),
    )


def _decisions(
    session: Session, place: Place, found: Sequence[ExperimentStatus], there: Collection[str]
) -> DecisionsStatus:
    return DecisionsStatus(
        to_review=ReviewStatus(
            assignments=sum(each.to_review.assignments for each in found),
            oldest=_first(each.to_review.oldest for each in found),
            approves=_first(each.to_review.approves for each in found),
        ),
        bonuses_owed=OwedStatus(
            bonuses=sum(each.bonuses_owed.bonuses for each in found),
            amount=sum((each.bonuses_owed.amount for each in found), ZERO),
            unclear=sum(each.bonuses_owed.unclear for each in found),
        ),
        deletable_hits=sum(each.deletable_hits for each in found),
        unknown=_unknown(session, place) if presence.LOOKS in there else None,
        incomplete_runs=_incomplete_runs(session, place) if presence.RUNS in there else (),
    )


def _unknown(session: Session, place: Place) -> UnknownStatus | None:
    from turkctl.store import account_looks

    looks = account_looks.read(session, place)
    if not looks:
        return None
    return UnknownStatus(sum(look.unknown for look in looks), min(look.looked for look in looks))


def _incomplete_runs(session: Session, place: Place) -> tuple[RunStatus, ...]:
    """Return the runs that nobody works on and that the same command would take up."""
    from turkctl.operations.intents.lease import is_gone
    from turkctl.store import leases, runs

    found = runs.unfinished(session, place)
    names = [leases.of_run(run.number) for run in found]
    held = leases.holders(session, leases.machine_clock(session), names) if names else {}
    at_work = {name for name, row in held.items() if not is_gone(row)}
    return tuple(
        RunStatus(run.number, run.command, run.begun, run.matched, run.succeeded, run.failed)
        for run in found
        if leases.of_run(run.number) not in at_work
    )


def _deadlines(session: Session, wanted: HitFilter, now: datetime) -> tuple[DeadlineStatus, ...]:
    until = now + DAY
    rejections = deadlines.rejections_due(session, wanted, now - OVERRIDABLE, until - OVERRIDABLE)
    final = None if rejections is None else DueSoon(rejections.number, rejections.first + OVERRIDABLE)
    found = {
        APPROVAL: deadlines.approvals_due(session, wanted, until),
        EXPIRY: deadlines.expiries_due(session, wanted, now, until),
        FINAL: final,
    }
    rows = [DeadlineStatus(what, due.number, due.open, due.first) for what, due in found.items() if due is not None]
    return tuple(sorted(rows, key=lambda row: row.first))


def _tasks(state: SchedulerState | None) -> tuple[TaskStatus, ...]:
    if state is None:
        return ()
    late = {task.name for task in state.unattended}
    return tuple(
        TaskStatus(task.name, task.kind, task.next_run, task.name in late, task.consecutive_failures)
        for task in state.waiting
    )


def _scheduler(state: SchedulerState | None) -> SchedulerStatus:
    row = None if state is None else state.holder
    return SchedulerStatus(
        running=row is not None,
        host=None if row is None else row.host,
        pid=None if row is None else row.pid,
        since=None if row is None else row.since,
        heartbeat=None if row is None else row.heartbeat,
        overdue=() if state is None else tuple(task.name for task in state.unattended),
    )


def _all_days(
    session: Session, place: Place, versions: Sequence[Version], shown: Sequence[ExperimentStatus]
) -> tuple[DayStatus, ...]:
    told = {each.experiment for each in shown}
    return tuple(day for version in versions if version.slug in told for day in _days(session, place, version))


def _days(session: Session, place: Place, version: Version) -> list[DayStatus]:
    moments = standings.people_by_day(session, place, version.experiment_id, version.code_version)
    counts = Counter(moment.date().isoformat() for moment in moments)
    return [DayStatus(version.slug, day, number) for day, number in sorted(counts.items())]
