"""``turkctl db``: the schema of turkctl's database."""

from __future__ import annotations

import typer

from turkctl.cli.common import invocation, make_group

app = make_group("Schema migrations of turkctl's database.")


@app.command()
def upgrade(ctx: typer.Context) -> None:
    """Bring the database to this turkctl's schema; tables of others are left alone."""
    from turkctl.operations.schema import upgrade

    run = invocation(ctx)
    before, after = upgrade(run.context.bare_database, run.settings["participants_table"])
    run.output.record({"database": run.context.bare_database.url_for_people, "before": before, "after": after})


@app.command()
def current(ctx: typer.Context) -> None:
    """Show which schema the database has and which one this turkctl needs."""
    from turkctl.operations.schema import versions

    run = invocation(ctx)
    found, needed = versions(run.context.bare_database)
    run.output.record({"database": run.context.bare_database.url_for_people, "current": found, "needed": needed})


@app.command()
def check(ctx: typer.Context) -> None:
    """Compare the tables with what this turkctl expects; exit 1 when they differ."""
    from turkctl.operations.schema import differences

    run = invocation(ctx)
    found = differences(run.context.bare_database, run.settings["participants_table"])
    run.output.rows(["difference"], [{"difference": each} for each in found])
    raise typer.Exit(1 if found else 0)
