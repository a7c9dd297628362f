"""Ways for an operating system to keep the scheduler running: a systemd unit, a crontab line."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path


def systemd_unit(command: Sequence[str], folder: Path) -> str:
    """Return a systemd unit that runs a project's scheduler and prints only what people should know.

    Args:
        command: the program and its common options.
        folder: the project's folder.
    """
    words = " ".join(_for_systemd(word) for word in (*command, "scheduler", "run", "--quiet"))
    return "\n".join(
        (
            "[Unit]",
            f"Description=turkctl scheduler of {_no_specifiers(folder.name)}",
            "After=network-online.target",
            "Wants=network-online.target",
            "",
            "[Service]",
            f"WorkingDirectory={_no_specifiers(str(folder))}",
            f"ExecStart={words}",
            "# SIGTERM lets the item in hand finish.",
            "KillSignal=SIGTERM",
            "TimeoutStopSec=150",
            "Restart=on-failure",
            "RestartSec=30",
            "",
            "[Install]",
            "WantedBy=default.target",
            "",
        )
    )


def crontab_line(command: Sequence[str], folder: Path) -> str:
    """Return a crontab line that runs what is due every five minutes, for machines without a service manager.

    It prints nothing while all is well, so that cron mails only what people should know.
    """
    words = shlex.join([*command, "scheduler", "run", "--once", "--quiet"])
    line = f"*/5 * * * * cd {shlex.quote(str(folder))} && {words}"
    return line.replace("%", r"\%") + "\n"  # cron reads a bare % as the end of the line


def _no_specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _for_systemd(word: str) -> str:
    """Return a word of ExecStart, quoted if necessary; % and $ have a meaning for systemd."""
    text = _no_specifiers(word).replace("$", "$$")
    if text and all(character.isalnum() or character in "-_./:=@%+,$" for character in text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
