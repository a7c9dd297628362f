"""One limit and what counts against it: what every guard of numbers and of money is made of. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

Amount = TypeVar("Amount", int, Decimal)


@dataclass
class Bound(Generic[Amount]):
    """A limit, and what is used of it: HITs, or dollars."""

    name: str
    """As the settings call it."""
    allowed: Amount
    used: Amount

    @property
    def left(self) -> Amount:
        """What the limit still allows; below zero where it was lowered since."""
        return self.allowed - self.used

    def admits(self, amount: Amount) -> bool:
        """Return whether so much more stays within the limit."""
        return amount <= self.left

    def take(self, amount: Amount) -> None:
        """Count this, too."""
        self.used += amount
