"""``turkctl market payouts``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli.batch import confirm_question
from turkctl.cli.bundles import bundled
from turkctl.cli.commands.market_workers import Sandbox, environment_of
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import Listing
from turkctl.cli.select import DryRun, Yes
from turkctl.cli.terms import if_given
from turkctl.errors import UsageError
from turkctl.units import format_money, format_time, in_unit, parse_time
from turkctl.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from turkctl.cli.invocation import Invocation
    from turkctl.market.payouts import Claim, Owed

app = make_group("See what is owed to people outside the play money, and mark what was paid.")

COLUMNS = ("worker_id", "amount", "rewards", "bonuses", "assignments")
NAMES = ("name", "own_id", "label")
"""Columns that say who somebody is, shown only where they are asked for."""
ID_COLUMNS = ("worker_id", "own_id", "id")
"""Columns of a file that name people, the first of them that there is."""
CLAIM_COLUMNS = ("worker_id", "amount")
HISTORY_COLUMNS = ("id", "worker_id", "amount", "paid_at", "reference")
SPAN_COLUMNS = ("since", "until")
"""Columns of an export that say when the amounts were earned, so that mark-paid marks just these."""

Since = Annotated[
    str | None,
    typer.Option("--since", metavar="T", help="Only what was earned at this time or later, as in 2026-05-04."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="T", help="Only what was earned before this time.")]
Names = Annotated[bool, typer.Option("--names", help="Also show login names, your own ids of people, and labels.")]


def _money(run: Invocation, amount: Decimal) -> str:
    """Return what is owed, as questions and summaries name it."""
    return in_unit(format_money(amount), run.context.market.rules().unit)


@dataclass(frozen=True)
class EarnedWhen:
    """When it was earned, and in which environment."""

    since: Since = None
    until: Until = None
    sandbox: Sandbox = False

    def times(self) -> tuple[datetime | None, datetime | None]:
        """Return the two times.

        Raises:
            UsageError: one of them cannot be read, or they are in the wrong order.
        """
        first, last = if_given(parse_time, self.since), if_given(parse_time, self.until)
        if first is not None and last is not None and last <= first:
            raise UsageError("--until is not after --since", hint="give a later --until")
        return first, last


@app.command("list")
@bundled
def list_(ctx: typer.Context, earned: EarnedWhen, listing: Listing, names: Names = False) -> None:
    """List what is owed to whom: rewards of approved work and bonuses, without what was marked as paid.

    Examples:
        turkctl market payouts list
        turkctl market payouts list --until 2036-05-01 --names
    """
    run = invocation(ctx)
    found = run.context.market.owed(environment_of(run, earned.sandbox), *earned.times())
    columns = (COLUMNS[0], *NAMES, *COLUMNS[1:]) if names else COLUMNS
    listing.show(run, columns, (_row(each, names=names) for each in found), keys=columns)
    if run.output.format == "table" and found:
        total = sum((each.amount for each in found), Decimal(0))
        run.output.note(f"{_money(run, total)} to {counted(len(found), 'person', 'people')}")


def _row(owed: Owed, *, names: bool) -> dict[str, Any]:
    person = owed.person
    who = {name: None if person is None else getattr(person, name) for name in NAMES} if names else {}
    return {
        "worker_id": owed.worker_id,
        **who,
        "amount": owed.amount,
        "rewards": owed.rewards,
        "bonuses": owed.bonuses,
        "assignments": owed.assignments,
    }


@app.command()
@bundled
def export(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Option("--file", metavar="F", help="File to write to, replaced; - is standard output.")
    ],
    earned: EarnedWhen,
    names: Names = False,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="Format of the file: csv or jsonl.")] = "csv",
) -> None:
    """Write what is owed to whom to a file, for whoever pays; mark-paid takes the same file afterwards.

    Examples:
        turkctl market payouts export --file owed.csv --names
    """
    from turkctl.cli.export import write_rows
    from turkctl.outputs import check, is_standard

    run = invocation(ctx)
    check(file, run.protected())
    market, environment = run.context.market, environment_of(run, earned.sandbox)
    since, until = earned.times()
    now = market.now()
    until = now if until is None else min(until, now)
    found = market.owed(environment, since, until)
    # As texts, because times in tables lose what is less than a second.
    when = {"since": if_given(format_time, since), "until": format_time(until)}
    columns = (COLUMNS[0], *(NAMES if names else ()), *COLUMNS[1:], *SPAN_COLUMNS)
    write_rows(run, file, form, columns, [_row(each, names=names) | when for each in found])
    total = sum((each.amount for each in found), Decimal(0))
    if is_standard(file):
        run.output.note(f"{_money(run, total)} to {counted(len(found), 'person', 'people')}")
    else:
        run.output.record({"file": str(file), "people": len(found), "amount": total, "until": until})


@app.command()
@bundled
def history(ctx: typer.Context, earned: EarnedWhen, listing: Listing) -> None:
    """List what was marked as paid; --since and --until are about when it was marked.

    Examples:
        turkctl market payouts history
    """
    run = invocation(ctx)
    found = run.context.market.payouts(environment_of(run, earned.sandbox), *earned.times())
    listing.show(run, HISTORY_COLUMNS, (vars(each) for each in found), keys=HISTORY_COLUMNS)


@app.act("mark-paid")
@bundled
def mark_paid(
    ctx: typer.Context,
    earned: EarnedWhen,
    who: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Worker ids, or your own ids of people.", show_default=False),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="Table with worker_id and amount, such as payouts export writes."),
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="All that is owed.")] = False,
    reference: Annotated[
        str | None, typer.Option("--reference", metavar="TEXT", help="A note, such as the number of the transfer.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Mark what is owed as paid. What was marked before is left out, so it is safe to repeat the command.

    If somebody is not owed the amount of the file, or the amount changed since it was shown, nothing is marked.

    Examples:
        turkctl market payouts mark-paid --all --reference "Transfer of May" --yes
        turkctl market payouts mark-paid A1EXAMPLEWORKER --until 2036-05-01 --yes
    """
    run = invocation(ctx)
    if sum((bool(who), file is not None, everybody)) != 1:
        raise UsageError("say whose payouts to mark", hint="give ids, --from FILE or --all")
    market, environment = run.context.market, environment_of(run, earned.sandbox)
    if file is None:
        claims = market.payout_claims(environment, who, *earned.times())
    else:
        claims = market.payout_claims_of(environment, list(_rows_of(file, run, earned)))
    total = sum((each.amount for each in claims), Decimal(0))
    if dry_run:
        run.output.rows(CLAIM_COLUMNS, ({"worker_id": each.worker_id, "amount": each.amount} for each in claims))
        run.output.note(_plan(run, claims, total))
        return
    if claims and not yes:
        confirm_question(run, _plan(run, claims, total), otherwise="--dry-run to see it")
    made = market.mark_paid(environment, claims, reference)
    paid = sum((each.amount for each in made), Decimal(0))
    people = counted(len(made), "person", "people")
    words = f"marked {_money(run, paid)} to {people} as paid" if made else "nothing was marked: nothing is owed"
    run.output.outcome({"marked": len(made), "amount": paid, "reference": reference}, words)


