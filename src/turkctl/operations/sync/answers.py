"""What workers answered, by field: parsed once, when the work is first read from the market."""

from __future__ import annotations

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
