"""``turkctl workers list``, ``show``, ``assignments`` and ``answers``: who did what."""

from __future__ import annotations

from typing import Annotated

import typer

from turkctl.cli import completion, select
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation
from turkctl.cli.help_pages import App
from turkctl.cli.listing import MOST, Listing
from turkctl.ids import storable


def register(app: App) -> None:
    """Add these commands to the group."""
    app.command(name="list")(list_)
    app.command()(show)
    app.command()(assignments)
    app.command()(answers)


@bundled
def list_(
    ctx: typer.Context,
    selectors: select.WorkSelectors,
    listing: Listing,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the market which workers are blocked.")] = False,
    names: select.Names = False,
    gold: Annotated[
        bool,
        typer.Option("--gold", help="Also show the number of known answers each was asked for, and the share right."),
    ] = False,
    wage: Annotated[bool, typer.Option("--wage", help="Also show hours worked and dollars per hour.")] = False,
    group_by: Annotated[
        list[str] | None,
        typer.Option(
            "--group-by",
            metavar="COL",
            help="With --wage: group by experiment, condition, codeversion or campaign instead of by worker.",
        ),
    ] = None,
) -> None:
    """List workers of this mode: assignments by status, earnings, bonuses, last seen.

    Examples:
        turkctl workers list --experiment colours --sort last_seen --desc --limit 20
        turkctl workers list --wage --group-by experiment
    """
    from turkctl.operations.selection import gold as known_answers
    from turkctl.operations.workers import wages
    from turkctl.operations.workers.lists import COLUMNS, KEYS, list_workers

    run = invocation(ctx)
    wanted = selectors.work(run)
    if group_by:
        _check_grouping(wage=wage, refresh=refresh, gold=gold, names=names)
        listing.show(run, *wages.by_group(run.context, wanted, group_by))
        return
    rows = list_workers(run.context, wanted, refresh=refresh, gold=gold)
    shown = [name for name in COLUMNS if refresh or name != "blocked"]
    if names:
        shown = ["worker_id", *select.NAME_COLUMNS, *shown[1:]]
        rows = select.with_names(run, rows)
    columns = [*shown, *(known_answers.COLUMNS if gold else ()), *(wages.OF_WORKER if wage else ())]
    listing.show(run, columns, wages.of_workers(run.context, wanted, rows) if wage else rows, keys=KEYS)


def show(
    ctx: typer.Context,
    worker: Annotated[
        str,
        typer.Argument(
            metavar="WORKER", help="Id of the worker, yours or the market's.", autocompletion=completion.workers
        ),
    ],
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the market whether the worker is blocked.")] = False,
) -> None:
    """Show one worker: their work and what it paid, messages, what they are kept out of, psiTurk's rows.

    Examples:
        turkctl workers show A1EXAMPLEWORKER
        turkctl workers show A1EXAMPLEWORKER --refresh --json
    """
    from turkctl.operations.participants.person import show_person

    run = invocation(ctx)
    (found,) = select.meant(run, [storable(worker)])
    run.output.record(show_person(run.context, found, refresh=refresh))


@bundled
def assignments(
    ctx: typer.Context,
    selectors: select.WorkSelectors,
    listing: Listing,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help="Only assignments that are submitted, approved or rejected."),
    ] = None,
    offset: Annotated[
        int, typer.Option("--offset", metavar="N", min=0, max=MOST, help="Number of rows to skip first.")
    ] = 0,
) -> None:
    """List assignments of this mode one by one, the earliest submission first, to look at and decide on.

    Examples:
        turkctl workers assignments --status submitted
        turkctl workers assignments --experiment colours --sort minutes --limit 20
    """
    from turkctl.operations.workers.assignments import COLUMNS, KEYS, list_assignments

    run = invocation(ctx)
    skip = offset if listing.sorts else 0
    rows = list_assignments(run.context, selectors.work(run), status or (), limit=listing.enough, offset=offset - skip)
    listing.show(run, COLUMNS, rows, keys=KEYS, skip=skip)


def answers(
    ctx: typer.Context,
    assignment: Annotated[
        str,
        typer.Argument(metavar="ASSIGNMENT", help="Id of the assignment.", autocompletion=completion.assignments),
    ],
) -> None:
    """Show what one assignment answered, beside the items that it was about and their known answers.

    Examples:
        turkctl workers answers 3EXAMPLEASSIGNMENT000000000001
    """
    from turkctl.operations.participants.answers import answers_of

    run = invocation(ctx)
    shown = answers_of(run.context, storable(assignment))
    if shown["note"] is not None:
        run.output.note(shown["note"])
    run.output.record(shown)


def _check_grouping(*, wage: bool, refresh: bool, gold: bool, names: bool) -> None:
    """See that the other options mean something with ``--group-by``.

    Raises:
        UsageError: they do not.
    """
    from turkctl.errors import UsageError

    if not wage:
        raise UsageError("--group-by needs --wage", hint="add --wage")
    if refresh:
        raise UsageError("--refresh cannot be used with --group-by", hint="leave one of them out")
    for flag, given in (("--gold", gold), ("--names", names)):
        if given:
            raise UsageError(f"{flag} cannot be used with --group-by", hint="leave one of them out")
