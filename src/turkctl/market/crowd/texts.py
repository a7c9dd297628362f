"""Texts that a browser accepts in a field: of its type, within its limits, and of its pattern as far as can be made."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from turkctl.market.crowd.fields import REMARKS, WORDS, whole

TYPED: Mapping[str, tuple[str, ...]] = {
    "email": ("someone@example.org", "anyone@example.com"),
    "url": ("https://example.org/", "https://example.com/"),
    "tel": ("+1 202 555 0100", "+1 202 555 0199"),
    "date": ("2026-01-15", "2026-06-30"),
    "month": ("2026-01", "2026-06"),
    "week": ("2026-W03", "2026-W26"),
    "time": ("09:30", "17:45"),
    "datetime-local": ("2026-01-15T09:30", "2026-06-30T17:45"),
    "color": ("#ff0000", "#0000ff"),
}
"""Values by the type of an input."""
_MOMENTS = ("date", "month", "week", "time", "datetime-local")
"""Types whose values have limits, and are in the order of their letters."""
_PATTERNED = ("text", "search", "tel", "url", "email", "password")
_SHAPED = ("email", "url", "color")
"""Types whose values cannot be cut."""
_LONGEST_PATTERN = 200
_LONGEST_MADE = 64
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SETS = {"d": "0123456789", "w": _LETTERS, "s": " ", "D": _LETTERS, "W": " ", "S": _LETTERS}


def allowed_texts(kind: str, attributes: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return texts that an input of this type and with these attributes accepts; None if none was found.

    Args:
        kind: the type of an input, or ``textarea``.
        attributes: of the element.
    """
    pattern = attributes.get("pattern") if kind in _PATTERNED else None
    least = min(whole(attributes.get("minlength", ""), 0), 10_000)
    most = whole(attributes.get("maxlength", ""), -1)
    made = TYPED.get(kind) or (REMARKS if kind == "textarea" else WORDS)
    if kind in _MOMENTS:
        ends = [attributes[end] for end in ("min", "max") if attributes.get(end)]
        return _within(dict.fromkeys([*made, *ends]), attributes) or None
    if pattern:
        made = (*made, *made_of(pattern, least))
    if most >= 0 and least > most:
        return None
    if kind not in _SHAPED:
        made = tuple(dict.fromkeys(_fitted(each, least, most, whole_text=bool(pattern)) for each in made))
    found = tuple(text for text in made if least <= len(text) and (most < 0 or len(text) <= most) and text)
    if pattern:
        found = tuple(text for text in found if _matches(pattern, text))
    return found or None


def _within(made: Mapping[str, None], attributes: Mapping[str, str]) -> tuple[str, ...]:
    low, high = attributes.get("min", ""), attributes.get("max", "")
    return tuple(text for text in made if low <= text and (not high or text <= high))


def _fitted(text: str, least: int, most: int, *, whole_text: bool) -> str:
    """Return the text, repeated or cut to an allowed length; one for a pattern stays as it is."""
    if whole_text:
        return text
    while len(text) < least:
        text = f"{text} {text}" if text else "x"
    return text if most < 0 else text[:most]


def _matches(pattern: str, text: str) -> bool:
    if len(pattern) > _LONGEST_PATTERN or len(text) > _LONGEST_MADE:
        return False
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return the pattern; None if it is none, which browsers ignore, or not known here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of signs that may once join sets
        try:
            return re.compile(pattern)
        except (re.error, OverflowError, RecursionError):
            return None


def made_of(pattern: str, least: int = 0) -> tuple[str, ...]:
    """Return a few texts made of a pattern's letters, sets, groups and counts; none for what else patterns can say."""
    found = []
    for variant in range(3):
        try:
            found.append(_Maker(pattern[:_LONGEST_PATTERN], variant, least).text())
        except _NotMade:
            return ()
    return tuple(dict.fromkeys(found))


class _NotMade(Exception):  # noqa: N818  # it never leaves this module
    """The pattern says something that is not understood."""


@dataclass
class _Maker:
    """Makes one text of a pattern.

    Attributes:
        pattern: the pattern.
        variant: which sign of each set, and which alternative of each group, is taken.
        least: how often at least to repeat what has no upper count.
    """

    pattern: str
    variant: int
    least: int
    at: int = 0

    def text(self) -> str:
        made = self._alternatives()
        if self.at < len(self.pattern):
            raise _NotMade
        return made

    def _alternatives(self) -> str:
        choices = [self._sequence()]
        while self._next("|"):
            choices.append(self._sequence())
        return choices[self.variant % len(choices)]

    def _sequence(self) -> str:
        made = ""
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            made += self._repeated(self._atom())
            if len(made) > _LONGEST_MADE:
                raise _NotMade
        return made

    def _repeated(self, atom: str) -> str:
        """Return what follows an atom's count: ``?`` and ``*`` leave out, ``+`` takes one, unless more are needed."""
        if self._next("?"):
            number = 0 if self.variant else 1
        elif self._next("*"):
            number = self.least or self.variant
        elif self._next("+"):
            number = max(self.least, 1 + self.variant)
        elif counted := re.compile(r"\{(\d{1,3})(,?)(\d{0,3})\}").match(self.pattern, self.at):
            self.at = counted.end()
            low, high = int(counted[1]), int(counted[3] or counted[1])
            number = max(low, min(self.least, high)) if counted[3] else max(low, self.least if counted[2] else 0)
        else:
            return atom
        if self._next("+"):
            raise _NotMade
        self._next("?")
        return atom * min(number, _LONGEST_MADE + 1)

    def _atom(self) -> str:
        sign = self.pattern[self.at]
        self.at += 1
        if sign in "^$":
            return ""
        if sign == "(":
            return self._group()
        if sign == "[":
            return self._set()
        if sign == "\\":
            return self._escaped()
        if sign == ".":
            return _LETTERS[self.variant]
        if sign in "*+?{":
            raise _NotMade
        return sign

    def _group(self) -> str:
        if self.pattern.startswith("?", self.at) and not self._next("?:"):
            raise _NotMade
        made = self._alternatives()
        if not self._next(")"):
            raise _NotMade
        return made

    def _escaped(self) -> str:
        sign = self.pattern[self.at : self.at + 1]
        self.at += 1
        if sign in _SETS:
            return _SETS[sign][self.variant % len(_SETS[sign])]
        if not sign or sign.isalnum():
            raise _NotMade
        return sign

    def _set(self) -> str:
        end = self.pattern.find("]", self.at + 1)
        inside = self.pattern[self.at : end]
        if end < 0 or "[" in inside:
            raise _NotMade
        self.at = end + 1
        signs = [sign for sign in f"{_LETTERS}{_LETTERS.upper()}0123456789 -_.,:/@#+" if self._has(inside, sign)]
        if not signs:
            raise _NotMade
        return signs[self.variant % len(signs)]

    @staticmethod
    def _has(inside: str, sign: str) -> bool:
        compiled = _compiled(f"[{inside}]")
        return compiled is not None and compiled.fullmatch(sign) is not None

    def _next(self, text: str) -> bool:
        found = self.pattern.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found
