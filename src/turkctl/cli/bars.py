"""Bars beside numbers, in the room that a terminal has left."""

from __future__ import annotations

from collections.abc import Sequence

SHORTEST = 8
"""Characters below which a bar says nothing."""
LONGEST = 50
_EIGHTHS = " ▏▎▍▌▋▊▉"
_FULL = "█"
_PLAIN = "#"


def bars(values: Sequence[int], room: int, *, encoding: str | None) -> list[str]:
    """Return a bar per value, the greatest as long as there is room for; none at all where that is too little.

    Args:
        values: none negative; what is more than nothing shows at least a trace.
        room: characters beside the table.
        encoding: of the terminal; without block characters in it, bars are made of ``#``.
    """
    greatest = max(values, default=0)
    if room < SHORTEST or greatest <= 0:
        return []
    length = min(room, LONGEST)
    if not _can_say(_FULL + _EIGHTHS, encoding):
        return [_PLAIN * max(round(length * value / greatest), value > 0) for value in values]
    return [_blocks(max(round(8 * length * value / greatest), value > 0)) for value in values]


def _blocks(eighths: int) -> str:
    whole, rest = divmod(eighths, 8)
    return (_FULL * whole + _EIGHTHS[rest]).rstrip()


def _can_say(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
