"""Parse what workers answered into fields, once, when the work is first read from the market."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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


CROWD_FORM = "taskAnswers"
"""The only field that a page with a crowd-form sends: a JSON list with one object, which has all answers."""
_DEEPEST = 20
"""Levels of objects inside each other that are unpacked; what is deeper stays an object."""


def unpacked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with the answers of a crowd-form beside the others, each value under its own name.

    Names of values inside objects are joined with dots, as in ``animal.label``; lists and empty objects stay as they
    are. A name that is taken gets a number: ``animal_2``. A field that is not as a crowd-form sends it stays whole.
    """
    found = {name: value for name, value in fields.items() if name != CROWD_FORM}
    if CROWD_FORM in fields:
        told = _crowd_answers(fields[CROWD_FORM])
        if told is None:
            return dict(fields)
        for name, value in told.items():
            for inner, leaf in leaves(name, value):
                found[free_name(inner, found)] = leaf
    return found


def _crowd_answers(value: Any) -> dict[str, Any] | None:
    """Return the object in a crowd-form's field; None if it holds anything else."""
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_constant=str)
        except (ValueError, RecursionError):
            return None
    only = value[0] if isinstance(value, list) and len(value) == 1 else None
    return only if isinstance(only, dict) else None


def leaves(name: str, value: Any, level: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield what is inside of a value that is an object, under names joined with dots; else the value itself."""
    if isinstance(value, dict) and value and level < _DEEPEST:
        for inner, each in value.items():
            yield from leaves(f"{name}.{inner}", each, level + 1)
    else:
        yield name, value


def free_name(name: str, taken: Mapping[str, Any]) -> str:
    """Return the name, with the lowest number from 2 after it that makes it a new one if it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


SEVERAL = "|"
"""Separates the values of a field that was sent more than once."""


def answers_of(fields: Mapping[str, str | list[str]], pattern: str, items: Sequence[tuple[int, str]]) -> dict[str, str]:
    """Return ``{key: answer}`` of the items that a submission answers, without blanks around the answers.

    Args:
        fields: the submitted values, by field.
        pattern: the name of the field, where ``{n}`` stands for the position of an item in its HIT and ``{key}`` for
            its key: ``label``, ``label_{n}``, ``label_{key}``. Nothing else in it is replaced. Values of a crowd-form
            go by their names joined with dots, except that a classifier's own name is enough for its label.
        items: (position in the HIT, from 1, and key) of each.
    """
    found: dict[str, str] = {}
    given: Mapping[str, Any] = unpacked(fields) if CROWD_FORM in fields else fields
    for position, key in items:
        name = field_name(pattern, position, key)
        value = next((each[named] for each, named in _places(given, fields, name) if named in each), None)
        if value is None:
            continue
        text = _as_one(value)
        if text.strip():
            found[key] = text.strip()
    return found


def _places(
    given: Mapping[str, Any], fields: Mapping[str, Any], name: str
) -> tuple[tuple[Mapping[str, Any], str], ...]:
    """Return where a field's answer may be: under its name, or inside of what a classifier of that name sends."""
    return (given, name), (given, f"{name}.label"), (fields, name)


def _as_one(value: Any) -> str:
    """Return an answer as one text: of several values, all, sorted; a number or truth value as in JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return SEVERAL.join(sorted(each.strip() for each in value))
    return json.dumps(value, ensure_ascii=False)


def field_name(pattern: str, position: int, key: str) -> str:
    """Return the name of one item's field."""
    # In this order, so that {n} inside a key is not replaced.
    return key.join(part.replace("{n}", str(position)) for part in pattern.split("{key}"))
