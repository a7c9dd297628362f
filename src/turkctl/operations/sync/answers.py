"""Parse what workers answered into fields, once, when the work is first read from the market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from turkctl.errors import UsageError
from turkctl.mturk.questions import parse_answers

Fields = dict[str, str | list[str]]
"""Values by question identifier (the name of the form field); a list if a field has several."""


def parsed(document: str | None) -> Fields | None:
    """Return the answers in a QuestionFormAnswers document; None if there is no document or it cannot be read.

    A document that cannot be read is stored and shown unchanged.
    """
    try:
        return None if document is None else parse_answers(document)
    except UsageError:
        return None


SEVERAL = "|"
"""Separates the values of a field that was sent more than once."""


def answers_of(fields: Mapping[str, str | list[str]], pattern: str, items: Sequence[tuple[int, str]]) -> dict[str, str]:
    """Return ``{key: answer}`` of the items that a submission answers, without blanks around the answers.

    Args:
        fields: the submitted values, by field.
        pattern: the name of the field, where ``{n}`` stands for the position of an item in its HIT and ``{key}`` for
            its key: ``label``, ``label_{n}``, ``label_{key}``. Nothing else in it is replaced.
        items: (position in the HIT, from 1, and key) of each.
    """
    found: dict[str, str] = {}
    for position, key in items:
        value = fields.get(field_name(pattern, position, key))
        if value is None:
            continue
        text = value if isinstance(value, str) else SEVERAL.join(sorted(each.strip() for each in value))
        if text.strip():
            found[key] = text.strip()
    return found


def field_name(pattern: str, position: int, key: str) -> str:
    """Return the name of one item's field."""
    # In this order, so that {n} inside a key is not replaced.
    return key.join(part.replace("{n}", str(position)) for part in pattern.split("{key}"))
