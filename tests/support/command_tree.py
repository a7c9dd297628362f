"""All commands of the program by their full names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from typer.main import get_command

from turkctl.cli.common import accept_everywhere
from turkctl.cli.top import COMMANDS


def commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command below this one by its full name; of groups, only those in them."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
    for name, child in (children or {}).items():
        yield from commands(f"{path} {name}", child)


@cache
def load(group: str) -> Any:
    """Return the command or group of that name, with all its options."""
    return accept_everywhere(get_command(import_module(f"turkctl.cli.commands.{group}").app))


ALL = {path: command for name in COMMANDS for path, command in commands(f"turkctl {name}", load(name))}
