"""``turkctl content``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from turkctl.cli import select
from turkctl.cli.batch import run_batch
from turkctl.cli.bundles import bundled
from turkctl.cli.commands import content_results
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import MOST, Listing
from turkctl.cli.terms import TheExperiment

app = make_group("Manage an experiment's items; post HITs for them by priority until each has its outputs.")

Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="COL",
        help="Column that names an item.",
        show_default="key or id, else a digest of the row",
    ),
]


@app.act()
def add(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV, JSON Lines or JSON; - is standard input. Or a folder: an item per file."
        ),
    ],
    experiment: TheExperiment = None,
    key: Key = None,
    priority: Annotated[
        str | None,
        typer.Option(
            "--priority",
            metavar="COL",
            help="Column with the priority, or arithmetic over columns, as in 'votes / (age + 1)'; higher goes first.",
        ),
    ] = None,
    gold: Annotated[
        str | None,
        typer.Option("--gold", metavar="COL", help="Column with the known answers; it may be blank in some rows."),
    ] = None,
    outputs: Annotated[
        int | None,
        typer.Option(
            "--outputs", metavar="N", help="Number of outputs wanted per item.", show_default="the experiment's"
        ),
    ] = None,
    glob: Annotated[
        str | None,
        typer.Option(
            "--glob",
            metavar="PATTERN",
            help="Only a folder's files whose paths match, as in '*.png'.",
            show_default="all",
        ),
    ] = None,
    dry_run: select.DryRun = False,
) -> None:
    """Add a file's items to an experiment, or update those with the same key; one bad row, and nothing is added.

    Examples:
        turkctl content add photos.csv --experiment photos
        turkctl content add photos --experiment photos --glob "*.png"
        turkctl content add photos.csv --experiment photos --priority "votes / (age + 1)" --outputs 5
    """
    from turkctl.operations.content.items import AddRequest, add_content

    run = invocation(ctx)
    request = AddRequest(file, experiment, key, priority, gold, outputs, glob)
    report = add_content(run.context, request, run.output.stdin, dry_run=dry_run)
    for note in report.notes:
        run.output.note(note)
    run.output.outcome(report.as_dict(), well=not dry_run)


@app.command(name="list")
@bundled
def list_(
    ctx: typer.Context,
    listing: Listing,
    experiment: select.Experiment = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="Only items that the next dispatch would post, in its order.")
    ] = False,
    gold: Annotated[bool, typer.Option("--gold", help="Only items with a known answer.")] = False,
    removed: Annotated[bool, typer.Option("--removed", help="Only items that were removed.")] = False,
    offset: Annotated[
        int, typer.Option("--offset", metavar="N", min=0, max=MOST, help="Number of items to skip first.")
    ] = 0,
    ended: select.Ended = False,
) -> None:
    """List items with the number of answers, of usable ones, of those wanted, and of those that open HITs may bring.

    Examples:
        turkctl content list --experiment photos
        turkctl content list --pending --limit 20
        turkctl content list --sort priority --desc --columns key,priority
    """
    from turkctl.operations.content.items import COLUMNS, OLDER_KEYS, list_content, summaries

    run = invocation(ctx)
    first, later = (0, offset) if listing.sorts else (offset, 0)
    narrowed: dict[str, Any] = {"pending": pending, "gold": gold, "removed": removed, "ended": ended}
    rows = list_content(run.context, experiment, **narrowed, limit=listing.enough, offset=first)
    listing.show(run, COLUMNS, rows, keys=OLDER_KEYS, skip=later)
    for line in [] if gold or removed else summaries(run.context, experiment):
        run.output.note(line)


@app.command()
@bundled
def status(
    ctx: typer.Context,
    listing: Listing,
    experiment: select.Experiment = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            "--group-by",
            metavar="day|week|worker",
            help="Show a row per day or week (UTC) with answers, or per person who answered.",
            show_default="a row per experiment",
        ),
    ] = None,
    ended: select.Ended = False,
) -> None:
    """Show how far the items are, how fast answers come, and when all will be there; known items are left out.

    Examples:
        turkctl content status
        turkctl content status --experiment photos --group-by week
        turkctl content status --experiment photos --group-by worker --sort agreement
    """
    from turkctl.operations.status.content import GROUPS, check_group, content_status

    run = invocation(ctx)
    group = check_group(group_by)
    rows = content_status(run.context, experiment, group=group, ended=ended)
    listing.show(run, GROUPS[group], rows)


app.command(name="results")(content_results.results)


@app.act()
def remove(
    ctx: typer.Context,
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY]...", help="Keys of items.", show_default=False, callback=select.texts),
    ] = None,
    experiment: TheExperiment = None,
    everything: Annotated[bool, typer.Option("--all", help="All items of the experiment.")] = False,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="File that names the items, as `content add` reads it."),
    ] = None,
    key: Key = None,
    dry_run: select.DryRun = False,
) -> None:
    """Stop posting HITs for items. HITs that show them stay open, and their outputs still count.

    Examples:
        turkctl content remove photo-3 photo-4 --experiment photos
        turkctl content remove --file photos.csv --experiment photos --dry-run
    """
    from turkctl.operations.content.remove import chosen_keys, keys_in, remove_content

    run = invocation(ctx)
    from_file = None if file is None else keys_in(file, run.output.stdin, key)
    chosen = chosen_keys(keys or [], from_file, everything=everything)
    result, note = remove_content(run.context, experiment, chosen, dry_run=dry_run)
    if note is not None:
        run.output.note(note)
    raise typer.Exit(run.output.batch(result))


@app.act()
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
            help="Number of HITs to post at most, counting those that an interrupted dispatch left unconfirmed.",
            show_default="as many as limits allow",
        ),
    ] = None,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Post HITs for pending items, most completed first, then by priority, as far as limits and budget allow.

    Examples:
        turkctl content dispatch --experiment photos --dry-run
        turkctl content dispatch --experiment photos --hits 10
    """
    from turkctl.operations.content.dispatch import prepare_dispatch

    run = invocation(ctx)
    selection = select.Selectors(None, everything, regex, experiment, None, codeversion).selection()
    plan, act = prepare_dispatch(run.context, selection, hits=hits)
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)
