"""``--watch``: a list that is drawn again every few seconds, until Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from turkctl.cli.moments import zone_name
from turkctl.cli.output import Output, Row
from turkctl.errors import DatabaseReplacedError, UnreachableError, UsageError
from turkctl.harmless import harmless

INTERVAL = 2.0
"""Seconds between two looks; more where a look takes long, so that a large database is idle most of the time."""
_SHARE = 4
_AROUND = 4
"""Lines of a terminal that the heading, its rule, the line below and the cursor take."""

Look = Callable[[int], tuple[Sequence[str], Sequence[Row]]]
"""The columns and the rows, of which no more than so many are needed."""
Draw = Callable[[Sequence[str], Sequence[Row]], tuple[Any, list[str]]]
"""The table, and the columns there is no room for."""


def watch(
    output: Output,
    look: Look,
    stop: threading.Event,
    *,
    bar: str | None = None,
    kept: Collection[str] = (),
    wait: Callable[[float], object] | None = None,
) -> None:
    """Draw what ``look`` finds, again and again until ``stop`` is set. What was drawn last stays on the terminal.

    A database out of reach is said below the table, and asked again; at the first look it is an error.

    Args:
        output: where to; a terminal.
        look: finds the rows.
        stop: ends it.
        bar: the column of numbers that get a bar.
        kept: columns that a narrow terminal must not lose.
        wait: waits so many seconds; by default until ``stop`` is set.

    Raises:
        UsageError: the output is no table or no terminal.
        TurkctlError: whatever the first look raises.
    """
    _refuse_others(output)
    from rich.live import Live

    console = output.console()
    if console.is_dumb_terminal:
        raise UsageError("--watch cannot redraw this terminal (TERM=dumb)", hint="leave --watch out")
    pause, draw = wait or stop.wait, partial(output.picture, bar=bar, kept=kept)
    columns, rows = look(_room(console))
    with Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        trouble = None
        while True:
            live.update(_view(output, draw, columns, rows, trouble), refresh=True)
            started = time.monotonic()
            pause(INTERVAL)
            if stop.is_set():
                return
            try:
                columns, rows = look(_room(console))
                trouble = None
            except DatabaseReplacedError:
                raise
            except UnreachableError as error:
                trouble = error.message
            pause(max(0.0, _SHARE * (time.monotonic() - started - INTERVAL)))
            if stop.is_set():
                return


def _refuse_others(output: Output) -> None:
    if output.format != "table":
        raise UsageError(f"--watch shows a table, not {output.format}", hint="leave out --watch, or --output")
    if not output.stdout.isatty():
        raise UsageError("--watch needs a terminal, and standard output is not one", hint="leave --watch out")


def _room(console: Any) -> int:
    """Return the rows that the terminal shows, and one more to know whether there are more; at least two."""
    return max(1, int(console.height) - _AROUND) + 1


def _view(output: Output, draw: Draw, columns: Sequence[str], rows: Sequence[Row], trouble: str | None) -> Any:
    from rich.console import Group
    from rich.text import Text

    most = _room(output.console()) - 1
    now = datetime.now(UTC)
    said = [f"{now.astimezone():%H:%M:%S} {zone_name(now)}, every {INTERVAL:.0f} s; Ctrl-C ends it"]
    said += ["nothing to show"] if not rows else []
    said += ["there are more rows than lines"] if len(rows) > most else []
    said += [f"now as before: {harmless(trouble)}"] if trouble else []
    below = Text("; ".join(said), style="dim", no_wrap=True, overflow="ellipsis")
    return Group(draw(columns, rows[:most])[0], below) if rows else below
