"""The command line: parse, call one operation, show. Heavy modules are imported by the commands that need them."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command line and leave the process with its exit code."""
    sys.exit(run(argv))


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    from turkctl.cli.root import make_root

    code = make_root().main(args=None if argv is None else list(argv), prog_name="turkctl", standalone_mode=False)
    return int(code or 0)
