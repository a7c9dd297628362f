"""``turkctl log``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli import select
from turkctl.cli.acts import ACTS
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation
from turkctl.cli.help_pages import App
from turkctl.cli.listing import Listing
from turkctl.units import parse_time
from turkctl.words import known_name

if TYPE_CHECKING:
    from collections.abc import Sequence

app = App()

SHOWN = 120
"""Characters of a command line that a table shows; the other formats have all of it."""


@app.command()
@bundled
def log(
    ctx: typer.Context,
    listing: Listing,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="Only what was done at this time or later.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="T", help="Only what was done before.")] = None,
    act: Annotated[
        str | None,
        typer.Option("--act", metavar="NAME", help="Only acts with this name, or a part of it: approve, hits create."),
    ] = None,
    experiment: select.Experiment = None,
    all_modes: Annotated[bool, typer.Option("--all-modes", help="Show those of all modes.")] = False,
) -> None:
    """Show what was done: when, by whom, by which command, with which result and at what cost; the newest last.

    Every command that changes something leaves a line, also when it fails, and so does every task that the scheduler
    runs and that has something to do. Of these, --limit shows the newest.

    Examples:
        turkctl log --limit 20
        turkctl log --act approve --since 2026-05-04
        turkctl log --experiment colours --json
    """
    from turkctl.operations.log import COLUMNS, KEYS, LogQuery, list_log, other_modes

    run = invocation(ctx)
    first, last = (None if text is None else parse_time(text) for text in (since, until))
    for word in (act or "").split():
        known_name(word, sorted({each for name in ACTS for each in name.split()}), "act")
    query = LogQuery(first, last, act, experiment, listing.enough, all_modes)
    rows = list_log(run.context, query)
    columns = ("mode", *COLUMNS) if all_modes else COLUMNS
    newest = listing if listing.sorts else replace(listing, limit=None)
    newest.show(run, columns, _shortened(rows) if run.output.format == "table" else rows, keys=KEYS)
    note = other_modes(run.context, query)
    if note is not None:
        run.output.note(note)


def _shortened(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "command": _short(row["command"].removeprefix("turkctl "))} for row in rows]


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
