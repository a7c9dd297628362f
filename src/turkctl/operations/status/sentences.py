"""Say in sentences where the study stands, alike on a terminal and on the dashboard. Pure: a status in, words out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from turkctl.moments import in_words, local_time, span, when
from turkctl.operations.status.shapes import (
    CampaignStatus,
    ContentStatus,
    DeadlineStatus,
    ExperimentStatus,
    MoneyStatus,
    PeopleStatus,
    Status,
)
from turkctl.units import money_text
from turkctl.words import counted, plural

MOST = 5
"""Tasks, runs or idle experiments that are named; more are a number."""
_RUNNING = ("active", "exhausted")
"""Of a campaign with another status, the numbers are those of its end."""
_DEADLINES = {
    "auto_approval": ("submitted assignment approves itself", "submitted assignments approve themselves"),
    "expiry": ("HIT expires", "HITs expire"),
    "final_rejection": ("rejection becomes final", "rejections become final"),
}


REVIEW, OWED, UNCLEAR, DELETABLE, UNKNOWN, CUT_SHORT = "review", "owed", "unclear", "deletable", "unknown", "cut short"
"""What decisions are about."""


@dataclass(frozen=True)
class StatusDecision:
    """Something that waits for a person.

    Attributes:
        words: what it is.
        command: that does it, or shows more.
        about: one of the kinds above; None where there is nothing to do.
        experiment: that it is about, if it is one.
        run: number of the run that was cut short.
    """

    words: str
    command: str | None = None
    about: str | None = None
    experiment: str | None = None
    run: int | None = None


@dataclass(frozen=True)
class StatusWords:
    """How a status is told.

    Attributes:
        zone: of the times; this machine's by default.
        mode: ``--mode …`` for the commands that are named, where they need it.
    """

    zone: tzinfo | None = None
    mode: str = ""

    def command(self, *words: str) -> str:
        """Return a command line as it is to be typed."""
        return " ".join([*words, *([self.mode] if self.mode else [])])

    def experiment(self, each: ExperimentStatus, status: Status) -> Iterator[tuple[str | None, str]]:
        """Yield the lines of one experiment, each with what it is about; its heading is about nothing."""
        yield None, _heading(each)
        yield "people", _people(each.people, each.campaign)
        if each.campaign is not None:
            yield "campaign", self._campaign(each.campaign, status.now)
            if each.campaign.next_round is not None:
                yield "next", self._next_round(each.campaign, status)
            if each.campaign.eligible == 0 or each.campaign.quiet is not None:
                yield "stalled", self._stalled(each.campaign)
        yield "money", money_words(each.money)
        if each.content is not None:
            yield "items", self._content(each.content, status.now)

    def _campaign(self, campaign: CampaignStatus, now: datetime) -> str:
        ended = "" if campaign.ended is None else f" {local_time(campaign.ended, now, self.zone)}"
        if campaign.status not in _RUNNING:
            ended += f" with {campaign.completed:,} of {campaign.goal:,} people"
        why = campaign.reason or f"{counted(campaign.rounds, 'round')} so far"
        words = [f"{campaign.id}, {campaign.status}{ended}: {why}"]
        if campaign.budget is not None and campaign.spent is not None:
            words.append(f"{money_text(campaign.spent)} of its {money_text(campaign.budget)} committed")
        return "; ".join(words)

    def _next_round(self, campaign: CampaignStatus, status: Status) -> str:
        coming = campaign.next_round or {}
        moment = coming["at"]
        if coming["paused"]:
            resume = self.command("turkctl", "tasks", "resume", f"campaign-{campaign.id}")
            return f"paused; its rounds go on with: {resume}"
        due = "due since " if moment <= status.now else ""
        return f"round {due}{when(moment, status.now, self.zone)} {_what(coming)}"

    def _stalled(self, campaign: CampaignStatus) -> str:
        if campaign.eligible == 0:
            who = counted(campaign.workers or 0, "worker")
            return (
                f"nobody eligible is left: none of the market's {who} may take what is open; {self._ways_on(campaign)}"
            )
        assert campaign.quiet is not None
        quiet = campaign.quiet
        length = f"{span(quiet.looked - quiet.since)} ({counted(quiet.rounds, 'round')})"
        found = f"nobody took an open assignment in {length}"
        if campaign.eligible is not None:
            return f"{found}, although {campaign.eligible:,} of the market's {campaign.workers or 0:,} workers may"
        return f"{found}: probably nobody eligible is left; {self._ways_on(campaign)}"

    def _ways_on(self, campaign: CampaignStatus) -> str:
        cancel = self.command("turkctl", "campaigns", "cancel", str(campaign.id))
        return f"ask for fewer qualifications, pay more, or end it with: {cancel}"

    def _content(self, content: ContentStatus, now: datetime) -> str:
        words = [
            f"{content.finished:,} of {content.items:,} finished",
            f"{content.answers:,} of {content.wanted:,} answers",
        ]
        if content.per_day is not None:
            words += [f"{content.today:,} today", f"{content.per_day:,} a day"]
        if content.expected_end is not None:
            words.append(f"all there {when(content.expected_end, now, self.zone)} at this pace")
        return ", ".join(words)


def _heading(each: ExperimentStatus) -> str:
    if each.experiment is None:
        return "HITs of no experiment"
    closed = None if each.closed is None else ", being ended" if each.ended is None else ", ended"
    inactive = closed or ("" if each.active else ", no longer configured")
    return f"{each.experiment}, code version {each.codeversion}{inactive}"


def _people(people: PeopleStatus, campaign: CampaignStatus | None) -> str:
    done = f"{people.completed:,} done"
    if campaign is not None and campaign.status in _RUNNING:
        done = f"{campaign.completed:,} of {campaign.goal:,} done"
    parts = [done]
    if people.hits or people.open:
        parts.append(f"{counted(people.hits, 'HIT')} with {counted(people.open, 'open assignment')}")
    parts.append(f"{people.at_work:,} at work")
    if people.unread:
        parts.append(f"{people.unread:,} submitted and not read yet (turkctl sync)")
    return "; ".join([parts[0], ", ".join(parts[1:])])


def money_words(money: MoneyStatus) -> str:
    """Return what was paid, is on hold, and is left of a budget."""
    kinds = {"rewards": money.rewards, "bonuses": money.bonuses}
    kinds |= {"compensation": money.compensation} if money.compensation else {}
    kinds |= {"fees": money.fees}
    paid = ", ".join(f"{name} {money_text(amount)}" for name, amount in kinds.items())
    words = [f"{money_text(money.paid)} paid ({paid})", f"{money_text(money.on_hold)} on hold"]
    if money.budget is not None and money.left is not None:
        words.append(f"{money_text(money.left)} left of the budget of {money_text(money.budget)}")
    return "; ".join(words)


def _what(coming: Mapping[str, Any]) -> str:
    """Say what a round will do and why."""
    if coming["will_post"]:
        cost, number = money_text(coming["cost"]), coming["will_post"]
        return f"posts {counted(number, 'assignment')} for {cost}: {coming['why']}"
    if coming["outcome"] in ("waiting", "closed", "exhausted"):
        return f"posts nothing: {coming['why']}"
    return f"ends it ({coming['outcome']}): {coming['why']}"


def decisions(told: StatusWords, status: Status) -> Iterator[StatusDecision]:
    """Yield what waits for a person, each with the command that does it."""
    found = list(_of_experiments(told, status))
    yield from found
    unknown = status.decisions.unknown
    if unknown is not None and unknown.hits:
        seen, are = in_words(unknown.looked - status.now), plural(unknown.hits, "is", "are")
        yield StatusDecision(
            f"{counted(unknown.hits, 'HIT')} of the account {are} unknown here (seen {seen})",
            told.command("turkctl", "hits", "list", "--all-studies"),
            UNKNOWN,
        )
    for run in status.decisions.incomplete_runs[:MOST]:
        begun = local_time(run.begun, status.now, told.zone)
        done = f"{run.succeeded:,} of {run.matched:,} done"
        words = f"{done} by a command of {begun} that was cut short; for its rest, give it again"
        yield StatusDecision(words, run.command, CUT_SHORT, run=run.run)
    more = len(status.decisions.incomplete_runs) - MOST
    if more > 0:
        yield StatusDecision(f"{counted(more, 'more command')} did not come to {plural(more, 'its', 'their')} end")
    if not found and not status.decisions.incomplete_runs and not (unknown is not None and unknown.hits):
        yield StatusDecision("nothing")


def _of_experiments(told: StatusWords, status: Status) -> Iterator[StatusDecision]:
    for each in status.experiments:
        slug = each.experiment
        of = "" if len(status.experiments) == 1 else f" of {each.experiment or 'no experiment'}"
        which = ("ID",) if each.experiment is None else ("--experiment", each.experiment)
        ids = "; see: turkctl hits list" if each.experiment is None else ""
        review, owed = each.to_review, each.bonuses_owed
        if review.assignments:
            group = "workers" if each.experiment is not None else "hits"
            approve = told.command("turkctl", group, "approve", *which)
            yield StatusDecision(_review(told, status, each, of) + ids, approve, REVIEW, slug)
        if owed.bonuses:
            are = plural(owed.bonuses, "is", "are")
            pay = told.command("turkctl", "workers", "bonus", *which, "--auto", "--reason", "TEXT")
            words = f"{counted(owed.bonuses, 'bonus', 'bonuses')}{of} {are} owed, {money_text(owed.amount)} in all"
            yield StatusDecision(words, pay, OWED, slug)
        if owed.unclear:
            fix = told.command("turkctl", "participants", "set", "ID", "--bonus", "A")
            words = f"{counted(owed.unclear, 'bonus', 'bonuses')}{of} cannot be paid: no amount in cents"
            yield StatusDecision(words, fix, UNCLEAR, slug)
        if each.deletable_hits:
            words = f"{counted(each.deletable_hits, 'HIT')}{of} can be deleted{ids}"
            yield StatusDecision(words, told.command("turkctl", "hits", "delete", *which), DELETABLE, slug)


def _review(told: StatusWords, status: Status, each: ExperimentStatus, of: str) -> str:
    review = each.to_review
    words = [f"{counted(review.assignments, 'assignment')}{of} to review"]
    if review.oldest is not None:
        words.append(f"the oldest of {local_time(review.oldest, status.now, told.zone)}")
    if review.approves is not None:
        first = "approves itself" if review.assignments == 1 else "the first approves itself"
        words.append(f"{first} {when(review.approves, status.now, told.zone)}")
    return ", ".join(words)


def coming(told: StatusWords, status: Status) -> Iterator[tuple[str, str | None]]:
    """Yield what happens next without a person, and who does it."""
    for due in status.deadlines:
        yield _deadline(told, due, status.now), None
    others = [task for task in status.tasks if task.kind != "campaign"]
    for task in others[:MOST]:
        failing = f"; failed {counted(task.failures, 'time')} in a row" if task.failures else ""
        since = "due since " if task.next_run <= status.now else ""
        yield f"task {task.name} {since}{when(task.next_run, status.now, told.zone)}{failing}", None
    if len(others) > MOST:
        yield f"{counted(len(others) - MOST, 'more task')}: turkctl tasks list", None
    yield _who_runs(told, status)


def _deadline(told: StatusWords, due: DeadlineStatus, now: datetime) -> str:
    one, many = _DEADLINES[due.what]
    words = f"{counted(due.number, one, many)}"
    if due.open:
        words += f" with {counted(due.open, 'open assignment')}"
    first = "" if due.number == 1 else "the first "
    return f"{words}, {first}{when(due.first, now, told.zone)}"


def _who_runs(told: StatusWords, status: Status) -> tuple[str, str | None]:
    """Say who runs tasks, with the command that starts somebody where nobody does."""
    state = status.scheduler
    if state.running and state.since is not None:
        since = local_time(state.since, status.now, told.zone)
        return f"the scheduler is process {state.pid} on {state.host}, since {since}", None
    if not status.tasks:
        return "no scheduler is running, and none is needed", None
    start = told.command("turkctl", "scheduler", "run")
    if not state.overdue:
        return "no scheduler is running; tasks need one", start
    are = plural(len(state.overdue), "is", "are")
    return f"warning: {listed(state.overdue)} {are} due, and no scheduler is running", start


def listed(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are."""
    names = list(names)
    more = [f"{len(names) - MOST:,} more"] if len(names) > MOST else []
    return ", ".join([*names[:MOST], *more])
