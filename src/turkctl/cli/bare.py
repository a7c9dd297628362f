"""``turkctl`` without a command: the status of the study, or outside a project what turkctl is and how to begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turkctl.cli.top import HELP, columns, compose, fold, section

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation

FIRST = {
    "turkctl demo": "Play a whole study with simulated workers and play money.",
    "turkctl init": "Begin a study of your own in this folder.",
    "turkctl help": "List all commands.",
}
"""Commands for somebody who has no study yet."""


def without_command(run: Invocation) -> None:
    """Show the status if there is a project or a database is given; else say how to begin."""
    if run.settings.has_database:
        from turkctl.cli.commands.status import show_status

        show_status(run)
    elif run.output.format == "table":
        run.output.text(_welcome(columns()))
    else:
        run.output.record({"about": HELP, "commands": list(FIRST)})


def _welcome(width: int) -> str:
    begin = "There is no turkctl.toml in this folder or above it, so this is not a project yet."
    return compose(fold(HELP, width), fold(begin, width), section("Begin with one of these", [*FIRST.items()], width))
