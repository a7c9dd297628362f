"""``turkctl qualifications``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli import select
from turkctl.cli.batch import run_batch
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import Listing
from turkctl.words import counted

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.qualifications.grants import Named

_SHOWN = 5
"""People whom a note names."""

app = make_group("Create and delete qualification types; grant and revoke them.")

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Name of the qualification in the project file or on the market, or its id."),
]
Workers = Annotated[
    list[str] | None,
    typer.Argument(metavar="[WORKER]...", help="Ids of workers.", show_default=False, callback=select.texts),
]
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
    typer.Option(
        "--worker-column",
        "--column",
        metavar="COL",
        help="--from: column of the worker.",
        show_default="worker_id, worker, own_id or id",
    ),
]


@app.command(name="list")
@bundled
def list_(
    ctx: typer.Context,
    listing: Listing,
    everything: Annotated[
        bool, typer.Option("--all", help="Also types of the account that this database does not know.")
    ] = False,
) -> None:
    """List the qualification types that turkctl created in this mode.

    Examples:
        turkctl qualifications list
        turkctl qualifications list --all
    """
    from turkctl.operations.qualifications.by_name import KEYS, list_account, list_types

    run = invocation(ctx)
    if everything:
        rows = list_account(run.context)
    else:
        with run.context.database.read() as session:
            rows = list_types(session, run.context.listing_place)
    listing.show(run, ["qualification", "name", "type_id", "active", "purpose", "created"], rows, keys=KEYS)


@app.act()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name that workers see; unique in the account.")],
    description: Annotated[
        str, typer.Option("--description", metavar="TEXT", help="What the qualification stands for; workers see it.")
    ],
    keywords: Annotated[
        list[str] | None, typer.Option("--keyword", metavar="WORD", help="Keyword to find it by.")
    ] = None,
    auto_granted_value: Annotated[
        int | None,
        typer.Option("--auto-granted-value", metavar="N", help="Grant it with this value to whoever requests it."),
    ] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Do not let workers request it.")] = False,
) -> None:
    """Create a qualification type, or update the description of the one with this name.

    Examples:
        turkctl qualifications create "Speaks German" --description "Passed our test of German."
    """
    from turkctl.operations.qualifications.by_name import create_type, spec_of

    run = invocation(ctx)
    spec = spec_of(name, description, keywords or (), auto_granted_value, active=not inactive)
    run.output.outcome(create_type(run.context, name, spec))


@app.act()
def grant(
    ctx: typer.Context,
    name: Name,
    workers: Workers = None,
    value: Annotated[int, typer.Option("--value", metavar="N", help="Value to grant, a whole number.")] = 1,
    notify: Annotated[bool, typer.Option("--notify", help="Let the market notify the workers.")] = False,
    file: From = None,
    worker_column: WorkerColumn = None,
    dry_run: select.DryRun = False,
) -> None:
    """Grant a qualification to workers, without notifying them; granting it again changes the value.

    On turkctl's own market, people whom you name by an id of your own are made if they are not there yet.

    Examples:
        turkctl qualifications grant trained A1EXAMPLEWORKER --value 90
        turkctl qualifications grant trained --from passed.txt --value 90 --dry-run
    """
    from turkctl.operations.qualifications.grants import prepare_grant, read_workers

    run = invocation(ctx)
    chosen = _or_new(run, read_workers(workers or (), file, run.output.stdin, worker_column), make=not dry_run)
    plan, act = prepare_grant(run.context, name, chosen, value=value, notify=notify)
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


def _or_new(run: Invocation, named: Named, *, make: bool) -> Named:
    """Return the workers with those in the place of own ids; whoever is new is made, or left out of a dry run."""
    from turkctl.operations.selection.own_ids import meant_or_new

    found = meant_or_new(run.context, [each for each, _row in named], make=make)
    if found.new:
        names = ", ".join(found.new[:_SHOWN]) + (", …" if len(found.new) > _SHOWN else "")
        act = "made" if make else "a run would make, and grant it to,"
        run.output.note(f"{act} {counted(len(found.new), 'person', 'people')} not there yet: {names}")
    left_out = () if make else found.new
    return [(found.workers.get(each, each), row) for each, row in named if each not in left_out]


@app.act()
def revoke(
    ctx: typer.Context,
    name: Name,
    workers: Workers = None,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="TEXT", help="Reason, sent to the workers; without it they are not notified."),
    ] = None,
    file: From = None,
    worker_column: WorkerColumn = None,
    dry_run: select.DryRun = False,
) -> None:
    """Take a qualification away from workers; those who do not hold it are skipped.

    Examples:
        turkctl qualifications revoke trained A1EXAMPLEWORKER --reason "The training has changed."
    """
    from turkctl.operations.qualifications.grants import prepare_revoke, read_workers
    from turkctl.operations.selection.own_ids import worker_ids

    run = invocation(ctx)
    named = read_workers(workers or (), file, run.output.stdin, worker_column)
    found = worker_ids(run.context, [each for each, _row in named])
    chosen = [(found.get(each, each), row) for each, row in named]
    plan, act = prepare_revoke(run.context, name, chosen, reason=reason)
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.act()
def delete(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="Names or ids of qualifications.", callback=select.texts),
    ],
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Delete qualification types, for good: nobody holds them any more. Those that are needed are refused.

    Needed is what configured experiments or HITs ask for. `experiments end` deletes the types that keep people out of
    its experiment.

    Examples:
        turkctl qualifications delete trained --dry-run
        turkctl qualifications delete trained --yes
    """
    from turkctl.operations.qualifications.delete import prepare_delete_types

    run = invocation(ctx)
    plan, act = prepare_delete_types(run.context, names)
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)


@app.command()
@bundled
def workers(
    ctx: typer.Context,
    name: Name,
    listing: Listing,
    revoked: Annotated[
        bool, typer.Option("--revoked", help="List workers from whom it was taken away instead.")
    ] = False,
) -> None:
    """List the workers who hold a qualification, as the market has it.

    Examples:
        turkctl qualifications workers trained
        turkctl qualifications workers trained --sort value --desc
    """
    from turkctl.operations.qualifications.by_name import find_type, holders

    run = invocation(ctx)
    rows: list[dict[str, Any]] = holders(run.context, find_type(run.context, name), revoked=revoked)
    listing.show(run, ["worker_id", "value", "status", "granted"], rows)
