"""Devices that a test may write to: as root one of its own, since a fault would replace the machine's ``/dev/null``."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

NUMBERS = {"null": 3, "full": 7}


def device(folder: Path, name: str) -> Path:
    """A device that takes everything (``null``) or nothing (``full``); Linux's numbers. Skips where there is none."""
    if os.geteuid() != 0:
        if not Path("/dev", name).exists():
            pytest.skip(f"there is no /dev/{name}")
        return Path("/dev", name)
    path = folder / name
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, NUMBERS[name]))
        with path.open("rb"):
            return path
    except OSError as error:
        pytest.skip(f"no device can be made here: {error.strerror}")
