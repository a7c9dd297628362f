"""``turkctl workers``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from turkctl.cli import select
from turkctl.cli.approvals import watch_approvals
from turkctl.cli.batch import confirm, run_batch
from turkctl.cli.bundles import bundled
from turkctl.cli.commands import payments
from turkctl.cli.common import invocation, make_group

app = make_group("List workers; approve, reject, write to, block and exclude them.")
app.add_typer(payments.app, name="payments")

Workers = Annotated[list[str], typer.Argument(metavar="WORKER...", help="Workers.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; the worker does not see it.")]


@app.command(name="list")
@bundled
def list_(
    ctx: typer.Context,
    selectors: select.WorkSelectors,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the market who is blocked.")] = False,
    gold: Annotated[
        bool, typer.Option("--gold", help="Also how many known answers each was asked for, and the share right.")
    ] = False,
    wage: Annotated[bool, typer.Option("--wage", help="Also hours worked and dollars earned in an hour.")] = False,
    group_by: Annotated[
        list[str] | None,
        typer.Option(
            "--group-by",
            metavar="COL",
            help="--wage: by experiment, condition, codeversion or campaign instead of by worker. Repeatable.",
        ),
    ] = None,
) -> None:
    """List workers of this mode: assignments by status, earned, bonus, last seen."""
    from turkctl.operations.selection import gold as known_answers
    from turkctl.operations.workers import wages
    from turkctl.operations.workers.lists import COLUMNS, list_workers

    run = invocation(ctx)
    wanted = selectors.work()
    if group_by:
        _check_grouping(wage=wage, refresh=refresh, gold=gold)
        run.output.rows(*wages.by_group(run.context, wanted, group_by))
        return
    rows = list_workers(run.context, wanted, refresh=refresh, gold=gold)
    shown = [name for name in COLUMNS if refresh or name != "blocked"]
    columns = [*shown, *(known_answers.COLUMNS if gold else ()), *(wages.OF_WORKER if wage else ())]
    run.output.rows(columns, wages.of_workers(run.context, wanted, rows) if wage else rows)


def _check_grouping(*, wage: bool, refresh: bool, gold: bool) -> None:
    """See that the other options mean something with ``--group-by``.

    Raises:
        UsageError: they do not.
    """
    from turkctl.errors import UsageError

    if not wage:
        raise UsageError("--group-by groups wages", hint="add --wage")
    if refresh:
        raise UsageError("--refresh asks who is blocked, which groups do not show", hint="leave one of them out")
    if gold:
        raise UsageError("--gold is about each worker, which groups do not show", hint="leave one of them out")


@app.command()
@bundled
def approve(
    ctx: typer.Context,
    selectors: select.WideWorkSelectors,
    feedback: select.Feedback = None,
    override_rejection: select.OverrideRejection = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until interrupted: approve what is submitted when it arrives.")
    ] = False,
    dry_run: select.DryRun = False,
) -> None:
    """Approve, and so pay, all that is marked submitted. Never asks."""
    from turkctl.operations.workers.approve import prepare_approve

    run = invocation(ctx)
    wanted = selectors.work().require()
    if watch:
        if dry_run or override_rejection or wanted.min_gold is not None:
            raise typer.BadParameter("--watch goes with none of --dry-run, --override-rejection and --min-gold")
        raise typer.Exit(watch_approvals(run, wanted, feedback))
    plan, act = prepare_approve(run.context, wanted, feedback=feedback, override_rejection=override_rejection)
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.command()
@bundled
def bonus(
    ctx: typer.Context,
    selectors: select.WideWorkSelectors,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="What for; the worker reads it.")
    ] = None,
    auto: Annotated[bool, typer.Option("--auto", help="Pay approved work what its row's bonus column says.")] = False,
    amount: Annotated[str | None, typer.Option("--amount", metavar="A", help="Dollars for each.")] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A table of id, amount and reason for each; - is standard input."),
    ] = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="--from: pay the good rows although there are bad ones.")
    ] = False,
    purpose: Annotated[
        str | None,
        typer.Option("--purpose", metavar="NAME", help="Paid once per assignment; auto with --auto, else the reason."),
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Pay every assignment of a worker that is named.")] = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Pay bonuses: each once for its purpose, whatever happens in between."""
    from turkctl.errors import UsageError
    from turkctl.operations.payments.bonus import prepare_bonus
    from turkctl.operations.payments.from_file import prepare_bonus_file
    from turkctl.operations.payments.orders import BonusRequest
    from turkctl.units import parse_money

    run = invocation(ctx)
    if (auto, amount is not None, source is not None).count(True) != 1:
        raise UsageError("say how much to pay", hint="give one of --auto, --amount A and --from FILE")
    chosen = selectors.work()
    if source is not None:
        if chosen != select.WideWorkSelectors().work():
            raise UsageError("--from names whom to pay in its file", hint="leave ids and selectors out")
        plan, act = prepare_bonus_file(
            run.context,
            source,
            run.output.stdin,
            reason=reason,
            purpose=purpose,
            each=each,
            skip_bad_rows=skip_bad_rows,
        )
    else:
        dollars = None if amount is None else parse_money(amount)
        plan, act = prepare_bonus(run.context, chosen.require(), BonusRequest(reason or "", dollars, purpose, each))
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)


