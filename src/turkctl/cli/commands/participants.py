"""``turkctl participants``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from turkctl.cli.bundles import bundled
from turkctl.cli.commands.participant_export import export
from turkctl.cli.common import invocation, make_group
from turkctl.cli.participant_options import Filters, chosen_modes
from turkctl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from turkctl.cli.invocation import Invocation
    from turkctl.operations.participants.filters import Query
    from turkctl.operations.participants.lists import Ordering

    Found = tuple[Sequence[str], list[dict[str, Any]]]

app = make_group("List, count, show and export participants; reads psiTurk's databases, too. Here --mode is a filter.")

MOST = 10**9


@app.command(name="list")
@bundled
def list_(
    ctx: typer.Context,
    filters: Filters,
    group_by: Annotated[
        list[str] | None,
        typer.Option(
            "--group-by", metavar="COL", help="Count participants by condition, status, day or any other column."
        ),
    ] = None,
    sort: Annotated[str | None, typer.Option("--sort", metavar="COL", help="Column to sort by.")] = None,
    desc: Annotated[bool, typer.Option("--desc", help="Sort in descending order.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=0, max=MOST, help="Number of rows to show at most.")
    ] = None,
    offset: Annotated[
        int, typer.Option("--offset", metavar="N", min=0, max=MOST, help="Number of rows to skip first.")
    ] = 0,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="A,B,C", help="Columns to show, with commas between them.")
    ] = None,
    wage: Annotated[
        bool,
        typer.Option(
            "--wage",
            help="Also show minutes worked and dollars per hour; with --group-by, group by experiment as well.",
        ),
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show the list live, until Ctrl-C.")] = False,
) -> None:
    """List participants, or count them with --group-by; of all modes, unless you give --mode.

    Examples:
        turkctl participants list --status submitted --sort worker_id --limit 20
        turkctl participants list --current --group-by condition --group-by status
        turkctl participants list --current --group-by condition --watch
    """
    from turkctl.operations.participants.lists import Ordering

    run = invocation(ctx)
    query = filters.query(run)
    ordering = Ordering(sort, desc, limit, offset)
    if group_by and columns:
        raise UsageError("--columns cannot be used with --group-by", hint="groups show their own columns and the count")
    chosen = [name.strip() for name in (columns or "").split(",") if name.strip()]
    if columns is not None and not chosen:
        raise UsageError("--columns is empty", hint="write --columns worker_id,status")
    wages = wage or bool({"minutes", "wage"} & {*chosen, sort})
    look = partial(_find, run, query, group_by, chosen, wages)
    bar = "count" if group_by else None
    if watch:
        _watch(run, look, ordering, bar)
    run.output.rows(*look(ordering), bar=bar)


def _find(
    run: Invocation, query: Query, group_by: list[str] | None, chosen: list[str], wages: bool, ordering: Ordering
) -> Found:
    if wages:
        from turkctl.operations.participants.wages import grouped_with_wages, listed_with_wages

        if group_by:
            return grouped_with_wages(run.context, query, ordering, group_by)
        return listed_with_wages(run.context, query, ordering, chosen)
    from turkctl.operations.participants.lists import grouped, listed

    if group_by:
        return grouped(run.context, query, ordering, group_by)
    return listed(run.context, query, ordering, chosen)


def _watch(run: Invocation, look: Callable[[Ordering], Found], ordering: Ordering, bar: str | None) -> NoReturn:
    from turkctl.cli.batch import stoppable
    from turkctl.cli.live import watch

    def part(most: int) -> Found:
        return look(replace(ordering, limit=most if ordering.limit is None else min(ordering.limit, most)))

    with stoppable() as stop:
        watch(run.output, part, stop, bar=bar)
    raise typer.Exit(ExitCode.INTERRUPTED)


@app.command()
@bundled
def count(
    ctx: typer.Context,
    filters: Filters,
) -> None:
    """Print the number of participants that match.

    Examples:
        turkctl participants count --complete
    """
    from turkctl.operations.participants import lists as participants

    run = invocation(ctx)
    query = filters.query(run)
    run.output.value(participants.count(run.context, query))


@app.command()
def show(
    ctx: typer.Context,
    wanted: Annotated[str, typer.Argument(metavar="ID", help="Uniqueid, assignment id or worker id.")],
) -> None:
    """Show one participant in full, with what the experiment recorded.

    Examples:
        turkctl participants show A1EXAMPLEWORKER --json
    """
    from turkctl.operations.participants import lists as participants

    run = invocation(ctx)
    chosen_modes(run)
    run.output.record(participants.show(run.context, wanted))


@app.command(name="set")
def set_(
    ctx: typer.Context,
    wanted: Annotated[str, typer.Argument(metavar="ID", help="Uniqueid, assignment id or worker id.")],
    bonus: Annotated[
        str, typer.Option("--bonus", metavar="A", help="Dollars that `workers bonus --auto` will pay, as in 0.40.")
    ],
) -> None:
    """Set the bonus that a participant is owed; pay nothing.

    Examples:
        turkctl participants set A1EXAMPLEWORKER --bonus 0.40
    """
    from turkctl.operations.participants.bonus import set_bonus
    from turkctl.units import parse_money

    run = invocation(ctx)
    chosen_modes(run)
    run.output.record(set_bonus(run.context, wanted, parse_money(bonus)))


app.command()(export)
