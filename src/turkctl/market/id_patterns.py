"""Check own ids by a regular expression that cannot take long.

Python's matcher tries every way in which a pattern can match. The number of ways is counted when the pattern is given,
for an id of the longest length; patterns with too many, and parts that cannot be counted, are refused.
"""

from __future__ import annotations

import re
import warnings

from turkctl.errors import UsageError

LONGEST_ID = 64
"""Characters of an own id that somebody types, at most."""
LONGEST_PATTERN = 200
_MOST_WAYS = 300_000
_MOST_COPIES = 100
"""Largest number in braces."""
_TOKEN = re.compile(
    r"""
    (?P<fixed> \\[dDwWsS] | \\[^\w] | \[\^?(?:\\.|[^\[\]\\])+\] | [^\\\[\](){}*+?|] )
  | (?P<open> \((?:\?:|(?!\?)) )
  | (?P<close> \) )
  | (?P<either> \| )
  | (?P<repeat> (?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})(?![*+?{]) )
    """,
    re.VERBOSE,
)


def check(pattern: str) -> None:
    """Raise UsageError unless the pattern can be used."""
    wrong = _mistake(pattern)
    if wrong is not None:
        raise UsageError(
            f"the pattern '{pattern[:LONGEST_PATTERN]}' cannot be used: {wrong}",
            hint="write a regular expression such as [0-9]{7}, or [A-Z]{2}-[0-9]{1,6}",
        )


def fits(pattern: str | None, text: str) -> bool:
    """Return whether an own id is as the pattern wants it, and not too long; None is any."""
    return len(text) <= LONGEST_ID and (pattern is None or re.fullmatch(pattern, text) is not None)


def _mistake(pattern: str) -> str | None:
    if not 1 <= len(pattern) <= LONGEST_PATTERN:
        return f"it must have 1 to {LONGEST_PATTERN} characters"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # about parts that a later Python reads in another way
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning):
        return "it is not a regular expression"
    ways = _ways(pattern)
    if ways is None:
        return "it has parts that cannot be checked, such as look-ahead or what stands for an earlier group"
    return f"there are too many ways to match it ({_MOST_WAYS:,} at most)" if ways > _MOST_WAYS else None


class _PatternGroup:
    """What was read of a group: in how many ways it matches, and its last part."""

    def __init__(self) -> None:
        self.done = 0
        self.ways = 1
        self.last: int | None = None

    def add(self, ways: int) -> None:
        self.ways *= 1 if self.last is None else self.last
        self.last = ways

    def either(self) -> None:
        self.done, self.ways, self.last = self.total(), 1, None

    def total(self) -> int:
        return self.done + self.ways * (1 if self.last is None else self.last)


def _ways(pattern: str) -> int | None:
    """Return an upper bound of the number of ways to match; None if it has parts that this does not know."""
    groups, place = [_PatternGroup()], 0
    while place < len(pattern):
        token = _TOKEN.match(pattern, place)
        if token is None:
            return None
        place = token.end()
        if token["fixed"]:
            groups[-1].add(1)
        elif token["open"]:
            groups.append(_PatternGroup())
        elif token["close"]:
            inner = groups.pop().total()
            groups[-1].add(inner)
        elif token["either"]:
            groups[-1].either()
        else:
            last = groups[-1].last
            if last is None:
                return None
            groups[-1].last = min(_repeated(token["repeat"], last), _MOST_WAYS + 1)
        if groups[-1].total() > _MOST_WAYS:
            return _MOST_WAYS + 1
    return groups[-1].total()


def _repeated(repeat: str, ways: int) -> int:
    """Return the ways of a part that is repeated."""
    least, most = {"*": (0, LONGEST_ID), "+": (1, LONGEST_ID), "?": (0, 1)}.get(repeat, (0, 0))
    if repeat.startswith("{"):
        first, comma, last = repeat[1:-1].partition(",")
        least = int(first)
        most = int(last) if last else LONGEST_ID if comma else least
    if most > _MOST_COPIES:
        return _MOST_WAYS + 1
    total = 0
    for copies in range(least, max(least, most) + 1):
        total += ways**copies
        if total > _MOST_WAYS:
            break
    return total
