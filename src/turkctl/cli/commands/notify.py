"""``turkctl notify``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import typer

from turkctl.cli.common import invocation, make_group
from turkctl.errors import ExitCode, TurkctlError, UsageError

app = make_group("Have events sent to you: to a program of yours, or to mail and chat.")


@app.callback()
def group() -> None:
    """Do nothing: Typer would turn a group with a single command into that command otherwise."""


@app.act()
def test(ctx: typer.Context) -> None:
    """Send a test event to everything that [notify] names, and say what happened.

    The exit code is 1 if something did not get it, and 2 if [notify] names nothing.

    Examples:
        turkctl notify test
    """
    from turkctl.operations.notices.delivery import trial

    run = invocation(ctx)
    channels = run.context.channels()
    if not channels:
        run.settings.require_database()  # the project that names them is elsewhere
        raise UsageError(
            "nothing is configured to notify",
            hint="set urls or command under [notify] in turkctl.toml, or TURKCTL_NOTIFY_URLS or TURKCTL_NOTIFY_COMMAND",
        )
    event = trial(run.settings.mode, datetime.now(UTC))
    rows: list[dict[str, Any]] = []
    for channel in channels:
        row = {"to": channel.name, "status": "sent", "error": None, "fix": None}
        try:
            channel.send(event)
        except TurkctlError as error:
            row |= {"status": "failed", "error": run.masked(error.message), "fix": error.hint}
        rows.append(row)
    failed = [row for row in rows if row["error"] is not None]
    if failed or not run.output.summary_unwanted:
        run.output.rows(["to", "status", "error", "fix"], rows)
    raise typer.Exit(ExitCode.FAILED if failed else ExitCode.OK)
