"""``turkctl experiments``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from turkctl.cli.common import invocation, make_group
from turkctl.cli.select import DryRun

app = make_group("Read experiments from files, list and show them.")


@app.command()
def configure(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Only these files or folders.", show_default=False),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="With PATHs: all other experiments are no longer dispatched.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Read [experiments.*] of turkctl.toml and every */experiment.toml; check all, then store all or none.

    What is no longer there stops being dispatched; its HITs and its history stay.
    """
    from turkctl.operations.configure import apply_configure, plan_configure
    from turkctl.operations.experiment_files import find

    run = invocation(ctx)
    configured = find(run.settings.project_file, run.settings.folder, paths or ())
    with run.context.database.read() as session:
        changes = plan_configure(session, configured, whole=prune or not paths)
    superseded = [] if dry_run else apply_configure(run.context.database, changes, run.context.now())
    run.output.rows(["experiment", "status", "codeversion", "changes"], [change.as_dict() for change in changes])
    for number in superseded:
        run.output.note(
            f"campaign {number} is superseded by the new code version; its open HITs stay: "
            f"to expire them, run: turkctl hits expire --campaign {number}"
        )
    if not configured:
        run.output.note("no experiment found: add [experiments.NAME] to turkctl.toml, or a folder with experiment.toml")


@app.command(name="list")
def list_(ctx: typer.Context) -> None:
    """List the experiments that are configured."""
    from turkctl.operations.experiments import list_experiments

    run = invocation(ctx)
    with run.context.database.read() as session:
        rows = list_experiments(session, run.settings.mode)
    run.output.rows(["experiment", "codeversion", "title", "reward", "hits", "active", "version", "configured"], rows)


@app.command()
def show(ctx: typer.Context, slug: Annotated[str, typer.Argument(help="The experiment's name.")]) -> None:
    """Show one experiment: its settings, their history, its HITs in numbers."""
    from turkctl.operations.experiments import show_experiment

    run = invocation(ctx)
    with run.context.database.read() as session:
        record = show_experiment(session, slug, run.settings.mode)
    run.output.record(record)
