"""Define a limit and what counts against it, for numbers of HITs and for money. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

Amount = TypeVar("Amount", int, Decimal)


@dataclass
class Bound(Generic[Amount]):
    """A limit, and how much of it is used: HITs, or dollars."""

    name: str
    """The name of the setting."""
    allowed: Amount
    used: Amount

    @property
    def left(self) -> Amount:
        """Return what the limit still allows; below zero if it was lowered since."""
        return self.allowed - self.used

    def admits(self, amount: Amount) -> bool:
        """Return whether this amount more stays within the limit."""
        return amount <= self.left

    def take(self, amount: Amount) -> None:
        """Add this amount to what is used."""
        self.used += amount
