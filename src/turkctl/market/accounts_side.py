"""The market's money for those who run it: its rules, and the requesters' accounts."""

from __future__ import annotations

from decimal import Decimal

from turkctl.market import accounts
from turkctl.market.accounts import RequesterAccount
from turkctl.market.requester import Environment
from turkctl.market.tx import Tx
from turkctl.market.worker_side import WorkerSide
from turkctl.own_market import MarketRules


class AccountsSide(WorkerSide):
    """Rules of money and accounts; of the Requester API, only GetMarketRules and GetAccountBalance tell of them."""

    def rules(self) -> MarketRules:
        """Return the market's rules of money."""
        return self._look("production", lambda tx: tx.rules)

    def accounts(self, environment: Environment) -> list[RequesterAccount]:
        """Return all accounts, in the order in which they were opened."""
        return self._look(environment, accounts.everyone)

    def account(self, environment: Environment, name: str) -> tuple[RequesterAccount, dict[str, Decimal]]:
        """Return one account, and the sums of its movements.

        Raises:
            NotFoundError: nobody has used it.
        """
        return self._look(environment, lambda tx: (accounts.find(tx, name), accounts.movements(tx, name)))

    def check_deposit(self, environment: Environment, name: str, amount: Decimal) -> RequesterAccount:
        """Return the account that an amount can be paid into, as it is now.

        Raises:
            NotFoundError: nobody has used it.
            UsageError: the amount is nothing or too much, or the sandbox is meant.
        """

        def look(tx: Tx) -> RequesterAccount:
            accounts.check_deposit(tx, amount)
            return accounts.find(tx, name)

        return self._look(environment, look)

    def pay_in(self, environment: Environment, name: str, amount: Decimal) -> RequesterAccount:
        """Pay an amount into an account, and return it.

        Raises:
            NotFoundError, UsageError: see :meth:`check_deposit`.
        """
        return self._act(environment, lambda tx: accounts.deposit(tx, name, amount))
