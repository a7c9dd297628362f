"""Read a QuestionForm: its parts in their order, and what each question accepts as an answer.

The structure is that of the schema of 2017-11-06; documents of 2005-10-01 are read too. A document that the market let
in is always read; what it says wrongly (a number that is none, a minimum above the maximum) does not restrict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from xml.etree.ElementTree import Element

from turkctl.market.questions import parse

STYLES = ("radiobutton", "checkbox", "list", "dropdown", "combobox", "multichooser")
_MOST_LINES = 40
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})")


@dataclass(frozen=True)
class AnswerFormat:
    """A regular expression, in the language of browsers, that some part of an answer must match.

    Attributes:
        regex: the expression.
        error: what to tell whoever's answer does not match; empty if the form says nothing.
        flags: ``i``, ``m``, or both.
    """

    regex: str
    error: str
    flags: str


@dataclass(frozen=True)
class FreeText:
    """An answer that is typed in.

    Attributes:
        lines: height of the field.
        default: what stands in the field at first.
        numeric: whether it must be a number.
        low: the least number.
        high: the greatest number.
        shortest: the least number of characters.
        longest: the greatest number of characters.
        formats: expressions that it must all match.
    """

    lines: int = 1
    default: str = ""
    numeric: bool = False
    low: Decimal | None = None
    high: Decimal | None = None
    shortest: int = 0
    longest: int | None = None
    formats: tuple[AnswerFormat, ...] = ()


@dataclass(frozen=True)
class FormSelection:
    """Something to choose: its identifier, and the element (Text, FormattedContent or Binary) that shows it."""

    name: str
    shown: Element


@dataclass(frozen=True)
class MultipleChoice:
    """An answer that is chosen.

    Attributes:
        selections: what there is to choose.
        least: the least number of selections, if there are any at all.
        most: the greatest number of selections.
        style: one of :data:`STYLES`.
        other: what may be typed in instead of, or besides, a selection; None if nothing.
    """

    selections: tuple[FormSelection, ...]
    least: int
    most: int
    style: str
    other: FreeText | None


@dataclass(frozen=True)
class FormOverview:
    """Something to read between the questions."""

    content: tuple[Element, ...]


@dataclass(frozen=True)
class FormQuestion:
    """A question: what it shows, and the answer that it accepts.

    Attributes:
        number: its place among the questions, from 1; names of fields are made of it.
        name: its identifier in the answers.
        label: its short name, or empty.
        required: whether it must be answered.
        content: what it shows.
        answer: what it accepts; None for a file, which no market takes any more.
    """

    number: int
    name: str
    label: str
    required: bool
    content: tuple[Element, ...]
    answer: FreeText | MultipleChoice | None

    @property
    def field(self) -> str:
        """Return the name of its field in the HTML form."""
        return f"answer-{self.number}"

    @property
    def other_field(self) -> str:
        """Return the name of the field for another answer than those to choose from."""
        return f"answer-{self.number}-other"


@dataclass(frozen=True)
class QuestionForm:
    """A form: overviews and questions in their order."""

    parts: tuple[FormOverview | FormQuestion, ...]

    def questions(self) -> list[FormQuestion]:
        """Return its questions."""
        return [part for part in self.parts if isinstance(part, FormQuestion)]


@lru_cache(maxsize=32)
def read_form(document: str) -> QuestionForm:
    """Read a QuestionForm that the market let in, as a HIT's question or as a qualification's test.

    Raises:
        ParameterValidationError: it is not well-formed.
    """
    parts: list[FormOverview | FormQuestion] = []
    number = 0
    for element in parse(document, "Question"):
        kind = plain(element)
        if kind == "Overview":
            parts.append(FormOverview(_content(element)))
        elif kind == "Question":
            number += 1
            parts.append(_question(element, number))
    return QuestionForm(tuple(parts))


def plain(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def child(parent: Element | None, name: str) -> Element | None:
    """Return the first child with this name, in whatever namespace."""
    return None if parent is None else next((each for each in parent if plain(each) == name), None)


def child_text(parent: Element | None, name: str) -> str:
    """Return the text of the first child with this name, without spaces around it."""
    found = child(parent, name)
    return "" if found is None else (found.text or "").strip()


def is_number(text: str) -> bool:
    """Return whether this is a decimal number as people write it."""
    return bool(text.isascii() and _NUMBER.fullmatch(text))


def _content(element: Element) -> tuple[Element, ...]:
    # Some forms in use wrap the content of an overview once more.
    inside = child(element, "QuestionContent")
    return tuple(element if inside is None else inside)


def _question(element: Element, number: int) -> FormQuestion:
    content = child(element, "QuestionContent")
    return FormQuestion(
        number,
        child_text(element, "QuestionIdentifier"),
        child_text(element, "DisplayName"),
        child_text(element, "IsRequired").lower() in ("true", "1"),
        () if content is None else tuple(content),
        _answer(child(element, "AnswerSpecification")),
    )


def _answer(specification: Element | None) -> FreeText | MultipleChoice | None:
    typed = child(specification, "FreeTextAnswer")
    if typed is not None:
        return _free_text(typed)
    chosen = child(specification, "SelectionAnswer")
    return None if chosen is None else _multiple_choice(chosen)


def _free_text(element: Element) -> FreeText:
    constraints = child(element, "Constraints")
    number = child(constraints, "IsNumeric")
    length = child(constraints, "Length")
    formats = [each for each in ([] if constraints is None else constraints) if plain(each) == "AnswerFormatRegex"]
    default = child(element, "DefaultText")
    low, high = _decimal(_attribute(number, "minValue")), _decimal(_attribute(number, "maxValue"))
    shortest = _whole(_attribute(length, "minLength")) or 0
    longest = _whole(_attribute(length, "maxLength"))
    return FreeText(
        lines=min(max(_whole(child_text(element, "NumberOfLinesSuggestion")) or 1, 1), _MOST_LINES),
        default="" if default is None else default.text or "",
        numeric=number is not None,
        low=low,
        high=None if low is not None and high is not None and high < low else high,
        shortest=shortest,
        longest=None if longest is not None and longest < max(shortest, 1) else longest,
        formats=tuple(_format(each) for each in formats),
    )


def _format(element: Element) -> AnswerFormat:
    flags = "".join(flag for flag in "im" if flag in element.get("flags", ""))
    return AnswerFormat(element.get("regex", ""), element.get("errorText", "").strip(), flags)


def _multiple_choice(element: Element) -> MultipleChoice:
    listed = child(element, "Selections")
    selections = [_selection(each) for each in ([] if listed is None else listed) if plain(each) == "Selection"]
    typed = child(listed, "OtherSelection")
    other = None if typed is None else _free_text(typed)
    available = len(selections) + (other is not None)
    # The schema's default for both numbers is 1.
    most = min(max(_whole(child_text(element, "MaxSelectionCount"), 1) or 1, 1), available)
    least = min(_whole(child_text(element, "MinSelectionCount"), 1) or 0, most)
    style = child_text(element, "StyleSuggestion").lower()
    if style not in STYLES or (most > 1 and style in ("radiobutton", "dropdown", "combobox")):
        style = "radiobutton" if most == 1 else "checkbox"
    return MultipleChoice(tuple(selections), least, most, style, other)


def _selection(element: Element) -> FormSelection:
    shown = [each for each in element if plain(each) != "SelectionIdentifier"]
    return FormSelection(child_text(element, "SelectionIdentifier"), shown[0] if shown else Element("Text"))


def _attribute(element: Element | None, name: str) -> str:
    return "" if element is None else element.get(name, "").strip()


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if is_number(text) else None


def _whole(text: str, otherwise: int | None = None) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise
