"""Columns that several of the market's tables share."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String
from sqlalchemy.types import TypeEngine

_Sequence: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts only INTEGER keys


def seq() -> Column[int]:
    """Return the column for the order of creation, which the database counts."""
    return Column("seq", _Sequence, primary_key=True, autoincrement=True)


def number(name: str, default: int | None = 0) -> Column[int]:
    """Return a column for a whole number, which may be null only with ``default=None``."""
    if default is None:
        return Column(name, BigInteger)
    return Column(name, BigInteger, nullable=False, default=default)


def owner() -> tuple[Column[str], Column[str]]:
    """Return the columns that name the row's owner: a requester's account in one environment."""
    return Column("environment", String(16), nullable=False), Column("account", String(32), nullable=False)
