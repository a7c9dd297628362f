"""``turkctl content``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from turkctl.cli import select
from turkctl.cli.batch import run_batch
from turkctl.cli.common import invocation, make_group

app = make_group("Items of an experiment, posted by priority until each has its outputs.")

MOST = 10**9

Experiment = Annotated[
    str | None, typer.Option("--experiment", metavar="SLUG", help="May be left out where one is configured.")
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key", metavar="COL", help="The column that names an item; else key or id, else a digest of the row."
    ),
]


@app.command()
def add(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON Lines or JSON; - is standard input.")],
    experiment: Experiment = None,
    key: Key = None,
    priority: Annotated[
        str | None,
        typer.Option("--priority", metavar="COL", help="A column, or arithmetic over columns: 'votes / (age + 1)'."),
    ] = None,
    gold: Annotated[
        str | None, typer.Option("--gold", metavar="COL", help="The column with the known answer, where there is one.")
    ] = None,
    outputs: Annotated[
        int | None, typer.Option("--outputs", metavar="N", help="Outputs wanted of each; else as the settings say.")
    ] = None,
    dry_run: select.DryRun = False,
) -> None:
    """Add items, or update those of the same key: all rows of the file, or none where one is bad."""
    from turkctl.operations.content.items import AddRequest, add_content

    run = invocation(ctx)
    request = AddRequest(file, experiment, key, priority, gold, outputs)
    report = add_content(run.context, request, run.output.stdin, dry_run=dry_run)
    for note in report.notes:
        run.output.note(note)
    run.output.record(report.as_dict())


@app.command(name="list")
def list_(
    ctx: typer.Context,
    experiment: select.Experiment = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="Only what the next dispatch would be about, in its order.")
    ] = False,
    gold: Annotated[bool, typer.Option("--gold", help="Only items with a known answer.")] = False,
    removed: Annotated[bool, typer.Option("--removed", help="Those that were removed, instead of the others.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=0, max=MOST, help="At most so many.")] = None,
    offset: Annotated[int, typer.Option("--offset", metavar="N", min=0, max=MOST, help="After so many.")] = 0,
) -> None:
    """List items: outputs wanted, completed, and scheduled on HITs that are out."""
    from turkctl.operations.content.items import COLUMNS, list_content

    run = invocation(ctx)
    rows = list_content(
        run.context, experiment, pending=pending, gold=gold, removed=removed, limit=limit, offset=offset
    )
    run.output.rows(COLUMNS, rows)


@app.command()
def remove(
    ctx: typer.Context,
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]...", help="These items.", show_default=False)
    ] = None,
    experiment: Experiment = None,
    everything: Annotated[bool, typer.Option("--all", help="All items of the experiment.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Items whose keys are in this file, as add reads it.")
    ] = None,
    key: Key = None,
    dry_run: select.DryRun = False,
) -> None:
    """Dispatch items no more. HITs that show them stay out, and their outputs are counted."""
    from turkctl.operations.content.remove import chosen_keys, keys_in, remove_content

    run = invocation(ctx)
    from_file = None if file is None else keys_in(file, run.output.stdin, key)
    chosen = chosen_keys(keys or [], from_file, everything=everything)
    result, note = remove_content(run.context, experiment, chosen, dry_run=dry_run)
    if note is not None:
        run.output.note(note)
    raise typer.Exit(run.output.batch(result))


@app.command()
def dispatch(
    ctx: typer.Context,
    everything: select.All = False,
    regex: select.Regex = None,
    experiment: select.Experiment = None,
    codeversion: select.CodeVersion = None,
    hits: Annotated[
        int | None,
        typer.Option(
            "--hits",
            metavar="N",
            help="Number of HITs to post at most, those that an interrupted dispatch left unanswered included.",
        ),
    ] = None,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Post HITs for what is pending, most completed first, then by priority, as far as limits and money go."""
    from turkctl.operations.content.dispatch import prepare_dispatch

    run = invocation(ctx)
    selection = select.Selectors(None, everything, regex, experiment, None, codeversion).selection()
    plan, act = prepare_dispatch(run.context, selection, hits=hits)
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)
