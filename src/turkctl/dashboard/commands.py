"""Write the command line that does or lists what a page does or lists."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence


def command_line(words: Sequence[str], mode: str, usual_mode: str) -> str:
    """Return a command line to be copied; it names the mode if the project's settings have another."""
    named = [] if mode == usual_mode else ["--mode", mode]
    return shlex.join(["turkctl", *words, *named])


def option(name: str, value: object) -> list[str]:
    """Return an option with its value; nothing for a missing or empty value, the option alone for true."""
    if value is None or value is False or value == "":
        return []
    return [name] if value is True else [f"{name}={value}" if str(value).startswith("-") else name, *_apart(value)]


def options(name: str, values: Iterable[object]) -> list[str]:
    """Return an option that can be repeated, once for each value."""
    return [word for value in values for word in option(name, value)]


def _apart(value: object) -> list[str]:
    return [] if str(value).startswith("-") else [str(value)]
