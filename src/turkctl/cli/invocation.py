"""What one command holds: the flags given, and from them the settings, the output and the context, made at need."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from turkctl.cli.ending import process
from turkctl.errors import TurkctlError
from turkctl.ids import storable

if TYPE_CHECKING:
    from turkctl.cli.output import Output
    from turkctl.context import Context
    from turkctl.outputs import Protected
    from turkctl.settings import Settings


class Invocation:
    """One run of the program: flags first, the rest when a command asks for it."""

    def __init__(self, argv: Sequence[str] = ()) -> None:
        self.flags: dict[str, Any] = {}
        self._argv = argv
        self.command = ""
        """The full name of the command, as in ``hits create``, once it was found."""
        self.dry_run = False

    @property
    def act(self) -> str | None:
        """Return the command's name if it changes something; None for one that only looks."""
        from turkctl.cli.acts import ACTS

        return self.command if self.command in ACTS and not self.dry_run else None

    @property
    def verbosity(self) -> int:
        """Return 1 with ``-v``, 2 with ``-vv``, else 0."""
        return int(self.flags.get("verbose") or 0)

    @property
    def quiet(self) -> bool:
        """Return whether notes and progress are unwanted."""
        return bool(self.flags.get("quiet"))

    @property
    def spreadsheet(self) -> bool:
        """Return whether CSV is for a spreadsheet, so that no cell may be taken for a formula."""
        return bool(self.flags.get("spreadsheet"))

    @property
    def wants_json(self) -> bool:
        """Return whether errors go out as JSON too; never raises, so that the error mapper can ask."""
        settings = self.__dict__.get("settings")
        resolved = None if settings is None else settings["output"]
        asked = self.flags.get("output") or _output_flag(self._argv) or resolved or os.environ.get("TURKCTL_OUTPUT")
        return asked in ("json", "jsonl")

    @cached_property
    def settings(self) -> Settings:
        """Return the resolved settings."""
        from turkctl.settings import load

        texts: Mapping[str, str] = {k: v for k, v in self.flags.items() if isinstance(v, str)}
        return load(texts, os.environ, Path.cwd())

    def project_file(self) -> Path | None:
        """Return the project file that the settings will come from, which is not read yet; None if there is none."""
        from turkctl.settings import project_file

        return project_file(self.flags, os.environ, Path.cwd())

    def masked(self, text: str) -> str:
        """Return a text for standard error without the secrets of the settings; never raises."""
        from turkctl.addresses import mask_text

        settings = self.__dict__.get("settings")
        return mask_text(text, () if settings is None else settings.secrets)

    def protected(self, *inputs: tuple[Path | str | None, str]) -> Protected:
        """Return what no file of this command may replace: databases, settings, keys, and the ``inputs`` it reads."""
        from turkctl.outputs import Protected

        found = Protected(self.settings.own_files)
        for name in ("credentials", "config"):
            found = found.plus(Path("~/.aws").expanduser() / name, "a file of AWS credentials")
        for path, what in inputs:
            found = found.plus(path, what)
        return found

    @cached_property
    def output(self) -> Output:
        """Return the one printer, in the format of the settings."""
        return self._printer(self.settings["output"])

    def plain_output(self) -> Output:
        """Return a printer for when the settings cannot be read: in the format of the flags."""
        return self._printer(self.flags.get("output") or "table")

    def _printer(self, fmt: str) -> Output:
        from turkctl.cli.output import Output

        plain = bool(self.flags.get("no_color") or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb")
        return Output(
            fmt,
            quiet=self.quiet,
            color=not plain,
            stdout=sys.stdout,
            stderr=sys.stderr,
            stdin=sys.stdin,
            spreadsheet=self.spreadsheet,
            now=self._present,
        )

    def _present(self) -> datetime:
        """Return the time that the study lives in, as far as the command has looked; else the real time."""
        opened = self.__dict__.get("context")
        return datetime.now(UTC) if opened is None else opened.present()

    @cached_property
    def context(self) -> Context:
        """Return database, market and clock, by the settings; closed when the program ends."""
        if self.verbosity:
            from turkctl.cli.logs import show_logs

            show_logs(self.verbosity)
        self._warn_of_secrets()
        return self.new_context(self.settings)

    def new_context(self, settings: Settings) -> Context:
        """Return a context of this command by other settings than those of the files."""
        from turkctl.context import Context

        return Context(settings, self.output.note, self._typed(), process.started, self.act, self.output.warn)

    @contextmanager
    def leaving_line(self) -> Iterator[None]:
        """Leave a line in the log for what the command did in the block, if it is an act; also where it failed."""
        try:
            yield
        except (typer.Exit, BrokenPipeError):  # how a command ends; a reader that went away
            self._leave_line(None)
            raise
        except BaseException as error:
            self._leave_line(error)
            raise
        self._leave_line(None)

    def _leave_line(self, error: BaseException | None) -> None:
        context = self.__dict__.get("context")
        if context is None or self.act is None:
            return
        try:
            context.leave_line(error)
        except TurkctlError as failed:
            if error is None:
                self.output.warn(f"this is not in the log: {failed.message}")

    def _warn_of_secrets(self) -> None:
        """Say which settings files have a secret in them that others can read."""
        from turkctl.outputs import readable_by_others

        files = {"project file": self.settings.project_file, "user file": self.settings.user_file}
        for kind, file in files.items():
            if file is not None and self.settings.has_secret_from(kind) and readable_by_others(file):
                self.output.warn_exposed("the secret in", file)

    def _typed(self) -> str:
        """Return the command line as it was typed, secrets masked."""
        from turkctl.addresses import mask_url

        words = [mask_url(word) if "://" in word else word for word in self._argv]
        return storable(self.masked(shlex.join(["turkctl", *words])))

    def close(self) -> None:
        """Close what was opened."""
        opened = self.__dict__.get("context")
        if opened is not None:
            opened.close()
            if self.verbosity:
                from turkctl.cli.logs import hide_logs

                hide_logs()


def _output_flag(argv: Sequence[str]) -> str | None:
    """Return the output format on a command line that could not be parsed to its end."""
    found = None
    for word, following in zip_longest(argv, argv[1:], fillvalue=""):
        if word == "--":
            break
        if word == "--json":
            found = "json"
        elif word in ("-o", "--output"):
            found = following
        elif word.startswith(("-o", "--output=")):
            found = word.removeprefix("--output=").removeprefix("-o")
    return found
