"""Write a notice of what happens to a campaign or a task, in the transaction in which it happens."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from turkctl.store import campaigns, experiments, notices, rounds, tasks
from turkctl.store.campaigns import Campaign
from turkctl.store.tasks import ClaimedRun
from turkctl.units import format_duration, format_time

TASK_FAILED = "task_failed"
TOLD = {
    campaigns.MET: "has met its goal",
    campaigns.ENDED: "ended short",
    campaigns.SUPERSEDED: "is superseded",
    campaigns.EXHAUSTED: "waits for money",
}
"""What is told of a campaign, by its new status. Whoever cancels one knows of it."""


def tell_of_campaign(session: Session, campaign: Campaign, people: int | None, now: datetime) -> None:
    """Write a notice of the status that a campaign has from now on, if it is one of :data:`TOLD`.

    Of a campaign that waits for money again, nothing is told until it has posted something in between.

    Args:
        session: the transaction that changes the status.
        campaign: with its new status.
        people: number of people who completed it; None if nobody counted them.
        now: the time that the study lives in.
    """
    if campaign.status not in TOLD:
        return
    slug = experiments.current(session, campaign.experiment_id).slug
    counted = "" if people is None else f" with {people} of {campaign.goal} people"
    why = "" if campaign.status == campaigns.MET else f": {campaign.reason}"
    name = f"campaign {campaign.number} of {slug}{in_mode(campaign.mode)}"
    exhausted = campaign.status == campaigns.EXHAUSTED
    when = f"after {rounds.total_posted(session, campaign.number)} posted" if exhausted else format_time(now)
    notices.add(
        session,
        f"campaign {campaign.number} {campaign.status} {when}",
        f"campaign_{campaign.status}",
        f"{name} {TOLD[campaign.status]}{counted}{why}{_next_step(campaign)}",
        mode=campaign.mode,
        happened=now,
        experiment=slug,
        campaign=campaign.number,
    )


def _next_step(campaign: Campaign) -> str:
    if campaign.status == campaigns.EXHAUSTED:
        return f"; it looks again every {format_duration(timedelta(seconds=campaign.every))}"
    if campaign.status == campaigns.SUPERSEDED:
        command = f"turkctl hits expire --campaign {campaign.number}{mode_flag(campaign.mode)}"
        return f"; its HITs stay open, to expire them run: {command}"
    return ""


def tell_of_failure(session: Session, claimed: ClaimedRun, message: str, now: datetime) -> None:
    """Write a notice of a failed run, unless there is one of an earlier run since the task last succeeded.

    Args:
        session: the transaction that stores the run's result.
        claimed: the run.
        message: a sentence that the scheduler has said.
        now: the time that the study lives in.
    """
    task = claimed.task
    since = tasks.last_success(session, task)
    notices.add(
        session,
        f"task {task.id} {format_time(task.created)} failed after run {since}",
        TASK_FAILED,
        message,
        mode=task.mode,
        happened=now,
        campaign=task.campaign_id,
        task=task.name,
        said=True,
    )


def in_mode(mode: str) -> str:
    """Return what a sentence says of its mode, which is nothing in mode local."""
    return "" if mode == "local" else f" (mode {mode})"


def mode_flag(mode: str) -> str:
    """Return what a command needs at its end to be about the mode."""
    return "" if mode == "local" else f" --mode {mode}"
