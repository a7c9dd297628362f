"""``turkctl config``: what is set, and where it came from."""

from __future__ import annotations

from typing import Annotated

import typer

from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import Listing
from turkctl.settings import mask_url, require_key

app = make_group("Show and change settings; say where each value comes from.")

Name = Annotated[str, typer.Argument(metavar="KEY", help="Name of a setting, as in database_url or endpoints.live.")]


@app.command()
@bundled
def show(ctx: typer.Context, listing: Listing) -> None:
    """Show all settings and where each value comes from; secrets are masked.

    Examples:
        turkctl config show
        turkctl config show --columns key,value
    """
    run = invocation(ctx)
    rows = [{"key": name, "value": value, "origin": str(origin)} for name, value, origin in run.settings.shown()]
    listing.show(run, ["key", "value", "origin"], rows)


@app.command()
def get(ctx: typer.Context, key: Name) -> None:
    """Print the value of one setting; an empty line if it is not set.

    Examples:
        turkctl config get mode
    """
    run = invocation(ctx)
    run.output.value(run.settings.masked(require_key(key).name))


@app.act(name="set")
def set_(
    ctx: typer.Context, key: Name, value: Annotated[str, typer.Argument(metavar="VALUE", help="New value.")]
) -> None:
    """Write one setting into the project file, and keep the file's comments.

    Examples:
        turkctl config set mode sandbox
        turkctl config set endpoints.live http://market.lab.example.org:8800/
    """
    from turkctl.cli.project import write_setting

    run = invocation(ctx)
    path = write_setting(run.settings, key, value)
    run.output.note(f"{key} is now {mask_url(value)} in {path}")


@app.command()
def path(ctx: typer.Context) -> None:
    """Print the path of the project file.

    Examples:
        turkctl config path
    """
    from turkctl.cli.project import project_file

    run = invocation(ctx)
    run.output.value(str(project_file(run.settings)))
