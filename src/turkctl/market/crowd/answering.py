"""Answers to a form: the true ones, which every accurate worker gives, and wrong ones.

The true answer depends only on the item (by default the question document, so every HIT that shows the same thing)
and on the field's name: labels of different workers agree as far as the workers are accurate, and can be aggregated.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from turkctl.market.crowd.fields import Field, Form

Answers = dict[str, str | Sequence[str]]
Value = str | tuple[str, ...]

CROWD_ANSWER = "taskAnswers"
"""The only field that a crowd-form sends, unless it flattens its answers: a JSON list with one object."""


def true_value(item: str, field: Field) -> Value:
    """Return the right answer to the field for this item."""
    draw = random.Random(_number(item, field.name))  # noqa: S311  a simulation, not a secret
    return _any_value(field, draw)


def answers(form: Form, item: str, accuracy: float, rng: random.Random) -> Answers:
    """Return what a worker sends who answers each field correctly with probability ``accuracy``.

    A wrong answer is a different one that the field allows, if there is one.
    """
    values: dict[str, Value] = {}
    for field in form.fields:
        right = true_value(item, field)
        values[field.name] = right if rng.random() < accuracy else other_value(field, right, rng)
    return worded(form, values)


def other_value(field: Field, right: Value, rng: random.Random) -> Value:
    """Return a value of the field other than ``right``, or ``right`` if it is the only one."""
    if field.kind == "several":
        return _other_selection(field, frozenset(right), rng)
    if field.kind == "number":
        return _other_number(field, str(right), rng)
    others = [value for value in map(_fitted(field), field.options) if value != right]
    return rng.choice(others) if others else right


def _any_value(field: Field, draw: random.Random) -> Value:
    if field.kind == "several":
        count = draw.randint(field.at_least, field.at_most)
        chosen = frozenset(draw.sample(field.options, count))
        return _in_order(field, chosen | frozenset(field.always))
    if field.kind == "number":
        return _numeral(field, draw.randint(0, _steps(field)))
    return _fitted(field)(draw.choice(field.options)) if field.options else ""


def _other_selection(field: Field, right: frozenset[str], rng: random.Random) -> tuple[str, ...]:
    """Change one option, then a second one if the number of options would break its limits."""
    free = [option for option in field.options if option not in field.always]
    if not free:
        return _in_order(field, right)
    turned = rng.choice(free)
    chosen = right ^ {turned}
    if len(chosen) > field.at_most:
        chosen -= {rng.choice(sorted(chosen - {turned}))}
    elif len(chosen) < field.at_least:
        spare = sorted(set(field.options) - chosen - {turned})
        chosen |= {rng.choice(spare) if spare else turned}
    return _in_order(field, chosen)


def _in_order(field: Field, chosen: frozenset[str]) -> tuple[str, ...]:
    return tuple(option for option in field.options if option in chosen)


def _steps(field: Field) -> int:
    return int((field.high - field.low) / field.step)


def _numeral(field: Field, step: int) -> str:
    return format((field.low + step * field.step).normalize(), "f")


def _other_number(field: Field, right: str, rng: random.Random) -> str:
    steps = _steps(field)
    step = rng.randint(0, steps)
    if _numeral(field, step) == right and steps:
        step = (step + rng.randint(1, steps)) % (steps + 1)
    return _numeral(field, step)


def _fitted(field: Field) -> Callable[[str], str]:
    """Return a function that cuts or repeats a text to an allowed length; other values stay as they are."""

    def fit(text: str) -> str:
        if field.kind != "text":
            return text
        while len(text) < field.shortest:
            text = f"{text} {text}" if text else "x"
        return text[: field.longest]

    return fit


def worded(form: Form, values: Mapping[str, Value]) -> Answers:
    """Return the values in the form's own encoding.

    An HTML form leaves out what is not chosen; a crowd-form sends true or false for each option.
    """
    if not form.crowd:
        return {name: value if isinstance(value, str) else list(value) for name, value in values.items() if value != ()}
    told: dict[str, Any] = {}
    for field in form.fields:
        _tell(told, field, values[field.name])
    if form.flatten:
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in _flattened("", told)}
    return {CROWD_ANSWER: json.dumps([told])}


def _tell(told: dict[str, Any], field: Field, value: Value) -> None:
    if field.shape == "flags":
        buttons = field.buttons or tuple((field.name, option) for option in field.options)
        for (name, label), option in zip(buttons, field.options, strict=True):
            flags = told.get(name)
            chosen = option == value if isinstance(value, str) else option in value
            told[name] = {**(flags if isinstance(flags, dict) else {}), label: chosen}
    elif field.shape == "plain":
        told[field.name] = value
    else:
        told[field.name] = {field.shape: value}


def _flattened(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flattened(f"{prefix}.{name}" if prefix else name, inner)
    else:
        yield prefix, value


def _number(item: str, name: str) -> int:
    text = f"{item}\0{name}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest())
