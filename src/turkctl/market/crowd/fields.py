"""The fields that a HIT's question asks a worker to fill in.

A field knows what can be answered, not what is asked: enough to fill in a form.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Literal

Kind = Literal["choice", "several", "number", "text", "fixed"]
Shape = Literal["plain", "flags", "label", "labels"]

RESERVED = ("assignmentId", "hitId", "turkSubmitTo", "workerId")
"""Names that a task page sends for the market's own use; workers do not fill them in."""

WORDS = (
    "anchor", "bridge", "candle", "desert", "engine", "forest", "garden", "harbour",
    "island", "jacket", "kettle", "ladder", "meadow", "needle", "orchard", "pencil",
)  # fmt: skip
REMARKS = (
    "All clear.",
    "No problems.",
    "The instructions were easy to follow.",
    "It took a little longer than I expected.",
    "I would do this again.",
    "One picture loaded slowly.",
    "Good task, thank you.",
    "I was not sure about this one.",
)
_LIMIT = Decimal(10) ** 9  # numbers beyond it are left to the fields' defaults
_FINEST = Decimal("0.000001")


@dataclass(frozen=True)
class Field:
    """One input of a form.

    Attributes:
        name: the name under which the answer is sent.
        kind: ``choice`` of one option, ``several`` of them, a ``number``, a ``text`` (the options are texts to pick
            from), or ``fixed``: sent unchanged.
        options: the possible answers; for a fixed field, its value.
        buttons: with ``flags``, the (name, value) of each option's own button where the names differ.
        always: options of ``several`` that must be chosen.
        at_least: the smallest number of options of ``several``.
        at_most: the largest number of options of ``several``.
        low: the smallest number.
        high: the largest number.
        step: the step between numbers.
        shortest: the minimum length of a text in characters.
        longest: the maximum length of a text in characters.
        shape: how a crowd element encodes the answer: ``plain`` text, ``flags`` (true or false for each option),
            ``label`` or ``labels``.
    """

    name: str
    kind: Kind
    options: tuple[str, ...] = ()
    buttons: tuple[tuple[str, str], ...] = ()
    always: tuple[str, ...] = ()
    at_least: int = 0
    at_most: int = 1
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(100)
    step: Decimal = Decimal(1)
    shortest: int = 0
    longest: int | None = None
    shape: Shape = "plain"


@dataclass(frozen=True)
class Form:
    """The fields that a question asks for.

    Attributes:
        fields: in the order of the page.
        crowd: whether a ``crowd-form`` sends them, as one JSON answer.
        flatten: whether it sends fields with dotted names instead of that JSON.
        submits: whether a person could submit it at all.
        scripted: whether a script may add fields that cannot be seen in the page.
    """

    fields: tuple[Field, ...]
    crowd: bool = False
    flatten: bool = False
    submits: bool = True
    scripted: bool = False


DEFAULT_FIELDS = (Field("answer", "choice", ("yes", "no")), Field("comment", "text", REMARKS))
"""The fields to answer on a page that cannot be read."""


def number_field(name: str, low: str | None, high: str | None, step: str | None, base: str | None = None) -> Field:
    """Return a number field between two limits, in steps; without a limit, about 100 numbers.

    Args:
        name: of the field.
        low: the smallest number, from which steps are counted.
        high: the largest number.
        step: the step between numbers.
        base: from where steps are counted if there is no smallest number; by default from 0.
    """
    least, most = decimal(low), decimal(high)
    size = decimal(step)
    size = Decimal(1) if size is None or size < _FINEST else size
    if least is None:
        least = decimal(base) or Decimal(0)
        if most is not None and most < least:
            least -= (100 + ((least - most) / size).to_integral_value(ROUND_CEILING)) * size
    if most is None or most < least:
        most = least + 100
    return Field(name, "number", low=least, high=most, step=size)


def text_field(name: str, options: tuple[str, ...], shortest: str | None, longest: str | None) -> Field:
    """Return a text field with limits on its length; a limit that is not a number is ignored."""
    most = whole(longest or "", -1)
    least = min(whole(shortest or "", 0), 10_000)
    return Field(name, "text", options, shortest=least, longest=most if most >= max(least, 1) else None)


def whole(text: str, otherwise: int) -> int:
    """Return the non-negative number in ``text``, or ``otherwise``."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def decimal(text: str | None) -> Decimal | None:
    """Return the number in ``text``, or None if there is none or it is too large."""
    try:
        value = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) <= _LIMIT else None
