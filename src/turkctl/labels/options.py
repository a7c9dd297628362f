"""Options of a run of label aggregation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from turkctl.errors import UsageError

Tick = Callable[[int, int], None]
"""Called after each round with the number of rounds done and their maximum; an exception from it ends the run."""


FARTHEST = 1000.0
"""Spreads and means beyond this, or below its inverse, are meaningless and overflow."""


@dataclass(frozen=True)
class MethodOptions:
    """Parameters of all methods; each method uses its own. Those of the signal model are explained in ``cubam``."""

    min_votes: int = 5
    """Items with fewer votes are fitted too, but get no label."""
    threshold: float | None = None
    """The label is true above this score. None: 0, or the cut that fits the gold items best if there are any."""
    sigt: float | None = None
    """Spread of the workers' thresholds. None: the method's own, 3 (cubam, cubam-nd) or 1 (cubam-marginal)."""
    beta: float = 0.5
    """Prior share of true items; cubam-marginal starts from it and estimates the share."""
    sigx: float = 0.8
    """Spread of the items' signal within a class."""
    muw: float = 1.0
    """Mean of the workers' weights."""
    sigw: float = 1.0
    """Spread of the workers' weights."""
    rounds: int = 30
    """Rounds of cubam and cubam-nd. More rounds are not better: see :mod:`turkctl.labels.cubam`."""
    dimensions: int = 2
    """Dimensions of cubam-nd."""

    def check(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: a value is invalid; the message names the parameter.
        """
        for name in ("sigt", "sigx", "sigw"):
            spread = getattr(self, name)
            if spread is not None and not 1 / FARTHEST <= spread <= FARTHEST:
                raise UsageError(f"{name} is {spread}", hint=f"give a number from {1 / FARTHEST:g} to {FARTHEST:g}")
        if not abs(self.muw) <= FARTHEST:
            raise UsageError(f"muw is {self.muw}", hint=f"give a number from {-FARTHEST:g} to {FARTHEST:g}")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise UsageError(f"threshold is {self.threshold}", hint="give a number")
        if not 0 < self.beta < 1:
            raise UsageError(f"beta is {self.beta}", hint="give a share above 0 and below 1")
        for name, least in (("min_votes", 0), ("rounds", 1), ("dimensions", 2)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} is {getattr(self, name)}", hint=f"give at least {least}")
