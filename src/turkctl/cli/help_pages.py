"""What ``--help`` and ``turkctl help`` show: a command, its own options, the common ones in a line, and examples.

A command's docstring is its text. What stands in it below "Examples:" is shown last, a command line each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from turkctl.cli.top import columns, common_line, compose, fold, fold_words, section

F = TypeVar("F", bound=Callable[..., Any])

EXAMPLES = "Examples:"
NEVER_ASKS = "Accepted by every command that changes something; this one never asks."
"""What ``--yes`` is for where there is no question."""
FULL = "turkctl.full"
"""In the ``meta`` of a context: the common options are explained, too."""
_GREATEST = 10**6
"""Limits of numbers from here on only keep nonsense out, and are not shown."""
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")
"""A word of a command line, with the spaces inside its quotes."""


class HelpCommand(TyperCommand):
    """A command whose help is one of our pages."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        formatter.write(_page(self, ctx))


class ActCommand(HelpCommand):
    """A command that changes something. It takes ``--yes``, so that a script can give it to every act."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        if not any("--yes" in param.opts for param in self.params):
            self.params.append(
                TyperOption(param_decls=["--yes", "-y"], is_flag=True, expose_value=False, help=NEVER_ASKS)
            )


class HelpGroup(TyperGroup):
    """A group of commands whose help is one of our pages."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        formatter.write(_page(self, ctx))

    def listed(self) -> list[tuple[str, str]]:
        """Return the names of the group's commands, and what each does."""
        return [(name, _first_sentence(child)) for name, child in self.commands.items()]


class App(typer.Typer):
    """A part of the command line. Its help is plain, because Rich's costs 80 ms at each start."""

    def __init__(self, **settings: Any) -> None:
        names = {"help_option_names": ["--help", "-h"]}
        super().__init__(**{"rich_markup_mode": None, "add_completion": False, "context_settings": names, **settings})

    def command(self, name: str | None = None, **settings: Any) -> Callable[[F], F]:
        """Register a function as a command; the settings are those of typer."""
        return super().command(name, **{"cls": HelpCommand, **settings})

    def act(self, name: str | None = None, **settings: Any) -> Callable[[F], F]:
        """Register a function as a command that changes something."""
        return self.command(name, **{"cls": ActCommand, **settings})


def examples(command: Any) -> list[str]:
    """Return the command lines below "Examples:" in a command's text."""
    return [line.strip() for line in _parts(command)[1].splitlines() if line.strip()]


def _parts(command: Any) -> tuple[str, str]:
    told, _, shown = (command.help or "").partition(EXAMPLES)
    return told, shown


def _page(command: Any, ctx: Any) -> str:
    """Return the whole help of a command or group."""
    width = ctx.terminal_width or columns()
    own = [param for param in command.params if not _is_common(param)]
    common = [param for param in command.get_params(ctx) if _is_common(param)]
    full = bool(ctx.meta.get(FULL))
    return compose(
        _usage(command, ctx, own, width),
        *(fold(each, width, indent="  ") for each in re.split(r"\n\s*\n", _parts(command)[0].strip())),
        section("Commands", command.listed() if isinstance(command, HelpGroup) else [], width),
        section("Arguments", [_row(each, ctx) for each in own if each.param_type_name == "argument"], width),
        section("Options", [_row(each, ctx) for each in own if each.param_type_name == "option"], width),
        section("Common options", [_row(each, ctx) for each in common], width) if full else _named(common, ctx, width),
        _more(command, ctx, width),
        _examples(command, width),
    )


def _is_common(param: Any) -> bool:
    return getattr(param, "is_common", False) or param.name == "help"


def _usage(command: Any, ctx: Any, own: Sequence[Any], width: int) -> list[str]:
    required = [f"{_long(each)} {_metavar(each, ctx)}" for each in own if each.required and each.opts[0][0] == "-"]
    arguments = [_metavar(each, ctx) for each in own if each.param_type_name == "argument"]
    last = [command.subcommand_metavar] if isinstance(command, TyperGroup) else []
    words = ["Usage:", *ctx.command_path.split(), *required, "[OPTIONS]", *arguments, *last]
    return fold_words(words, width, hang="    ")


def _first_sentence(command: Any) -> str:
    text = " ".join(_parts(command)[0].split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s+(?=[A-Z])", text, maxsplit=1)[0]


def _row(param: Any, ctx: Any) -> tuple[str, str]:
    """Return how an option is written, and what its value is, with its limits and its default."""
    text = (param.help or "").rstrip(".")
    notes = [
        *(["required"] if param.required and param.param_type_name == "option" else []),
        *(["repeatable"] if getattr(param, "multiple", False) and not _is_common(param) else []),
        *_limits(param),
        *_default(param),
    ]
    if notes and text.endswith(")"):
        return _spelled(param, ctx), f"{text[:-1]}, {', '.join(notes)})."
    return _spelled(param, ctx), f"{text} ({', '.join(notes)})." if notes else f"{text}."


def _spelled(param: Any, ctx: Any) -> str:
    if param.param_type_name == "argument":
        return _metavar(param, ctx)
    ways = ", ".join(sorted(param.opts, key=len))
    if param.secondary_opts:
        ways += " / " + ", ".join(param.secondary_opts)
    return ways if param.is_flag or param.count else f"{ways} {_metavar(param, ctx)}"


def _metavar(param: Any, ctx: Any) -> str:
    return str(param.metavar or param.make_metavar(ctx=ctx))


def _long(param: Any) -> str:
    return str(max(param.opts, key=len))


def _limits(param: Any) -> list[str]:
    least, most = getattr(param.type, "min", None), getattr(param.type, "max", None)
    if least is not None and most is not None and most < _GREATEST:
        return [f"{least} to {most}"]
    return [f"at least {least}"] if least is not None and least > 0 else []


def _default(param: Any) -> list[str]:
    shown, value = param.show_default, param.default
    if isinstance(shown, str):
        return [f"default {shown}"]
    is_switch = getattr(param, "is_flag", False) or getattr(param, "count", False)
    if not shown or value is None or is_switch:
        return []
    return [f"default {value}"]


def _named(common: Sequence[Any], ctx: Any, width: int) -> list[str]:
    """Name the common options in one line; nothing where a command was not given them."""
    if len(common) < 2:
        return []
    return common_line([_long(each) for each in common], f"{_help_of(ctx)} --full", width)


def _more(command: Any, ctx: Any, width: int) -> list[str]:
    if not isinstance(command, TyperGroup):
        return []
    return fold(f"A command's options and examples: {_help_of(ctx)} COMMAND", width)


def _help_of(ctx: Any) -> str:
    program, *words = ctx.command_path.split()
    return " ".join([program, "help", *words])


def _examples(command: Any, width: int) -> list[str]:
    shown = examples(command)
    if not shown:
        return []
    lines = [EXAMPLES]
    for line in shown:
        lines += fold_words(_WORD.findall(line), width, indent="  ", hang="    ", end=" \\")
    return lines
