"""``turkctl hits``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from turkctl.cli import completion, select
from turkctl.cli.batch import run_batch
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import Listing
from turkctl.cli.terms import Terms, if_given
from turkctl.units import parse_duration, parse_money

app = make_group("Post, list, show, extend, expire, approve and delete HITs.")

HitId = Annotated[str, typer.Argument(metavar="ID", help="Id of the HIT.", autocompletion=completion.hits)]
Assignments = Annotated[
    int, typer.Option("--assignments", metavar="N", help="Number of assignments, which different workers do.")
]
Lifetime = Annotated[
    str | None,
    typer.Option(
        "--lifetime",
        metavar="D",
        help="Time for which workers can start on the HIT, as in 24h.",
        show_default="the experiment's",
    ),
]
Status = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help="Only HITs with this status: Assignable, Unassignable, Reviewable, Reviewing or Disposed.",
    ),
]


@app.command(name="list")
@bundled
def list_(
    ctx: typer.Context,
    selectors: select.WideSelectors,
    listing: Listing,
    status: Status = None,
    active: Annotated[bool, typer.Option("--active", help="Only HITs that workers can start on.")] = False,
    expired: Annotated[
        bool | None,
        typer.Option(
            "--expired/--unexpired",
            help="Only HITs whose lifetime is over; or only those whose lifetime is not, and that are not deleted.",
            show_default="both",
        ),
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the market for the counters first.")] = False,
    ended: select.Ended = False,
) -> None:
    """List the HITs of this mode, with their counters as the market last gave them.

    Examples:
        turkctl hits list --active
        turkctl hits list --experiment colours --refresh
        turkctl hits list --sort expires --columns hit_id,available,expires
    """
    from turkctl.operations.hits.lists import KEYS, columns_of, list_hits

    run = invocation(ctx)
    selection = selectors.selection()
    narrowed: dict[str, Any] = {"statuses": status or (), "active": active, "expired": expired}
    rows = list_hits(run.context, selection, **narrowed, refresh=refresh, ended=ended)
    listing.show(run, columns_of(rows), rows, keys=KEYS)


@app.command()
def show(ctx: typer.Context, hit_id: HitId) -> None:
    """Show one HIT in full, as the market has it now, with its assignments.

    Examples:
        turkctl hits show 3EXAMPLEHIT0000000000000000001
    """
    from turkctl.operations.hits.details import show_hit

    run = invocation(ctx)
    shown = show_hit(run.context, hit_id)
    if run.output.format == "table" and shown["items"]:
        shown["results"] = [
            {
                "assignment_id": each["assignment_id"],
                "key": row["key"],
                "question": row["question"],
                "answer": row["answer"],
            }
            for each in shown["assignments"]
            for row in each.pop("results")
        ]
    run.output.record(shown)


@app.command()
@bundled
def deadlines(
    ctx: typer.Context,
    selectors: select.Selectors,
    listing: Listing,
    within: Annotated[
        str, typer.Option("--within", metavar="D", help="How far ahead to look, as in 12h or 3d.")
    ] = "7d",
) -> None:
    """List what will soon happen by itself: approvals, expiries, final rejections, disposals.

    Examples:
        turkctl hits deadlines
        turkctl hits deadlines --experiment colours --within 12h
    """
    from turkctl.operations.hits.deadlines import COLUMNS, KEYS, list_deadlines

    run = invocation(ctx)
    selection = selectors.selection()
    listing.show(run, COLUMNS, list_deadlines(run.context, selection, parse_duration(within)), keys=KEYS)


@app.command()
def why(ctx: typer.Context, hit_id: HitId) -> None:
    """Explain what prevents deleting, extending, approving or paying bonuses, and when that changes.

    Examples:
        turkctl hits why 3EXAMPLEHIT0000000000000000001
    """
    from turkctl.operations.hits.why import COLUMNS, explain

    run = invocation(ctx)
    run.output.rows(COLUMNS, explain(run.context, hit_id))


@app.act()
@bundled
def create(
    ctx: typer.Context,
    assignments: Assignments,
    terms: Terms,
    lifetime: Lifetime = None,
    hits: Annotated[
        int, typer.Option("--hits", metavar="K", help="Number of copies to post, each with all its assignments.")
    ] = 1,
    allow_high_commission: Annotated[
        bool,
        typer.Option(
            "--allow-high-commission", help="Post one HIT even if it has 10 or more assignments, at 40 % commission."
        ),
    ] = False,
    allow_repeat_workers: Annotated[
        bool, typer.Option("--allow-repeat-workers", help="Let people who took part before take the HITs.")
    ] = False,
    new: select.New = False,
    resume: select.Resume = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Post HITs of an experiment; more than 9 assignments are split into HITs of at most 9.

    Examples:
        turkctl hits create --experiment colours --assignments 20 --dry-run
        turkctl hits create --experiment colours --assignments 9 --reward 0.80 --lifetime 12h
    """
    from turkctl.operations.hits.create import CreateRequest, prepare_create

    run = invocation(ctx)
    request = CreateRequest(
        **terms.values(),
        assignments=assignments,
        hits=hits,
        lifetime=if_given(parse_duration, lifetime),
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
    masters: Annotated[bool, typer.Option("--masters", help="Require Masters, at 5 % more commission.")] = False,
    fee: Annotated[
        str | None,
        typer.Option(
            "--fee",
            metavar="RULE",
            help="Rule of the market's commission: mturk or none.",
            show_default="the market's, as it last said",
        ),
    ] = None,
) -> None:
    """Work out what assignments would cost, commission included, and what splitting saves; post nothing.

    Examples:
        turkctl hits cost --assignments 100 --reward 0.50
    """
    from turkctl.operations.hits.cost import cost, find_rule

    run = invocation(ctx)
    rule = run.context.known_fee() if fee is None else find_rule(fee)
    run.output.record(cost(assignments, parse_money(reward), rule, masters=masters))


