"""``turkctl qualifications``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from turkctl.cli.batch import run_batch
from turkctl.cli.common import invocation, make_group
from turkctl.cli.select import DryRun

app = make_group("Qualification types of your own, and the workers who hold them.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name in the project file or on the market, or its id.")]
Workers = Annotated[list[str] | None, typer.Argument(metavar="[WORKER]...", help="Ids of workers.", show_default=False)]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="A table with a column worker_id, or a list with one id in a line; - is standard input.",
    ),
]
WorkerColumn = Annotated[
    str | None,
    typer.Option("--worker-column", metavar="COL", help="--from: column of the worker; worker_id, worker or id."),
]


@app.command(name="list")
def list_(
    ctx: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those of the account that this database does not know.")
    ] = False,
) -> None:
    """List the qualification types that turkctl made in this mode."""
    from turkctl.operations.qualifications.by_name import list_account, list_types

    run = invocation(ctx)
    if everything:
        rows = list_account(run.context)
    else:
        with run.context.database.read() as session:
            rows = list_types(session, run.context.listing_place)
    run.output.rows(["qualification", "name", "type_id", "active", "purpose", "created"], rows)


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What workers read; an account has each name once.")],
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What it stands for.")],
    keywords: Annotated[
        list[str] | None, typer.Option("--keyword", metavar="WORD", help="To find it by; repeatable.")
    ] = None,
    auto_granted_value: Annotated[
        int | None, typer.Option("--auto-granted-value", metavar="N", help="Who asks for it gets it, with this value.")
    ] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Workers cannot ask for it.")] = False,
) -> None:
    """Make a qualification type, once: one of that name is taken as it is, and described anew."""
    from turkctl.operations.qualifications.by_name import create_type, spec_of

    run = invocation(ctx)
    spec = spec_of(name, description, keywords or (), auto_granted_value, active=not inactive)
    run.output.record(create_type(run.context, name, spec))


@app.command()
def grant(
    ctx: typer.Context,
    name: Name,
    workers: Workers = None,
    value: Annotated[int, typer.Option("--value", metavar="N", help="The score they get.")] = 1,
    notify: Annotated[bool, typer.Option("--notify", help="Have the market write to them.")] = False,
    file: From = None,
    worker_column: WorkerColumn = None,
    dry_run: DryRun = False,
) -> None:
    """Grant a qualification to workers, silently unless told; a second time sets the value anew."""
    from turkctl.operations.qualifications.grants import prepare_grant, read_workers

    run = invocation(ctx)
    chosen = read_workers(workers or (), file, run.output.stdin, worker_column)
    plan, act = prepare_grant(run.context, name, chosen, value=value, notify=notify)
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.command()
def revoke(
    ctx: typer.Context,
    name: Name,
    workers: Workers = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Sent to them; without it they are not told.")
    ] = None,
    file: From = None,
    worker_column: WorkerColumn = None,
    dry_run: DryRun = False,
) -> None:
    """Take a qualification away from workers; who does not hold it is done already."""
    from turkctl.operations.qualifications.grants import prepare_revoke, read_workers

    run = invocation(ctx)
    chosen = read_workers(workers or (), file, run.output.stdin, worker_column)
    plan, act = prepare_revoke(run.context, name, chosen, reason=reason)
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.command()
def workers(
    ctx: typer.Context,
    name: Name,
    revoked: Annotated[bool, typer.Option("--revoked", help="Those whom it was taken from, instead.")] = False,
) -> None:
    """List who holds a qualification, as the market says."""
    from turkctl.operations.qualifications.by_name import find_type, holders

    run = invocation(ctx)
    rows: list[dict[str, Any]] = holders(run.context, find_type(run.context, name), revoked=revoked)
    run.output.rows(["worker_id", "value", "status", "granted"], rows)
