"""``turkctl db copy``: move the study, and its market, to other databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli.common import invocation

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.copying import Part

PSITURK_STOPPED = (
    "psiTurk must be stopped: it would go on writing to the old database; give it the new address before you start it"
)


def copy(
    ctx: typer.Context,
    to: Annotated[str, typer.Option("--to", metavar="URL", help="Address of the new database, which is empty.")],
    market_to: Annotated[
        str | None,
        typer.Option(
            "--market-to",
            metavar="URL",
            help="Address of a new database for the built-in market.",
            show_default="the market stays where it is",
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Make a copy to look at, which cannot act; the study stays where it is.")
    ] = False,
    switch: Annotated[bool, typer.Option("--switch", help="Write the new addresses into the project file.")] = False,
) -> None:
    """Move the study, and with --market-to its market, between SQLite and PostgreSQL.

    Everything is copied, with psiTurk's participants and its other tables, then counted and summed on both sides. While
    it is copied nobody else can write; a scheduler, a dashboard, a served market or a run at work is in the way (exit
    3). Afterwards the old database is marked as moved: commands that change something there exit 3. If the command is
    interrupted, run it again: it finishes, and never do both databases act.

    Examples:
        turkctl db copy --to postgresql://lab@db.example.org/turkctl --switch
        turkctl db copy --to sqlite:///copy.db --keep
    """
    from datetime import UTC, datetime

    from turkctl.cli.switching import addresses, refuse_to_switch, write_addresses
    from turkctl.errors import UsageError
    from turkctl.operations.copying import move, parts_of
    from turkctl.units import format_time

    run = invocation(ctx)
    if keep and switch:
        raise UsageError("--keep and --switch cannot be used together", hint="a copy that is kept cannot act")
    new = addresses(run.settings, to, market_to)
    if switch:
        refuse_to_switch(run.settings, new)
    world = run.context
    if run.settings["participants_source"] == "psiturk" and not keep:
        run.output.warn(PSITURK_STOPPED)
    pairs = [(world.contents_to_copy(market=False), run.settings.database_url, new.database)]
    if new.moves_market:
        pairs.insert(0, (world.contents_to_copy(market=True), run.settings.market_url, new.market))
    parts = parts_of(pairs)
    world.close()
    _apply(run, parts, format_time(datetime.now(UTC)), keep=keep, move=move)
    if not keep:
        world.remember(new.database)
    if switch:
        write_addresses(run, new)
    _tell(run, parts, keep=keep, switched=switch, lines=new.lines(run.settings))


def _apply(run: Invocation, parts: list[Part], now: str, *, keep: bool, move: Any) -> None:
    """Copy with a bar; the first Ctrl-C stops it as long as nothing is marked."""
    from turkctl.cli.batch import stoppable
    from turkctl.errors import InterruptedByUserError
    from turkctl.operations.copying import CopyProgress

    with stoppable() as stop, run.output.meter("copy") as bar:

        def check() -> None:
            if stop.is_set():
                raise InterruptedByUserError(
                    "interrupted; the study is where it was, and the new database does not act",
                    hint="run it again to copy from the beginning",
                )

        move(parts, now, keep=keep, progress=CopyProgress(rows=bar, check=check))


def _tell(run: Invocation, parts: list[Part], *, keep: bool, switched: bool, lines: list[str]) -> None:
    by_what = {part.contents.setting: part for part in parts}
    study, market = by_what["database_url"], by_what.get("market_url")
    tables: list[dict[str, Any]] = [
        {"setting": part.contents.setting, "table": name, "rows": rows}
        for part in parts
        for name, rows in part.rows.items()
    ]
    left_out = [name for part in parts for name in part.left_out]
    record = {
        "database_url": study.target.name,
        "market_url": None if market is None else market.target.name,
        "kept": keep,
        "switched": switched,
        "rows": sum(row["rows"] for row in tables),
        "tables": tables,
        "left_out": left_out,
    }
    run.output.outcome(record, _words(study, market, record, keep=keep))
    if left_out:
        run.output.warn(f"not copied, as they are neither turkctl's nor psiTurk's: {', '.join(left_out)}")
    if keep:
        run.output.note("the copy cannot act: commands that change something there exit 3")
    elif not switched:
        run.output.note("next, in turkctl.toml (or run this again with --switch):\n" + "\n".join(lines))
    else:
        run.output.note("next: turkctl doctor")


def _words(study: Part, market: Part | None, record: dict[str, Any], *, keep: bool) -> str:
    """Say what was done in a sentence or two."""
    what, were = ("the study", "was") if market is None else ("the study and its market", "were")
    where = study.target.name if market is None else f"{study.target.name} and {market.target.name}"
    if not record["tables"] and not keep:
        return f"{what} {were} copied to {where} before, and the copy alone acts now"
    counted = f"{record['rows']} rows of {len(record['tables'])} tables, counted and summed on both sides"
    verb = "copied" if keep else "moved"
    return f"{what} {were} {verb} to {where}: {counted}"
