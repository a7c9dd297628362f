"""Say what a label means: true or false, one of the named classes, a worker's skip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from turkctl.errors import UsageError
from turkctl.operations.project.labels import NAMED_CLASSES, LabelSettings

TRUE = frozenset({"1", "true", "yes", "y", "t"})


FALSE = frozenset({"0", "false", "no", "n", "f"})


def truth(text: str) -> bool | None:
    """Return the truth value that a text names, whatever its case; None if it is neither true nor false."""
    word = text.lower()
    return True if word in TRUE else False if word in FALSE else None


BINARY = (False, True)


SKIPPED = -1


LONGEST_SHOWN = 40
"""Maximum number of characters of an answer that an error shows."""


Class = bool | str
"""What an item can be: true or false, or one of the classes."""


class Meaning:
    """The meaning of answers, by the settings of an experiment and the method that will read them."""

    def __init__(self, slug: str, settings: LabelSettings, method: str) -> None:
        self._slug = slug
        self._settings = settings
        self._true = _folded(settings.true) or TRUE
        self._false = _folded(settings.false) or FALSE
        self._skip = _folded(settings.skip)
        self._any = method in NAMED_CLASSES and not (settings.classes or settings.true or settings.false)

    def skips(self, text: str) -> bool:
        """Return whether the answer is a skip."""
        return text.casefold() in self._skip

    def truth(self, text: str) -> bool | None:
        """Return True, False, or None for neither."""
        word = text.casefold()
        return True if word in self._true else False if word in self._false else None

    def check(self, text: str, where: str) -> None:
        """Raise unless the answer is a label or a skip.

        Args:
            text: the answer.
            where: where it is, for the message: a file and its line, or an item and a worker.

        Raises:
            UsageError: it is neither.
        """
        if self._any or self.skips(text):
            return
        shown = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
        table = f"[experiments.{self._slug}.labels]"
        classes = self._settings.classes
        if classes is not None and text not in classes:
            raise UsageError(
                f"{where}: the label '{shown}' is not one of the classes",
                hint=f"fix it, or add it to classes in {table}",
            )
        if classes is None and self.truth(text) is None:
            raise UsageError(
                f"{where}: the label '{shown}' is neither true nor false",
                hint=f"fix it, or name it in {table}: under true, false, skip, or classes",
            )

    def classes(self, texts: Sequence[str]) -> tuple[Class, ...]:
        """Return the classes of checked answers, in order."""
        if self._settings.classes is not None:
            return tuple(self._settings.classes)
        said = [text for text in texts if not self.skips(text)]
        if not self._any or all(self.truth(text) is not None for text in said):
            return BINARY
        return tuple(sorted(set(said)))

    def codes(self, texts: Sequence[str], classes: Sequence[Class]) -> list[int]:
        """Return the index of each answer's class; :data:`SKIPPED` for a skip."""
        return [SKIPPED if self.skips(text) else classes.index(self.as_class(text, classes)) for text in texts]

    def as_class(self, text: str, classes: Sequence[Class]) -> Class:
        """Return the class that an answer names.

        Raises:
            UsageError: it is not one of the classes.
        """
        found: Any = self.truth(text) if tuple(classes) == BINARY else text
        if found not in classes:
            raise UsageError(f"'{text}' is not one of the labels", hint=f"give one of: {', '.join(map(word, classes))}")
        return found  # type: ignore[no-any-return]  # it is in the classes


def word(label: Any) -> str:
    """Return a label as it is stored and shown: ``true``, ``false``, or the class."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _folded(answers: Sequence[str] | None) -> frozenset[str]:
    return frozenset(each.casefold() for each in answers or ())
