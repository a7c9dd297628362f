"""The kinds of tasks: name, operation, options. A new kind needs one line in :data:`KINDS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from turkctl.errors import FundsError, InterruptedByUserError, UsageError
from turkctl.operations.engine.plan import Act, BatchResult, ItemResult, Plan
from turkctl.operations.engine.world import World
from turkctl.operations.tasks.kinds import SELECTORS, RunSummary, TaskKind, selection_of
from turkctl.store import tasks
from turkctl.store.campaigns import MET
from turkctl.store.rounds import FAILED
from turkctl.store.tasks import Task
from turkctl.units import money_text
from turkctl.words import counted, meant

if TYPE_CHECKING:
    from turkctl.operations.campaigns.rounds import RoundReport

P = TypeVar("P")
Options = Mapping[str, Any]
BONUS_REASON = "Bonus for your work"
"""The reason that workers read if the task gives none."""
_DONE = {
    "approve": ("approve", "approved", "submission", "submissions"),
    "bonus": ("pay", "paid", "bonus", "bonuses"),
    "dispatch": ("post", "posted", "HIT", "HITs"),
    "expire": ("expire", "expired", "HIT", "HITs"),
}
"""The words for what the batches of tasks do, and to what."""
_NOTHING_POSTED = {
    "waiting": "posted nothing",
    "closed": "posted nothing",
    "exhausted": "waits for money",
    FAILED: "could not post",
}
"""The words for a round's outcome where nothing was posted; other outcomes are words themselves."""


def approve_all(world: World, options: Options, _now: datetime) -> RunSummary:
    """Approve all submitted work, including new work on the market."""
    from turkctl.operations.workers.approve import prepare_approve_hits

    plan, act = prepare_approve_hits(world, selection_of(options), feedback=options.get("feedback"))
    return apply(world, plan, act)


def sync(world: World, options: Options, _now: datetime) -> RunSummary:
    """Bring HITs and assignments up to date with the market."""
    from turkctl.operations.sync.run import sync as run

    report = run(world, full=bool(options.get("full")))
    read, failed = report.read, report.read.failed
    new = counted(read.assignments_new, "new assignment")
    text = f"checked {counted(report.hits_checked, 'HIT')}: {len(read.changed):,} changed, {new}"
    return RunSummary(text, error=_first(failed, f"{counted(len(failed), 'HIT')} could not be read"))


def expire(world: World, options: Options, _now: datetime) -> RunSummary:
    """Let no new worker start on HITs that match the selectors."""
    from turkctl.operations.hits.expire import prepare_expire

    plan, act = prepare_expire(world, selection_of(options))
    return apply(world, plan, act)


def bonus_auto(world: World, options: Options, _now: datetime) -> RunSummary:
    """Pay each approved assignment the bonus in its participant's row, once."""
    from turkctl.operations.payments.bonus import prepare_bonus
    from turkctl.operations.payments.orders import BonusRequest
    from turkctl.operations.selection.work import WorkSelection

    request = BonusRequest(options.get("reason", BONUS_REASON))
    plan, act = prepare_bonus(world, WorkSelection(selection_of(options)), request)
    return apply(world, plan, act)


def dispatch(world: World, options: Options, _now: datetime) -> RunSummary:
    """Post HITs for pending content; being stopped by limits, a budget or the balance is not a failure."""
    from turkctl.operations.content.dispatch import prepare_dispatch

    try:
        plan, act = prepare_dispatch(world, selection_of(options))
    except FundsError as error:
        return RunSummary(error.message)
    done = apply(world, plan, act)
    return replace(done, text="; ".join((done.text, *plan.notes)))


def aggregate_labels(world: World, options: Options, _now: datetime) -> RunSummary:
    """Aggregate the labels of experiments that have new ones."""
    from turkctl.operations.labels.aggregation import How
    from turkctl.operations.labels.runs import DONE, AggregateRequest, aggregate_experiments, unseen

    request = AggregateRequest(
        options.get("experiment"),
        options.get("regex"),
        How(options.get("method"), {"min_votes": options.get("min_votes")}),
        lenient=True,
    )
    try:
        outcomes = list(aggregate_experiments(world, request, unseen, world.engine().stop.is_set))
    except InterruptedByUserError as error:
        return RunSummary(error.message, interrupted=True)
    done = [each for each in outcomes if each.status == DONE]
    failed = [each.error for each in outcomes if each.error is not None]
    words = [each.in_words for each in done]
    told = f"{len(failed)} failed, the first with {failed[0].code}: {failed[0].message}" if failed else None
    return RunSummary(", ".join(words) or "no new labels", told, setback=bool(failed) and not done)


def campaign(world: World, options: Options, now: datetime) -> RunSummary:
    """Run a round of a campaign; its task is removed when the campaign is over."""
    from turkctl.operations.campaigns.rounds import run_round

    report = run_round(world, int(options["campaign"]), now)
    return RunSummary(
        round_in_words(report),
        error="; ".join(report.errors) or None,
        setback=report.failed > 0 and not report.posted,
        interrupted=report.batch is not None and report.batch.interrupted,
        ended=not report.campaign.running,
    )


