"""``[experiments.X.labels]``: which answers are labels, what they say, and how they are aggregated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from turkctl.errors import UsageError
from turkctl.operations.labels.rows import FALSE, TRUE
from turkctl.operations.project.tables import Table

METHODS = ("majority", "dawid-skene", "one-coin", "cubam", "cubam-marginal", "cubam-nd")
"""The names in ``labels.methods``, which needs NumPy to be read."""
NAMED_CLASSES = ("majority", "dawid-skene")
"""Methods that make classes of any answers."""
BINARY_ONLY = ("one-coin", "cubam-nd")
BINARY = (False, True)
SKIPPED = -1
LONGEST_SHOWN = 40
"""Characters of an answer that an error shows."""
Class = bool | str
"""What an item can be: true or false, or one of the classes."""


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


class LabelSettings(Table):
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


class Meaning:
    """What answers say, by the settings of an experiment and the method that will read them."""

    def __init__(self, slug: str, settings: LabelSettings, method: str) -> None:
        self._slug = slug
        self._settings = settings
        self._true = _folded(settings.true) or TRUE
        self._false = _folded(settings.false) or FALSE
        self._skip = _folded(settings.skip)
        self._any = method in NAMED_CLASSES and not (settings.classes or settings.true or settings.false)

    def skips(self, text: str) -> bool:
        """Whether the answer says nothing."""
        return text.casefold() in self._skip

    def truth(self, text: str) -> bool | None:
        """Yes, no, or None for neither."""
        word = text.casefold()
        return True if word in self._true else False if word in self._false else None

    def check(self, text: str, where: str) -> None:
        """See that the answer says something, or is one to leave out.

        Args:
            text: the answer.
            where: names it in the message: a file and its line, or an item and a worker.

        Raises:
            UsageError: it does not.
        """
        if self._any or self.skips(text):
            return
        shown = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
        table = f"[experiments.{self._slug}.labels]"
        classes = self._settings.classes
        if classes is not None and text not in classes:
            raise UsageError(
                f"{where}: the label '{shown}' is none of the classes", hint=f"mend it, or add it to classes in {table}"
            )
        if classes is None and self.truth(text) is None:
            raise UsageError(
                f"{where}: the label '{shown}' is neither true nor false",
                hint=f"mend it, or name it in {table}: under true, false, skip, or classes",
            )

    def classes(self, texts: Sequence[str]) -> tuple[Class, ...]:
        """The classes that checked answers fall into, in order."""
        if self._settings.classes is not None:
            return tuple(sorted(self._settings.classes))
        said = [text for text in texts if not self.skips(text)]
        if not self._any or all(self.truth(text) is not None for text in said):
            return BINARY
        return tuple(sorted(set(said)))

    def codes(self, texts: Sequence[str], classes: Sequence[Class]) -> list[int]:
        """For each answer the index of its class, :data:`SKIPPED` for one that says nothing."""
        return [SKIPPED if self.skips(text) else classes.index(self.as_class(text, classes)) for text in texts]

    def as_class(self, text: str, classes: Sequence[Class]) -> Class:
        """The class that an answer names.

        Raises:
            UsageError: it is none of the classes.
        """
        found: Any = self.truth(text) if tuple(classes) == BINARY else text
        if found not in classes:
            raise UsageError(
                f"'{text}' is none of the labels there are", hint=f"one of {', '.join(map(word, classes))}"
            )
        return found  # type: ignore[no-any-return]  # it is in the classes


def word(label: Any) -> str:
    """A label as it is stored and shown: ``true``, ``false``, or the class."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _folded(answers: Sequence[str] | None) -> frozenset[str]:
    return frozenset(each.casefold() for each in answers or ())
