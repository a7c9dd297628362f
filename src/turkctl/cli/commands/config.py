"""``turkctl config``: what is set, and where it came from."""

from __future__ import annotations

from typing import Annotated

import typer

from turkctl.cli.common import invocation, make_group
from turkctl.settings import mask_url, require_key

app = make_group("The resolved settings and where each came from.")

Name = Annotated[str, typer.Argument(metavar="KEY", help="A setting, as in database_url or endpoints.live.")]


@app.command()
def show(ctx: typer.Context) -> None:
    """Show all settings, each with its origin; secrets are masked."""
    run = invocation(ctx)
    rows = [
        {"key": name, "value": run.settings.masked(name), "origin": str(run.settings.origins[name])}
        for name in run.settings.values
    ]
    run.output.rows(["key", "value", "origin"], rows)


@app.command()
def get(ctx: typer.Context, key: Name) -> None:
    """Print one setting; nothing when it is not set."""
    run = invocation(ctx)
    run.output.value(run.settings.masked(require_key(key).name))


@app.command(name="set")
def set_(ctx: typer.Context, key: Name, value: Annotated[str, typer.Argument(help="The new value.")]) -> None:
    """Write one setting into the project file; its comments are kept."""
    from turkctl.cli.project import write_setting

    run = invocation(ctx)
    path = write_setting(run.settings, key, value)
    run.output.note(f"{key} is now {mask_url(value)} in {path}")


@app.command()
def path(ctx: typer.Context) -> None:
    """Print where the project file is."""
    from turkctl.cli.project import project_file

    run = invocation(ctx)
    run.output.value(str(project_file(run.settings)))
