"""``turkctl dashboard``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from turkctl.cli.common import invocation, make_group
from turkctl.errors import ConfigError

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.cli.output import Output

app = make_group("Serve the study as web pages.")


@app.callback()
def group() -> None:
    """Do nothing: Typer would turn a group with a single command into that command otherwise."""


@app.command()
def hash_password(ctx: typer.Context) -> None:
    """Ask for a new password and print its hash, for dashboard.password_hash or a person's table in turkctl.toml.

    At a terminal, the password is typed twice and not shown; else it is one line of standard input. The hash does not
    give it away, but keep it secret all the same: whoever has it can try passwords at leisure.

    Examples:
        turkctl dashboard hash-password
        turkctl dashboard hash-password --json
    """
    from turkctl.cli.passwords import new_password
    from turkctl.web.passwords import hash_password, require_extra

    require_extra()
    output = _output(invocation(ctx))
    hashed = hash_password(new_password(output.stdin))
    if output.format == "table":
        output.value(hashed)
    else:
        output.record({"password_hash": hashed})


def _output(run: Invocation) -> Output:
    """Return the printer; settings that lack a hash, or have a wrong one, are no reason not to make it."""
    try:
        return run.output
    except ConfigError:
        return run.plain_output()
