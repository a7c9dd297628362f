"""``turkctl market backup`` and ``turkctl market stats``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from turkctl.cli.commands.market_workers import Sandbox, environment_of
from turkctl.cli.common import invocation
from turkctl.errors import UsageError

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.market.stats import Figures


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New file for the copy.")],
) -> None:
    """Copy the market's database into a new file, also while it is served; the copy is verified.

    Examples:
        turkctl market backup market-copy.db
    """
    from turkctl.outputs import making

    run = invocation(ctx)
    run.settings.require_market()
    _refuse_server(run, file)
    with making(file, run.protected(), flag="FILE") as place:
        size = run.context.market.copy_to(place)
    run.output.outcome({"file": str(file), "bytes": size}, f"the market was copied to {file} ({size:,} bytes)")


def _refuse_server(run: Invocation, file: Path) -> None:
    """Raise UsageError for a market on PostgreSQL, with the command that copies it."""
    address = urlsplit(run.settings.market_url)
    if address.scheme.startswith("sqlite"):
        return
    host = address.netloc.rpartition("@")[2]
    user = address.username
    bare = f"postgresql://{f'{user}@' if user else ''}{host}{address.path}"
    raise UsageError(
        "the market is on PostgreSQL, which has a program of its own for copies",
        hint=f"run: pg_dump --format=custom --file {file} {bare}",
    )


def stats(
    ctx: typer.Context,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=3660, help="Number of days to show, up to today (of UTC).")
    ] = 14,
    sandbox: Sandbox = False,
) -> None:
    """Show the market in numbers: people, HITs and assignments by status, submissions a day, what waits for a decision.

    Examples:
        turkctl market stats
        turkctl market stats --days 60 -o json
    """
    run = invocation(ctx)
    found = run.context.market.figures(environment_of(run, sandbox), timedelta(days=days))
    run.output.record(_record(found))


def _record(figures: Figures) -> dict[str, Any]:
    return {
        "people": figures.people,
        "workers": figures.workers,
        "hits": figures.hits,
        "assignments": figures.assignments,
        "waiting": figures.waiting,
        "oldest_waiting": figures.oldest_waiting,
        "median_minutes": figures.median_minutes,
        "days": [vars(each) | {"day": each.day.isoformat()} for each in figures.days],
    }
