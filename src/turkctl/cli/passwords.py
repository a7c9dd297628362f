"""Read a new password without showing it."""

from __future__ import annotations

from typing import TextIO

from turkctl.errors import UsageError

_MOST = 2048
"""Characters of a line that are read; a password that fills them is too long anyway."""


def new_password(stdin: TextIO) -> str:
    """Return a new password: typed twice, without echo, at a terminal; else one line of standard input.

    Raises:
        UsageError: the two differ, there is none, or the terminal would show it.
    """
    try:
        return _typed() if stdin.isatty() else _piped(stdin)
    except UnicodeDecodeError:
        raise UsageError("the password is not text", hint="type it in the terminal's own encoding") from None


def _piped(stdin: TextIO) -> str:
    return stdin.readline(_MOST).removesuffix("\n").removesuffix("\r")


def _typed() -> str:
    import warnings
    from getpass import GetPassWarning, getpass

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", GetPassWarning)
            first, second = getpass("New password: "), getpass("The same again: ")
    except GetPassWarning:
        raise UsageError(
            "this terminal would show the password", hint="give it on standard input instead, from a file"
        ) from None
    except EOFError:
        raise UsageError("no password is given", hint="run it again and type one") from None
    if first != second:
        raise UsageError("the two passwords differ", hint="run it again")
    return first
