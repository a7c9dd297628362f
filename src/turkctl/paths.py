"""Look at paths that users name. A look never raises: what cannot be looked at is explained when it is opened.

``Path.exists`` and its kind raise if a folder may not be searched, or if a name is too long. A test over the syntax
trees checks that only this module asks them.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_ABSENT = (errno.ENOENT, errno.ENOTDIR)


def seen(path: Path) -> os.stat_result | None:
    """Return what the system knows of the file, after all links; None if it is missing or cannot be looked at."""
    try:
        return path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None


def exists(path: Path) -> bool:
    """Return whether there is something."""
    return seen(path) is not None


def is_file(path: Path) -> bool:
    """Return whether it is a regular file."""
    found = seen(path)
    return found is not None and stat.S_ISREG(found.st_mode)


def is_folder(path: Path) -> bool:
    """Return whether it is a folder."""
    found = seen(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def read_whole(path: Path, most: int) -> bytes:
    """Return what a file holds, which is little: settings, a template. A device may have no end.

    Raises:
        OSError: it cannot be read, or has more than ``most`` bytes.
        ValueError: there is a NUL in its name.
    """
    with path.open("rb") as opened:
        found = opened.read(most + 1)
    if len(found) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return found


def is_lost(path: Path) -> bool:
    """Return whether a file is missing or has 0 bytes; False if that cannot be told."""
    try:
        return path.stat().st_size == 0
    except OSError as error:
        return error.errno in _ABSENT
    except ValueError:
        return False
