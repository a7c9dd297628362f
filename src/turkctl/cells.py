"""Write a value as JSON, a table or CSV shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from turkctl.units import format_duration, format_money, format_time


def plain(value: Any) -> Any:
    """Return a value as JSON has it: money a decimal string, times ISO 8601 with Z, durations as they are written."""
    if isinstance(value, Decimal):
        return format_money(value)
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def cell(value: Any) -> str:
    """Return a value as a table or CSV shows it: nothing for a missing one, yes and no, times to the second."""
    value = plain(value.replace(microsecond=0) if isinstance(value, datetime) else value)
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
