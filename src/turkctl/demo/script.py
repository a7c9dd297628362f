"""The demo as a script of operations, each step described in a sentence."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turkctl.demo import study
from turkctl.errors import TurkctlError, UsageError
from turkctl.fees import LARGE_HIT, MTURK
from turkctl.made_databases import state_folder
from turkctl.operations.hits.cost import cost
from turkctl.scheduler.runner import Runner
from turkctl.settings import load
from turkctl.units import format_money
from turkctl.words import counted

if TYPE_CHECKING:
    from turkctl.context import Context
    from turkctl.market.crowd.simulation import Crowd

EVERY = timedelta(minutes=30)
PER_ROUND = 18
MOST_ROUNDS = 500
BUDGET_FACTOR = Decimal("1.5")
"""Allows for people who take part twice before a round can exclude them."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class DemoOutcome:
    """The result of the demo."""

    folder: Path
    campaign: Mapping[str, Any]
    balance_before: Decimal
    balance_after: Decimal
    cost: Decimal
    cost_in_large_hits: Decimal

    def as_dict(self) -> dict[str, Any]:
        """Return the record that ends the demo."""
        return {
            "folder": str(self.folder),
            **{key: self.campaign[key] for key in ("goal", "completed", "rounds", "status", "spent")},
            "balance_before": self.balance_before,
            "balance_after": self.balance_after,
            "cost": self.cost,
            "cost_in_large_hits": self.cost_in_large_hits,
        }


def play(folder: Path, goal: int, workers: int, tell: Tell) -> DemoOutcome:
    """Run the demo in an empty folder.

    Args:
        folder: created if it does not exist.
        goal: number of distinct people to recruit.
        workers: number of simulated workers.
        tell: called with each line of text.

    Raises:
        UsageError: the folder is not empty, or there are fewer workers than people wanted.
    """
    if workers < goal:
        raise UsageError(f"{workers} workers cannot be {goal} people", hint="raise --workers to --goal or more")
    context = _project(folder, goal)
    try:
        return _Play(context, folder, goal, workers, tell).run()
    finally:
        context.close()


def _project(folder: Path, goal: int) -> Context:
    price = cost(goal, Decimal(study.REWARD), MTURK, masters=False)["cost"]
    budget = (price * BUDGET_FACTOR).quantize(Decimal(1), ROUND_UP)
    return open_project(folder, lambda: study.write(folder, format_money(budget)))


def open_project(folder: Path, write: Callable[[], None]) -> Context:
    """Make a project in an empty folder, and open it.

    Args:
        folder: created if it does not exist.
        write: writes the project's files.

    Raises:
        UsageError: the folder is not empty, or cannot be written to.
    """
    from turkctl.context import Context

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty", hint="name a new folder with --keep")
        write()
    except OSError as error:
        raise UsageError(
            f"cannot write to {folder}: {error.strerror}", hint="name a folder that you can write to"
        ) from None
    settings = load({"config": str(folder / "turkctl.toml"), "mode": "local"}, {}, folder)
    context = Context(replace(settings, state_folder=state_folder(os.environ)))
    context.begin_anew()
    return context


def configure(context: Context) -> None:
    """Store the experiments of the project's files."""
    from turkctl.operations.configure import apply_configure, plan_configure
    from turkctl.operations.project.files import find

    configured = find(context.settings.project_file, context.settings.folder)
    with context.database.read() as session:
        changes = plan_configure(session, configured, whole=True)
    apply_configure(context.database, changes, context.now())


