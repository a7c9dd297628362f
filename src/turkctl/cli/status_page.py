"""The page of ``turkctl status``: short sections in words. Pure: a status, the room and the zone in, lines out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from turkctl.cli.bars import LONGEST, bars
from turkctl.cli.moments import in_words, local_time, span, when
from turkctl.cli.top import fold, fold_words
from turkctl.units import format_money
from turkctl.words import counted, plural

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from turkctl.operations.status.shapes import (
        CampaignStatus,
        ContentStatus,
        DeadlineStatus,
        ExperimentStatus,
        MoneyStatus,
        PeopleStatus,
        Status,
    )

LABEL = 10
"""Characters of the column that says what a line is about."""
MOST = 5
"""Tasks, runs or idle experiments that are named; more are a number."""
_UNLIMITED = 10**6
_RUNNING = ("active", "exhausted")
"""Of a campaign with another status, the numbers are those of its end."""
_DEADLINES = {
    "auto_approval": ("submitted assignment approves itself", "submitted assignments approve themselves"),
    "expiry": ("HIT expires", "HITs expire"),
    "final_rejection": ("rejection becomes final", "rejections become final"),
}


@dataclass(frozen=True)
class Page:
    """How a status is shown.

    Attributes:
        width: characters of a line; None where nothing is folded, for grep and awk.
        zone: of the times; this machine's by default.
        mode: ``--mode …`` for the commands that the page names, where the user gave it.
    """

    width: int | None = None
    zone: tzinfo | None = None
    mode: str = ""

    def lines(self, status: Status) -> list[str]:
        """Return the page, without charts."""
        return [line for part in self._sections(status) for line in ("", *part)][1:]

    def _sections(self, status: Status) -> Iterator[list[str]]:
        yield self._fold(f"Mode {status.mode}, {local_time(status.now, status.now, self.zone)}")
        told = [each for each in status.experiments if not each.idle]
        for experiment in told:
            yield [line for label, text in self._experiment(experiment, status) for line in self._line(label, text)]
        if len(told) > 1:
            yield [*self._fold("All experiments"), *self._labelled("money", _money(status.money))]
        idle = [each.experiment for each in status.experiments if each.idle and each.experiment and each.active]
        if idle:
            yield self._fold(f"Nothing posted yet for {_listed(idle)}")
        if not status.experiments:
            yield self._fold(
                "No experiment is configured yet: describe one in turkctl.toml, then run: turkctl experiments configure"
            )
        yield [*self._fold("To do"), *self._bulleted(_decisions(self, status))]
        yield [*self._fold("Coming up"), *self._bulleted(_coming(self, status))]

    # --- layout

    def _fold(self, text: str, indent: str = "", hang: str = "") -> list[str]:
        return fold(text, self.width or _UNLIMITED, indent=indent, hang=hang)

    def _line(self, label: str | None, text: str) -> list[str]:
        return self._fold(text) if label is None else self._labelled(label, text)

    def _labelled(self, label: str, text: str) -> list[str]:
        first, *others = self._fold(text, indent=" " * (2 + LABEL))
        return [f"  {label:<{LABEL}}{first[2 + LABEL :]}", *others]

    def _bulleted(self, items: Iterable[tuple[str, str | None]]) -> Iterator[str]:
        for text, command in items:
            yield from self._fold(text, indent="  ", hang="  ")
            if command is not None:
                words, width = command.split(), self.width or _UNLIMITED
                yield from fold_words(words, width, indent="      ", hang="  ", end=" \\")

    def command(self, *words: str) -> str:
        """Return a command line as it is to be typed."""
        return " ".join([*words, *([self.mode] if self.mode else [])])

    # --- sections

    def _experiment(self, each: ExperimentStatus, status: Status) -> Iterator[tuple[str | None, str]]:
        yield None, _heading(each)
        yield "people", _people(each.people, each.campaign)
        if each.campaign is not None:
            yield "campaign", self._campaign(each.campaign, status.now)
            if each.campaign.next_round is not None:
                yield "next", self._next_round(each.campaign, status)
            if each.campaign.eligible == 0 or each.campaign.quiet is not None:
                yield "stalled", self._stalled(each.campaign)
        yield "money", _money(each.money)
        if each.content is not None:
            yield "items", self._content(each.content, status.now)

    def _campaign(self, campaign: CampaignStatus, now: datetime) -> str:
        ended = "" if campaign.ended is None else f" {local_time(campaign.ended, now, self.zone)}"
        if campaign.status not in _RUNNING:
            ended += f" with {campaign.completed:,} of {campaign.goal:,} people"
        why = campaign.reason or f"{counted(campaign.rounds, 'round')} so far"
        words = [f"{campaign.id}, {campaign.status}{ended}: {why}"]
        if campaign.budget is not None and campaign.spent is not None:
            words.append(f"${_dollars(campaign.spent)} of its ${_dollars(campaign.budget)} committed")
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
        if content.per_hour is not None:
            words.append(f"{content.per_hour:,} an hour")
        if content.expected_end is not None:
            words.append(f"all there {when(content.expected_end, now, self.zone)} at this rate")
        return ", ".join(words)


def _heading(each: ExperimentStatus) -> str:
    if each.experiment is None:
        return "HITs of no experiment"
    inactive = "" if each.active else ", no longer configured"
    return f"{each.experiment}, code version {each.codeversion}{inactive}"


def _dollars(amount: Decimal) -> str:
    return format_money(amount)


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


def _money(money: MoneyStatus) -> str:
    kinds = {"rewards": money.rewards, "bonuses": money.bonuses}
    kinds |= {"compensation": money.compensation} if money.compensation else {}
    kinds |= {"fees": money.fees}
    paid = ", ".join(f"{name} ${_dollars(amount)}" for name, amount in kinds.items())
    words = [f"${_dollars(money.paid)} paid ({paid})", f"${_dollars(money.on_hold)} on hold"]
    if money.budget is not None and money.left is not None:
        words.append(f"${_dollars(money.left)} left of the budget of ${_dollars(money.budget)}")
    return "; ".join(words)


def _what(coming: Mapping[str, Any]) -> str:
    """Say what a round will do and why."""
    if coming["will_post"]:
        cost, number = _dollars(coming["cost"]), coming["will_post"]
        return f"posts {counted(number, 'assignment')} for ${cost}: {coming['why']}"
    if coming["outcome"] in ("waiting", "closed", "exhausted"):
        return f"posts nothing: {coming['why']}"
    return f"ends it ({coming['outcome']}): {coming['why']}"


def _decisions(page: Page, status: Status) -> Iterator[tuple[str, str | None]]:
    """Yield what waits for a person, each with the command that does it."""
    found = list(_of_experiments(page, status))
    yield from found
    unknown = status.decisions.unknown
    if unknown is not None and unknown.hits:
        seen, are = in_words(unknown.looked - status.now), plural(unknown.hits, "is", "are")
        yield (
            f"{counted(unknown.hits, 'HIT')} of the account {are} unknown here (seen {seen})",
            page.command("turkctl", "hits", "list", "--all-studies"),
        )
    for run in status.decisions.incomplete_runs[:MOST]:
        begun = local_time(run.begun, status.now, page.zone)
        done = f"{run.succeeded:,} of {run.matched:,} done"
        yield f"{done} by a command of {begun} that was cut short; for its rest, give it again", run.command
    more = len(status.decisions.incomplete_runs) - MOST
    if more > 0:
        yield f"{counted(more, 'more command')} did not come to {plural(more, 'its', 'their')} end", None
    if not found and not status.decisions.incomplete_runs and not (unknown is not None and unknown.hits):
        yield "nothing", None


def _of_experiments(page: Page, status: Status) -> Iterator[tuple[str, str | None]]:
    for each in status.experiments:
        of = "" if len(status.experiments) == 1 else f" of {each.experiment or 'no experiment'}"
        which = ("ID",) if each.experiment is None else ("--experiment", each.experiment)
        ids = "; see: turkctl hits list" if each.experiment is None else ""
        review, owed = each.to_review, each.bonuses_owed
        if review.assignments:
            group = "workers" if each.experiment is not None else "hits"
            yield _review(page, status, each, of) + ids, page.command("turkctl", group, "approve", *which)
        if owed.bonuses:
            are = plural(owed.bonuses, "is", "are")
            pay = page.command("turkctl", "workers", "bonus", *which, "--auto", "--reason", "TEXT")
            yield f"{counted(owed.bonuses, 'bonus', 'bonuses')}{of} {are} owed, ${_dollars(owed.amount)} in all", pay
        if owed.unclear:
            fix = page.command("turkctl", "participants", "set", "ID", "--bonus", "A")
            yield f"{counted(owed.unclear, 'bonus', 'bonuses')}{of} cannot be paid: no amount in cents", fix
        if each.deletable_hits:
            yield (
                f"{counted(each.deletable_hits, 'HIT')}{of} can be deleted{ids}",
                page.command("turkctl", "hits", "delete", *which),
            )


def _review(page: Page, status: Status, each: ExperimentStatus, of: str) -> str:
    review = each.to_review
    words = [f"{counted(review.assignments, 'assignment')}{of} to review"]
    if review.oldest is not None:
        words.append(f"the oldest of {local_time(review.oldest, status.now, page.zone)}")
    if review.approves is not None:
        first = "approves itself" if review.assignments == 1 else "the first approves itself"
        words.append(f"{first} {when(review.approves, status.now, page.zone)}")
    return ", ".join(words)


def _coming(page: Page, status: Status) -> Iterator[tuple[str, str | None]]:
    """Yield what happens next without a person, and who does it."""
    for due in status.deadlines:
        yield _deadline(page, due, status.now), None
    others = [task for task in status.tasks if task.kind != "campaign"]
    for task in others[:MOST]:
        failing = f"; failed {counted(task.failures, 'time')} in a row" if task.failures else ""
        since = "due since " if task.next_run <= status.now else ""
        yield f"task {task.name} {since}{when(task.next_run, status.now, page.zone)}{failing}", None
    if len(others) > MOST:
        yield f"{counted(len(others) - MOST, 'more task')}: turkctl tasks list", None
    yield _who_runs(page, status)


def _deadline(page: Page, due: DeadlineStatus, now: datetime) -> str:
    one, many = _DEADLINES[due.what]
    words = f"{counted(due.number, one, many)}"
    if due.open:
        words += f" with {counted(due.open, 'open assignment')}"
    first = "" if due.number == 1 else "the first "
    return f"{words}, {first}{when(due.first, now, page.zone)}"


def _who_runs(page: Page, status: Status) -> tuple[str, str | None]:
    """Say who runs tasks, with the command that starts somebody where nobody does."""
    state = status.scheduler
    if state.running and state.since is not None:
        since = local_time(state.since, status.now, page.zone)
        return f"the scheduler is process {state.pid} on {state.host}, since {since}", None
    if not status.tasks:
        return "no scheduler is running, and none is needed", None
    start = page.command("turkctl", "scheduler", "run")
    if not state.overdue:
        return "no scheduler is running; tasks need one", start
    are = plural(len(state.overdue), "is", "are")
    return f"warning: {_listed(state.overdue)} {are} due, and no scheduler is running", start


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = [f"{len(names) - MOST:,} more"] if len(names) > MOST else []
    return ", ".join([*names[:MOST], *more])


def charts(status: Status, width: int, encoding: str | None) -> list[str]:
    """Return bars: how far each campaign is, and the people of each day; nothing where there is nothing to draw."""
    return [*_progress(status, width, encoding), *_per_day(status, width, encoding)]


def _progress(status: Status, width: int, encoding: str | None) -> list[str]:
    found = [each.campaign for each in status.experiments if each.campaign is not None]
    if not found:
        return []
    names = [f"campaign {each.id}" for each in found]
    counts = [f"{each.completed:,} of {each.goal:,}" for each in found]
    room = width - 2 - max(map(len, names)) - max(map(len, counts)) - len("  ||  100 %") - 2
    lines = ["", "Progress"]
    for name, each, count in zip(names, found, counts, strict=True):
        share = min(each.completed, each.goal) / each.goal
        drawn = bars([min(each.completed, each.goal), each.goal], room, encoding=encoding)
        bar = f"|{drawn[0]:<{min(room, LONGEST)}}|  " if drawn else ""
        lines.append(
            f"  {name:<{max(map(len, names))}}  {count:>{max(map(len, counts))}}  {bar}{int(100 * share):>3} %"
        )
    return lines


def _per_day(status: Status, width: int, encoding: str | None) -> list[str]:
    lines: list[str] = []
    for slug in dict.fromkeys(day.experiment for day in status.days):
        days = [day for day in status.days if day.experiment == slug]
        counts = [f"{day.people:,}" for day in days]
        drawn = bars([day.people for day in days], width - 2 - 10 - 4 - max(map(len, counts)), encoding=encoding)
        lines += ["", f"People per day (UTC): {slug}"]
        for place, day in enumerate(days):
            bar = f"  {drawn[place]}" if drawn else ""
            lines.append(f"  {day.day}  {counts[place]:>{max(map(len, counts))}}{bar}")
    return lines
