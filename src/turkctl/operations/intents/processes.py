"""Identify the processes that hold something in the database, and detect those that have certainly ended."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BOOT = Path("/proc/sys/kernel/random/boot_id")
NAME_LENGTH = 255
"""Characters of a name that are kept."""
_STATE, _STARTED = 0, 19
"""Positions of fields of ``/proc/PID/stat`` after the name: state, and start in clock ticks since boot (proc(5))."""


def myself() -> dict[str, Any]:
    """Return host and pid of this process, and facts (None if unknown) that tell it from a later one with its pid."""
    pid = os.getpid()
    stat = _stat(pid)
    return {
        "host": socket.gethostname(),
        "pid": pid,
        "boot": _boot(),
        "namespace": _namespace(),
        "started": stat[_STARTED] if stat else None,
    }


def account() -> str:
    """Return the name of the user who runs this process; their number where the system has no name for it."""
    try:
        return getpass.getuser()[:NAME_LENGTH]
    except (KeyError, OSError, ImportError):  # a container may run a number that no list of users has
        return str(os.getuid()) if hasattr(os, "getuid") else "?"


def account_of(given: str | None) -> str:
    """Return whom the log names: who is given, or else the user who runs this process."""
    return account() if given is None else given[:NAME_LENGTH]


def is_gone(owner: Mapping[str, Any]) -> bool:
    """Return whether the process has certainly ended.

    This is known only for processes of this boot and process namespace; for others the answer is False.
    """
    boot, namespace = _boot(), _namespace()
    if boot is None or namespace is None or (owner.get("boot"), owner.get("namespace")) != (boot, namespace):
        return False
    stat = _stat(int(owner["pid"]))
    return stat is None or stat[_STATE] in ("Z", "X") or stat[_STARTED] != owner.get("started")


def in_words(owner: Mapping[str, Any]) -> str:
    """Return the process in words, as in ``process 4711 on lab-server``."""
    return f"process {owner.get('pid')} on {owner.get('host')}"


def _boot() -> str | None:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return None


def _namespace() -> str | None:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def _stat(pid: int) -> list[str] | None:
    """Return the process's fields after its name (which may contain blanks and brackets); None if it does not exist."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
