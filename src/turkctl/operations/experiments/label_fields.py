"""Compare the field of an experiment's labels with the fields of its page, and guess what it should be. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from turkctl.operations.experiments.page_facts import PageFacts

_FIELDS = ("input", "select", "textarea")
_NO_ANSWER = ("submit", "button", "image", "reset", "hidden")
_MAKES_FIELDS = ("createElement", "innerHTML", "outerHTML", "insertAdjacent", "document.write", "cloneNode", ".name")
"""What a script has in it that makes fields, or names them."""
_MAKES_NONE = "externalHIT_v1.js"
_LAST_NUMBER = re.compile(r"\d+(?=\D*$)")


def patterns_of(fields: Iterable[str]) -> dict[str, list[str]]:
    """Return the names of fields by pattern, where ``{n}`` is the number in them; numbered ones first.

    A number counts only if several names differ in it.
    """
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(fields):
        groups.setdefault(_LAST_NUMBER.sub("{n}", name), []).append(name)
    numbered = {pattern: _in_order(names) for pattern, names in groups.items() if len(names) > 1}
    return numbered | {names[0]: names for names in groups.values() if len(names) == 1}


def _in_order(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: int(found[0]) if (found := _LAST_NUMBER.search(name)) else 0)


def in_words(patterns: dict[str, list[str]]) -> str:
    """Return fields as in ``label_1 … label_5, comment``."""
    return ", ".join(names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}" for names in patterns.values())


def fields_of(page: PageFacts) -> list[str]:
    """Return the names under which a page's answers are stored; none if elements or scripts may add others."""
    elsewhere = any(
        src and _MAKES_NONE not in src for tag in page.named("script") if (src := tag.attributes.get("src"))
    )
    if page.crowd or elsewhere or page.scripted(*_MAKES_FIELDS):
        return []
    named = (tag for tag in page.named(*_FIELDS) if tag.attributes.get("type", "text") not in _NO_ANSWER)
    return [name for tag in named if (name := tag.attributes.get("name", ""))]


def has_field(page: PageFacts, pattern: str) -> bool:
    """Return whether a page has a field of this name, as far as that can be seen."""
    fields = fields_of(page)
    wanted = re.escape(pattern).replace(r"\{n\}", r"(?:\d+|\$\{.*\})").replace(r"\{key\}", ".+")
    return not fields or any(re.fullmatch(wanted, name) for name in fields)
