"""Write the command line that does or lists what a page does or lists."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence


def command_line(words: Sequence[str], mode: str, usual_mode: str) -> str:
    """Return a command line to be copied; it names the mode if the project's settings have another."""
    named = [] if mode == usual_mode else ["--mode", mode]
    end = words.index("--") if "--" in words else len(words)
    return shlex.join(["turkctl", *words[:end], *named, *words[end:]])


def option(name: str, value: object) -> list[str]:
    """Return an option with its value; nothing for a missing or empty value, the option alone for true."""
    if value is None or value is False or value == "":
        return []
    return [name] if value is True else [f"{name}={value}" if str(value).startswith("-") else name, *_apart(value)]


def arguments(*values: str) -> list[str]:
    """Return the last words of a command, which are no options even if they begin with a dash."""
    return ["--", *values] if any(each.startswith("-") for each in values) else [*values]


def options(name: str, values: Iterable[object]) -> list[str]:
    """Return an option that can be repeated, once for each value."""
    return [word for value in values for word in option(name, value)]


def _apart(value: object) -> list[str]:
    return [] if str(value).startswith("-") else [str(value)]
