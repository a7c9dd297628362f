"""Turn psiTurk's campaigns and jobs into turkctl's rows. None of them starts to run, or to spend, by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from turkctl.operations.psiturk.jobs import APPROVE_ALL, CAMPAIGN_ROUND, MODES, UnknownJobError, parse_job
from turkctl.store.campaigns import CANCELLED, MET, MOST, Campaign
from turkctl.store.tasks import Task
from turkctl.units import format_duration, format_money

MARKET = "psiturk"
"""The market of imported campaigns: psiTurk does not record on which account it posted."""
_YEAR = timedelta(days=366)


class UnfitRowError(Exception):
    """A row cannot be imported; the message says why."""


@dataclass(frozen=True)
class OldCampaign:
    """A checked campaign of psiTurk."""

    number: int
    mode: str
    code_version: str
    goal: int
    every: timedelta
    per_round: int
    reward: Decimal
    duration: timedelta
    active: bool
    created: datetime
    ended: datetime | None

    @property
    def key(self) -> str:
        """Return the key that it is remembered under."""
        return f"campaign:{self.number}"

    def again(self, slug: str) -> str:
        """Return the command that would recruit the same way."""
        return (
            f"turkctl campaigns create --mode {self.mode} --experiment {slug} --goal {self.goal} "
            f"--reward {format_money(self.reward)} --duration {format_duration(self.duration)} "
            f"--every {format_duration(self.every)} --per-round {self.per_round}"
        )

    def row(self, experiment_id: int, *, completed: int, now: datetime) -> Campaign:
        """Return the row for our history; its status is always a final one.

        ``completed`` is what psiTurk counts today. It ended the campaign as soon as it counted the goal, so that those
        who came for a later campaign of the same code version are none of this one's.
        """
        status = MET if not self.active and completed >= self.goal else CANCELLED
        reason = f"psiTurk's campaign {self.number}" + (", active there when it was imported" if self.active else "")
        return Campaign(
            mode=self.mode,
            market=MARKET,
            experiment_id=experiment_id,
            code_version=self.code_version,
            goal=self.goal,
            reward=self.reward,
            duration=int(self.duration.total_seconds()),
            every=int(self.every.total_seconds()),
            per_round=self.per_round,
            status=status,
            reason=reason,
            created=self.created,
            ended=self.ended or (now if self.active else self.created),
            completed_at_end=completed if self.active else min(completed, self.goal),
            outstanding_at_end=0,
        )


def parse_campaign(row: Mapping[str, Any], zone: ZoneInfo) -> OldCampaign:
    """Return the campaign of a row of psiTurk's ``campaign`` table.

    Args:
        row: as the driver returns it.
        zone: the zone of its times, which have none.

    Raises:
        UnfitRowError: a value is invalid for a campaign.
    """
    if row["mode"] not in MODES:
        raise UnfitRowError(f"its mode is {row['mode']!r}")
    version = row["codeversion"]
    if not isinstance(version, str) or not 0 < len(version) <= 128:  # the column's width
        raise UnfitRowError("it has no code version")
    created = _time(row, "created", zone)
    if created is None:
        raise UnfitRowError("it does not say when it was created")
    return OldCampaign(
        number=_whole(row, "id", 2**31),
        mode=row["mode"],
        code_version=version,
        goal=_whole(row, "goal", MOST),
        every=timedelta(minutes=_whole(row, "minutes_between_rounds", 60 * 24 * 366)),
        per_round=_whole(row, "assignments_per_round", MOST),
        reward=Decimal(f"{_number(row, 'hit_reward', 0, 10_000):.2f}"),
        duration=timedelta(seconds=round(3600 * _number(row, "hit_duration_hours", 1 / 120, 24 * 366))),
        active=bool(row["is_active"]),
        created=created,
        ended=_time(row, "ended", zone),
    )


def _whole(row: Mapping[str, Any], name: str, most: int) -> int:
    value = row[name]
    if not isinstance(value, int) or not 0 < value <= most:
        raise UnfitRowError(f"its {name} is {value!r}")
    return value


def _number(row: Mapping[str, Any], name: str, least: float, most: float) -> float:
    value = row[name]
    if not isinstance(value, int | float) or not least <= value <= most:
        raise UnfitRowError(f"its {name} is {value!r}")
    return float(value)


def _time(row: Mapping[str, Any], name: str, zone: ZoneInfo) -> datetime | None:
    value = row[name]
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if moment is None:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, AttributeError, OverflowError):
        raise UnfitRowError(f"its {name} is {value!r}") from None


@dataclass(frozen=True)
class OldTask:
    """A recurring approval of psiTurk."""

    name: str
    mode: str
    every: timedelta

    @property
    def key(self) -> str:
        """Return the key that it is remembered under."""
        return f"job:{self.name}"[:50]

    def row(self, name: str, now: datetime) -> Task:
        """Return it as a task of turkctl, paused until somebody resumes it."""
        seconds = int(self.every.total_seconds())
        return Task(
            name=name,
            kind="approve-all",
            mode=self.mode,
            every=seconds,
            options={},
            paused=True,
            next_run=now,
            created=now,
        )


def parse_task(row: Mapping[str, Any]) -> OldTask:
    """Return the task of a row of the job store's table.

    Raises:
        UnfitRowError: turkctl has no task for the job, or it cannot be read.
    """
    state = row["job_state"]
    if not isinstance(state, bytes | memoryview):
        raise UnfitRowError("it has no stored state")
    try:
        job = parse_job(bytes(state))
    except UnknownJobError as error:
        raise UnfitRowError(str(error)) from None
    if job.function == CAMPAIGN_ROUND:
        raise UnfitRowError("it runs the rounds of a campaign; nothing recruits by itself after an import")
    if job.function != APPROVE_ALL:
        raise UnfitRowError(f"it runs {job.function!r}, which is not psiTurk's")
    if job.every is None or job.mode is None:
        raise UnfitRowError("its interval or mode is unknown; run: turkctl tasks create approve-all --every D")
    return OldTask(str(row["id"]), job.mode, job.every)
