"""Check that a command was given ids or a table of them (``--from FILE``), and not both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

from turkctl.errors import UsageError


def is_given(source: Path | None, ids: Sequence[str] | None, what: str) -> TypeGuard[Path]:
    """Return whether the command was given a file rather than ids.

    Args:
        source: the file.
        ids: the ids on the command line.
        what: what one of them is the id of.

    Raises:
        UsageError: it was given neither or both.
    """
    if source is None and not ids:
        raise UsageError(f"no {what} is given", hint=f"give ids of {what}s, or a file with --from FILE")
    if source is not None:
        refuse_beside_file("the file says which are meant", bool(ids))
    return source is not None


def refuse_beside_file(why: str, selected: bool, *, watch: bool = False) -> None:
    """Raise if something else than the file selects what to act on.

    Raises:
        UsageError: ids or selectors were given, or ``--watch``.
    """
    if selected:
        raise UsageError(f"--from cannot be used with ids or selectors: {why}", hint="leave ids and selectors out")
    if watch:
        raise UsageError("--from cannot be used with --watch", hint="leave one of them out")
