"""``turkctl demo``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from turkctl.cli.common import invocation
from turkctl.cli.help_pages import App

app = App()


@app.act()
def demo(
    ctx: typer.Context,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, max=2000, help="Number of simulated workers.")
    ] = 80,
    goal: Annotated[
        int, typer.Option("--goal", metavar="N", min=1, max=1000, help="Number of people to recruit.")
    ] = 40,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Folder for the study.", show_default="a new temporary folder"),
    ] = None,
) -> None:
    """Play a whole study on the built-in market with simulated workers; look at it afterwards with any command.

    Examples:
        turkctl demo
        turkctl demo --workers 30 --goal 18 --keep demo-study
    """
    from turkctl.demo.script import play

    run = invocation(ctx)
    folder = keep.absolute() if keep is not None else Path(tempfile.mkdtemp(prefix="turkctl-demo-"))
    as_table = run.output.format == "table"
    outcome = play(folder, goal, workers, run.output.text if as_table else run.output.note)
    if not as_table:
        run.output.record(outcome.as_dict())
    run.output.note(
        f"look at it: cd {folder} && {_program()} status; also: campaign show 1, hits list, workers list, "
        "participants list --group-by status, balance, tasks history"
    )


def _program() -> str:
    """Return what to type from another folder: the name where the shell finds it, else the file that was called."""
    called = Path(sys.argv[0])
    return "turkctl" if shutil.which("turkctl") or called.name != "turkctl" else str(called.absolute())