def _plan(run: Invocation, claims: list[Claim], total: Decimal) -> str:
    return f"mark {_money(run, total)} to {counted(len(claims), 'person', 'people')} as paid"


def _rows_of(
    file: str, run: Invocation, earned: EarnedWhen
) -> Iterator[tuple[str, Decimal | None, datetime | None, datetime | None]]:
    """Yield who, the amount and when it was earned, from each row of a file.

    Raises:
        UsageError: the file cannot be read, or has a column or a cell that is not usable.
    """
    from turkctl.rows import as_text, opened

    first, last = earned.times()
    with opened(file, run.output.stdin, listed=ID_COLUMNS) as table:
        known = table.find(*ID_COLUMNS)
        if known is None:
            raise table.no_column(f"{file} has no column of ids", "worker_id")
        amount, *times = (table.find(name) for name in ("amount", *SPAN_COLUMNS))
        for row in table.records():
            texts = {name: as_text(row.get(name, "")) for name in (known, amount, *times) if name is not None}
            if not texts[known]:
                raise table.error("there is no id")
            try:
                since, until = (if_given(parse_time, texts.get(name or "") or None) for name in times)
                owed = if_given(table.money, texts.get(amount or "") or None)
            except UsageError as error:
                raise table.error(error.message) from None
            yield texts[known], owed, since or first, until or last
