"""Logs on standard error: ``-v`` shows what turkctl decides, ``-vv`` each request to the market."""

from __future__ import annotations

import logging
import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation


def show_logs(verbosity: int) -> None:
    """Send turkctl's log records to standard error. Calling it again replaces the handler."""
    logger = logging.getLogger("turkctl")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if verbosity > 1 else logging.INFO)
    logger.propagate = False


def hide_logs() -> None:
    """Undo :func:`show_logs`, for a caller that runs several commands in one process."""
    logger = logging.getLogger("turkctl")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


def scheduler_log(run: Invocation, *also: str) -> AbstractContextManager[None]:
    """Send the scheduler's log to standard error for a block, as much of it as --quiet and --verbose ask for.

    Args:
        run: the invocation.
        also: other logs whose warnings and errors are shown, by the names of their loggers.
    """
    from turkctl.scheduler.logs import EVENT, shown

    level = EVENT if run.quiet else logging.DEBUG if run.verbosity else logging.INFO
    return shown(level, machines=run.settings["output"] == "jsonl", verbose=run.verbosity > 0, also=also)
