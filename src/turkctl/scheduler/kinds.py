"""The kinds of tasks: name, operation, options. A new kind needs one line in :data:`KINDS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from turkctl.errors import FundsError, InterruptedByUserError, UsageError
from turkctl.operations.engine.plan import Act, BatchResult, ItemResult, Plan
from turkctl.operations.engine.world import World
from turkctl.operations.tasks.kinds import SELECTORS, RunSummary, TaskKind, selection_of
from turkctl.store import tasks
from turkctl.store.tasks import Task
from turkctl.words import meant

P = TypeVar("P")
Options = Mapping[str, Any]
BONUS_REASON = "Bonus for your work"
"""The reason that workers read if the task gives none."""


def approve_all(world: World, options: Options, _now: datetime) -> RunSummary:
    """Approve all submitted work, including new work on the market."""
    from turkctl.operations.workers.approve import prepare_approve_hits

    plan, act = prepare_approve_hits(world, selection_of(options), feedback=options.get("feedback"))
    return apply(world, plan, act)


def sync(world: World, options: Options, _now: datetime) -> RunSummary:
    """Bring HITs and assignments up to date with the market."""
    from turkctl.operations.qualifications.took_part import grant_new
    from turkctl.operations.sync.run import sync as run

    report = run(world, full=bool(options.get("full")), grant=grant_new)
    text = (
        f"{report.hits_checked} HITs checked, {len(report.read.changed)} changed, "
        f"{report.read.assignments_new} new assignments"
    )
    failed = report.read.failed
    return RunSummary(text, error=_first(failed, f"{len(failed)} HITs could not be read"))


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
    words = [f"{each.version.slug}: {sum(each.changes.values()):,} labels changed" for each in done]
    told = f"{len(failed)} failed, the first with {failed[0].code}: {failed[0].message}" if failed else None
    return RunSummary("; ".join(words) or "nothing new", told, setback=bool(failed) and not done)


def campaign(world: World, options: Options, now: datetime) -> RunSummary:
    """Run a round of a campaign; its task is removed when the campaign is over."""
    from turkctl.operations.campaigns.rounds import run_round

    report = run_round(world, int(options["campaign"]), now)
    words = [report.outcome if report.round is None else f"round {report.round}: {report.outcome}"]
    if report.standing is not None:
        words.append(f"{report.standing.completed} of {report.campaign.goal} complete")
        words.append(f"{report.standing.outstanding} outstanding before, {report.posted} posted")
    if report.reason:
        words.append(report.reason)
    return RunSummary(
        ", ".join(words),
        error="; ".join(report.errors) or None,
        setback=report.failed > 0 and not report.posted,
        interrupted=report.batch is not None and report.batch.interrupted,
        ended=not report.campaign.running,
    )


def apply(world: World, plan: Plan[P], act: Act[P]) -> RunSummary:
    """Apply a fresh plan; its failures are the run's error, and a setback only if nothing succeeded."""
    return of_batch(world.engine().apply(plan, act))


def of_batch(result: BatchResult) -> RunSummary:
    """Return a batch's result as a summary for the history."""
    error = _first(result.results, f"{result.failed} failed")
    setback = result.failed > 0 and result.succeeded == 0
    return RunSummary(result.summary(), error, setback=setback, interrupted=result.interrupted)


def _first(items: Sequence[ItemResult], what: str) -> str | None:
    """Return what failed, with the first error; None if nothing failed."""
    error = next((item.error for item in items if item.error is not None), None)
    return None if error is None else f"{what}, the first with {error.code}: {error.message}"


_ALL = (
    TaskKind("approve-all", approve_all, options=(*SELECTORS, "feedback"), act="hits approve"),
    TaskKind("bonus-auto", bonus_auto, options=(*SELECTORS, "reason"), needs_selection=True, act="workers bonus"),
    TaskKind("sync", sync, options=("full",), act="sync"),
    TaskKind("dispatch", dispatch, options=("regex", "experiment", "codeversion", "all"), act="content dispatch"),
    TaskKind(
        "aggregate-labels",
        aggregate_labels,
        options=("regex", "experiment", "all", "method", "min_votes"),
        act="labels aggregate",
    ),
    TaskKind("expire", expire, options=SELECTORS, needs_selection=True, act="hits expire"),
    TaskKind(tasks.CAMPAIGN, campaign, options=("campaign",), by_hand=False, act="campaigns run"),
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
