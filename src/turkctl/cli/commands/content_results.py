"""``turkctl content results``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cli import select
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation
from turkctl.cli.export import (
    ALL_FORMATS,
    AnyFormat,
    Counted,
    Gold,
    ItemColumns,
    check_format,
    chosen_format,
    show_renamed,
    write_rows,
)
from turkctl.cli.keys import WritePseudonyms, show_key
from turkctl.cli.listing import Listing

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.results.rows import Results


@bundled
def results(
    ctx: typer.Context,
    selectors: select.WorkSelectors,
    listing: Listing,
    wide: Annotated[
        bool, typer.Option("--wide", help="Show a row per item and worker, with a column for each question.")
    ] = False,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help="Only work that is submitted, approved or rejected."),
    ] = None,
    item: Annotated[str | None, typer.Option("--item", metavar="KEY", help="Only answers about this item.")] = None,
    gold: Gold = None,
    item_columns: ItemColumns = False,
    form: AnyFormat = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="F",
            help="File to write to, replaced when all is written; - is standard output.",
            show_default="standard output",
        ),
    ] = None,
    anonymize: WritePseudonyms = None,
) -> None:
    """List answers with the items that they are about, a row per answer, as sync has read them from the market.

    Examples:
        turkctl content results --experiment photos --file answers.csv
        turkctl content results --wide --item-columns --file answers.csv
        turkctl content results --item photo-3 --status approved
    """
    from turkctl.operations.results.rows import ResultsRequest
    from turkctl.operations.results.rows import results as find_results
    from turkctl.operations.selection.gold import check_gold
    from turkctl.outputs import is_standard, refuse_standard

    run = invocation(ctx)
    refuse_standard(anonymize, "--anonymize", "where a key would be seen by all")
    chosen = chosen_format(run, form, file, ALL_FORMATS)
    protected = run.protected().plus(anonymize, "the key")
    if file is not None:
        check_format(chosen, ALL_FORMATS, file)
    request = ResultsRequest(
        selectors.work(run),
        status or (),
        item=item,
        gold=check_gold(gold),
        wide=wide,
        item_columns=item_columns,
        key_file=anonymize,
        texts=chosen not in ("json", "jsonl"),
    )
    found = find_results(run.context, request)
    show_key(run.output, found.key)
    columns = found.columns if chosen == "table" else found.keys
    if file is None and form is None:
        listing.show(run, columns, found.rows, keys=found.keys)
        _tell(run, found)
        return
    shown, rows = listing.arrange(found.keys, found.rows, keys=found.keys)
    if file is None:
        run.output.onto(run.output.stdout, chosen).rows(shown, rows)
        _tell(run, found)
        return
    counted = Counted(rows)
    write_rows(run, file, chosen, shown, counted, protected=protected, forms=ALL_FORMATS)
    _tell(run, found)
    if not is_standard(file):
        summary = {"file": str(file), "rows": counted.number, "unread": found.unread}
        renamed = {} if not wide or run.output.format == "table" else {"renamed": found.renamed, "missed": found.missed}
        run.output.record({**summary, **renamed})


def _tell(run: Invocation, found: Results) -> None:
    """Say on standard error what is not in the rows."""
    show_renamed(run.output, found.renamed, found.missed)
    if found.unread:
        run.output.warn(
            f"assignments whose answers could not be read: {found.unread}; "
            "if they are new, run: turkctl sync; see: turkctl workers answers"
        )
