"""``turkctl sync``."""

from __future__ import annotations

from typing import Annotated

import typer

from turkctl.cli.common import invocation

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def sync(
    ctx: typer.Context,
    full: Annotated[
        bool, typer.Option("--full", help="Read the work of every HIT again, not only where counters changed.")
    ] = False,
) -> None:
    """Bring HITs, assignments and participants up to date with the market, at the cost of what changed."""
    from turkctl.operations.repeat import grant_new
    from turkctl.operations.sync import sync as bring_up_to_date

    run = invocation(ctx)
    report = bring_up_to_date(run.context, full=full, grant=grant_new)
    run.output.record(report.as_dict())
    raise typer.Exit(1 if report.read.failed else 0)
