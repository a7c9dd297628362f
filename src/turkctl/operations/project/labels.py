"""``[experiments.X.labels]``: which answers are labels, what they say, and how they are aggregated."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from turkctl.errors import UsageError
from turkctl.operations.project.tables import SettingsTable

METHODS = ("majority", "dawid-skene", "one-coin", "cubam", "cubam-marginal", "cubam-nd")
"""The names in ``labels.methods``, which needs NumPy to be read."""
NAMED_CLASSES = ("majority", "dawid-skene")
"""Methods that make classes of any answers."""
BINARY_ONLY = ("one-coin", "cubam-nd")


def _method(value: str) -> str:
    if value not in METHODS:
        raise ValueError(f"is no method: one of {', '.join(METHODS)}")
    return value


def check_method(name: str | None) -> None:
    """See that a method is one that there is, before NumPy is asked for.

    Raises:
        UsageError: it is none.
    """
    if name is not None and name not in METHODS:
        raise UsageError(f"there is no method '{name}'", hint="one of " + ", ".join(METHODS))


def _answers(value: list[str]) -> list[str]:
    if not value or any(not each.strip() for each in value):
        raise ValueError("has an answer that is empty, or none")
    return [each.strip() for each in value]


def _field(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value


Answers = Annotated[list[str], AfterValidator(_answers)]


class LabelSettings(SettingsTable):
    """The table ``labels`` of an experiment."""

    field: Annotated[str, AfterValidator(_field)] | None = None
    """The form field with the answer, as ``answer_field`` names it, which is the default."""
    true: Answers | None = None
    """Answers that say yes; else those that files may have."""
    false: Answers | None = None
    skip: Answers | None = None
    """Answers that say nothing, and are left out."""
    classes: Answers | None = None
    """The answers there are, where the question is not one of yes or no."""
    method: Annotated[str, AfterValidator(_method)] | None = None
    min_votes: Annotated[int, Field(ge=0, le=10**9, strict=True)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> LabelSettings:
        named = [*(self.true or ()), *(self.false or ()), *(self.skip or ()), *(self.classes or ())]
        words = [each if self.classes else each.casefold() for each in named]
        twice = next((each for each, word in zip(named, words, strict=True) if words.count(word) > 1), None)
        if twice is not None:
            raise ValueError(f"'{twice}' is named twice: an answer says one thing")
        if self.classes is None:
            return self
        if self.true or self.false:
            raise ValueError("classes are for other answers than true and false: leave one of them out")
        if len(self.classes) < 2:
            raise ValueError("classes names fewer than two")
        if self.method in BINARY_ONLY:
            raise ValueError(f"{self.method} takes true and false only: leave out classes")
        return self
