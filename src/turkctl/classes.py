"""Say which class an answer names: one rule for files of labels, for imports, and for what workers answered.

People write one answer in several ways: ``Cat``, ``cat`` and `` cat `` are one class, and so are ``1`` and ``1.0``.
:class:`AnswerRule` reads one answer; :func:`sort_answers` reads all of a question, and finds the names of classes that
nobody listed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal, TypeGuard

Class = bool | str | float
"""What an item can be: true or false, one of the classes, or a number."""

TRUE = frozenset({"1", "true", "yes", "y", "t"})
FALSE = frozenset({"0", "false", "no", "n", "f"})
"""Answers that mean yes and no unless an experiment says otherwise, as :func:`folded` returns them."""
BINARY = (False, True)
"""The classes of a yes-or-no question, in order."""

MISSING = frozenset({"", "na", "nan", "<na>"})
"""Texts that programs write where there is no answer, in small letters."""

SKIPPED, NOTHING, ODD = -1, -2, -3
"""Codes of answers that name no class: a skip that the settings list, no answer at all, and anything else."""

Kind = Literal["class", "skipped", "missing", "odd"]
_KINDS: Mapping[int, Kind] = {SKIPPED: "skipped", NOTHING: "missing", ODD: "odd"}

Question = Literal["truth", "classes", "numbers", "open", "any"]
"""What an answer can be: true or false; one of the classes listed; a number; whatever most answers turn out to be; or
anything at all, each a class."""

_INTEGRAL = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def folded(text: str, *, case_sensitive: bool = False) -> str:
    """Return what all spellings of an answer have in common.

    Blanks at the ends, repeated blanks, capital letters (unless they matter) and the zeros of ``1.0`` make no
    difference. ``007`` stays as it is: it is a code, not a number.
    """
    plain = unicodedata.normalize("NFC", " ".join(text.split()))
    if _INTEGRAL.fullmatch(plain):
        return _shortest(plain)
    return plain if case_sensitive else plain.casefold()


def _shortest(number: str) -> str:
    """Return a number without a plus sign and without zeros at its end."""
    shortest = f"{Decimal(number):f}"
    shortest = shortest.rstrip("0").rstrip(".") if "." in shortest else shortest
    return "0" if shortest == "-0" else shortest


def is_missing(text: str) -> bool:
    """Return whether a text says that there is no answer: blank, ``NA`` or ``NaN``."""
    return text.strip().lower() in MISSING


def truth(text: str) -> bool | None:
    """Return the truth value that a text usually names, or None: ``yes``, ``T``, ``1``, ``1.0`` and so on."""
    key = folded(text)
    return True if key in TRUE else False if key in FALSE else None


def number(text: str) -> float | None:
    """Return the number that a text is, or None."""
    plain = text.strip()
    return float(plain) + 0.0 if _NUMBER.fullmatch(plain) else None


@dataclass(frozen=True)
class AnswerRule:
    """What answers to a question mean.

    Attributes:
        question: what an answer can be; see :data:`Question`.
        names: the classes listed, as they are written.
        true: answers that mean yes, and ``false`` those that mean no; empty for the usual ones.
        skip: answers that say nothing, by choice.
        case_sensitive: whether ``Cat`` and ``cat`` are two classes.
        relabelled: the answers that stand for another one.
    """

    question: Question = "open"
    names: tuple[str, ...] = ()
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    case_sensitive: bool = False
    relabelled: Mapping[str, str] = field(default_factory=dict)
    _table: Mapping[str, Class | int] = field(init=False, repr=False, compare=False)
    _instead: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look at the words once. Classes that differ only in capital letters are meant as two."""
        if len({folded(name) for name in self.names}) < len(set(self.names)):
            object.__setattr__(self, "case_sensitive", True)
        table: dict[str, Class | int] = {self.fold(each): SKIPPED for each in self.skip}
        table |= {self.fold(name): name for name in self.names}
        for words, meant in ((self.true, True), (self.false, False)):
            table |= {self.fold(word): meant for word in words}
        object.__setattr__(self, "_table", table)
        object.__setattr__(self, "_instead", {self.fold(said): meant for said, meant in self.relabelled.items()})

    def fold(self, text: str) -> str:
        """Return what all spellings of a class have in common."""
        return folded(text, case_sensitive=self.case_sensitive)

    def instead(self, text: str) -> str:
        """Return the answer that this one stands for; itself unless it was relabelled."""
        return self._instead.get(self.fold(text), text) if self._instead else text

    def read(self, text: str) -> Class | int:
        """Return the class of an answer, by its key if no classes are listed; or one of the negative codes.

        A class of an open question is a text; a code is an ``int`` and never True or False.
        """
        text = self.instead(text)
        key = self.fold(text)
        if key in self._table:
            return self._table[key]
        if is_missing(text):
            return NOTHING
        if self.question == "numbers":
            found = number(text)
            return ODD if found is None else found
        if self.question == "truth":
            return self._truth(text)
        return ODD if self.question == "classes" else key

    def _truth(self, text: str) -> bool | int:
        """Return what a usual word means where the settings do not list that side themselves."""
        meant = truth(text)
        listed = self.true if meant else self.false
        return ODD if meant is None or listed else meant

    def kind(self, text: str) -> Kind:
        """Return whether an answer names a class, is a skip, says nothing, or is none of the classes.

        While the classes of an open question are not known, every answer that says something names one.
        """
        found = self.read(text)
        return _KINDS[found] if _is_code(found) else "class"

    def is_usable(self, text: str | None) -> bool:
        """Return whether a text answers the question: it names a class."""
        return text is not None and self.kind(text) == "class"

    def decided(self, counts: Mapping[str, int], *, names_too: bool = False) -> AnswerRule:
        """Return the rule with an open question settled by all answers to it.

        It is a yes-or-no question if all answers are. Otherwise, with ``names_too``, every answer is a class; without,
        that is so only if most answers mean neither yes nor no and they name at least two classes.

        Args:
            counts: how often each text was answered.
            names_too: whether the method takes any classes.
        """
        if self.question != "open":
            return self
        truths = named = 0
        names = set()
        for text, count in counts.items():
            key = self.read(text)
            if _is_code(key):
                continue
            if truth(str(key)) is None:
                named += count
                names.add(key)
            else:
                truths += count
        if not named or (not names_too and (truths >= named or len(names) + bool(truths) < 2)):
            return replace(self, question="truth")
        return replace(self, question="any")


