"""Check a text against a requester's regular expression, and never spend long on it.

The expressions are those of browsers, which check them first. Here they are run by Python's engine, whose language is
nearly the same, and which can take years for some expressions: those that may be slow for a text of this length, and
those that Python does not know, are not run, and the text counts as right.
"""

from __future__ import annotations

import re
from functools import lru_cache

from turkctl.market.site.question_form import AnswerFormat

_MOST_STEPS = 3_000_000
_LONGEST = 1_000
"""Greatest length of an expression in characters."""
_COUNTS = re.compile(r"\{(\d{1,9})(?:(,)(\d{0,9}))?\}")


def satisfies(text: str, wanted: AnswerFormat) -> bool:
    """Return whether the expression matches somewhere in the text; True if it cannot be checked here."""
    expression = _compiled(wanted.regex, wanted.flags)
    if expression is None:
        return True
    loops = _loops(wanted.regex)
    if loops is None or (len(text) + 1) ** loops > _MOST_STEPS:
        return True
    return expression.search(text) is not None


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


@lru_cache(maxsize=256)
def _loops(regex: str) -> int | None:
    """Return the power of the text's length that bounds the time of a search; None if no power does.

    Each repetition counts, and so does the search for a place to begin. A repetition of something that can match in
    more ways than one, as in ``(a+)+``, can take a time that no power bounds.
    """
    count = 0 if regex.startswith("^") and "|" not in regex else 1
    varied = [False]  # for each open group, whether it can match in more ways than one
    before = False  # whether what stands just before can
    at = 0
    while at < len(regex):
        length, repeats, varies = _quantifier(regex, at)
        if length:
            if repeats and before:
                return None
            count += repeats and varies
            varied[-1] = varied[-1] or varies
        elif regex[at] == "(":
            varied.append(False)
            length = 2 if regex[at + 1 : at + 2] == "?" else 1  # as in (?:…), where it is no quantifier
        elif regex[at] == ")" and len(varied) > 1:
            before = varied.pop()
            varied[-1] = varied[-1] or before
            at += 1
            continue
        else:
            varied[-1] = varied[-1] or regex[at] == "|"
            length = _atom(regex, at)
        before = False
        at += length
    return count


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
