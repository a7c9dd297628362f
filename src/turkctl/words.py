"""Suggest the closest name for errors and hints, and write numbers with their nouns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from turkctl.errors import UsageError


def known_name(name: str, among: Iterable[str], what: str) -> str:
    """Return the name if it is known.

    Raises:
        UsageError: it is unknown; the hint suggests the closest name, or lists all.
    """
    among = list(dict.fromkeys(among))
    if name in among:
        return name
    hint = meant_or(name.lower().replace("-", "_"), among, "give one of: " + ", ".join(among))
    raise UsageError(f"there is no {what} '{name}'", hint=hint)


def known_column(name: str, among: Iterable[str]) -> str:
    """Return the name of a column if there is such a column, also as a table writes it: ``HIT ID``.

    Raises:
        UsageError: there is none; the hint names the nearest, and all.
    """
    among = list(dict.fromkeys(among))
    key = name.lower().replace("-", "_").replace(" ", "_")
    if name in among or key in among:
        return name if name in among else key
    close = nearest(key, among)
    hint = f"the columns are {', '.join(among)}"
    if close:
        hint = f"did you mean '{close}'? All columns: {', '.join(among)}"
    raise UsageError(f"there is no column '{name}'", hint=hint)


def nearest(name: str, among: Iterable[str]) -> str | None:
    """Return the closest spelling among the given names, or None if none is close."""
    import difflib  # only needed for errors

    close = difflib.get_close_matches(name, list(among), n=1, cutoff=0.55)
    return close[0] if close else None


def meant(name: str, among: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the end of a message, or an empty text if no name is close."""
    close = nearest(name, among)
    return f"; did you mean '{close}'?" if close else ""


def quoted(name: str) -> str:
    """Return the name in quotation marks."""
    return f"'{name}'"


def meant_or(name: str, among: Iterable[str], otherwise: str, shown: Callable[[str], str] = quoted) -> str:
    """Return a hint that suggests the closest name, as ``shown`` formats it; ``otherwise`` if none is close."""
    close = nearest(name, among)
    return f"did you mean {shown(close)}?" if close else otherwise


def plural(number: int, one: str, many: str) -> str:
    """Return ``one`` if the number is 1, else ``many``."""
    return one if number == 1 else many


def counted(number: int, thing: str, things: str | None = None) -> str:
    """Return ``1 item`` or ``1,000 items``; ``things`` is needed if the plural is not made with an s."""
    return f"{number:,} {plural(number, thing, things or thing + 's')}"


def listed_or(names: Sequence[str]) -> str:
    """Return ``one``, ``one or two``, or ``one, two or three``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def quotes_missing(name: str, value: object) -> str | None:
    """Return a hint for a setting that must be a text and is a number, true or false; None for other values."""
    if not isinstance(value, int | float):
        return None
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return f'are the quotes missing? write {name} = "{shown}"'
