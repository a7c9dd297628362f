"""Check short texts that whoever runs the market gives, and that people read."""

from __future__ import annotations

from turkctl.errors import UsageError
from turkctl.harmless import hides_characters
from turkctl.ids import is_text

LONGEST = 200
"""Characters of such a text at most."""


def check_text(text: str, words: str) -> None:
    """Raise UsageError if a text is empty, too long, or has characters that cannot be seen."""
    if not text.strip() or len(text) > LONGEST or hides_characters(text) or not is_text(text):
        raise UsageError(
            f"the {words} is empty, too long, or has characters that cannot be seen",
            hint=f"give 1 to {LONGEST} characters",
        )
