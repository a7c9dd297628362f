"""``turkctl labels import``, and all that shows what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli import select
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation
from turkctl.cli.export import AnyFormat, OutputFile
from turkctl.cli.help_pages import App
from turkctl.cli.label_options import (
    Item,
    ItemColumn,
    LabelColumn,
    OneExperiment,
    SkipMissing,
    Worker,
    WorkerColumn,
)
from turkctl.cli.listing import Listing
from turkctl.cli.terms import TheExperiment
from turkctl.errors import UsageError

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.engine.world import World


def register(app: App) -> None:
    """Add these commands to the group."""
    app.act(name="import")(import_)
    app.command(name="list")(list_)
    app.command()(export)
    app.command()(answers)
    app.command()(show)
    app.command()(history)


def import_(
    ctx: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="CSV, JSON Lines or JSON with item, worker and label; - is standard input."
        ),
    ],
    experiment: TheExperiment = None,
    item_column: ItemColumn = None,
    worker_column: WorkerColumn = None,
    label_column: LabelColumn = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Skip invalid rows instead of importing nothing.")
    ] = False,
    skip_missing: SkipMissing = False,
    dry_run: select.DryRun = False,
) -> None:
    """Add a file's labels to an experiment. Importing it again adds nothing; a worker's new label replaces the old one.

    Examples:
        turkctl labels import votes.csv --experiment photos
        turkctl labels import votes.csv --experiment photos --skip-bad-rows --dry-run
    """
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels.columns import ColumnNames
    from turkctl.operations.labels.importing import ImportRequest, import_labels

    run = invocation(ctx)
    columns = ColumnNames(item_column, worker_column, label_column)
    request = ImportRequest(file, named_or_only(run.context, experiment), columns, skip_bad_rows, skip_missing)
    report = import_labels(run.context, request, run.output.stdin, run.output.meter, dry_run=dry_run)
    for note in report.notes:
        run.output.note(note)
    run.output.outcome(report.as_dict(), well=not (dry_run or report.bad))


@bundled
def list_(
    ctx: typer.Context,
    listing: Listing,
    experiment: OneExperiment = None,
    item: Item = None,
    worker: Worker = None,
    ended: select.Ended = False,
) -> None:
    """List labels, the oldest first, then those set by hand; their status says which count.

    Examples:
        turkctl labels list --experiment photos --worker carl
        turkctl labels list --sort item --columns item,worker,label
    """
    from turkctl.operations.labels.lists import GOLD_COLUMN, LABEL_COLUMNS, LABEL_KEYS, columns_with_gold, list_labels

    run = invocation(ctx)
    columns = columns_with_gold(run.context, experiment, LABEL_COLUMNS)
    rows = list_labels(run.context, experiment, item, worker, ended=ended)
    listing.show(run, columns, rows, keys=(*LABEL_KEYS, GOLD_COLUMN))


def export(
    ctx: typer.Context,
    experiment: OneExperiment = None,
    results: Annotated[
        bool, typer.Option("--results", help="Write the aggregated results instead of the labels.")
    ] = False,
    by_hand: Annotated[
        bool,
        typer.Option("--by-hand", help="Write the labels set by hand instead, as `labels set --from` takes them."),
    ] = False,
    gold: Annotated[
        str | None,
        typer.Option(
            "--gold",
            metavar="include|only",
            help="Whether to write items with a known answer too, or only them.",
            show_default="include; with --results, leave them out",
        ),
    ] = None,
    form: AnyFormat = None,
    file: OutputFile = None,
) -> None:
    """Write the labels that count, the aggregated results, or the labels set by hand, as CSV, JSON Lines or Parquet.

    Results carry what a model is trained with: the item's columns, its votes, a probability for each class, and where
    the label is from.

    Examples:
        turkctl labels export --experiment photos --file labels.csv
        turkctl labels export --experiment photos --results --file results.jsonl
        turkctl labels export --experiment photos --results --gold only
    """
    from turkctl.cli.export import ALL_FORMATS, check_format, write_rows
    from turkctl.operations.selection.gold import check_gold

    run = invocation(ctx)
    if results and by_hand:
        raise UsageError("--results and --by-hand cannot be used together", hint="keep one of them")
    if by_hand and gold is not None:
        raise UsageError("--gold cannot be used with --by-hand", hint="leave one of them out")
    known = check_gold(gold)
    suffix = "" if file is None else file.suffix.lstrip(".").lower()
    chosen = form or suffix or ("jsonl" if run.wants_json else "csv")
    check_format(chosen, ALL_FORMATS, file)
    types: Mapping[str, type] = {}
    if results:
        columns, rows, types = _results(run, experiment, known, texts=chosen != "jsonl")
    else:
        columns, rows = _exported(run.context, experiment, by_hand=by_hand, gold=known)
    if file is not None:
        write_rows(run, file, chosen, columns, rows, forms=ALL_FORMATS, types=types)
        return
    run.output.onto(run.output.stdout, chosen).rows(columns, rows)


def _results(
    run: Invocation, experiment: str | None, gold: str | None, *, texts: bool
) -> tuple[Sequence[str], Iterator[Mapping[str, Any]], Mapping[str, type]]:
    """Return the columns of results, their rows, and which columns hold numbers."""
    from turkctl.operations.labels.training import training_data

    found = training_data(run.context, experiment, gold=gold, texts=texts)
    for slug in found.old:
        run.output.warn(
            f"{slug}: an older turkctl aggregated the labels and kept no votes and probabilities per class; "
            f"for these, run: turkctl labels aggregate --experiment {slug} --force"
        )
    return found.columns, found.rows, found.types


def _exported(
    world: World, experiment: str | None, *, by_hand: bool, gold: str | None
) -> tuple[Sequence[str], Iterator[Mapping[str, Any]]]:
    """Return what is exported: its columns, and its rows, which are read on demand."""
    from turkctl.operations.labels import lists
    from turkctl.operations.selection.gold import INCLUDE

    if by_hand:
        return lists.BY_HAND_COLUMNS, lists.list_by_hand(world, experiment)
    columns = lists.columns_with_gold(world, experiment, lists.LABEL_COLUMNS)
    return columns, lists.list_labels(world, experiment, counting=True, gold=gold or INCLUDE)


@bundled
def answers(
    ctx: typer.Context,
    listing: Listing,
    experiment: TheExperiment = None,
) -> None:
    """List the answers that were given, how often, and what each counts as; status `odd` is none of the classes.

    Examples:
        turkctl labels answers --experiment photos
    """
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels.relabel import COLUMNS, list_answers

    run = invocation(ctx)
    listing.show(run, COLUMNS, list_answers(run.context, named_or_only(run.context, experiment)))


def show(
    ctx: typer.Context,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Key of the item.")],
    experiment: TheExperiment = None,
) -> None:
    """Show one item in full: its label, its votes with each worker's ability, and its label before.

    Examples:
        turkctl labels show photo-3 --experiment photos
    """
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels.lists import show_item

    run = invocation(ctx)
    shown = show_item(run.context, named_or_only(run.context, experiment), item)
    if run.output.format == "table":
        for vote in shown["votes"]:
            vote["flags"] = " ".join(vote["flags"] or ())
            del vote["remarks"]  # too long for a column of votes; the flags say the same
    run.output.record(shown)


@bundled
def history(
    ctx: typer.Context,
    listing: Listing,
    experiment: OneExperiment = None,
    ended: select.Ended = False,
) -> None:
    """List past aggregations, the newest first, and what each changed.

    Examples:
        turkctl labels history --experiment photos --limit 5
    """
    from turkctl.operations.labels.lists import HISTORY_COLUMNS, HISTORY_KEYS
    from turkctl.operations.labels.lists import history as past

    run = invocation(ctx)
    rows = past(run.context, experiment, listing.enough, ended=ended)
    if run.output.format == "table":
        rows = [{**row, "changes": _in_words(row["changes"] or {})} for row in rows]
    listing.show(run, HISTORY_COLUMNS, rows, keys=HISTORY_KEYS)


def _in_words(changes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in changes.items() if number)
