"""``turkctl db``: the schema of turkctl's database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from turkctl.cli.commands import db_copy
from turkctl.cli.common import invocation, make_group
from turkctl.cli.invocation import Invocation
from turkctl.cli.select import DryRun

app = make_group("Upgrade, check, speed up and move the database; take over a psiTurk study.")
app.act("copy")(db_copy.copy)


@app.act()
def upgrade(ctx: typer.Context) -> None:
    """Upgrade the database to the schema that this turkctl needs; tables of others stay as they are.

    Examples:
        turkctl db upgrade
    """
    from turkctl.operations.database import upgrade

    run = invocation(ctx)
    before, after = upgrade(run.context.bare_database, run.settings["participants_table"], run.context.refuse_to_begin)
    run.output.outcome({"database": run.context.database.url_for_people, "before": before, "after": after})


@app.command()
def current(ctx: typer.Context) -> None:
    """Show the database's schema version, and the one that this turkctl needs.

    Examples:
        turkctl db current
    """
    from turkctl.operations.database import versions
    from turkctl.operations.participants.lists import refuse_absent

    run = invocation(ctx)
    refuse_absent(run.settings)
    found, needed = versions(run.context.bare_database)
    run.output.record({"database": run.context.bare_database.url_for_people, "current": found, "needed": needed})


@app.command()
def check(ctx: typer.Context) -> None:
    """Compare the database's tables with what this turkctl expects; exit 1 if they differ.

    Examples:
        turkctl db check
    """
    from turkctl.operations.database import differences
    from turkctl.operations.participants.lists import refuse_absent

    run = invocation(ctx)
    refuse_absent(run.settings)
    found = differences(run.context.bare_database, run.settings["participants_table"])
    if found or run.output.format != "table":
        run.output.rows(["difference"], [{"difference": each} for each in found])
    else:
        run.output.note("the tables are as this turkctl expects them")
    raise typer.Exit(1 if found else 0)


@app.act()
def optimize(
    ctx: typer.Context,
    drop: Annotated[bool, typer.Option("--drop", help="Remove the indexes again.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Add indexes to the participants table, so that lists of a large one are quick.

    Nothing else of psiTurk's table changes. They take about a kilobyte for each participant. On SQLite nobody can
    write meanwhile: up to two seconds for each index of 1,000,000 participants.

    Examples:
        turkctl db optimize --dry-run
        turkctl db optimize --drop
    """
    from turkctl.operations.participants.optimize import optimize

    run = invocation(ctx)
    result = optimize(run.context, drop=drop, dry_run=dry_run)
    code = run.output.batch(result)
    if not (drop or dry_run or code):
        run.output.note("to drop them again, run: turkctl db optimize --drop")
    raise typer.Exit(code)


@app.act()
def import_psiturk(
    ctx: typer.Context,
    config: Annotated[
        list[str] | None,
        typer.Option(
            "--config",
            "--psiturk-config",
            metavar="FILE",
            help="psiTurk's configuration file; a .toml file is turkctl's project file, as elsewhere.",
            show_default="config.txt",
        ),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(
            "--experiment", metavar="SLUG", help="Name for the experiment.", show_default="made from its title"
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Turn a psiTurk study into a turkctl project on the same database; psiTurk's tables stay as they are.

    Settings that turkctl.toml does not have yet are written into it; campaigns become history, recurring approvals
    become paused tasks. Keys and passwords are not copied. Run it again to take over the rest.

    Examples:
        turkctl db import-psiturk --dry-run
        turkctl db import-psiturk --config config.txt --experiment stroop
    """
    from turkctl.cli.project import write_whole
    from turkctl.operations.database import upgrade
    from turkctl.operations.psiturk import take_over as steps
    from turkctl.operations.psiturk.items import COLUMNS

    run = invocation(ctx)
    file, named = _psiturk_file(run, config or [])
    study = steps.describe(file, run.settings, named=named)
    context = run.context = run.new_context(study.settings)
    source = steps.read_source(study, context.bare_database)
    terms, untold = ([], ()) if dry_run else steps.ask_for_terms(context, study, source, experiment)
    change = steps.plan_file(study, source, experiment, terms)
    if not dry_run and change.text is not None:
        write_whole(change.path, change.text, new=change.new)
    if dry_run or context.bare_database.dialect not in steps.WRITABLE:
        entered = steps.foresee(source, change, context.bare_database)
    else:
        upgrade(context.bare_database, study.settings["participants_table"], context.refuse_to_begin)
        entered = steps.take_over(context, source, change, datetime.now(UTC))
    run.output.rows(COLUMNS, steps.all_items(change, [*untold, *entered]))
    run.output.note(
        "dry run: nothing was written" if dry_run else "next: turkctl doctor, then turkctl participants list"
    )


def _psiturk_file(run: Invocation, named: list[str]) -> tuple[Path, bool]:
    """Find psiTurk's file, and whether it was named.

    Of what ``--config`` names, before or after the command, a .toml is the project file.
    """
    from turkctl.operations.psiturk.config import DEFAULT_FILE

    before = run.flags.pop("config", None)
    given = [*([] if before is None else [before]), *named]
    ours = [each for each in given if each.endswith(".toml")]
    if ours:
        run.flags["config"] = ours[-1]
    theirs = [each for each in given if not each.endswith(".toml")]
    return Path(theirs[-1] if theirs else DEFAULT_FILE).expanduser(), bool(theirs)
