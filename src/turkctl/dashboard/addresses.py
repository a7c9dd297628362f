"""Write the address of a view with some of its parts changed, so that every view can be shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request, url_for

from turkctl.dashboard.commands import option


def address(**changes: Any) -> str:
    """Return the address of this page with parts of its query changed; None removes one, a list repeats it."""
    query: dict[str, Any] = {name: request.args.getlist(name) for name in request.args}
    query |= {name: value for name, value in changes.items() if value is not None}
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
    # The query is put together here: to url_for, names such as _scheme and endpoint would mean something else.
    here = url_for(request.endpoint or "home.index", **(request.view_args or {}))
    return f"{here}?{urlencode(query, doseq=True)}" if query else here


def link_to(endpoint: str, **values: Any) -> str | None:
    """Return the address of a page; None if a value is missing or empty."""
    return url_for(endpoint, **values) if all(value not in (None, "") for value in values.values()) else None


def tidy_address() -> str | None:
    """Return the address of this page without the fields that a form left empty; None if there are none."""
    if "" not in (value for name in request.args for value in request.args.getlist(name)):
        return None
    filled = {name: [value for value in request.args.getlist(name) if value] for name in request.args}
    return address(**{name: values or None for name, values in filled.items()})


def page_number() -> int:
    """Return the page that the address names, from 1."""
    text = request.args.get("page", "")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def page_address(number: int) -> str:
    """Return the address of another page of this list."""
    return address(page=number)


@dataclass(frozen=True)
class SortLink:
    """How the head of a column sorts the list.

    Attributes:
        address: of the list in that order; None if it cannot be sorted by it.
        mark: for assistive technology, where the list is in that order now.
        arrow: the same to look at.
    """

    address: str | None = None
    mark: str | None = None
    arrow: str = ""


class Sorting:
    """The order that the address names, and the links that change it."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self.by = request.args.get("sort") or None
        self.descending = request.args.get("desc") == "1"

    @property
    def words(self) -> list[str]:
        """Return the order as options of a command line."""
        return [*option("--sort", self.by), *(["--desc"] if self.descending else [])]

    def __call__(self, column: str) -> SortLink:
        """Return the link in the head of a column: a second click turns the order around."""
        if column not in self._columns:
            return SortLink()
        here = column == self.by
        turned = None if here and self.descending else "1" if here else None
        mark = None if not here else "descending" if self.descending else "ascending"
        arrow = "" if not here else " ↓" if self.descending else " ↑"
        return SortLink(address(sort=column, desc=turned, page=None), mark, arrow)
