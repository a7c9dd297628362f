"""What a run of label aggregation can be told."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from turkctl.errors import UsageError

Tick = Callable[[int, int], None]
"""Told after each round how many are done of how many at most; what it raises ends the run."""


FARTHEST = 1000.0
"""Spreads and means beyond this, or below its inverse, mean nothing and overflow."""


@dataclass(frozen=True)
class Options:
    """Parameters of all methods; each uses those that it has. The signal model's are explained in ``cubam``."""

    min_votes: int = 5
    """Items with fewer votes are fitted too, but get no label."""
    threshold: float | None = None
    """The label is true above this score. None: 0, or the cut that fits the gold items best where there are some."""
    sigt: float | None = None
    """Spread of the workers' thresholds. None: the method's own, 3 (cubam, cubam-nd) or 1 (cubam-marginal)."""
    beta: float = 0.5
    """Share of true items, beforehand; cubam-marginal starts here and estimates it."""
    sigx: float = 0.8
    """Spread of the items' signal within a class."""
    muw: float = 1.0
    """Mean of the workers' weights."""
    sigw: float = 1.0
    """Spread of the workers' weights."""
    rounds: int = 30
    """Rounds of cubam and cubam-nd. More are not better: see :mod:`turkctl.labels.cubam`."""
    dimensions: int = 2
    """Dimensions of cubam-nd."""

    def check(self) -> None:
        """Refuse what has no meaning.

        Raises:
            UsageError: naming the parameter.
        """
        for name in ("sigt", "sigx", "sigw"):
            spread = getattr(self, name)
            if spread is not None and not 1 / FARTHEST <= spread <= FARTHEST:
                raise UsageError(f"{name} is {spread}", hint=f"it goes from {1 / FARTHEST:g} to {FARTHEST:g}")
        if not abs(self.muw) <= FARTHEST:
            raise UsageError(f"muw is {self.muw}", hint=f"it goes from {-FARTHEST:g} to {FARTHEST:g}")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise UsageError(f"threshold is {self.threshold}", hint="give a number")
        if not 0 < self.beta < 1:
            raise UsageError(f"beta is {self.beta}", hint="it is a share between 0 and 1, both left out")
        for name, least in (("min_votes", 0), ("rounds", 1), ("dimensions", 2)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} is {getattr(self, name)}", hint=f"at least {least}")
