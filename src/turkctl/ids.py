"""Tell possible ids of a market from impossible ones: typing mistakes, and ids of other platforms.

The patterns are the API's own: ``EntityId`` and ``CustomerId`` of the service model.
"""

from __future__ import annotations

import re
from typing import Final

_ENTITY: Final = re.compile(r"[A-Z0-9]{1,64}")
_WORKER: Final = re.compile(r"A[A-Z0-9]{1,63}")
_MARKETS: Final = re.compile(r"A[A-Z0-9]{12,63}|[A-Z0-9]{30}")
_NUMBER: Final = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")
_SHOWN = 70
"""Maximum number of characters of an id in a message."""


def can_be_id(text: str) -> bool:
    """Return whether a HIT, an assignment or a qualification type can have this id."""
    return _ENTITY.fullmatch(text) is not None


def can_be_worker(text: str) -> bool:
    """Return whether a worker can have this id."""
    return _WORKER.fullmatch(text) is not None


def looks_like_markets(text: str) -> bool:
    """Return whether a text looks like the id that a market gives to a worker, a HIT or an assignment.

    People's own ids cannot look like one, so that nobody has to ask which of the two is meant.
    """
    return _MARKETS.fullmatch(text) is not None


def is_text(text: str) -> bool:
    """Return whether the text can be written anywhere: bytes of a command line that are not UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable(text: str) -> str:
    r"""Return an id that can be stored and shown: what is no text in it becomes ``\udcff``, which no id has."""
    return text if is_text(text) else text.encode("utf-8", "backslashreplace").decode()


def quoted(text: str) -> str:
    """Return an id for a message: shortened if it is long, in quotes if no market can have it."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return short if can_be_id(short) else f"'{short}'"


def is_mangled(text: str) -> bool:
    """Return whether a text looks like what a spreadsheet makes of an id that it takes for a number: ``3.1E+29``."""
    return _NUMBER.fullmatch(text) is not None
