"""``turkctl status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from turkctl.cli.common import invocation
from turkctl.cli.help_pages import App
from turkctl.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from turkctl.cli.invocation import Invocation
    from turkctl.operations.status.shapes import Status

app = App()


@app.command()
def status(
    ctx: typer.Context,
    experiment: Annotated[
        str | None,
        typer.Option("--experiment", metavar="SLUG", help="Name of the experiment to show.", show_default="all"),
    ] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Also tell about experiments that have ended.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show the page live, until Ctrl-C.")] = False,
    chart: Annotated[
        bool, typer.Option("--chart", help="Also draw each campaign's progress and the people of each day as bars.")
    ] = False,
) -> None:
    """Show where the study stands: people, money, what waits for you, and what happens next.

    It reads the database alone: the numbers are those of the last round or sync.

    Examples:
        turkctl status
        turkctl status --experiment colours --chart
        turkctl status --json
    """
    show_status(invocation(ctx), experiment, watch=watch, chart=chart, ended=ended)


def show_status(
    run: Invocation, experiment: str | None = None, *, watch: bool = False, chart: bool = False, ended: bool = False
) -> None:
    """Show the status in the format of the settings, or live."""
    from turkctl.operations.status.read import read_status

    def look() -> Status:
        return read_status(run.context, run.context.now(), experiment=experiment, days=chart, ended=ended)

    if watch:
        _watch(run, look, chart=chart)
    found = look()
    if run.output.format == "table":
        from turkctl.cli.top import columns

        width = columns() if run.output.stdout.isatty() else None
        run.output.text("\n".join(_lines(run, found, width, chart=chart)))
    elif run.output.format == "csv":
        rows = [_flat(row) for row in found.as_dict()["experiments"]]
        run.output.rows(list(dict.fromkeys(["experiment", *(key for row in rows for key in row)])), rows)
    else:
        run.output.record(found.as_dict())


def _lines(run: Invocation, found: Status, width: int | None, *, chart: bool) -> list[str]:
    from turkctl.cli.status_page import Page, charts
    from turkctl.cli.top import WIDEST

    mode = f"--mode {run.settings.mode}" if run.settings.origins["mode"].kind == "flag" else ""
    drawn = charts(found, width or WIDEST, run.output.encoding) if chart else []
    return [*Page(width, mode=mode).lines(found), *drawn]


def _watch(run: Invocation, look: Callable[[], Status], *, chart: bool) -> NoReturn:
    from rich.text import Text

    from turkctl.cli.batch import stoppable
    from turkctl.cli.live import redraw
    from turkctl.cli.top import columns
    from turkctl.harmless import harmless

    def frame(most: int) -> tuple[Text, list[str]]:
        run.context.look_again()
        lines = _lines(run, look(), columns(), chart=chart)
        page = Text(harmless("\n".join(lines[:most])), no_wrap=True, overflow="ellipsis")
        return page, ["the page is longer than the terminal"] if len(lines) > most else []

    with stoppable() as stop:
        redraw(run.output, frame, stop)
    raise typer.Exit(ExitCode.INTERRUPTED)


def _flat(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return one experiment's values side by side, as ``money.paid``; what is missing stays a key of its own."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