@app.command()
def reject(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ASSIGNMENT...", help="Assignments.")],
    feedback: Annotated[str, typer.Option("--feedback", metavar="TEXT", help="Why; the worker reads it.")],
    people: Annotated[
        int | None,
        typer.Option("--people", metavar="N", min=0, help="Go ahead if it concerns N people; else nothing is done."),
    ] = None,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Reject submitted work: it is not paid. In mode live, several people take their number as the answer."""
    from turkctl.cli.people import agreed_on_people
    from turkctl.operations.workers.reject import people as concerned
    from turkctl.operations.workers.reject import prepare_reject

    run = invocation(ctx)
    plan, act = prepare_reject(run.context, list(dict.fromkeys(ids)), feedback)
    if not dry_run:
        yes = agreed_on_people(run, "reject the work of", concerned(plan), given=people) or yes
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)


@app.command()
def message(
    ctx: typer.Context,
    workers: Workers,
    subject: Annotated[str, typer.Option("--subject", metavar="S", help="At most 200 characters.")],
    text: Annotated[str, typer.Option("--text", metavar="T", help="At most 4,096 characters.")],
    new: select.New = False,
    resume: select.Resume = False,
    dry_run: select.DryRun = False,
) -> None:
    """Write to workers who did work for this account, a hundred with each request."""
    from turkctl.operations.workers.message import MessageRequest, prepare_message

    run = invocation(ctx)
    plan, act = prepare_message(run.context, MessageRequest(tuple(workers), subject, text, new, resume))
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.command()
def compensate(
    ctx: typer.Context,
    worker: Annotated[str, typer.Argument(metavar="WORKER", help="The worker who is paid.")],
    amount: Annotated[str, typer.Option("--amount", metavar="A", help="Dollars, as in 2.50; commission comes on top.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What for; the worker reads it.")],
    experiment: Annotated[
        str | None, typer.Option("--experiment", metavar="SLUG", help="The experiment whose budget pays.")
    ] = None,
    lifetime: Annotated[str, typer.Option("--lifetime", metavar="D", help="Time to accept the HIT.")] = "14d",
    new: select.New = False,
    resume: select.Resume = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Pay somebody who did the work and could not submit it, by a HIT that this worker alone can see."""
    from turkctl.operations.payments.compensate import CompensateRequest, prepare_compensate
    from turkctl.operations.payments.compensate import compensate as carry_out
    from turkctl.units import parse_duration, parse_money

    run = invocation(ctx)
    wanted = CompensateRequest(worker, parse_money(amount), reason, experiment, parse_duration(lifetime), new, resume)
    plan = prepare_compensate(run.context, wanted)
    for note in plan.notes:
        run.output.note(note)
    if dry_run:
        raise typer.Exit(run.output.batch(plan.preview()))
    if plan.steps and run.settings.mode == "live" and not yes:
        confirm(run, plan)
    result = carry_out(run.context, plan)
    for item in result.results:
        if item.error is None:
            run.output.note(f"{item.id}: {item.detail}")
    raise typer.Exit(run.output.batch(result))


@app.command()
def block(
    ctx: typer.Context, workers: Workers, reason: Reason = None, dry_run: select.DryRun = False, yes: select.Yes = False
) -> None:
    """Let workers do no more work for this account. To keep them out of one experiment, use exclude."""
    from turkctl.operations.workers.block import prepare_block

    run = invocation(ctx)
    plan, act = prepare_block(run.context, workers, reason)
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)


@app.command()
def unblock(ctx: typer.Context, workers: Workers, reason: Reason = None, dry_run: select.DryRun = False) -> None:
    """Take blocks away."""
    from turkctl.operations.workers.block import prepare_block

    run = invocation(ctx)
    plan, act = prepare_block(run.context, workers, reason, unblock=True)
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.command()
@bundled
def exclude(
    ctx: typer.Context,
    selectors: select.WorkSelectors,
    dry_run: select.DryRun = False,
) -> None:
    """Keep those who took part out of later HITs of the experiment, by a qualification; nobody is told."""
    from turkctl.operations.workers.exclude import prepare_exclude

    run = invocation(ctx)
    wanted = selectors.work().require()
    plan, act = prepare_exclude(run.context, wanted)
    run_batch(run, plan, act, dry_run=dry_run, asks=False)