def round_in_words(report: RoundReport) -> str:
    """Return what people read of a round, as in ``campaign 1: 9 of 12 people, posted 3 for $4.32``."""
    campaign, standing = report.campaign, report.standing
    start = f"campaign {campaign.number}: "
    if standing is None:
        return f"{start}it is {report.outcome}"
    start += f"{standing.completed} of {counted(campaign.goal, 'person', 'people')}"
    if report.posted and report.batch is not None:
        return f"{start}, posted {report.posted:,} for {money_text(report.batch.cost)}"
    if report.outcome == MET:
        return f"{start}, the goal is met"
    why = f": {report.reason}" if report.reason and report.outcome != FAILED else ""
    return f"{start}, {_NOTHING_POSTED.get(report.outcome, report.outcome)}{why}"


def apply(world: World, plan: Plan[P], act: Act[P]) -> RunSummary:
    """Apply a fresh plan; its failures are the run's error, and a setback only if nothing succeeded."""
    return of_batch(world.engine().apply(plan, act))


def of_batch(result: BatchResult) -> RunSummary:
    """Return a batch's result as a summary for the history."""
    error = _first(result.results, f"{result.failed} failed")
    setback = result.failed > 0 and result.succeeded == 0
    return RunSummary(batch_in_words(result), error, setback=setback, interrupted=result.interrupted)


def batch_in_words(result: BatchResult) -> str:
    """Return what people read of a task's batch, as in ``approved 12 submissions, 1 skipped``."""
    verb, done, thing, things = _DONE[result.action]
    price = f" for {money_text(result.cost)}" if result.cost else ""
    parts = [f"{done} {counted(result.succeeded, thing, things)}{price}" if result.succeeded else f"nothing to {verb}"]
    others = ((result.skipped, "skipped"), (result.failed, "failed"), (result.unstarted, "left for the next run"))
    parts += [f"{number:,} {word}" for number, word in others if number]
    return ", ".join(parts)


def _first(items: Sequence[ItemResult], what: str) -> str | None:
    """Return what failed, with the first error; None if nothing failed."""
    error = next((item.error for item in items if item.error is not None), None)
    return None if error is None else f"{what}, the first with {error.code}: {error.message}"


_ALL = (
    TaskKind(
        "approve-all",
        approve_all,
        options=(*SELECTORS, "feedback"),
        act="hits approve",
        does="approve all submitted work",
    ),
    TaskKind(
        "bonus-auto",
        bonus_auto,
        options=(*SELECTORS, "reason"),
        needs_selection=True,
        act="workers bonus",
        does="pay each approved assignment the bonus in its participant's row, once",
        spends="pays all bonuses that are due then",
    ),
    TaskKind("sync", sync, options=("full",), act="sync", does="bring HITs and work up to date with the market"),
    TaskKind(
        "dispatch",
        dispatch,
        options=("regex", "experiment", "codeversion", "all"),
        act="content dispatch",
        does="post HITs for pending content",
        spends="posts HITs for all content that is pending then",
    ),
    TaskKind(
        "aggregate-labels",
        aggregate_labels,
        options=("regex", "experiment", "all", "method", "min_votes"),
        act="labels aggregate",
        does="aggregate the labels of experiments that have new ones",
    ),
    TaskKind(
        "expire",
        expire,
        options=SELECTORS,
        needs_selection=True,
        act="hits expire",
        does="let no new worker start on HITs",
    ),
    TaskKind(
        tasks.CAMPAIGN,
        campaign,
        options=("campaign",),
        by_hand=False,
        act="campaigns run",
        does="run a round of its campaign",
        spends="posts the HITs that the campaign needs then",
    ),
)
KINDS: dict[str, TaskKind] = {kind.name: kind for kind in _ALL}


def require_kind(name: str) -> TaskKind:
    """Return the kind named in ``tasks create``.

    Raises:
        UsageError: there is no such kind, or only campaigns create it.
    """
    kind = KINDS.get(name)
    known = [each.name for each in KINDS.values() if each.by_hand]
    if kind is not None and kind.by_hand:
        return kind
    if name == tasks.CAMPAIGN:
        raise UsageError("campaigns create their own tasks", hint="run: turkctl campaigns create --goal N")
    raise UsageError(
        f"there is no kind of task '{name}'",
        hint=f"kinds are {', '.join(known)}" + meant(name, known),
    )


def act_on(task: Task, world: World, now: datetime) -> RunSummary:
    """Run a task once in its world.

    Raises:
        UsageError: this turkctl does not have this kind.
        TurkctlError: whatever its operation raises.
    """
    kind = KINDS.get(task.kind)
    if kind is None:
        raise UsageError(f"this turkctl cannot run tasks of kind {task.kind}", hint="upgrade turkctl")
    return kind.run(world, task.options, now)
