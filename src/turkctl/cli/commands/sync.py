"""``turkctl sync``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cli import completion, select
from turkctl.cli.batch import apply_batch, confirm
from turkctl.cli.common import invocation
from turkctl.cli.help_pages import App
from turkctl.errors import UsageError

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.engine.plan import BatchResult

app = App()


@app.act()
def sync(
    ctx: typer.Context,
    full: Annotated[
        bool, typer.Option("--full", help="Read the work on every HIT again, not only on those whose counters changed.")
    ] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Add the account's HITs that this database does not know to it.")
    ] = False,
    experiment: Annotated[
        str | None,
        typer.Option(
            "--experiment",
            metavar="SLUG",
            help="With --adopt: the experiment they belong to.",
            show_default="none",
            autocompletion=completion.experiments,
        ),
    ] = None,
    codeversion: Annotated[
        str | None,
        typer.Option(
            "--codeversion", metavar="V", help="With --adopt: their code version.", show_default="the configured one"
        ),
    ] = None,
    disable_unknown: Annotated[
        bool,
        typer.Option(
            "--disable-unknown", help="Expire, approve and delete the account's HITs that this database does not know."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --disable-unknown: show what would be done, and change nothing.")
    ] = False,
    yes: select.Yes = False,
) -> None:
    """Bring HITs, assignments and participants up to date with the market, reading only what changed.

    HITs that psiTurk posted on the same database are added. HITs of the account that this database does not know are
    listed as unknown and left alone.

    Examples:
        turkctl sync
        turkctl sync --full
        turkctl sync --disable-unknown --dry-run
    """
    from turkctl.operations.experiments.people import unclaimed_rows, unclaimed_warning
    from turkctl.operations.sync.adopt import Adoption
    from turkctl.operations.sync.of_psiturk import unassigned_warning
    from turkctl.operations.sync.run import sync as bring_up_to_date

    run = invocation(ctx)
    if adopt and disable_unknown:
        raise UsageError("--adopt and --disable-unknown cannot be used together", hint="give one of them")
    if not adopt and (experiment is not None or codeversion is not None):
        raise UsageError("--experiment and --codeversion need --adopt", hint="add --adopt")
    if dry_run and not disable_unknown:
        raise UsageError(
            "--dry-run needs --disable-unknown",
            hint="leave it out: sync alone changes nothing on the market",
        )
    adoption = Adoption(experiment, codeversion) if adopt else None
    report = bring_up_to_date(run.context, full=full, grant_took_part=not dry_run, adoption=adoption)
    disabled = _disable(run, dry_run=dry_run, yes=yes) if disable_unknown else None
    nobodys = unclaimed_rows(run.context, run.context.place)
    for row in nobodys:
        run.output.warn(unclaimed_warning(row))
    if report.psiturk:
        run.output.note(f"psiTurk's HITs on this database, counted and listed from now on: {', '.join(report.psiturk)}")
    if report.unassigned:
        run.output.warn(unassigned_warning(report.unassigned))
    ended = None if disabled is None else disabled.as_dict()
    failed = report.read.failed or (disabled is not None and disabled.failed)
    told = {**report.as_dict(), "unclaimed": nobodys, "disabled": ended}
    run.output.outcome(told, always=bool(failed) or dry_run)
    raise typer.Exit(130 if disabled is not None and disabled.interrupted else int(bool(failed)))


def _disable(run: Invocation, *, dry_run: bool, yes: bool) -> BatchResult:
    """End what the database does not know, once that is agreed to."""
    from turkctl.operations.sync.disable import prepare_disable

    plan, act = prepare_disable(run.context)
    if dry_run:
        return plan.preview()
    if plan.steps and run.settings.mode == "live" and not yes:
        confirm(run, plan)
    return apply_batch(run, plan, act)
