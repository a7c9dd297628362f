"""``turkctl labels``: what people decide about labels, and where more are worth most."""

from __future__ import annotations

from typing import Annotated

import typer

from turkctl.cli import select
from turkctl.cli.common import invocation
from turkctl.cli.label_options import MOST, Item, Slug, Undo, Worker
from turkctl.errors import UsageError


def register(app: typer.Typer) -> None:
    """Make them commands of the group."""
    app.command(name="mark-dirty")(mark_dirty)
    app.command(name="set")(set_)
    app.command()(exclude)
    app.command()(invalidate)
    app.command(name="needs-more")(needs_more)


def mark_dirty(
    ctx: typer.Context, slug: Annotated[str, typer.Argument(metavar="SLUG", help="The experiment.")]
) -> None:
    """Have an experiment aggregated at the next run, whether anything is new or not."""
    from turkctl.operations.labels import changes as label_changes

    run = invocation(ctx)
    run.output.record(label_changes.mark_dirty(run.context, slug))


def set_(
    ctx: typer.Context,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The item.")],
    experiment: Slug = None,
    value: Annotated[
        str | None, typer.Argument(metavar="[VALUE]", help="true, false, or a class.", show_default=False)
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Let aggregation decide on it again.")] = False,
) -> None:
    """Set the label of an item by hand; no aggregation overwrites it."""
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels.changes import set_label

    if (value is None) is not clear:
        raise UsageError("say what the label is, or --clear it", hint="turkctl labels set ITEM true")
    run = invocation(ctx)
    run.output.record(set_label(run.context, named_or_only(run.context, experiment), item, value))


def exclude(
    ctx: typer.Context,
    workers: Annotated[list[str], typer.Argument(metavar="WORKER...", help="Workers.")],
    experiment: Slug = None,
    undo: Undo = False,
    dry_run: select.DryRun = False,
) -> None:
    """Let the labels of workers count no more for an experiment; nothing else changes for them."""
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels.changes import exclude_workers

    run = invocation(ctx)
    slug = named_or_only(run.context, experiment)
    result = exclude_workers(run.context, slug, workers, undo=undo, dry_run=dry_run)
    raise typer.Exit(run.output.batch(result))


def invalidate(
    ctx: typer.Context,
    experiment: Slug = None,
    item: Item = None,
    worker: Worker = None,
    undo: Undo = False,
    dry_run: select.DryRun = False,
) -> None:
    """Take out the labels of an item, of a worker, or of a worker on an item."""
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels import changes as label_changes

    run = invocation(ctx)
    slug = named_or_only(run.context, experiment)
    run.output.record(label_changes.invalidate(run.context, slug, item, worker, undo=undo, dry_run=dry_run))


def needs_more(
    ctx: typer.Context,
    experiment: Slug = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=MOST, help="At most so many items.")] = 20,
    outputs: Annotated[
        int | None,
        typer.Option("--add-outputs", metavar="K", help="Want K more outputs of their content, to be dispatched."),
    ] = None,
    dry_run: select.DryRun = False,
) -> None:
    """List the items whose next vote is worth most: those nearest to a tie, with few votes."""
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels import needs_more as label_more

    if dry_run and outputs is None:
        raise UsageError("--dry-run is for --add-outputs: a list changes nothing", hint="leave it out")
    run = invocation(ctx)
    slug = named_or_only(run.context, experiment)
    rows = label_more.needs_more(run.context, slug, limit)
    if outputs is None:
        run.output.rows(label_more.COLUMNS, rows)
        return
    items = [row["item"] for row in rows]
    result = label_more.add_outputs(run.context, slug, items, outputs, dry_run=dry_run)
    raise typer.Exit(run.output.batch(result))
