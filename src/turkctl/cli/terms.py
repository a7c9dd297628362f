"""The options that say what HITs are posted for, and on which terms other than the experiment's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer

from turkctl.cli import completion
from turkctl.units import parse_duration, parse_money

S = TypeVar("S")
T = TypeVar("T")

TheExperiment = Annotated[
    str | None,
    typer.Option(
        "--experiment",
        metavar="SLUG",
        help="Name of the experiment.",
        show_default="the only one",
        autocompletion=completion.experiments,
    ),
]
Reward = Annotated[
    str | None,
    typer.Option("--reward", metavar="R", help="Dollars per assignment, as in 0.50.", show_default="the experiment's"),
]
Duration = Annotated[
    str | None,
    typer.Option(
        "--duration",
        metavar="D",
        help="Time a worker has for one assignment, as in 30m.",
        show_default="the experiment's",
    ),
]


@dataclass(frozen=True)
class Terms:
    """An experiment, with what is said instead of its reward and duration."""

    experiment: TheExperiment = None
    reward: Reward = None
    duration: Duration = None

    def values(self) -> dict[str, Any]:
        """Return the three by name, the reward in dollars and the duration as a time.

        Raises:
            UsageError: an amount or a duration that cannot be read.
        """
        return {
            "experiment": self.experiment,
            "reward": if_given(parse_money, self.reward),
            "duration": if_given(parse_duration, self.duration),
        }


def if_given(parse: Callable[[S], T], value: S | None) -> T | None:
    """Return the value of an option, parsed; None where it is not given."""
    return None if value is None else parse(value)