class _Play:
    def __init__(self, context: Context, folder: Path, goal: int, workers: int, tell: Tell) -> None:
        self.context = context
        self.folder = folder
        self.goal = goal
        self.workers = workers
        self.tell = tell

    def run(self) -> DemoOutcome:
        self._configure()
        before = self._balance()
        campaign = self._start()
        self._recruit(campaign)
        self._approve()
        self._aggregate()
        return self._end(campaign, before)

    def _configure(self) -> None:
        configure(self.context)
        self.tell(f"An experiment, '{study.SLUG}', is configured from {self.folder / 'turkctl.toml'}.")

    def _balance(self) -> Decimal:
        available = self.context.mturk.balance().available
        self.tell(f"The built-in market's account has ${format_money(available)} of play money.")
        return available

    def _start(self) -> int:
        from turkctl.operations.campaigns.lifecycle import check_startable, create
        from turkctl.operations.campaigns.requests import CampaignRequest, plan_campaign
        from turkctl.operations.tasks.manage import create_task
        from turkctl.scheduler.kinds import require_kind
        from turkctl.schedules import Schedule

        plan = plan_campaign(self.context, CampaignRequest(goal=self.goal, every=EVERY, per_round=PER_ROUND))
        check_startable(plan)
        ahead = plan.forecast
        self.tell(
            f"A campaign for {counted(self.goal, 'person', 'people')}: {counted(ahead.rounds, 'round')}, "
            f"{counted(ahead.hits, 'HIT')} of at most 9 assignments, "
            f"${format_money(ahead.cost)}. In HITs of ten or more it would be "
            f"${format_money(ahead.cost_in_large_hits)}, at twice the commission."
        )
        campaign = create(self.context, plan)
        hourly = Schedule(timedelta(hours=1))
        create_task(self.context, require_kind("approve-all"), schedule=hourly, name=None, options={})
        self.tell("A task, 'approve-all', approves (and so pays) submitted work every hour.")
        return campaign.number

    def _recruit(self, campaign: int) -> None:
        """Run what is due and let the simulated workers work, half an hour at a time."""
        people = self._people()
        began = self.context.now()
        self.tell(f"{self.workers} simulated workers look for work. The market's clock runs as fast as it can:")
        self.tell("  after    posted so far   complete   outstanding")
        for _ in range(MOST_ROUNDS):
            report = Runner(self.context).once()
            row = self._row(campaign)
            self.tell(_line(self.context.now() - began, row, self._posted(campaign)))
            if report.failing:
                raise TurkctlError(
                    f"tasks fail: {', '.join(sorted(report.failing))}", hint="see: turkctl tasks history"
                )
            if row["status"] == "met":
                return
            if row["status"] != "active":
                raise TurkctlError(f"the campaign is {row['status']}: {row['reason']}", hint="give more --workers")
            people.run(until=EVERY, idle=False)
        raise TurkctlError(f"the goal was not met in {MOST_ROUNDS} rounds", hint="give more --workers")

    def _people(self) -> Crowd:
        options = {"workers": self.workers, "seed": 7, "arrival": 45.0, "locales": "US=6,CA=2,GB=2", "repeat": 0.6}
        return self.context.crowd(options)

    def _row(self, campaign: int) -> dict[str, Any]:
        from turkctl.operations.campaigns.lists import row_of

        return row_of(self.context, campaign)

    def _posted(self, campaign: int) -> int:
        from turkctl.operations.hits.lists import list_hits
        from turkctl.operations.selection.hits import Selection

        return sum(row["max_assignments"] for row in list_hits(self.context, Selection(campaign=campaign)))

    def _approve(self) -> None:
        from turkctl.operations.selection.hits import Selection
        from turkctl.operations.selection.work import WorkSelection
        from turkctl.operations.workers.approve import prepare_approve

        plan, act = prepare_approve(self.context, WorkSelection(Selection(everything=True)))
        result = self.context.engine().apply(plan, act)
        done = counted(result.succeeded, "submission")
        self.tell(f"The goal is met. Approved at the end: {done}; the others were already approved.")

    def _aggregate(self) -> None:
        """Aggregate the workers' answers to one per HIT; say why if that is impossible."""
        from turkctl.operations.labels.runs import AggregateRequest, aggregate_experiments, unseen

        request = AggregateRequest(study.SLUG, lenient=True)
        for outcome in aggregate_experiments(self.context, request, unseen, lambda: False):
            if outcome.result is None:
                why = outcome.error
                self.tell(f"The answers are not aggregated: {why}" + (f"; {why.hint}" if why and why.hint else "."))
                continue
            run, labels = outcome.result.run, outcome.result.labels()
            flagged = sum(bool(row["flags"]) for row in outcome.result.worker_rows())
            self.tell(
                f"{counted(run.labels, 'answer')} to {counted(run.items, 'HIT')} aggregated by {run.method}: "
                f"{labels.count(True)} yes, {labels.count(False)} no, {labels.count(None)} undecided. "
                f"Workers flagged: {flagged}."
            )

    def _end(self, campaign: int, before: Decimal) -> DemoOutcome:
        from turkctl.operations.sync.run import sync

        sync(self.context, grant_took_part=False)
        row = self._row(campaign)
        after = self.context.mturk.balance().available
        posted = self._posted(campaign)
        if posted > row["completed"]:
            self.tell(
                f"{posted - row['completed']} of {posted} assignments were done by people who took part again before a "
                "round could exclude them: they are paid, and each person counts once."
            )
        large = cost_in_large_hits(posted)
        people = counted(row["completed"], "distinct person", "distinct people")
        self.tell(
            f"{people} took part; the balance went from ${format_money(before)} to "
            f"${format_money(after)}. In HITs of 9 this cost ${format_money(before - after)}; in HITs of ten or more "
            f"it would have cost ${format_money(large)}."
        )
        return DemoOutcome(self.folder, row, before, after, before - after, large)


def cost_in_large_hits(assignments: int) -> Decimal:
    """Return the cost in dollars of the same assignments in HITs of ten or more."""
    return MTURK.assignment_cost(Decimal(study.REWARD), LARGE_HIT) * assignments


def _line(after: timedelta, row: Mapping[str, Any], posted: int) -> str:
    hours, minutes = divmod(int(after.total_seconds()) // 60, 60)
    return f"  {hours:>2}h {minutes:02}m {posted:>13} {row['completed']:>10} {row['outstanding']:>13}"