@app.act()
def extend(
    ctx: typer.Context,
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help="Ids of HITs.", callback=select.texts, autocompletion=completion.hits),
    ],
    assignments: Annotated[
        int, typer.Option("--assignments", metavar="N", help="Number of assignments to add to each HIT.")
    ] = 0,
    lifetime: Annotated[
        str | None, typer.Option("--lifetime", metavar="D", help="Time to add to each HIT's lifetime, as in 12h.")
    ] = None,
    new: select.New = False,
    resume: select.Resume = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Add assignments or time to HITs. A HIT of 9 or fewer assignments is not extended to 10 or more.

    Examples:
        turkctl hits extend 3EXAMPLEHIT0000000000000000001 --lifetime 12h
        turkctl hits extend 3EXAMPLEHIT0000000000000000001 --assignments 1 --dry-run
    """
    from turkctl.operations.hits.extend import ExtendRequest, prepare_extend

    run = invocation(ctx)
    more = if_given(parse_duration, lifetime)
    plan, act = prepare_extend(run.context, ExtendRequest(tuple(ids), assignments, more, new, resume))
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)


@app.act()
@bundled
def expire(
    ctx: typer.Context,
    selectors: select.WideSelectors,
    dry_run: select.DryRun = False,
) -> None:
    """Expire HITs, those with the highest reward first: no new worker can start, those at work may finish. Never asks.

    Examples:
        turkctl hits expire --all
        turkctl hits expire --experiment colours --dry-run
    """
    from turkctl.operations.hits.expire import prepare_expire

    run = invocation(ctx)
    selection = selectors.selection()
    plan, act = prepare_expire(run.context, selection.require())
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.act()
@bundled
def approve(
    ctx: typer.Context,
    selectors: select.WideSelectors,
    feedback: select.Feedback = None,
    override_rejection: select.OverrideRejection = False,
    dry_run: select.DryRun = False,
) -> None:
    """Approve, and so pay, all submitted work on the selected HITs, the newest included. Never asks.

    Examples:
        turkctl hits approve --experiment colours
        turkctl hits approve 3EXAMPLEHIT0000000000000000001 --feedback "Thank you"
    """
    from turkctl.operations.workers.approve import prepare_approve_hits

    run = invocation(ctx)
    chosen = selectors.selection().require()
    plan, act = prepare_approve_hits(run.context, chosen, feedback=feedback, override_rejection=override_rejection)
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.act()
@bundled
def delete(
    ctx: typer.Context,
    selectors: select.WideSelectors,
    force: Annotated[bool, typer.Option("--force", help="First expire HITs that are still open.")] = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Delete reviewable HITs with nothing left to decide; skip the others and say why.

    Examples:
        turkctl hits delete --experiment colours --dry-run
        turkctl hits delete 3EXAMPLEHIT0000000000000000001 --force
    """
    from turkctl.operations.hits.delete import prepare_delete

    run = invocation(ctx)
    selection = selectors.selection()
    plan, act = prepare_delete(run.context, selection.require(), force=force)
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)
