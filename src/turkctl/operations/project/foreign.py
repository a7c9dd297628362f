"""Find the placeholders of other template systems, ``{{ name }}``, ``{{{ name }}}`` and ``{% tag %}``, in a question.

Nothing fills them in: workers would read them as they stand. In a page's texts, attributes and styles they are
mistakes. Within scripts, handlers and ``template`` elements they may be the page's own, such as Handlebars', and so
they may be anywhere in a page whose scripts fill them in (Vue, AngularJS, Mustache) or draw formulas. In comments
nobody sees them. Pure.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from turkctl.errors import UsageError
from turkctl.operations.project.templates import Placeholder, html_pieces, literally
from turkctl.words import counted

_CLOSINGS: Final = {"{{{": "}}}", "{{": "}}", "{%": "%}"}
_OPENING: Final = re.compile(r"\{\{\{|\{\{|\{%")
_INSIDE: Final = re.compile(r"[\s~+-]*[#/^&>!=@]?[\s~]*[A-Za-z_$'\"(\[]")
"""How what is between the braces begins: with a name or a text. Formulas, as ``{{1, 2}}``, begin with other signs."""
_LONGEST: Final = 1000
_SHOWN: Final = 60
_MOST_SHOWN: Final = 3
_SCRIPTED: Final = ("script", "handler")
_INERT_ELEMENT: Final = re.compile(r"<template\b.*?</template\s*>", re.IGNORECASE | re.DOTALL)
_FILLS_IN: Final = re.compile(
    r"<script\b[^>]*(?:vue|angular|alpine|handlebars|mustache|hogan|nunjucks|liquid|twig|ractive|knockout|petite|mathjax|katex)"
    r"|\bnew\s+Vue\b|\bcreateApp\s*\(|\b(?:Handlebars|Mustache|Hogan|nunjucks|liquidjs|angular|Vue|Ractive)\s*\.",
    re.IGNORECASE,
)
_FILLED_IN: Final = re.compile(r"<[A-Za-z][^<>]*\s(?:ng-|data-ng-|v-|x-data|:?is=\"dom-)[a-z-]*", re.IGNORECASE)
_GROUND_TRUTH: Final = re.compile(r"\btask\s*\.\s*input\b|\A\{%")


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another system's placeholder.

    Attributes:
        text: as it stands in the question, cut short.
        line: its line, from 1.
        own: whether the page itself may fill it in: it is in a script, or a script of the page is made for such.
    """

    text: str
    line: int
    own: bool = False


@lru_cache(maxsize=64)
def in_page(page: str) -> tuple[Foreign, ...]:
    """Return the placeholders of other systems in an HTML page, in order."""
    found = _found(page)
    if not found:
        return ()
    places = _places(page, [start for start, _ in found])
    itself = bool(_FILLS_IN.search(page) or _FILLED_IN.search(page))
    inert = [(each.start(), each.end()) for each in _INERT_ELEMENT.finditer(page)]
    lines = _LineStarts(page)
    return tuple(
        Foreign(
            _cut(text),
            lines.of(start),
            itself or place in _SCRIPTED or any(first < start < last for first, last in inert),
        )
        for (start, text), place in zip(found, places, strict=True)
        if place != "comment" and not (place in _SCRIPTED and "\n" in text)
    )


def in_text(text: str) -> tuple[Foreign, ...]:
    """Return the placeholders of other systems in an address, a layout's parameter or an XML document."""
    lines = _LineStarts(text)
    return tuple(Foreign(_cut(each), lines.of(start)) for start, each in _found(text))


def refuse(found: Sequence[Foreign], *, ground_truth: bool) -> None:
    """Raise UsageError if there are placeholders that nothing fills in; name the first ones, with the line.

    Args:
        found: the placeholders of a question.
        ground_truth: whether ``html_template_language`` could make them its own.
    """
    wrong = [each for each in found if not each.own]
    if not wrong:
        return
    shown = list(dict.fromkeys(each.text for each in wrong))
    named = ", ".join(shown[:_MOST_SHOWN])
    if len(shown) > _MOST_SHOWN:
        named += f" and {counted(len(shown) - _MOST_SHOWN, 'other')}"
    what = "is another system's placeholder: nothing fills it in"
    if len(shown) > 1:
        what = "are another system's placeholders: nothing fills them in"
    hint = "write ${column} for a column of the content; to show the braces themselves, write &#123;{"
    if ground_truth and any(_GROUND_TRUTH.search(each.text) for each in wrong):
        hint = 'if it is Ground Truth\'s Liquid, set html_template_language = "liquid"; else write ${column}'
    raise UsageError(f"line {wrong[0].line}: {named} {what}", hint=hint)


def _found(text: str) -> list[tuple[int, str]]:
    """Return start and text of what looks like a placeholder."""
    found: list[tuple[int, str]] = []
    at = 0
    while opening := _OPENING.search(text, at):
        at = opening.end()
        end = text.find(_CLOSINGS[opening[0]], at, at + _LONGEST)
        if end < 0 or not _INSIDE.match(text, at, end):
            continue
        found.append((opening.start(), text[opening.start() : end + len(_CLOSINGS[opening[0]])]))
    return found


def _places(page: str, starts: Sequence[int]) -> list[str]:
    """Return the place of each position, by the names of :class:`Placeholder`."""
    parts: list[str] = []
    at = 0
    for number, start in enumerate(starts):
        opening = _OPENING.match(page, start)
        parts += [literally(page[at:start]), f"${{v{number}|raw}}"]
        at = start if opening is None else opening.end()
    parts.append(literally(page[at:]))
    places = {each.name: each.place for each in html_pieces("".join(parts)) if isinstance(each, Placeholder)}
    return [places.get(f"v{number}", "text") for number in range(len(starts))]


class _LineStarts:
    """The lines of positions in a text."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(each.end() for each in re.finditer("\n", text))]

    def of(self, position: int) -> int:
        return bisect_right(self._starts, position)


def _cut(text: str) -> str:
    """Return a placeholder in one line, not too long to be shown."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 4]} …{line[-2:]}"
