"""Check ``[experiments.X.labels]``: which answers are labels, what they mean, and how they are aggregated."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from turkctl.errors import UsageError
from turkctl.operations.project.tables import SettingsTable

METHODS = ("majority", "dawid-skene", "one-coin", "cubam", "cubam-marginal", "cubam-nd")
"""The names in ``turkctl.labels.methods``, repeated here because importing that needs NumPy."""
NAMED_CLASSES = ("majority", "dawid-skene")
"""Methods that can aggregate answers other than yes and no."""
BINARY_ONLY = ("one-coin", "cubam-nd")


def _method(value: str) -> str:
    if value not in METHODS:
        raise ValueError(f"unknown method: give one of {', '.join(METHODS)}")
    return value


def check_method(name: str | None) -> None:
    """Raise if a method is unknown, without importing NumPy.

    Raises:
        UsageError: there is no such method.
    """
    if name is not None and name not in METHODS:
        raise UsageError(f"there is no method '{name}'", hint="give one of: " + ", ".join(METHODS))


def _answers(value: list[str]) -> list[str]:
    if not value or any(not each.strip() for each in value):
        raise ValueError("must have at least one answer, and no empty ones")
    return [each.strip() for each in value]


def _field(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value


Answers = Annotated[list[str], AfterValidator(_answers)]


class LabelSettings(SettingsTable):
    """The table ``labels`` of an experiment."""

    field: Annotated[str, AfterValidator(_field)] | None = None
    """The form field with the answer, written as ``answer_field``, which is the default."""
    true: Answers | None = None
    """Answers that mean yes; by default the usual words, as in label files."""
    false: Answers | None = None
    skip: Answers | None = None
    """Answers that are left out, such as "do not know"."""
    classes: Answers | None = None
    """All possible answers, if the question is not a yes-or-no question."""
    method: Annotated[str, AfterValidator(_method)] | None = None
    min_votes: Annotated[int, Field(ge=0, le=10**9, strict=True)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> LabelSettings:
        named = [*(self.true or ()), *(self.false or ()), *(self.skip or ()), *(self.classes or ())]
        words = [each if self.classes else each.casefold() for each in named]
        twice = next((each for each, word in zip(named, words, strict=True) if words.count(word) > 1), None)
        if twice is not None:
            raise ValueError(f"'{twice}' is listed twice: an answer can mean only one thing")
        if self.classes is None:
            return self
        if self.true or self.false:
            raise ValueError("classes cannot be combined with true or false: leave one out")
        if len(self.classes) < 2:
            raise ValueError("classes needs at least two answers")
        if self.method in BINARY_ONLY:
            raise ValueError(f"{self.method} can only use true and false: leave classes out, or give another method")
        return self