def _is_code(found: Class | int) -> TypeGuard[int]:
    return type(found) is int  # a bool is an int too, and a class of a yes-or-no question


@dataclass(frozen=True)
class Sorted:
    """All answers to a question by class.

    Attributes:
        rule: the rule, with an open question settled.
        classes: the classes in order.
        codes: the index of each text's class, or a negative code.
        merged: the spellings that count as a class besides its name, for classes that nobody listed.
    """

    rule: AnswerRule
    classes: tuple[Class, ...]
    codes: Mapping[str, int]
    merged: Mapping[str, tuple[str, ...]]

    def kind(self, text: str) -> Kind:
        """Return whether one of the texts names a class, is a skip, says nothing, or is none of the classes."""
        return _KINDS.get(self.codes[text], "class")

    def count(self, counts: Mapping[str, int], code: int) -> int:
        """Return the number of answers with this negative code."""
        return sum(counts[text] for text, found in self.codes.items() if found == code)

    def as_class(self, text: str) -> Class | None:
        """Return the class that a text names, whether or not anybody answered so; None if it names none."""
        return class_named(text, self.classes, self.rule)


def class_named(text: str, classes: Sequence[Class], rule: AnswerRule) -> Class | None:
    """Return which of these classes a text names, or None."""
    if rule.question == "numbers":
        return number(rule.instead(text))
    if tuple(classes) == BINARY:
        found = replace(rule, question="truth").read(text) if rule.question == "open" else rule.read(text)
        return None if _is_code(found) or found not in BINARY else found
    key = rule.fold(rule.instead(text))
    return next((each for each in classes if rule.fold(str(each)) == key), None)


def sort_answers(rule: AnswerRule, counts: Mapping[str, int], *, names_too: bool = False) -> Sorted:
    """Return the classes of all answers to a question.

    Args:
        rule: what answers mean.
        counts: how often each text was answered, the first one first; 0 for texts that are only known answers.
        names_too: whether the method takes any classes.
    """
    rule = rule.decided(counts, names_too=names_too)
    read = {text: rule.read(text) for text in counts}
    if rule.question == "truth":
        classes: tuple[Class, ...] = BINARY
    elif rule.question == "classes":
        classes = tuple(dict.fromkeys(rule.names))
    elif rule.question == "numbers":
        classes = tuple(sorted({found for found in read.values() if not _is_code(found)}))
    else:
        return _named(rule, counts, read)
    index = {each: place for place, each in enumerate(classes)}
    codes = {text: int(found) if _is_code(found) else index[found] for text, found in read.items()}
    return Sorted(rule, classes, codes, {})


def _named(rule: AnswerRule, counts: Mapping[str, int], read: Mapping[str, Class | int]) -> Sorted:
    """Name each class by its commonest spelling; among equally common ones, by the first."""
    spellings: dict[str, dict[str, int]] = {}
    for text, found in read.items():
        if not _is_code(found):
            said = rule.instead(text).strip()
            of_class = spellings.setdefault(str(found), {})
            of_class[said] = of_class.get(said, 0) + counts[text]
    names = {key: max(said, key=said.__getitem__) for key, said in spellings.items()}
    classes = tuple(sorted(names.values()))
    index = {name: place for place, name in enumerate(classes)}
    codes = {text: int(found) if _is_code(found) else index[names[str(found)]] for text, found in read.items()}
    merged = {
        names[key]: tuple(each for each in said if each != names[key])
        for key, said in spellings.items()
        if len(said) > 1
    }
    return Sorted(rule, classes, codes, merged)


def mostly_numbers(classes: Sequence[Class]) -> bool:
    """Return whether most classes are numbers, so that their mean or median says more than a class."""
    found = sum(number(str(each)) is not None for each in classes)
    return tuple(classes) != BINARY and len(classes) > 2 and 2 * found > len(classes)
