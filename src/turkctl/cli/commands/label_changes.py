"""``turkctl labels``: what people decide about labels, and where more are worth most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from turkctl.cli import completion, select
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation
from turkctl.cli.help_pages import App
from turkctl.cli.label_options import MOST, Item, Reason, Undo, Worker
from turkctl.cli.listing import Limit, Listing
from turkctl.cli.terms import TheExperiment
from turkctl.errors import UsageError


@dataclass(frozen=True)
class NeedyItems(Listing):
    """How the items that need votes are shown: the 20 that need them most, unless told otherwise."""

    limit: Limit = 20


def register(app: App) -> None:
    """Add these commands to the group."""
    app.act(name="mark-dirty")(mark_dirty)
    app.act(name="set")(set_)
    app.act()(relabel)
    app.act()(exclude)
    app.act()(invalidate)
    app.act(name="needs-more")(needs_more)


def mark_dirty(
    ctx: typer.Context,
    slug: Annotated[
        str, typer.Argument(metavar="SLUG", help="Name of the experiment.", autocompletion=completion.experiments)
    ],
) -> None:
    """Mark an experiment, so that the next run aggregates it even without new labels.

    Examples:
        turkctl labels mark-dirty photos
    """
    from turkctl.operations.labels import changes as label_changes

    run = invocation(ctx)
    run.output.outcome(label_changes.mark_dirty(run.context, slug))


def set_(
    ctx: typer.Context,
    item: Annotated[
        str | None, typer.Argument(metavar="[ITEM]", help="Key of the item; none with --from.", show_default=False)
    ] = None,
    experiment: TheExperiment = None,
    value: Annotated[
        str | None,
        typer.Argument(
            metavar="[VALUE]", help="The label: true, false, one of the classes, or a number.", show_default=False
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="Table with columns item and label; - is standard input."),
    ] = None,
    reason: Reason = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove labels set by hand, so that aggregation decides again.")
    ] = False,
    dry_run: select.DryRun = False,
) -> None:
    """Set the label of an item, or of many, by hand; aggregation does not overwrite it.

    Who set it, when and why is kept: see `labels list` and `labels show`. Rows of FILE with a blank label are skipped,
    so that it can be the list of `labels disagree`, filled in.

    Examples:
        turkctl labels set photo-3 false --experiment photos
        turkctl labels set --from decided.csv --reason "looked at them again" --experiment photos
        turkctl labels set photo-3 --clear --experiment photos
    """
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels.changes import set_label, set_labels
    from turkctl.operations.labels.decisions import read_decisions

    run = invocation(ctx)
    if file is not None:
        _check_file(item, reason, clear=clear)
        decisions = read_decisions(file, run.output.stdin, clear=clear)
        slug = named_or_only(run.context, experiment)
        result = set_labels(run.context, slug, decisions, reason, clear=clear, dry_run=dry_run)
        raise typer.Exit(run.output.batch(result))
    if item is None:
        raise UsageError("no item is given", hint="turkctl labels set ITEM true, or --from FILE --reason TEXT")
    if (value is None) is not clear:
        raise UsageError("give either a label or --clear", hint="turkctl labels set ITEM true")
    if dry_run:
        raise UsageError("--dry-run needs --from FILE: one item is not worth a plan", hint="leave it out")
    run.output.outcome(set_label(run.context, named_or_only(run.context, experiment), item, value, reason))


def _check_file(item: str | None, reason: str | None, *, clear: bool) -> None:
    """Check what is said beside a file of labels to set.

    Raises:
        UsageError: an item is given too, or no reason.
    """
    if item is not None:
        raise UsageError("an item and --from FILE cannot be used together", hint="write the item into the file")
    if not clear and not (reason or "").strip():
        raise UsageError("--from FILE needs a reason, which is kept with the labels", hint="add --reason TEXT")


def relabel(
    ctx: typer.Context,
    file: Annotated[
        str,
        typer.Option(
            "--from", metavar="FILE", help="Table with columns answer and label, as in Deer,deer; - is standard input."
        ),
    ],
    experiment: TheExperiment = None,
    reason: Reason = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Undo it: let the answers in FILE stand for themselves.")
    ] = False,
    dry_run: select.DryRun = False,
) -> None:
    """Let answers count as another one, such as `wolf` as `dog`; this is kept for later answers too.

    What workers answered stays as it is. `labels answers` lists all answers, and what they count as.

    Examples:
        turkctl labels relabel --from answers.csv --experiment photos
        turkctl labels relabel --from answers.csv --undo --experiment photos
    """
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels import relabel as relabels
    from turkctl.operations.labels.decisions import read_mappings

    run = invocation(ctx)
    pairs = read_mappings(file, run.output.stdin, clear=undo)
    slug = named_or_only(run.context, experiment)
    result = relabels.relabel(run.context, slug, pairs, reason, undo=undo, dry_run=dry_run)
    raise typer.Exit(run.output.batch(result))


def exclude(
    ctx: typer.Context,
    workers: Annotated[
        list[str],
        typer.Argument(metavar="WORKER...", help="Ids of workers, yours or the market's.", callback=select.texts),
    ],
    experiment: TheExperiment = None,
    undo: Undo = False,
    dry_run: select.DryRun = False,
) -> None:
    """Ignore the labels of workers in an experiment; nothing else changes for them.

    Examples:
        turkctl labels exclude carl --experiment photos
        turkctl labels exclude carl --experiment photos --undo
    """
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels.changes import exclude_workers

    run = invocation(ctx)
    slug = named_or_only(run.context, experiment)
    result = exclude_workers(run.context, slug, workers, undo=undo, dry_run=dry_run)
    raise typer.Exit(run.output.batch(result))


def invalidate(
    ctx: typer.Context,
    experiment: TheExperiment = None,
    item: Item = None,
    worker: Worker = None,
    undo: Undo = False,
    dry_run: select.DryRun = False,
) -> None:
    """Ignore the labels of an item, of a worker, or of one worker on one item.

    Examples:
        turkctl labels invalidate --item photo-4 --worker ben --experiment photos
    """
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels import changes as label_changes

    run = invocation(ctx)
    slug = named_or_only(run.context, experiment)
    done = label_changes.invalidate(run.context, slug, item, worker, undo=undo, dry_run=dry_run)
    run.output.outcome(done, well=not dry_run)


@bundled
def needs_more(
    ctx: typer.Context,
    listing: NeedyItems,
    experiment: TheExperiment = None,
    outputs: Annotated[
        int | None,
        typer.Option(
            "--add-outputs",
            metavar="K",
            help="Number of outputs to add to each item listed, for `content dispatch` to post.",
        ),
    ] = None,
    dry_run: select.DryRun = False,
) -> None:
    """List the items that need another vote most: those nearest to a tie, with few votes.

    Examples:
        turkctl labels needs-more --experiment photos --limit 100
        turkctl labels needs-more --experiment photos --add-outputs 2 --dry-run
    """
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels import needs_more as label_more

    if dry_run and outputs is None:
        raise UsageError("--dry-run needs --add-outputs: a list changes nothing", hint="leave it out")
    run = invocation(ctx)
    slug = named_or_only(run.context, experiment)
    rows = label_more.needs_more(run.context, slug, MOST if listing.limit is None else listing.limit)
    if outputs is None:
        listing.show(run, label_more.COLUMNS, rows)
        return
    items = [row["item"] for row in rows]
    result = label_more.add_outputs(run.context, slug, items, outputs, dry_run=dry_run)
    raise typer.Exit(run.output.batch(result))
