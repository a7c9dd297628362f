"""Answer keys of qualification tests: from selections to a score, from the total score to the qualification's value.

Source: the AnswerKey schema of 2005-10-01 and its description in the API reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from turkctl.market.errors import bad_xml
from turkctl.market.parameter_limits import shorten
from turkctl.market.questions import SCHEMAS, form_questions, parse

_KEY = f"{{{SCHEMAS}2005-10-01/AnswerKey.xsd}}"
_MOST_DIGITS = 32
_SMALLEST = Decimal("1e-9")
_LARGEST_VALUE = 2**31 - 1
_MAPPINGS = ("PercentageMapping", "ScaleMapping", "RangeMapping")


def check(answer_key: str, test: str) -> None:
    """Check a key against its test: multiple choice only, and only questions of the test.

    Raises:
        ParameterValidationError: the key is invalid, or does not match the test.
    """
    root = parse(answer_key, "AnswerKey")
    if root.tag != f"{_KEY}AnswerKey":
        raise bad_xml("an answer key is an AnswerKey document.")
    closed = _closed_questions(test)
    questions = root.findall(f"{_KEY}Question")
    if not questions:
        raise bad_xml("an AnswerKey has at least one Question.")
    for question in questions:
        name = question.findtext(f"{_KEY}QuestionIdentifier") or ""
        if name not in closed:
            raise bad_xml(f"the AnswerKey's Question '{name}' is not a multiple-choice question of the test.")
        for option in question.findall(f"{_KEY}AnswerOption"):
            _number(option, "AnswerScore")
    map_score(root.find(f"{_KEY}QualificationValueMapping"), Decimal(0))


def _closed_questions(test: str) -> set[str]:
    closed = set()
    for question in form_questions(test):
        namespace = question.tag.removesuffix("Question")
        choice = question.find(f"{namespace}AnswerSpecification/{namespace}SelectionAnswer")
        if choice is not None and choice.find(f".//{namespace}OtherSelection") is None:
            closed.add(question.findtext(f"{namespace}QuestionIdentifier", "").strip())
    return closed


def selection_names(test: str) -> frozenset[str]:
    """Return the identifiers of a form's multiple-choice questions."""
    names = set()
    for question in form_questions(test):
        namespace = question.tag.removesuffix("Question")
        if question.find(f"{namespace}AnswerSpecification/{namespace}SelectionAnswer") is not None:
            names.add(question.findtext(f"{namespace}QuestionIdentifier", "").strip())
    return frozenset(names)


def score(answer_key: str, answers: Mapping[str, Sequence[str]]) -> int:
    """Return the qualification's value for these answers (question identifier to selections).

    A question scores the option whose set of selections equals the given one, else its DefaultScore.
    """
    root = parse(answer_key, "AnswerKey")
    total = sum((_question_score(question, answers) for question in root.findall(f"{_KEY}Question")), start=Decimal(0))
    return map_score(root.find(f"{_KEY}QualificationValueMapping"), total)


def _question_score(question: Element, answers: Mapping[str, Sequence[str]]) -> Decimal:
    given = set(answers.get((question.findtext(f"{_KEY}QuestionIdentifier") or "").strip(), ()))
    for option in question.findall(f"{_KEY}AnswerOption"):
        wanted = {(element.text or "").strip() for element in option.findall(f"{_KEY}SelectionIdentifier")}
        if wanted == given:
            return _number(option, "AnswerScore")
    default = question.find(f"{_KEY}DefaultScore")
    return Decimal(0) if default is None else _number(question, "DefaultScore")


def map_score(mapping: Element | None, total: Decimal) -> int:
    """Return the value for a total score: unchanged, as a rounded percentage, scaled, or by ranges.

    Raises:
        ParameterValidationError: the mapping is not one of the schema's.
    """
    if mapping is None:
        return _rounded(total)
    chosen = list(mapping)
    kind = chosen[0].tag.removeprefix(_KEY) if len(chosen) == 1 else ""
    if kind not in _MAPPINGS:
        raise bad_xml(f"a QualificationValueMapping has one of {', '.join(_MAPPINGS)}.")
    if kind == "PercentageMapping":
        most = _number(chosen[0], "MaximumSummedScore")
        if most <= 0:
            raise bad_xml("MaximumSummedScore must be above 0.")
        return _rounded(100 * total / most)
    if kind == "ScaleMapping":
        return _rounded(total * _number(chosen[0], "SummedScoreMultiplier"))
    return _in_range(chosen[0], total)


def _in_range(mapping: Element, total: Decimal) -> int:
    value = _rounded(_number(mapping, "OutOfRangeQualificationValue"))
    for span in reversed(mapping.findall(f"{_KEY}SummedScoreRange")):
        if _number(span, "InclusiveLowerBound") <= total <= _number(span, "InclusiveUpperBound"):
            value = _rounded(_number(span, "QualificationValue"))
    return value


def _rounded(value: Decimal) -> int:
    """Return the nearest whole number that a qualification can have, which is an integer of 32 bits."""
    held = max(min(value, Decimal(_LARGEST_VALUE)), Decimal(-_LARGEST_VALUE))
    return int(held.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _number(parent: Element, name: str) -> Decimal:
    text = (parent.findtext(f"{_KEY}{name}") or "").strip()
    try:
        number = Decimal(text[: _MOST_DIGITS + 1])
    except InvalidOperation:
        raise bad_xml(f"'{name}' in the AnswerKey is not a number: '{shorten(text)}'.") from None
    if len(text) > _MOST_DIGITS or not number.is_finite() or not (number == 0 or _SMALLEST <= abs(number) <= 2**31):
        raise bad_xml(f"'{name}' in the AnswerKey is out of range.")
    return number
