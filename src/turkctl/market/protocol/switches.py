"""Switches that make a market misbehave, so that its clients can be tested. All are off at first."""

from __future__ import annotations

import difflib
import math
import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass, fields

from turkctl.errors import UsageError

_PROBABILITIES = ("fault_before", "fault_after", "answer_lost", "notification_loss")


@dataclass(frozen=True)
class Switches:
    """Kinds of failure and how often they happen. Everything random follows from ``seed``."""

    throttle: float | None = None
    """Requests a second that are let through; the others get ThrottlingException. None: no limit."""
    latency: float = 0.0
    """Seconds that each request waits before it has any effect."""
    lag: float = 0.0
    """Seconds for which new HITs and assignments are missing from listings."""
    fault_before: float = 0.0
    """Probability of a ServiceFault without any effect."""
    fault_after: float = 0.0
    """Probability that the effect happens but the answer is a ServiceFault."""
    answer_lost: float = 0.0
    """Probability that the effect happens but the connection breaks without an answer."""
    notification_loss: float = 0.0
    """Probability that a notification is never sent."""
    seed: int = 0
    """Seed of the random source: the same requests in the same order fail in the same way."""

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: a probability is outside 0 to 1, a time is negative, or a rate is not above 0.
        """
        for name in _PROBABILITIES:
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(
                    f"switch {_spoken(name)}={getattr(self, name)} is not a probability",
                    hint="give a number from 0 to 1",
                )
        for name in ("latency", "lag"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"switch {name}={value} is not a time", hint="give seconds, 0 or more")
        if self.throttle is not None and not (math.isfinite(self.throttle) and self.throttle > 0):
            raise UsageError(f"switch throttle={self.throttle} is not a rate", hint="give requests a second, above 0")


def parse(texts: Iterable[str]) -> Switches:
    """Return switches from ``name=number`` texts, as in ``throttle=20`` or ``fault-after=0.1``; later ones win.

    Rates are requests a second, times are seconds, probabilities 0 to 1.

    Raises:
        UsageError: a name is unknown or a value is invalid.
    """
    names = [field.name for field in fields(Switches)]
    values: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            known = ", ".join(map(_spoken, names))
            hint = f"did you mean {_spoken(near[0])}?" if near else f"write NAME=NUMBER with one of {known}"
            raise UsageError(f"'{text}' is not a switch of the market", hint=hint)
        values[name] = _number(name, value)
    seed = int(values.pop("seed", 0))
    return Switches(**values, seed=seed)


def _number(name: str, value: str) -> float:
    try:
        return int(value) if name == "seed" else float(value)
    except ValueError:
        raise UsageError(f"switch {_spoken(name)}: '{value}' is not a number", hint="as in throttle=20") from None


def _spoken(name: str) -> str:
    return name.replace("_", "-")


@dataclass(frozen=True)
class Fate:
    """How the dice decide about one request."""

    fault_before: bool
    fault_after: bool
    answer_lost: bool


class Dice:
    """Decides how each request fares, in the order in which the requests arrive."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._random = random.Random(switches.seed)  # noqa: S311  a simulation, nothing secret
        self._lock = threading.Lock()

    def throw(self) -> Fate:
        """Return the next request's fate. Always draw three numbers, so that no switch shifts the others' draws."""
        with self._lock:
            before, after, lost = (self._random.random() for _ in range(3))
        return Fate(
            fault_before=before < self._switches.fault_before,
            fault_after=after < self._switches.fault_after,
            answer_lost=lost < self._switches.answer_lost,
        )
