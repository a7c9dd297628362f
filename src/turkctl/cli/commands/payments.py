"""``turkctl workers payments``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli import completion
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import Listing
from turkctl.cli.select import meant_by_lists
from turkctl.cli.terms import if_given
from turkctl.units import parse_time
from turkctl.words import counted, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turkctl.cli.invocation import Invocation
    from turkctl.operations.payments.ledger import LedgerQuery

app = make_group("List, add up and export rewards and bonuses; compare bonuses with the market.")

Worker = Annotated[
    str | None,
    typer.Option("--worker", metavar="ID", help="Only payments to this worker: your id of them, or the market's."),
]
Experiment = Annotated[
    str | None,
    typer.Option(
        "--experiment", metavar="SLUG", help="Only payments for this experiment.", autocompletion=completion.experiments
    ),
]
Campaign = Annotated[
    int | None,
    typer.Option(
        "--campaign", metavar="N", help="Only payments on HITs of this campaign.", autocompletion=completion.campaigns
    ),
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="T", help="Only payments made at this time or later, as in 2026-05-04.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="T", help="Only payments made before this time.")]
Kind = Annotated[
    str | None,
    typer.Option("--kind", metavar="KIND", help="Only payments of this kind: reward, bonus or compensation."),
]
By = Annotated[
    list[str] | None,
    typer.Option("--by", metavar="GROUP", help="Add up by day (of UTC), worker, experiment or campaign."),
]


@dataclass(frozen=True)
class LedgerFilters:
    """Which payments."""

    worker: Worker = None
    experiment: Experiment = None
    campaign: Campaign = None
    since: Since = None
    until: Until = None
    kind: Kind = None
    by: By = None

    def query(self, run: Invocation) -> LedgerQuery:
        """Return the options as one value.

        Raises:
            UsageError: a time that cannot be read.
        """
        from turkctl.operations.payments.ledger import LedgerQuery

        first, last = (if_given(parse_time, text) for text in (self.since, self.until))
        worker = None if self.worker is None else meant_by_lists(run, [self.worker])[-1]
        return LedgerQuery(worker, self.experiment, self.campaign, self.kind, first, last)


def _found(run: Invocation, filters: LedgerFilters) -> tuple[Sequence[str], list[dict[str, Any]], dict[str, Any]]:
    """Return the columns and rows of payments, or of their groups, and the sums of all."""
    from turkctl.operations.payments.ledger import KEYS, list_payments
    from turkctl.operations.payments.totals import grouped, totals

    rows = list_payments(run.context, filters.query(run))
    columns, shown = grouped(rows, filters.by) if filters.by else (list(KEYS), rows)
    return columns, shown, totals(rows)


@app.command(name="list")
@bundled
def list_(
    ctx: typer.Context,
    filters: LedgerFilters,
    listing: Listing,
) -> None:
    """List the payments of this mode: rewards of approved work, bonuses and compensations; then what they add up to.

    Examples:
        turkctl workers payments list --worker A1EXAMPLEWORKER
        turkctl workers payments list --experiment colours --kind bonus --sort amount --desc
        turkctl workers payments list --by experiment --by day
    """
    from turkctl.accounts import with_market
    from turkctl.operations.payments.ledger import COLUMNS
    from turkctl.operations.payments.totals import in_words, shown_columns

    run = invocation(ctx)
    columns, rows, sums = _found(run, filters)
    shown = shown_columns(columns, sums) if filters.by else with_market(COLUMNS, rows)
    listing.show(run, shown, rows, keys=columns)
    if run.output.format == "table":
        run.output.note(in_words(sums))


@app.command()
@bundled
def export(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Option("--file", metavar="F", help="File to write to, replaced; - is standard output.")
    ],
    filters: LedgerFilters,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="Format of the file: csv or jsonl.")] = "csv",
) -> None:
    """Write the payments of this mode to a file, or what they add up to; print their number and sums.

    Examples:
        turkctl workers payments export --file paid.csv
        turkctl workers payments export --file days.csv --by day
        turkctl workers payments export --file -
    """
    from turkctl.cli.export import write_rows
    from turkctl.outputs import check, is_standard

    run = invocation(ctx)
    check(file, run.protected())
    columns, rows, sums = _found(run, filters)
    write_rows(run, file, form, columns, rows)
    if is_standard(file):
        run.output.note(counted(len(rows), "payment"))
    else:
        run.output.record({"file": str(file), **sums})


@app.act()
def reconcile(
    ctx: typer.Context,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Add the payments that only the market knows to the ledger.")
    ] = False,
) -> None:
    """Compare the ledger with the bonuses that the market paid; exit 1 if they differ.

    Examples:
        turkctl workers payments reconcile
        turkctl workers payments reconcile --adopt
    """
    from turkctl.operations.payments.reconcile import COLUMNS
    from turkctl.operations.payments.reconcile import reconcile as compare

    run = invocation(ctx)
    found = compare(run.context, adopt=adopt)
    for note in found.notes:
        run.output.note(note)
    if found.differences or run.output.format != "table":
        run.output.rows(COLUMNS, [each.as_dict() for each in found.differences])
    agree = f"{counted(found.compared, 'bonus', 'bonuses')} {plural(found.compared, 'agrees', 'agree')}"
    differ = f"{counted(len(found.differences), 'payment')} {plural(len(found.differences), 'differs', 'differ')}"
    run.output.note(f"{agree}, {differ}, {counted(found.adopted, 'payment')} adopted")
    if found.gone:
        run.output.note(f"the market no longer lists what it paid on {counted(found.gone, 'HIT')}")
    raise typer.Exit(1 if found.differences else 0)
