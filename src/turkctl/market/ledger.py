"""Prepaid money: running totals on the account's row, and one ledger row for each movement.

The balance is deposits minus charges; it includes what is held for open, outstanding and unreviewed assignments, which
is not available. Production only: the sandbox always has 10,000 dollars and charges nothing.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import bindparam, select

from turkctl.market import tables
from turkctl.market.errors import insufficient_funds
from turkctl.market.requester import Requester
from turkctl.market.tx import Tx
from turkctl.units import format_money, from_micros, to_micros

_MOST = 2**60
SANDBOX_BALANCE = Decimal("10000.00")

_OWNED = (
    tables.account.c.environment == bindparam("b_environment"),
    tables.account.c.account == bindparam("b_account"),
)
_ACCOUNT = select(tables.account).where(*_OWNED)
_MOVE = (
    tables.account.update()
    .where(*_OWNED)
    .values(
        held=tables.account.c.held + bindparam("b_held"),
        charged=tables.account.c.charged + bindparam("b_charged"),
    )
)
# Only a movement that reduces the available amount can fail.
_MOVE_IF_FUNDED = _MOVE.where(
    tables.account.c.deposits - tables.account.c.charged - tables.account.c.held
    >= bindparam("b_held") + bindparam("b_charged")
)


def ensure(tx: Tx, owner: Requester) -> None:
    """Open the owner's account with the market's opening balance, unless it already exists."""
    owned = {"b_environment": owner.environment, "b_account": owner.account}
    if tx.first(_ACCOUNT, owned) is not None:
        return
    opening = to_micros(tx.shared.opening_balance)
    row = {"environment": owner.environment, "account": owner.account, "deposits": opening, "created_at": tx.now}
    tx.run(tables.account.insert(), row)
    _record(tx, owner, "deposit", opening, 0, None)


def move(tx: Tx, owner: Requester, *, held: int = 0, charged: int = 0) -> None:
    """Add micro-dollars to what is held and what was charged; negative amounts are returned.

    Raises:
        RequestError: InsufficientFunds if the movement needs more than is available.
    """
    if owner.environment == "sandbox" or held == charged == 0:
        return
    if held + charged > _MOST:
        raise insufficient_funds()
    values = {"b_environment": owner.environment, "b_account": owner.account, "b_held": held, "b_charged": charged}
    statement = _MOVE_IF_FUNDED if held + charged > 0 else _MOVE
    if tx.run(statement, values).rowcount == 1:
        return
    ensure(tx, owner)
    if tx.run(statement, values).rowcount != 1:
        raise insufficient_funds()


def charge(tx: Tx, owner: Requester, kind: str, amount: int, fee: int, assignment_id: str) -> None:
    """Write a charge (``reward`` or ``bonus``, with its fee, in micro-dollars) to the ledger.

    The totals are changed by :func:`move`. Nothing is charged in the sandbox.
    """
    if owner.environment != "sandbox":
        _record(tx, owner, kind, amount, fee, assignment_id)


def deposit(tx: Tx, owner: Requester, amount: int) -> None:
    """Add micro-dollars to the account."""
    ensure(tx, owner)
    owned = {"b_environment": owner.environment, "b_account": owner.account}
    tx.run(
        tables.account.update().where(*_OWNED).values(deposits=tables.account.c.deposits + bindparam("b_amount")),
        owned | {"b_amount": amount},
    )
    _record(tx, owner, "deposit", amount, 0, None)


def _record(tx: Tx, owner: Requester, kind: str, amount: int, fee: int, assignment_id: str | None) -> None:
    row = {"environment": owner.environment, "account": owner.account, "kind": kind, "amount": amount, "fee": fee}
    tx.run(tables.ledger.insert(), row | {"at": tx.now, "assignment_id": assignment_id})


def balance(tx: Tx) -> tuple[Decimal, Decimal]:
    """Return the dollars available and on hold."""
    if tx.environment == "sandbox":
        return SANDBOX_BALANCE, Decimal("0.00")
    ensure(tx, tx.requester)
    row = tx.first(_ACCOUNT, {"b_environment": tx.environment, "b_account": tx.account})
    assert row is not None
    return from_micros(row.deposits - row.charged - row.held), from_micros(row.held)


def money_text(micros: int) -> str:
    """Return dollars as the API writes them: ``0.05``."""
    return format_money(from_micros(micros))
