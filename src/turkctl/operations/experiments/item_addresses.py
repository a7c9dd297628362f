"""Say at which web address a person can look at an item: the picture, sound or page that its task shows."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from turkctl.operations.experiments.rendering import version_source
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.project.questions import posted_page
from turkctl.operations.project.templates import as_text
from turkctl.store.experiments import Version

_SHOWN = (
    re.compile(r"""\bsrc\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)""", re.IGNORECASE),
    re.compile(r"""\b(?:href|data|poster)\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)""", re.IGNORECASE),
    re.compile(r"<DataURL>([^<]*)</DataURL>"),
)
"""Where a page has the address of what it shows, the usual place first; the last one is of question forms."""
_PLACEHOLDER = re.compile(
    r"\$\{(?P<name>[A-Za-z_]\w*)(?:\|raw)?\}|\{\{-?\s*(?:[\w\[\]]+\.)*(?P<liquid>[A-Za-z_][\w-]*)\s*(?:\|[^}]*)?-?\}\}"
)
_NUMBERED = re.compile(r"(.+)_[1-9][0-9]*")
_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)


class ItemAddresses:
    """Finds the addresses of an experiment's items, as its page puts them into ``src`` or ``href``.

    A page may leave that to a script, or the experiment may be a page elsewhere: there the address is the only value of
    the item's row that is a web address.
    """

    def __init__(self, version: Version) -> None:
        self._patterns = tuple(_patterns(version))

    def of(self, item: str, data: Mapping[str, Any] | None) -> str | None:
        """Return the address of an item; None if it has none.

        Args:
            item: its key.
            data: its row of the content; None if it is not in the content.
        """
        row = {name: as_text(value).strip() for name, value in (data or {}).items()}
        filled = (_filled(pattern, row) for pattern in self._patterns)
        shown = next((text for text in filled if text is not None and _is_web(text)), None)
        if shown is not None:
            return shown
        found = {text for text in row.values() if _is_web(text)}
        if len(found) == 1:
            return found.pop()
        return item if not found and _is_web(item) else None


def _is_web(text: str) -> bool:
    return _WEB.match(text) is not None


def _patterns(version: Version) -> Iterator[str]:
    """Yield the values of attributes of the experiment's page that have a placeholder."""
    settings, template = settings_of(version), version.settings.get("template")
    if template is None or not settings.placeholders or not version_source(version).placeholders:
        return
    page = posted_page(settings, template) or template
    for place in _SHOWN:
        for match in place.finditer(page):
            value = html.unescape(match[1].strip("\"'")).strip()
            if _PLACEHOLDER.search(value):
                yield value


def _filled(pattern: str, row: Mapping[str, str]) -> str | None:
    """Return the value of an attribute for an item; None if the row lacks a column of it."""
    columns = [_column(match["name"] or match["liquid"], row) for match in _PLACEHOLDER.finditer(pattern)]
    if None in columns:
        return None
    values = iter(columns)
    return _PLACEHOLDER.sub(lambda _match: row[next(values) or ""], pattern)


def _column(name: str, row: Mapping[str, str]) -> str | None:
    """Return the column that a placeholder names, with the number of the item in its HIT or without."""
    if name in row:
        return name
    numbered = _NUMBERED.fullmatch(name)
    return numbered[1] if numbered is not None and numbered[1] in row else None
