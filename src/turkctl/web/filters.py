"""Format values in templates: money, numbers, times, durations, and text from outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from markupsafe import Markup

from turkctl.harmless import harmless
from turkctl.units import format_duration, format_money, format_time
from turkctl.words import counted


def add_filters(app: Flask) -> None:
    """Add the filters to the application's templates."""
    app.jinja_env.filters.update(
        counted=counted, dollars=dollars, harmless=as_text, moment=moment, number=number, shown=shown
    )
    app.jinja_env.finalize = _finalize


def _finalize(value: Any) -> Any:
    """Return text without characters that reverse a line or hide; missing values as nothing."""
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def as_text(value: Any) -> str:
    """Return any value as harmless text."""
    return harmless(str(value))


def dollars(amount: Decimal | None) -> str:
    """Return an amount with its sign, as in ``$1,234.50``; nothing for a missing one."""
    if amount is None:
        return ""
    text = format_money(abs(amount))
    whole, _, cents = text.partition(".")
    return f"{'-' if amount < 0 else ''}${int(whole):,}.{cents}"


def number(value: int | float | None) -> str:
    """Return a number with separators of thousands."""
    return "" if value is None else f"{value:,}"


def moment(time: datetime | None) -> Markup:
    """Return a time as HTML, in UTC; a script shows it in the reader's own zone as its title."""
    if time is None:
        return Markup("")
    return Markup('<time datetime="{}">{}</time>').format(format_time(time), f"{time.astimezone(UTC):%Y-%m-%d %H:%M}")


def shown(value: Any) -> Any:
    """Return a cell of a table for people: money with its sign, times in UTC, yes and no, lists with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return dollars(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, int):
        return number(value)
    if isinstance(value, list | tuple):
        return ", ".join(str(shown(each)) for each in value)
    return "" if value is None else value
