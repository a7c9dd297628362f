"""``--watch``: a list or a page that is drawn again every few seconds, until Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from turkctl.cli.output import Output, Row
from turkctl.errors import DatabaseReplacedError, UnreachableError, UsageError
from turkctl.harmless import harmless
from turkctl.moments import zone_name

INTERVAL = 2.0
"""Seconds between two looks; more where a look takes long, so that a large database is idle most of the time."""
_SHARE = 4
_AROUND = 4
"""Lines of a terminal that the heading, its rule, the line below and the cursor take."""

Look = Callable[[int], tuple[Sequence[str], Sequence[Row]]]
"""Returns the columns and the rows; its argument is the number of rows that are needed at most."""
Frame = tuple[Any, Sequence[str]]
"""What is drawn (None: nothing), and remarks for the line below it."""


def watch(
    output: Output,
    look: Look,
    stop: threading.Event,
    *,
    bar: str | None = None,
    kept: Collection[str] = (),
    wait: Callable[[float], object] | None = None,
) -> None:
    """Draw the list that ``look`` finds, again and again until ``stop`` is set. What was drawn last stays there.

    Args:
        output: where to; a terminal.
        look: finds the rows.
        stop: ends it.
        bar: the column of numbers that get a bar.
        kept: columns that a narrow terminal must not lose.
        wait: waits for a number of seconds; by default, until ``stop`` is set at the latest.

    Raises:
        UsageError, TurkctlError: see :func:`redraw`.
    """

    def frame(most: int) -> Frame:
        columns, rows = look(most + 1)
        remarks = ["there are more rows than lines"] if len(rows) > most else []
        if not rows:
            return None, ["nothing to show"]
        return output.picture(columns, rows[:most], bar, kept=kept)[0], remarks

    redraw(output, frame, stop, wait=wait)


def redraw(
    output: Output,
    look: Callable[[int], Frame],
    stop: threading.Event,
    *,
    wait: Callable[[float], object] | None = None,
) -> None:
    """Draw what ``look`` finds, again and again until ``stop`` is set. What was drawn last stays on the terminal.

    A database out of reach is said below the picture, and asked again; at the first look it is an error.

    Args:
        output: where to; a terminal.
        look: draws what it finds, given the number of lines that the terminal has room for.
        stop: ends it.
        wait: waits for a number of seconds; by default, until ``stop`` is set at the latest.

    Raises:
        UsageError: the output is no table or no terminal.
        TurkctlError: whatever the first look raises.
    """
    _refuse_others(output)
    from rich.live import Live

    console = output.console()
    if console.is_dumb_terminal:
        raise UsageError("--watch cannot redraw this terminal (TERM=dumb)", hint="leave --watch out")
    pause = wait or stop.wait
    frame = look(_room(console))
    with Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        trouble = None
        while True:
            live.update(_view(frame, trouble), refresh=True)
            started = time.monotonic()
            pause(INTERVAL)
            if stop.is_set():
                return
            try:
                frame = look(_room(console))
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
    """Return the lines of a picture that the terminal has room for; at least one."""
    return max(1, int(console.height) - _AROUND)


def _view(frame: Frame, trouble: str | None) -> Any:
    from rich.console import Group
    from rich.text import Text

    (picture, remarks), now = frame, datetime.now(UTC)
    said = [f"{now.astimezone():%H:%M:%S} {zone_name(now)}, every {INTERVAL:.0f} s; Ctrl-C ends it"]
    said += remarks
    said += [f"now as before: {harmless(trouble)}"] if trouble else []
    below = Text("; ".join(said), style="dim", no_wrap=True, overflow="ellipsis")
    return below if picture is None else Group(picture, below)
