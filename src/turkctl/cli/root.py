"""The root command: groups that load when named, aliases, and the one place where errors become words."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import traceback
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from turkctl.cli.common import accept_everywhere, common_params, invocation, root_params
from turkctl.cli.ending import process
from turkctl.cli.help_pages import App, HelpGroup
from turkctl.cli.invocation import Invocation
from turkctl.cli.top import ALIASES, COMMANDS, HELP, ROOT_OPTIONS
from turkctl.errors import ExitCode, InterruptedByUserError, TurkctlError
from turkctl.harmless import mask_stream

_INTERRUPTED = "interrupted; what was finished is kept"
_INVALID = re.compile(r"Invalid value for (?P<name>'[^:]+'): (?P<what>.*)")
_DEMANDS = (
    (re.compile(r"(?P<value>.*) is not a valid int(?:eger)?(?: range)?"), r"a whole number, not \g<value>"),
    (re.compile(r"(?P<value>.*) is not a valid float(?: range)?"), r"a number, not \g<value>"),
    (re.compile(r"(?P<value>\S*) is not in the range (\S+)<=x<=(\S+)"), r"between \2 and \3, not \g<value>"),
    (re.compile(r"(?P<value>\S*) is not in the range x>=(\S+)"), r"at least \2, not \g<value>"),
    (re.compile(r"(?P<value>\S*) is not in the range x<=(\S+)"), r"at most \2, not \g<value>"),
)
"""What the parser says of a value, and what that value must be."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


@cache
def _command(name: str) -> Any:
    """Return the command of that name with all options, its module imported at this moment; made once a process."""
    command = get_command(import_module(f"turkctl.cli.commands.{name}").app)
    command.name = name
    return accept_everywhere(command)


class _Stub(TyperGroup):
    """Stands for a command in the list of commands; never run."""


class Root(HelpGroup):
    """The program."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, text in COMMANDS.items():
            self.add_command(_Stub(name=name, help=text))

    def listed(self) -> list[tuple[str, str]]:
        """Return the commands from the table alone, so that help imports none of them."""
        return list(COMMANDS.items())

    def named(self, word: str) -> Any:
        """Return the command of this name or alias, loaded; None where there is none."""
        name = ALIASES.get(word, word)
        if isinstance(self.commands.get(name), _Stub):
            self.add_command(_command(name))
        return self.commands.get(name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command named first, by its name or an alias."""
        found = self.named(args[0])
        return super().resolve_command(ctx, [args[0] if found is None else found.name, *args[1:]])

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the parser would turn an interrupt into an exit without a word."""
        process.begun = True
        try:
            with ctx.obj.leaving_line():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            raise InterruptedByUserError(
                "interrupted; what was finished is kept", "run it again for the rest"
            ) from None

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and turn every error into one line and an exit code."""
        invocation = Invocation(kwargs.get("args") or ())
        kwargs.update(standalone_mode=False, obj=invocation)
        mask_stream(sys.stderr, invocation.masked)
        try:
            code = super().main(*args, **kwargs) or 0
            sys.stdout.flush()  # a reader that is gone, or a full disk, has to show here and not at the very end
            process.settle()
            return code
        except BaseException as error:  # noqa: BLE001  # the one catch-all: the mapper re-raises what it does not know
            return explain(error, invocation)
        finally:
            invocation.close()


def explain(error: BaseException, invocation: Invocation) -> int:
    """Write the error for its reader; the exit code that goes with it."""
    if isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError):  # the parser's SystemExit
        _close_stdout()
        return 128 + 13
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        _close_stdout()
        return _say("output", f"cannot write: {error.strerror}", "free some space", ExitCode.FAILED, invocation)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return _say("interrupted", _INTERRUPTED, None, ExitCode.INTERRUPTED, invocation)
    if isinstance(error, TurkctlError):
        _trace(error, invocation)
        for mistake in getattr(error, "mistakes", ()):
            sys.stderr.write(invocation.masked(_line(mistake.message, mistake.hint)))
        return _say(error.code, error.message, error.hint, error.exit_code, invocation)
    if hasattr(error, "format_message"):  # a usage error of the parser, whose classes are not public names
        return _usage(error, invocation)
    if isinstance(error, Exception):
        _trace(error, invocation)
        words = f"{type(error).__name__}: {error}".splitlines()[0]
        hint = "this is a fault in turkctl: run it again with --verbose and report what it prints"
        return _say("internal", words, hint, ExitCode.FAILED, invocation)
    raise error


def _usage(error: Any, invocation: Invocation) -> int:
    ctx = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message(), err=True)
        return _report("usage", "no command is given", None, ExitCode.USAGE, invocation)
    path = ctx.command_path if ctx is not None else "turkctl"
    message = _plain(str(error.format_message()).replace("\n", " ").rstrip("."))
    return _say("usage", message, f"see: {path} --help", ExitCode.USAGE, invocation)


def _plain(message: str) -> str:
    """Return the parser's message in plain English: ``--limit must be a whole number, not 'x'``."""
    found = _INVALID.fullmatch(message)
    if found is None:
        return message
    name = found["name"].replace("'", "")
    for pattern, words in _DEMANDS:
        told = pattern.fullmatch(found["what"])
        if told is not None:
            return f"{name} must be {told.expand(words)}"
    return message


def _trace(error: BaseException, invocation: Invocation) -> None:
    if invocation.verbosity:
        sys.stderr.write("".join(traceback.format_exception(error)))


def _say(code: str, message: str, hint: str | None, exit_code: int, invocation: Invocation) -> int:
    line, hint = invocation.masked(" ".join(message.split())), hint and invocation.masked(hint)
    sys.stderr.write(_line(line, hint))
    return _report(code, line, hint, exit_code, invocation)


def _line(message: str, hint: str | None) -> str:
    return f"turkctl: error: {' '.join(message.split())}{'; ' + hint if hint else ''}\n"


def _report(code: str, message: str, hint: str | None, exit_code: int, invocation: Invocation) -> int:
    """Write the error for a script too, where one reads along; the exit code."""
    if invocation.wants_json:
        sys.stderr.write(json.dumps({"error": {"code": code, "message": message, "hint": hint}}) + "\n")
    return int(exit_code)


def _close_stdout() -> None:
    """Point standard output nowhere, so that the interpreter's last flush does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_root() -> Root:
    """Return the command tree, fresh."""
    root = App(cls=Root, help=HELP, invoke_without_command=True, add_completion=True)

    @root.callback(help=HELP)
    def callback(ctx: typer.Context) -> None:
        """Show where the study stands if no command is named; else do nothing: the commands do it."""
        if ctx.invoked_subcommand is None:
            from turkctl.cli.bare import without_command

            without_command(invocation(ctx))

    command = get_command(root)
    assert isinstance(command, Root)
    command.params = [*root_params(), *common_params(), *command.params]
    own: list[Any] = [param for param in command.params if param.opts[0] in ROOT_OPTIONS]
    for param in own:
        param.help = ROOT_OPTIONS[param.opts[0]]
    return command
