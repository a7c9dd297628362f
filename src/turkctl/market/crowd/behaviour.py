"""The crowd's options, and the people that follow from its seed."""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields

from turkctl.errors import UsageError
from turkctl.market.crowd.fields import DEFAULT_FIELDS, Field

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LOCALE = re.compile(r"[A-Z]{2}(-[A-Z]{2})?")
_LONGEST_SHARE = 0.9
"""Nobody who intends to submit works longer than this share of the time allotted."""
_WORK_SIGMA = 0.3
_PACE_SIGMA = 0.25
_CENTURY = 100 * 366 * 86400.0

_RANGES: dict[str, tuple[float, float]] = {
    "workers": (1, 100_000),
    "accuracy": (0, 1),
    "spread": (0, 0.5),
    "speed": (0.001, 100_000),
    "drop_out": (0, 1),
    "abandon": (0, 1),
    "repeat": (0, 1),
    "arrival": (0, _CENTURY),
    "work_share": (0, _LONGEST_SHARE),
    "work": (0, _CENTURY),
    "experience": (0, 10_000_000),
    "approval": (0, 1),
    "masters": (0, 1),
}


@dataclass(frozen=True)
class CrowdOptions:
    """Number of simulated workers, and how they behave.

    Attributes:
        workers: number of people, 1 to 100,000.
        seed: the same seed makes the same people, who decide the same way.
        accuracy: mean probability with which a worker gives the right answer to a field.
        spread: standard deviation of that probability between people (0: all alike).
        speed: how fast people work; 2 means twice as fast as usual.
        drop_out: share of accepted HITs that are returned.
        abandon: share of accepted HITs that are left until their deadline passes.
        repeat: share of people who come back for more HITs after their first.
        arrival: mean seconds between the arrivals of new people, and before people come back.
        work: mean seconds of work on a HIT; None uses ``work_share``.
        work_share: mean work as a share of the HIT's assignment duration.
        locales: (``US`` or ``US-NY``, weight) of the places where people live.
        experience: mean number of a person's assignments that were reviewed before; 0 means newcomers only.
        approval: mean share of those that were approved (exact near 1).
        masters: share of people with the Masters qualification.
        fields: the fields to answer on a page that cannot be read.
    """

    workers: int = 10
    seed: int = 0
    accuracy: float = 0.9
    spread: float = 0.0
    speed: float = 1.0
    drop_out: float = 0.05
    abandon: float = 0.02
    repeat: float = 0.5
    arrival: float = 60.0
    work: float | None = None
    work_share: float = 0.3
    locales: tuple[tuple[str, float], ...] = (("US", 1.0),)
    experience: float = 1000.0
    approval: float = 0.98
    masters: float = 0.0
    fields: tuple[Field, ...] = DEFAULT_FIELDS

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            UsageError: a value is out of range, or values exclude each other.
        """
        for field in fields(self):
            low, high = _RANGES.get(field.name, (-math.inf, math.inf))
            value = getattr(self, field.name)
            # Written so that NaN, which compares with nothing, is refused too.
            if isinstance(value, int | float) and not low <= value <= high:
                told = f"{field.name} must be between {low:g} and {high:g}, not {value}"
                raise UsageError(told, hint="give a number within these limits")
        if self.drop_out + self.abandon > 1:
            raise UsageError(
                f"drop_out {self.drop_out} and abandon {self.abandon} add up to more than 1",
                hint="lower one of them: they are shares of all accepted HITs",
            )
        if self.spread**2 > self.accuracy * (1 - self.accuracy):
            most = math.sqrt(self.accuracy * (1 - self.accuracy))
            raise UsageError(f"a spread of {self.spread} is too large", hint=f"here it can be at most {most:.3f}")
        _check_locales(self.locales)
        if not self.fields:
            raise UsageError("no fields given for pages that cannot be read", hint="give some, as in answer=yes|no")


def _check_locales(locales: tuple[tuple[str, float], ...]) -> None:
    for locale, weight in locales:
        if not _LOCALE.fullmatch(locale) or not 0 < weight < math.inf:
            raise UsageError(f"'{locale}' with weight {weight} is not a locale", hint="write US or US-NY, weight > 0")
    if not locales:
        raise UsageError("no locale given for the crowd", hint="give at least one, as in US")


def parse_locales(text: str) -> tuple[tuple[str, float], ...]:
    """Return locales and their weights from ``US=3,GB,IN-KA=0.5``; the default weight is 1.

    Raises:
        UsageError: the text is not such a list.
    """
    listed = []
    for part in text.split(","):
        locale, _, weight = part.strip().partition("=")
        try:
            listed.append((locale.strip(), float(weight) if weight else 1.0))
        except ValueError:
            raise UsageError(f"'{part.strip()}' is not a locale and its weight", hint="write US=3,GB=1") from None
    _check_locales(tuple(listed))
    return tuple(listed)


@dataclass
class Person:
    """One simulated worker: the traits that follow from the seed, and the random source of their decisions.

    Attributes:
        worker_id: ``A`` and 13 letters or digits.
        rng: decides everything that this person does, independently of all others.
        locale: where they live.
        approved: assignments approved before this market knew them.
        rejected: assignments rejected before.
        masters: whether they hold Masters.
        accuracy: probability of a right answer.
        pace: how long they work in relation to others.
        comes_back: whether they do more than one HIT.
    """

    worker_id: str
    rng: random.Random
    locale: str
    approved: int
    rejected: int
    masters: bool
    accuracy: float
    pace: float
    comes_back: bool

    def work_seconds(self, options: CrowdOptions, duration: float) -> float:
        """Return how long they work on a HIT with ``duration`` seconds allotted: at most 0.9 of them."""
        mean = options.work_share * duration if options.work is None else options.work
        drawn = mean * self.pace * _around_one(self.rng, _WORK_SIGMA) / options.speed
        return min(drawn, _LONGEST_SHARE * duration)


def people(options: CrowdOptions) -> Iterator[Person]:
    """Yield the people in order of arrival. A larger crowd starts with the people of a smaller one."""
    for index in range(options.workers):
        yield _person(options, index)


def _person(options: CrowdOptions, index: int) -> Person:
    rng = random.Random(f"turkctl crowd {options.seed} {index}")  # noqa: S311  a simulation, not a secret
    # The draws come in this order whatever the options say, so that changing one option leaves other traits unchanged.
    place, reviewed, repeats, master = rng.random(), rng.expovariate(1.0), rng.random(), rng.random()
    pace, trouble = _around_one(rng, _PACE_SIGMA), rng.expovariate(1.0)
    count = round(options.experience * reviewed)
    rejected = min(count, round(count * (1 - options.approval) * trouble))
    return Person(
        worker_id=worker_id(options.seed, index),
        rng=rng,
        locale=_pick(options.locales, place),
        approved=count - rejected,
        rejected=rejected,
        masters=master < options.masters,
        accuracy=_accuracy(options, index),
        pace=pace,
        comes_back=repeats < options.repeat,
    )


def worker_id(seed: int, index: int) -> str:
    """Return the worker id of a person in the crowd: the same in every run with this seed."""
    number = int.from_bytes(hashlib.sha256(f"turkctl crowd worker {seed} {index}".encode()).digest())
    letters = []
    for _ in range(13):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "A" + "".join(letters)


def _accuracy(options: CrowdOptions, index: int) -> float:
    """Draw from a beta distribution with the wanted mean and standard deviation."""
    mean = options.accuracy
    if not options.spread or mean in (0.0, 1.0):
        return mean
    weight = max(mean * (1 - mean) / options.spread**2 - 1, 1e-6)
    rng = random.Random(f"turkctl crowd accuracy {options.seed} {index}")  # noqa: S311  a simulation, not a secret
    return rng.betavariate(mean * weight, (1 - mean) * weight)


def _around_one(rng: random.Random, sigma: float) -> float:
    """Return a log-normal factor with mean 1."""
    return math.exp(rng.gauss(-sigma * sigma / 2, sigma))


def _pick(weighted: tuple[tuple[str, float], ...], share: float) -> str:
    left = share * sum(weight for _, weight in weighted)
    for name, weight in weighted:
        left -= weight
        if left < 0:
            return name
    return weighted[-1][0]
