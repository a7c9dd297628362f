"""A local stand-in for Mechanical Turk: state in SQL, one method for each operation, three ways to reach it."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Import ``mock_mturk`` on first use: moto is an extra, and slow to import."""
    if name == "mock_mturk":
        from turkctl.market.doors.moto import mock_mturk

        return mock_mturk
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
