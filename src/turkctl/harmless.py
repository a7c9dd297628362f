"""Remove from text what could control a terminal or reverse a line.

Ids, answers and the market's texts come from outside. A control character in them may clear the screen, set its
title or hide a line; a bidirectional one makes a line read as something else. Both are shown as escapes. The filter is
around the streams themselves, so that no message can forget it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from turkctl.ids import storable

_CONTROLS = (*(code for code in range(0x20) if chr(code) not in "\t\n"), *range(0x7F, 0xA0))
_BIDIRECTIONAL = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SEPARATORS = (0x2028, 0x2029)
_ESCAPES = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in (*_CONTROLS, *_BIDIRECTIONAL, *_SEPARATORS)
}
_CONTROL = "".join(map(chr, _ESCAPES))
_HIDDEN = re.compile(f"[{_CONTROL}\t\n]")
_HARMFUL = re.compile(f"[{_CONTROL}\ud800-\udfff]")
_BLANKS = {ord("\n"): "\\n", ord("\t"): "\\t"}


def harmless(text: str) -> str:
    """Return the text with control and bidirectional characters as escapes, and with what is no text.

    Tabs and line ends stay.
    """
    return text if _HARMFUL.search(text) is None else storable(text).translate(_ESCAPES)


def one_line(text: str) -> str:
    r"""Return the text harmless and on one line: a row of a table that has ``\n`` in it must not look like two."""
    return harmless(text).translate(_BLANKS)


def hides_characters(name: str) -> bool:
    """Return whether a name contains characters that nobody sees: control and bidirectional ones, tabs, line ends.

    Names that differ only in these look the same, and a reader could not type them.
    """
    return _HIDDEN.search(name) is not None


def harmless_html(text: str) -> str:
    """Return the text escaped for HTML, without characters that would reverse the page's lines."""
    import html  # it loads a thousand character names, which most commands never need

    return html.escape(harmless(text))


class HarmlessStream:
    """A text stream that escapes all such characters. Code that draws on a terminal itself uses ``unfiltered``."""

    def __init__(self, stream: TextIO) -> None:
        self.unfiltered = stream
        self.mask: Callable[[str], str] = lambda text: text
        """Removes secrets from a text."""

    def write(self, text: str) -> int:
        """Write the text, masked and with harmful characters escaped."""
        self.unfiltered.write(harmless(self.mask(text)))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines likewise."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unfiltered, name)


def mask_stream(stream: TextIO, mask: Callable[[str], str]) -> None:
    """Remove secrets from everything written to a filtered stream; ``mask`` removes them from one text."""
    if isinstance(stream, HarmlessStream):
        stream.mask = mask


def unfiltered(stream: TextIO) -> TextIO:
    """Return the stream itself, for code that adds its own escape sequences to text that is already harmless."""
    return cast(TextIO, getattr(stream, "unfiltered", stream))


@contextmanager
def harmless_streams() -> Iterator[None]:
    """Filter standard error for the block, and standard output if it is a terminal."""
    before = sys.stdout, sys.stderr
    sys.stderr = cast(TextIO, HarmlessStream(before[1]))
    if before[0].isatty():
        sys.stdout = cast(TextIO, HarmlessStream(before[0]))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
