"""Columns that the market's tables have in common."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String
from sqlalchemy.types import TypeEngine

_Sequence: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts only INTEGER keys


def seq() -> Column[int]:
    """The order of creation, which the database counts."""
    return Column("seq", _Sequence, primary_key=True, autoincrement=True)


def number(name: str, default: int | None = 0) -> Column[int]:
    """A whole number that is always there, or, with ``default=None``, may be missing."""
    if default is None:
        return Column(name, BigInteger)
    return Column(name, BigInteger, nullable=False, default=default)


def owner() -> tuple[Column[str], Column[str]]:
    """Whose row it is: a requester's account in one of the environments."""
    return Column("environment", String(16), nullable=False), Column("account", String(32), nullable=False)
