"""Send an event to a program, as JSON on its standard input, or to an address of Apprise, as a message."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import signal
import subprocess
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from turkctl.addresses import MASK, SHORTEST_SECRET
from turkctl.errors import TurkctlError
from turkctl.words import counted

LIMIT = 30
"""Seconds that one attempt may take."""
_FIRST_WORDS = 300
"""Characters of a program's or a service's own words in an error."""

Event = Mapping[str, Any]


class NotSentError(TurkctlError):
    """An event could not be sent to the people who want to hear of it."""

    code = "not_sent"


class CommandChannel:
    """A program that gets one JSON object for each event; no shell reads its command line."""

    name = "command"

    def __init__(self, command: str, folder: Path) -> None:
        """Prepare; nothing is run yet.

        Args:
            command: its command line, in which quotes keep words together.
            folder: the folder in which it runs.
        """
        self._command = command
        self._folder = folder

    def send(self, event: Event) -> None:
        """Run the program with the event on its standard input.

        Raises:
            NotSentError: it cannot be run, fails, or takes longer than :data:`LIMIT` seconds, after which it is ended.
        """
        words = self._words()
        try:
            process = subprocess.Popen(  # noqa: S603  # the command is the user's own, and no shell reads it
                words,
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is meant for turkctl, and the program's own children end with it
            )
        except OSError as error:
            raise NotSentError(f"cannot run {words[0]}: {error.strerror}", hint=self._hint) from None
        try:
            _, said = process.communicate(json.dumps(event, ensure_ascii=False).encode() + b"\n", timeout=LIMIT)
        except BaseException as error:
            _end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise NotSentError(
                f"{words[0]} took longer than {counted(LIMIT, 'second')} and was ended", hint=self._hint
            ) from None
        if process.returncode:
            raise NotSentError(f"{words[0]} failed{_exit(process.returncode)}{_last(said)}", hint=self._hint)

    def _words(self) -> list[str]:
        try:
            words = shlex.split(self._command)
        except ValueError as error:
            raise NotSentError(f"notify.command is not a command line: {error}", hint=self._hint) from None
        if not words:
            raise NotSentError("notify.command is empty", hint=self._hint)
        return words

    _hint = "check notify.command, then run: turkctl notify test"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started, where the system keeps them together."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stderr):
        if pipe is not None:
            pipe.close()


def _exit(code: int) -> str:
    return f" with exit code {code}" if code > 0 else f": it was ended by signal {-code}"


def _last(said: bytes) -> str:
    """Return the last line of a program's standard error, for the end of a message."""
    lines = said.decode(errors="replace").strip().splitlines()
    return f": {lines[-1].strip()[:_FIRST_WORDS]}" if lines else ""


class AppriseChannel:
    """An address that Apprise understands. What it says of itself holds nothing of the address but its scheme."""

    def __init__(self, address: str, number: int) -> None:
        """Prepare; Apprise is imported when something is sent.

        Args:
            address: a URL with secrets in it.
            number: its place in the setting, from 1.
        """
        self._address = address
        self.name = f"address {number} ({address.partition('://')[0]})"

    def send(self, event: Event) -> None:
        """Send the event's sentence, with the mode in the title.

        Raises:
            NotSentError: Apprise is missing, does not know the address, or could not deliver.
        """
        try:
            import apprise
        except ImportError:
            raise NotSentError(
                "sending to notify.urls needs Apprise, which is not installed",
                hint="run: pip install 'turkctl[notify]'",
            ) from None
        with _warnings_of("apprise") as log:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # Apprise reads all of its plugins, some of which use what is old
                    target = apprise.Apprise()
                    known = target.add(self._address)
                sent = known and target.notify(
                    title=f"turkctl, mode {event['mode']}: {event['event'].replace('_', ' ')}",
                    body=event["message"],
                    body_format=apprise.NotifyFormat.TEXT,
                    timeout=LIMIT,
                )
            except Exception as error:  # noqa: BLE001  # a plugin may raise anything, and a scheduler goes on
                raise NotSentError(f"Apprise failed with {type(error).__name__}", hint=self._hint) from None
            said = self._without_secrets(log)
        if not known:
            raise NotSentError(f"Apprise does not understand the address{said}", hint=self._hint)
        if not sent:
            raise NotSentError(f"it was not delivered{said}", hint=self._hint)

    _hint = "check notify.urls, then run: turkctl notify test"

    def _without_secrets(self, said: Sequence[str]) -> str:
        """Return what Apprise said first, for the end of a message, without any part of the address but its host."""
        first = " ".join(said[0].split()) if said else ""
        for part in sorted(_secret_parts(self._address), key=len, reverse=True):
            first = first.replace(part, MASK)
        return f": {first[:_FIRST_WORDS]}" if first else ""


class _Collector(logging.Handler):
    """Keeps the messages of a log."""

    def __init__(self) -> None:
        super().__init__()
        self.collected: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.collected.append(record.getMessage())


@contextmanager
def _warnings_of(name: str) -> Iterator[list[str]]:
    """Collect what a library warns of in the block, in place of showing it: it may hold secrets."""
    handler = _Collector()
    logger = logging.getLogger(name)
    before = logger.handlers[:], logger.propagate, logger.level
    logger.handlers[:], logger.propagate = [handler], False
    logger.setLevel(logging.WARNING)
    try:
        yield handler.collected
    finally:
        logger.handlers[:], logger.propagate = before[0], before[1]
        logger.setLevel(before[2])


def _secret_parts(address: str) -> set[str]:
    """Return the address and the parts of it that may be secret: all but scheme and the name of a computer."""
    from urllib.parse import unquote

    _, _, rest = address.partition("://")
    before, _, path = rest.partition("/")
    login, at, host = before.rpartition("@")
    parts = re.split(r"[/:@?&=#,]", f"{login}{at}/{path}")
    if "." not in host and not host.startswith("localhost"):  # a token in the host's place, as of Slack
        parts += re.split(r"[:?&=]", host)
    found = {each for part in (address, rest, login, *parts) for each in (part, unquote(part))}
    return {each for each in found if len(each) >= SHORTEST_SECRET}


Channels = Sequence[CommandChannel | AppriseChannel]


def channels_of(urls: str | None, command: str | None, folder: Path) -> Channels:
    """Return the channels that the settings name, none if they name none.

    Args:
        urls: addresses of Apprise with blanks between them.
        command: a command line.
        folder: the project's, in which the command runs.
    """
    found: list[CommandChannel | AppriseChannel] = []
    found += [AppriseChannel(address, number) for number, address in enumerate((urls or "").split(), 1)]
    if command is not None:
        found.append(CommandChannel(command, folder))
    return found
