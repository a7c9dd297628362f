"""``turkctl help``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from turkctl.cli.help_pages import FULL, App
from turkctl.errors import UsageError
from turkctl.words import known_name

app = App()


@app.command(name="help")
def help_(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]...", help="Name of a command, as in hits create.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Explain the common options, too.")] = False,
) -> None:
    """Show what a command does, its options and examples; without COMMAND, list all commands.

    Examples:
        turkctl help hits create
        turkctl help campaign create --full
    """
    shown = _context(ctx.find_root(), words or [])
    shown.meta[FULL] = full
    typer.echo(shown.command.get_help(shown))


def _context(root: Any, words: list[str]) -> Any:
    """Return the context of the command that the words name.

    Raises:
        UsageError: there is none of this name.
    """
    found = root
    for place, word in enumerate(words):
        if not hasattr(found.command, "commands"):
            before = " ".join(words[:place])
            raise UsageError(f"'{before}' has no command '{word}' below it", hint=f"see: turkctl help {before}")
        command = _child(found.command, word, words[:place])
        found = command.context_class(command, info_name=command.name, parent=found)
    return found


def _child(group: Any, word: str, before: list[str]) -> Any:
    named = getattr(group, "named", None)
    command = group.commands.get(word) if named is None else named(word)
    if command is not None:
        return command
    what = " ".join([*before, "command"])
    return group.commands[known_name(word, group.commands, what)]
