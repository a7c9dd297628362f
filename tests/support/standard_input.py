"""A standard input for what reads tables."""

from __future__ import annotations

import io
from typing import TextIO


def standard_input(content: str | bytes) -> TextIO:
    """Return a stream that gives the content, as a pipe would."""
    return io.TextIOWrapper(io.BytesIO(content.encode() if isinstance(content, str) else content))
