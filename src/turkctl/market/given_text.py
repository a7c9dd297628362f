"""Check short texts that whoever runs the market gives, and that people read."""

from __future__ import annotations

from turkctl.errors import UsageError
from turkctl.harmless import hides_characters
from turkctl.ids import is_text

LONGEST_TEXT = 200
"""Characters of such a text at most."""


def checked_text(text: str, words: str) -> str:
    """Return a text that people read.

    Raises:
        UsageError: it is empty, too long, or has characters that cannot be seen.
    """
    if not text.strip() or text != text.strip():
        raise UsageError(f"the {words} is empty, or begins or ends with a blank", hint=f"give another {words}")
    if len(text) > LONGEST_TEXT:
        raise UsageError(f"the {words} is longer than {LONGEST_TEXT} characters", hint=f"give a shorter {words}")
    if hides_characters(text) or not is_text(text):
        raise UsageError(f"the {words} has characters that cannot be seen", hint=f"give another {words}")
    return text
