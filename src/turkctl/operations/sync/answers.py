"""What workers answered, by field: parsed once, when the work is first read from the market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from turkctl.errors import UsageError
from turkctl.mturk.questions import parse_answers

Fields = dict[str, str | list[str]]
"""By question identifier (the form field's name); several values of one field are a list."""


def parsed(document: str | None) -> Fields | None:
    """The answers of a QuestionFormAnswers document; None where there is none, or where it cannot be read.

    A document that cannot be read stays stored as it came, and is shown like that.
    """
    try:
        return None if document is None else parse_answers(document)
    except UsageError:
        return None


SEVERAL = "|"
"""Between the values of a field that was sent more than once."""


def answers_of(fields: Mapping[str, str | list[str]], pattern: str, items: Sequence[tuple[int, str]]) -> dict[str, str]:
    """``{key: answer}`` of the items that a submission answers; blanks around an answer are left out.

    Args:
        fields: what was submitted, by field.
        pattern: the field's name, where ``{n}`` stands for the place of an item in its HIT and ``{key}`` for its key:
            ``label``, ``label_{n}``, ``label_{key}``. Nothing else in it is replaced.
        items: (place in the HIT, from 1, and key) of each.
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
    """The field of one item."""
    # In this order, so that a key that holds {n} itself stays what it is.
    return key.join(part.replace("{n}", str(position)) for part in pattern.split("{key}"))
