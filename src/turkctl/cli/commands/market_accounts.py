"""``turkctl market accounts``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli.batch import confirm_question
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import Listing
from turkctl.cli.select import Yes
from turkctl.units import format_money, in_unit, parse_money

if TYPE_CHECKING:
    from decimal import Decimal

    from turkctl.cli.invocation import Invocation
    from turkctl.market.accounts import RequesterAccount
    from turkctl.market.requester import Environment

app = make_group("List the requesters' accounts of the built-in market, and pay into them.")

COLUMNS = ("account", "environment", "balance", "held", "charged", "deposits", "unit")
Name = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Number of the account, as the list shows it.")]
Sandbox = Annotated[bool, typer.Option("--sandbox", help="In the sandbox of the market, which counts no money.")]


def _environment(run: Invocation, sandbox: bool) -> Environment:
    return "sandbox" if sandbox or run.settings.mode == "sandbox" else "production"


@app.command("list")
@bundled
def list_(ctx: typer.Context, listing: Listing, sandbox: Sandbox = False) -> None:
    """List the accounts that have used the market: what they can spend, and what is held and charged.

    Examples:
        turkctl market accounts list
    """
    run = invocation(ctx)
    market = run.context.market
    found, unit = market.accounts(_environment(run, sandbox)), market.rules().unit
    listing.show(run, COLUMNS, (_row(each, unit) for each in found), keys=("created",))


def _row(account: RequesterAccount, unit: str) -> dict[str, Any]:
    return {
        "account": account.account,
        "environment": account.environment,
        "balance": account.balance,
        "held": account.held,
        "charged": account.charged,
        "deposits": account.deposits,
        "unit": unit,
        "created": account.created,
    }


@app.command()
def show(ctx: typer.Context, account: Name, sandbox: Sandbox = False) -> None:
    """Show an account: what it can spend, and what it was charged for rewards, bonuses and commission.

    Examples:
        turkctl market accounts show 000000000000
    """
    run = invocation(ctx)
    market = run.context.market
    found, sums = market.account(_environment(run, sandbox), account)
    run.output.record(_row(found, market.rules().unit) | sums)


@app.act()
def deposit(
    ctx: typer.Context,
    account: Name,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="Amount to pay in, as in 250.00.")],
    yes: Yes = False,
    sandbox: Sandbox = False,
) -> None:
    """Pay an amount into an account, for HITs and bonuses. Always asks, unless you give --yes.

    Examples:
        turkctl market accounts deposit 000000000000 250.00 --yes
    """
    run = invocation(ctx)
    market, environment, paid = run.context.market, _environment(run, sandbox), parse_money(amount)
    before, unit = market.check_deposit(environment, account, paid), market.rules().unit
    if not yes:
        confirm_question(run, f"pay {_shown(paid, unit)} into account {account}, which has {_left(before, unit)}")
    after = market.pay_in(environment, account, paid)
    words = f"{_shown(paid, unit)} paid into account {account}, which has {_left(after, unit)} now"
    run.output.outcome({"paid": paid, **_row(after, unit)}, words)


def _left(account: RequesterAccount, unit: str) -> str:
    return _shown(account.balance, unit)


def _shown(amount: Decimal, unit: str) -> str:
    return in_unit(format_money(amount), unit)
