"""Check ``[experiments.X.labels]``: which answers are labels, what they mean, and how they are aggregated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from turkctl.classes import AnswerRule, Question, folded
from turkctl.errors import UsageError
from turkctl.operations.project.tables import SettingsTable

METHODS = ("majority", "dawid-skene", "one-coin", "cubam", "cubam-marginal", "cubam-nd", "mean", "median")
"""The names in ``turkctl.labels.methods``, repeated here because importing that needs NumPy."""
NAMED_CLASSES = ("majority", "dawid-skene")
"""Methods that take every answer as a class, however few give it."""
BINARY_ONLY = ("one-coin", "cubam-nd")
"""Methods that can only aggregate yes and no."""
NUMERIC = ("mean", "median")
"""Methods for answers that are numbers."""
DEFAULT_METHOD = "cubam"


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
    case_sensitive: Annotated[bool, Field(strict=True)] = False
    """Whether answers that differ only in capital letters are different."""
    method: Annotated[str, AfterValidator(_method)] | None = None
    min_votes: Annotated[int, Field(ge=0, le=10**9, strict=True)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> LabelSettings:
        named = [*(self.true or ()), *(self.false or ()), *(self.skip or ()), *(self.classes or ())]
        exact = bool(self.classes) or self.case_sensitive
        words = [folded(each, case_sensitive=exact) for each in named]
        twice = next((each for each, word in zip(named, words, strict=True) if words.count(word) > 1), None)
        if twice is not None:
            raise ValueError(f"'{twice}' is listed twice: an answer can mean only one thing")
        if self.method in NUMERIC and (self.true or self.false or self.classes):
            raise ValueError(f"{self.method} is for numbers: leave true, false and classes out, or give another method")
        if self.classes is None:
            return self
        if self.true or self.false:
            raise ValueError("classes cannot be combined with true or false: leave one out")
        if len(self.classes) < 2:
            raise ValueError("classes needs at least two answers")
        if self.method in BINARY_ONLY:
            raise ValueError(f"{self.method} can only use true and false: leave classes out, or give another method")
        return self

    def rule(self, method: str | None = None, relabelled: Mapping[str, str] | None = None) -> AnswerRule:
        """Return what answers mean.

        Args:
            method: the method that will read them; by default the one of these settings.
            relabelled: the answers that stand for another one, as ``labels relabel`` keeps them.
        """
        return answer_rule(
            method or self.method or DEFAULT_METHOD,
            AnswerRule(
                _question(self),
                names=tuple(self.classes or ()),
                true=tuple(self.true or ()),
                false=tuple(self.false or ()),
                skip=tuple(self.skip or ()),
                case_sensitive=self.case_sensitive,
                relabelled=relabelled or {},
            ),
        )


def _question(settings: LabelSettings) -> Question:
    if settings.classes is not None:
        return "classes"
    return "truth" if settings.true or settings.false else "open"


def answer_rule(method: str, rule: AnswerRule) -> AnswerRule:
    """Return the rule as a method needs it: its answers are numbers, or true and false only."""
    if method in NUMERIC:
        return replace(rule, question="numbers", names=(), true=(), false=())
    if method in BINARY_ONLY and rule.question == "open":
        return replace(rule, question="truth")
    return rule
