"""``turkctl participants``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from turkctl.cli import select
from turkctl.cli.bundles import bundled
from turkctl.cli.commands.participant_export import export
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import ALL_COLUMNS, MOST, Listing
from turkctl.cli.participant_options import Filters, chosen_modes
from turkctl.errors import ExitCode, NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from turkctl.cli.invocation import Invocation
    from turkctl.context import Context
    from turkctl.operations.participants.filters import Query
    from turkctl.operations.participants.lists import Ordering

    Found = tuple[Sequence[str], list[dict[str, Any]]]

app = make_group("List, count, show and export participants; reads psiTurk's databases, too. Here --mode is a filter.")


@app.command(name="list")
@bundled
def list_(
    ctx: typer.Context,
    filters: Filters,
    listing: Listing,
    group_by: Annotated[
        list[str] | None,
        typer.Option(
            "--group-by", metavar="COL", help="Count participants by condition, status, day or any other column."
        ),
    ] = None,
    offset: Annotated[
        int, typer.Option("--offset", metavar="N", min=0, max=MOST, help="Number of rows to skip first.")
    ] = 0,
    wage: Annotated[
        bool,
        typer.Option(
            "--wage",
            help="Also show minutes worked and dollars per hour; with --group-by, group by experiment as well.",
        ),
    ] = False,
    chart: Annotated[
        bool,
        typer.Option(
            "--chart", help="With --group-by: draw a bar beside each count; days without anybody are there too."
        ),
    ] = False,
    names: select.Names = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show the list live, until Ctrl-C.")] = False,
) -> None:
    """List participants, or count them with --group-by; of all modes, unless you give --mode.

    Examples:
        turkctl participants list --status submitted --sort worker_id --limit 20
        turkctl participants list --group-by day --chart
        turkctl participants list --current --group-by condition --watch
    """
    from turkctl.operations.participants.lists import Ordering, known_columns

    run = invocation(ctx)
    query = filters.query(run)
    if group_by and listing.columns:
        raise UsageError("--columns cannot be used with --group-by", hint="groups show their own columns and the count")
    chosen, sort = listing.chosen, listing.sort
    if not group_by:
        chosen = known_columns(chosen)
        sort = None if sort is None else known_columns([sort])[0]
    ordering = Ordering(sort, listing.desc, listing.limit, offset)
    wages = wage or bool({"minutes", "wage"} & {*chosen, sort})
    look = partial(_find, run, query, group_by, chosen, wages)
    bar = "count" if group_by else None
    if names and (watch or group_by):
        raise UsageError("--names cannot be used with --watch or --group-by", hint="leave one of them out")
    if chart:
        _check_chart(run, group_by, watch=watch)
        _chart(run, *look(ordering), group_by or [], in_order=not listing.sorts and listing.limit is None)
        return
    if names:
        _show_names(run, *look(ordering), chosen)
        return
    if watch:
        _watch(run, look, ordering, bar, chosen)
    run.output.rows(*look(ordering), bar=bar, kept=chosen, otherwise=ALL_COLUMNS)


def _show_names(run: Invocation, columns: Sequence[str], rows: Iterable[dict[str, Any]], chosen: list[str]) -> None:
    """Print the list with your own ids and names of people after their worker ids."""
    if "worker_id" not in columns:
        raise UsageError("--names needs the column worker_id", hint="add it to --columns")
    place = columns.index("worker_id") + 1
    wider = [*columns[:place], *select.NAME_COLUMNS, *columns[place:]]
    run.output.rows(wider, select.with_names(run, rows), kept=chosen, otherwise=ALL_COLUMNS)


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


def _check_chart(run: Invocation, group_by: list[str] | None, *, watch: bool) -> None:
    """See that there is something to draw, and where to.

    Raises:
        UsageError: there is not.
    """
    if not group_by:
        raise UsageError("--chart needs --group-by", hint="add --group-by day")
    if watch:
        raise UsageError("--chart cannot be used with --watch", hint="leave --chart out: --watch draws bars by itself")
    if run.output.format != "table":
        raise UsageError(f"--chart is drawn in a table, not in {run.output.format}", hint="leave one of them out")


def _chart(
    run: Invocation, columns: Sequence[str], rows: list[dict[str, Any]], group_by: list[str], *, in_order: bool
) -> None:
    """Draw the counts; where days alone are counted, in their order, those without anybody are among them."""
    from turkctl.operations.participants.lists import with_empty_days

    by_day = in_order and columns == ["day", "count"] and group_by == ["day"]
    run.output.chart(columns, with_empty_days(rows) if by_day else rows, "count")


def _watch(
    run: Invocation, look: Callable[[Ordering], Found], ordering: Ordering, bar: str | None, kept: list[str]
) -> NoReturn:
    from turkctl.cli.batch import stoppable
    from turkctl.cli.live import watch

    def part(most: int) -> Found:
        return look(replace(ordering, limit=most if ordering.limit is None else min(ordering.limit, most)))

    with stoppable() as stop:
        watch(run.output, part, stop, bar=bar, kept=kept)
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
    wanted: Annotated[
        str, typer.Argument(metavar="ID", help="Uniqueid, assignment id, or id of the worker, yours or the market's.")
    ],
) -> None:
    """Show one participant in full, with what the experiment recorded.

    Examples:
        turkctl participants show A1EXAMPLEWORKER --json
    """
    from turkctl.operations.participants import lists as participants

    run = invocation(ctx)
    chosen_modes(run)
    run.output.record(_of_somebody(run, wanted, participants.show))


@app.act(name="set")
def set_(
    ctx: typer.Context,
    wanted: Annotated[
        str, typer.Argument(metavar="ID", help="Uniqueid, assignment id, or id of the worker, yours or the market's.")
    ],
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
    amount = parse_money(bonus)
    run.output.outcome(_of_somebody(run, wanted, lambda reads, found: set_bonus(reads, found, amount)))


def _of_somebody(run: Invocation, wanted: str, act: Callable[[Context, str], dict[str, Any]]) -> dict[str, Any]:
    """Do something with a participant; a name that nobody in the table has may be a lab's own id of a worker."""
    try:
        return act(run.context, wanted)
    except NotFoundError:
        others = [each for each in select.meant_by_lists(run, [wanted]) if each != wanted]
        if not others:
            raise
        return act(run.context, others[0])


app.command()(export)
