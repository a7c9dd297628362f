"""``turkctl balance``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from turkctl.cli.common import invocation
from turkctl.cli.invocation import Invocation
from turkctl.errors import TurkctlError
from turkctl.settings import MODES

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def balance(
    ctx: typer.Context, all_modes: Annotated[bool, typer.Option("--all-modes", help="One row per mode.")] = False
) -> None:
    """Show what the account can spend and what is held for open HITs."""
    run = invocation(ctx)
    if not all_modes:
        run.output.record(_row(run))
        return
    rows = [_of_mode(run, mode) for mode in MODES]
    run.output.rows(["mode", "available", "on_hold", "currency", "error"], rows)
    failed = any(row["error"] for row in rows)
    raise typer.Exit(4 if failed else 0)


def _row(run: Invocation) -> dict[str, Any]:
    found = run.context.mturk.balance()
    return {
        "mode": run.settings.mode,
        "available": found.available,
        "on_hold": found.on_hold,
        "currency": "USD",
    }


def _of_mode(run: Invocation, mode: str) -> dict[str, Any]:
    """The row of one mode; a mode that does not answer says so instead of hiding the others."""
    other = Invocation()
    other.flags = {key: value for key, value in run.flags.items() if key != "endpoint_url"} | {"mode": mode}
    try:
        return {**_row(other), "error": None}
    except TurkctlError as error:
        return {"mode": mode, "available": None, "on_hold": None, "currency": "USD", "error": error.message}
    finally:
        other.close()
