"""``turkctl balance``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from turkctl.cli.common import invocation
from turkctl.cli.help_pages import App
from turkctl.cli.invocation import Invocation
from turkctl.errors import TurkctlError
from turkctl.settings import MODES

app = App()


@app.command()
def balance(
    ctx: typer.Context, all_modes: Annotated[bool, typer.Option("--all-modes", help="Show one row per mode.")] = False
) -> None:
    """Show how much money the account can spend, and how much is held for open HITs.

    Examples:
        turkctl balance
        turkctl balance --all-modes
    """
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
        "currency": run.context.mturk.market_rules().unit,
    }


def _of_mode(run: Invocation, mode: str) -> dict[str, Any]:
    """Return the row of one mode; a mode that does not answer says so instead of hiding the others."""
    other = Invocation()
    other.flags = {key: value for key, value in run.flags.items() if key != "endpoint_url"} | {"mode": mode}
    try:
        return {**_row(other), "error": None}
    except TurkctlError as error:
        return {"mode": mode, "available": None, "on_hold": None, "currency": "USD", "error": error.message}
    finally:
        other.close()
