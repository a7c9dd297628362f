"""Check a text against a requester's regular expression, and never spend long on it.

The expressions are those of browsers, which check them first. Here they are run by Python's engine, whose language is
nearly the same, and which can take years for some expressions: those that may be slow for a text of this length, and
those that Python does not know, are not run, and the text counts as right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from turkctl.market.site.question_form import AnswerFormat

_MOST_STEPS = 3_000_000
_LONGEST = 1_000
"""Greatest length of an expression in characters."""
_COUNTS = re.compile(r"\{(\d{1,9})(?:(,)(\d{0,9}))?\}")


def satisfies(text: str, wanted: AnswerFormat) -> bool:
    """Return whether the expression matches somewhere in the text; True if it cannot be checked here."""
    expression = _compiled(wanted.regex, wanted.flags)
    effort = None if expression is None else _effort(wanted.regex)
    if expression is None or effort is None or effort.steps(len(text)) > _MOST_STEPS:
        return True
    return expression.search(text) is not None


@dataclass(frozen=True)
class _Effort:
    """What bounds the time of a search: repetitions, each of up to the text's length, and ways through the rest."""

    loops: int
    ways: int

    def steps(self, length: int) -> int:
        each: int = (length + 1) ** self.loops
        return self.ways * each


@lru_cache(maxsize=256)
def _compiled(regex: str, flags: str) -> re.Pattern[str] | None:
    # In browsers \d and \w mean the characters of ASCII.
    chosen = re.ASCII | (re.IGNORECASE if "i" in flags else 0) | (re.MULTILINE if "m" in flags else 0)
    if len(regex) > _LONGEST:
        return None
    try:
        return re.compile(regex, chosen)
    except (re.error, FutureWarning, OverflowError, RecursionError):
        return None


@dataclass
class _Group:
    """A group that is open: its alternatives so far, and whether something in it can match in more ways than one."""

    alternatives: int = 1
    varied: bool = False


@lru_cache(maxsize=256)
def _effort(regex: str) -> _Effort | None:
    """Return what bounds the time of a search; None if nothing does.

    The search for a place to begin counts as a repetition. A repetition of something that can match in more ways than
    one, as in ``(a+)+``, can take a time that no power of the length bounds.
    """
    loops = 0 if regex.startswith("^") and "|" not in regex else 1
    ways = 1
    groups = [_Group()]
    before = False  # whether what stands just before can match in more ways than one
    at = 0
    while at < len(regex):
        length, repeats, varies = _quantifier(regex, at)
        if repeats and before:
            return None
        before = False
        if length:
            loops += repeats and varies
            ways *= 2 if varies and not repeats else 1
            groups[-1].varied |= varies
        elif regex[at] == "(":
            groups.append(_Group())
            length = 2 if regex[at + 1 : at + 2] == "?" else 1  # as in (?:…), where it is no quantifier
        elif regex[at] == ")" and len(groups) > 1:
            closed = groups.pop()
            ways *= closed.alternatives
            before = closed.varied or closed.alternatives > 1
            groups[-1].varied |= before
            length = 1
        else:
            groups[-1].alternatives += regex[at] == "|"
            length = _atom(regex, at)
        at += length
    return _Effort(loops, ways * groups[0].alternatives)


def _quantifier(regex: str, at: int) -> tuple[int, bool, bool]:
    """Return the length of a quantifier (0 if there is none), whether it repeats, and whether its count varies."""
    if regex[at] in "*+":
        return 1, True, True
    if regex[at] == "?":
        return 1, False, True
    found = _COUNTS.match(regex, at)
    if found is None:
        return 0, False, False
    least, most = int(found[1]), None if found[2] and not found[3] else int(found[3] or found[1])
    return len(found[0]), most is None or most > 1, most != least


def _atom(regex: str, at: int) -> int:
    """Return the length of one character, escape or class."""
    if regex[at] == "\\":
        return 2
    if regex[at] != "[":
        return 1
    end = at + 2 if regex[at + 1 : at + 2] != "^" else at + 3  # a bracket that comes first is a character
    while end < len(regex) and regex[end] != "]":
        end += 2 if regex[end] == "\\" else 1
    return end + 1 - at
