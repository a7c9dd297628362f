"""Format values in templates: money, numbers, times, durations, and text from outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from markupsafe import Markup

from turkctl.harmless import harmless
from turkctl.own_market import DOLLARS
from turkctl.units import format_duration, format_money, format_time, in_unit, unit_words
from turkctl.words import counted


def add_filters(app: Flask, unit: Callable[[], str] = lambda: DOLLARS) -> None:
    """Add the filters to the application's templates; ``unit`` returns what the amounts of a page are counted in."""
    app.jinja_env.filters.update(
        counted=counted,
        harmless=as_text,
        moment=moment,
        money=lambda amount: money(amount, unit()),
        number=number,
        shown=lambda value: shown(value, unit()),
    )
    app.jinja_env.globals.update(unit=unit, unit_words=lambda: unit_words(unit()))
    app.jinja_env.finalize = _finalize


def _finalize(value: Any) -> Any:
    """Return text without characters that reverse a line or hide; missing values as nothing."""
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def as_text(value: Any) -> str:
    """Return any value as harmless text."""
    return harmless(str(value))


def money(amount: Decimal | str | None, unit: str = DOLLARS) -> str:
    """Return an amount with what it is counted in, as in ``$1,234.50``; nothing for a missing one."""
    if amount is None:
        return ""
    amount = Decimal(amount)
    text = format_money(abs(amount))
    whole, _, cents = text.partition(".")
    return in_unit(f"{'-' if amount < 0 else ''}{int(whole):,}.{cents}", unit)


def number(value: int | float | None) -> str:
    """Return a number with separators of thousands."""
    return "" if value is None else f"{value:,}"


def moment(time: datetime | None) -> Markup:
    """Return a time as HTML, in UTC; a script shows it in the reader's own zone as its title."""
    if time is None:
        return Markup("")
    return Markup('<time datetime="{}">{}</time>').format(format_time(time), f"{time.astimezone(UTC):%Y-%m-%d %H:%M}")


def shown(value: Any, unit: str = DOLLARS) -> Any:
    """Return a cell of a table for people: money with its unit, times in UTC, yes and no, lists with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return money(value, unit)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, int):
        return number(value)
    if isinstance(value, list | tuple):
        return ", ".join(str(shown(each, unit)) for each in value)
    return "" if value is None else value
