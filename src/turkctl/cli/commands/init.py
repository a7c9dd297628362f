"""``turkctl init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from turkctl.cli.common import invocation
from turkctl.cli.help_pages import App

app = App()


@app.act()
def init(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Folder of the study.", show_default="this folder")
    ] = Path(),
    new_database: Annotated[
        bool,
        typer.Option("--new-database", help="Start over with an empty database if the project's is gone or empty."),
    ] = False,
) -> None:
    """Write a commented turkctl.toml and create the database; never overwrite anything.

    With --new-database and no DIR, it is about the project that you are in, or that --config names.

    Examples:
        turkctl init my-study
    """
    from turkctl.cli.project import write_new

    run = invocation(ctx)
    here = run.project_file() if new_database and folder == Path() else None
    path, written = write_new(folder) if here is None else (here, False)
    run.flags["config"] = str(path.resolve())
    if written or new_database:
        run.context.begin_anew(over_empty=new_database)
    database = run.context.database
    run.output.outcome(
        {
            "project_file": str(path.resolve()),
            "written": written,
            "database": database.url_for_people,
            "mode": run.settings.mode,
        }
    )
    if written:
        run.output.note("next: edit [experiments.example], then run: turkctl experiments configure")
    else:
        run.output.note("the project file was there already and is unchanged; next: turkctl experiments configure")
