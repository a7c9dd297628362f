"""``turkctl hits``."""

from __future__ import annotations

from typing import Annotated

import typer

from turkctl.cli import select
from turkctl.cli.batch import run_batch
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation, make_group
from turkctl.units import parse_duration, parse_money

app = make_group("Post, list, show, extend, expire, approve and delete HITs.")

Assignments = Annotated[int, typer.Option("--assignments", metavar="N", help="Number of assignments.")]
Reward = Annotated[str | None, typer.Option("--reward", metavar="R", help="Dollars per assignment, as in 0.50.")]
Duration = Annotated[str | None, typer.Option("--duration", metavar="D", help="Time a worker has, as in 30m.")]
Lifetime = Annotated[str | None, typer.Option("--lifetime", metavar="D", help="Time to be taken, as in 24h.")]


@app.command(name="list")
@bundled
def list_(
    ctx: typer.Context,
    selectors: select.WideSelectors,
    status: Annotated[list[str] | None, typer.Option("--status", metavar="STATUS", help="Only these.")] = None,
    active: Annotated[bool, typer.Option("--active", help="Only those that workers can start on.")] = False,
    expired: Annotated[bool, typer.Option("--expired", help="Only those whose time is over.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the market for the counters first.")] = False,
) -> None:
    """List the HITs of this mode, with the counters that the market last told."""
    from turkctl.operations.hits.lists import columns_of, list_hits

    run = invocation(ctx)
    selection = selectors.selection()
    rows = list_hits(run.context, selection, statuses=status or (), active=active, expired=expired, refresh=refresh)
    run.output.rows(columns_of(rows), rows)


@app.command()
def show(ctx: typer.Context, hit_id: Annotated[str, typer.Argument(metavar="ID", help="A HIT.")]) -> None:
    """Show one HIT in full, as the market has it now, with its assignments."""
    from turkctl.operations.hits.details import show_hit

    run = invocation(ctx)
    run.output.record(show_hit(run.context, hit_id))


@app.command()
@bundled
def deadlines(
    ctx: typer.Context,
    selectors: select.Selectors,
    within: Annotated[str, typer.Option("--within", metavar="D", help="So far ahead, as in 12h or 3d.")] = "7d",
) -> None:
    """List what is about to happen by itself: approvals, expiries, final rejections, disposals."""
    from turkctl.operations.hits.deadlines import COLUMNS, list_deadlines

    run = invocation(ctx)
    selection = selectors.selection()
    run.output.rows(COLUMNS, list_deadlines(run.context, selection, parse_duration(within)))


@app.command()
def why(ctx: typer.Context, hit_id: Annotated[str, typer.Argument(metavar="ID", help="The HIT.")]) -> None:
    """Say what stands in the way of deleting, extending, approving and paying bonuses, and when it clears."""
    from turkctl.operations.hits.why import COLUMNS, explain

    run = invocation(ctx)
    run.output.rows(COLUMNS, explain(run.context, hit_id))


@app.command()
def create(
    ctx: typer.Context,
    assignments: Assignments,
    experiment: Annotated[
        str | None, typer.Option("--experiment", metavar="SLUG", help="May be left out where one is configured.")
    ] = None,
    reward: Reward = None,
    duration: Duration = None,
    lifetime: Lifetime = None,
    hits: Annotated[int, typer.Option("--hits", metavar="K", help="So many times.")] = 1,
    allow_high_commission: Annotated[
        bool, typer.Option("--allow-high-commission", help="One HIT, though ten or more assignments cost 40 %.")
    ] = False,
    allow_repeat_workers: Annotated[
        bool, typer.Option("--allow-repeat-workers", help="Let people who took part before take them.")
    ] = False,
    new: select.New = False,
    resume: select.Resume = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Post HITs of an experiment; more than 9 assignments become HITs of at most 9."""
    from turkctl.operations.hits.create import CreateRequest, prepare_create

    run = invocation(ctx)
    request = CreateRequest(
        experiment=experiment,
        assignments=assignments,
        hits=hits,
        reward=None if reward is None else parse_money(reward),
        duration=None if duration is None else parse_duration(duration),
        lifetime=None if lifetime is None else parse_duration(lifetime),
        allow_high_commission=allow_high_commission,
        allow_repeat_workers=allow_repeat_workers,
        new=new,
        resume=resume,
    )
    plan, act = prepare_create(run.context, request)
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)


@app.command()
def cost(
    ctx: typer.Context,
    assignments: Assignments,
    reward: Annotated[str, typer.Option("--reward", metavar="R", help="Dollars per assignment, as in 0.50.")],
    masters: Annotated[bool, typer.Option("--masters", help="Ask for Masters, at 5 % more.")] = False,
) -> None:
    """Say what assignments would cost, commission included, and what splitting saves; post nothing."""
    from turkctl.operations.hits.cost import cost

    invocation(ctx).output.record(cost(assignments, parse_money(reward), masters=masters))


@app.command()
def extend(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="HITs.")],
    assignments: Annotated[int, typer.Option("--assignments", metavar="N", help="So many assignments more.")] = 0,
    lifetime: Annotated[str | None, typer.Option("--lifetime", metavar="D", help="So much more time.")] = None,
    new: select.New = False,
    resume: select.Resume = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Add assignments or time; refuses to take a HIT of 9 or fewer assignments to 10 or more."""
    from turkctl.operations.hits.extend import ExtendRequest, prepare_extend

    run = invocation(ctx)
    more = None if lifetime is None else parse_duration(lifetime)
    plan, act = prepare_extend(run.context, ExtendRequest(tuple(ids), assignments, more, new, resume))
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)


@app.command()
@bundled
def expire(
    ctx: typer.Context,
    selectors: select.WideSelectors,
    dry_run: select.DryRun = False,
) -> None:
    """Let no new worker start, those at work may finish; the dearest HITs first. Never asks."""
    from turkctl.operations.hits.expire import prepare_expire

    run = invocation(ctx)
    selection = selectors.selection()
    plan, act = prepare_expire(run.context, selection.require())
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.command()
@bundled
def approve(
    ctx: typer.Context,
    selectors: select.WideSelectors,
    feedback: select.Feedback = None,
    override_rejection: select.OverrideRejection = False,
    dry_run: select.DryRun = False,
) -> None:
    """Approve, and so pay, all submitted work of those HITs, the latest included. Never asks."""
    from turkctl.operations.workers.approve import prepare_approve_hits

    run = invocation(ctx)
    chosen = selectors.selection().require()
    plan, act = prepare_approve_hits(run.context, chosen, feedback=feedback, override_rejection=override_rejection)
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.command()
@bundled
def delete(
    ctx: typer.Context,
    selectors: select.WideSelectors,
    force: Annotated[bool, typer.Option("--force", help="Expire those that are open first.")] = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Delete what is reviewable with nothing left to decide; skip the others with the reason."""
    from turkctl.operations.hits.delete import prepare_delete

    run = invocation(ctx)
    selection = selectors.selection()
    plan, act = prepare_delete(run.context, selection.require(), force=force)
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)
