"""The requesters' accounts, for those who run the market: what they have, what is held, and what was charged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, select

from turkctl.errors import NotFoundError, UsageError
from turkctl.market import ledger, tables
from turkctl.market.requester import Requester
from turkctl.market.tx import Tx, when
from turkctl.units import ZERO, format_money, from_micros, to_micros

MOST_DEPOSITED = Decimal(1_000_000)
"""The highest amount of one deposit: more is probably a typing mistake."""
_ACCOUNT = tables.account.c
_LEDGER = tables.ledger.c


@dataclass(frozen=True)
class RequesterAccount:
    """One requester's prepaid account.

    Attributes:
        account: as the key that signs names it.
        environment: ``production`` or ``sandbox``.
        deposits: all that was ever paid in.
        held: for open HITs and work that waits for a decision.
        charged: rewards, bonuses and commission.
        created: when it was opened, at the first request that costs money or asks for the balance.
    """

    account: str
    environment: str
    deposits: Decimal
    held: Decimal
    charged: Decimal
    created: datetime

    @property
    def balance(self) -> Decimal:
        """Return what can be spent."""
        return self.deposits - self.charged - self.held


def everyone(tx: Tx) -> list[RequesterAccount]:
    """Return the environment's accounts, in the order in which they were opened."""
    if tx.environment == "sandbox":
        return _of_sandbox(tx)
    here = select(tables.account).where(_ACCOUNT.environment == tx.environment)
    return [_account(row) for row in tx.all(here.order_by(_ACCOUNT.created_at, _ACCOUNT.account))]


def find(tx: Tx, account: str) -> RequesterAccount:
    """Return one account.

    Raises:
        NotFoundError: nobody has used it.
    """
    found = next((each for each in everyone(tx) if each.account == account), None)
    if found is None:
        raise NotFoundError(
            f"no account '{account}' has used the {tx.environment} of this market",
            hint="see: turkctl market accounts list; an account is opened when its balance is first asked for",
        )
    return found


def _of_sandbox(tx: Tx) -> list[RequesterAccount]:
    """Return the accounts that have HIT types in the sandbox, which counts no money: all have the same balance."""
    types = tables.hit_type.c
    first = func.min(types.created_at).label("first")
    statement = select(types.account, first).where(types.environment == tx.environment).group_by(types.account)
    return [
        RequesterAccount(row.account, tx.environment, ledger.SANDBOX_BALANCE, ZERO, ZERO, when(row.first))
        for row in tx.all(statement.order_by(first, types.account))
    ]


def _account(row: Row[Any]) -> RequesterAccount:
    return RequesterAccount(
        row.account,
        row.environment,
        from_micros(row.deposits),
        from_micros(row.held),
        from_micros(row.charged),
        when(row.created_at),
    )


def movements(tx: Tx, account: str) -> dict[str, Decimal]:
    """Return the sums of an account's movements: ``rewards``, ``bonuses`` and ``fees``."""
    statement = select(_LEDGER.kind, func.sum(_LEDGER.amount).label("amount"), func.sum(_LEDGER.fee).label("fee"))
    here = statement.where(_LEDGER.environment == tx.environment, _LEDGER.account == account).group_by(_LEDGER.kind)
    found = {row.kind: row for row in tx.all(here)}
    return {
        "rewards": _sum(found, "reward"),
        "bonuses": _sum(found, "bonus"),
        "fees": sum((from_micros(int(row.fee)) for row in found.values()), ZERO),
    }


def _sum(found: dict[str, Row[Any]], kind: str) -> Decimal:
    return from_micros(int(found[kind].amount)) if kind in found else ZERO


def deposit(tx: Tx, account: str, amount: Decimal) -> RequesterAccount:
    """Pay an amount into an account that exists, and return it.

    Raises:
        NotFoundError: nobody has used it.
        UsageError: see :func:`check_deposit`.
    """
    check_deposit(tx, amount)
    ledger.deposit(tx, Requester(find(tx, account).account, tx.environment), to_micros(amount))
    return find(tx, account)


def check_deposit(tx: Tx, amount: Decimal) -> None:
    """Raise unless an amount can be paid in.

    Raises:
        UsageError: it is nothing, or too much; or the sandbox has no money.
    """
    if tx.environment == "sandbox":
        raise UsageError(
            f"the sandbox has no money to pay in: everybody there has {format_money(ledger.SANDBOX_BALANCE)}",
            hint="leave out --sandbox",
        )
    if not ZERO < amount <= MOST_DEPOSITED:
        raise UsageError(
            f"a deposit of {format_money(amount)} is not possible",
            hint=f"give an amount between 0.01 and {MOST_DEPOSITED:,}",
        )
