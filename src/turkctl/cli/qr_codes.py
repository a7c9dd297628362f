"""Draw QR codes with the characters of a terminal, two rows of a code in one line."""

from __future__ import annotations

from turkctl.errors import UsageError

_BORDER = 2
"""Light squares around a code, by which cameras find it."""
_HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
_BLACK_ON_WHITE, _RESET = "\x1b[30;107m", "\x1b[0m"


def qr_code(text: str, *, color: bool) -> str:
    """Return the lines of a QR code.

    With colours it is black on white, whatever the terminal's own. Without, light squares are drawn, as most terminals
    are dark; cameras read the reverse as well.

    Raises:
        UsageError: the extra ``web`` is not installed.
    """
    try:
        import segno
    except ImportError:
        raise UsageError(
            "QR codes need segno, which is not installed", hint="run: pip install 'turkctl[web]'"
        ) from None
    rows = [[bool(each) for each in row] for row in segno.make(text, micro=False).matrix_iter(border=_BORDER)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    drawn = [
        "".join(_HALVES[(upper is color, lower is color)] for upper, lower in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
    return "".join(f"{_BLACK_ON_WHITE}{line}{_RESET}\n" if color else f"{line}\n" for line in drawn)
