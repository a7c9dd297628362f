"""Define columns of money, times and structures, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import TIMESTAMP, BigInteger, Dialect, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from turkctl.units import from_micros, to_micros

MAX_MICROS = 2**63 - 1
_TIME_WIDTH = len("2026-11-22T01:24:00.000000Z")


class Money(TypeDecorator[Decimal]):
    """Decimal dollars, held as integer micro-dollars.

    Raises (on the way in):
        TypeError: the value is not a Decimal (a float is never money).
        ValueError: it has a fraction of a micro-dollar, or does not fit 64 bits.
    """

    impl = BigInteger
    cache_ok = True

    @override
    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Convert dollars to micro-dollars."""
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"money is a Decimal, not {type(value).__name__}")
        micros = to_micros(value)
        if abs(micros) > MAX_MICROS:
            raise ValueError(f"{value} dollars do not fit the column")
        return micros

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Convert micro-dollars to dollars; PostgreSQL returns the sum of integers as a Decimal."""
        return None if value is None else from_micros(int(value))


class UtcTime(TypeDecorator[datetime]):
    """Aware times, read back in UTC to the microsecond.

    PostgreSQL holds ``timestamptz``. SQLite has no times and SQLAlchemy's own would lose the zone, so there it is
    ISO 8601 text of one width with ``Z``, whose alphabetical order is the order of time.

    Raises (on the way in):
        ValueError: the time has no zone.
    """

    impl = String(_TIME_WIDTH)
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return ``timestamptz`` on PostgreSQL, text elsewhere."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(_TIME_WIDTH))

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Convert any aware time to UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        return value.astimezone(UTC) if dialect.name == "postgresql" else _as_text(value)

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None:
            return None
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment.astimezone(UTC)


@lru_cache(maxsize=64)
def _as_text(moment: datetime) -> str:
    """Return the text of a time. Many rows that are written together share one, and it would be half of their cost."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class Json(TypeDecorator[Any]):
    """A structure as JSON text, keys sorted, so that equal structures are equal texts.

    Raises (on the way in):
        ValueError: it holds NaN or an infinity.
        TypeError: it holds something JSON has no word for.
    """

    impl = Text
    cache_ok = True

    @override
    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return the structure as text."""
        if value is None:
            return None
        return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return the text as a structure."""
        return None if value is None else json.loads(value)
