"""The command line: parse, call one operation, show. Heavy modules are imported by the commands that need them."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Sequence

from turkctl.cli.ending import process

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command line and leave the process with its exit code; without arguments, those of the process."""
    process.start(own=argv is None)
    _open_streams()
    try:
        code = run(argv)
    except KeyboardInterrupt:  # before there is a command that could say what it finished, or after it
        sys.stderr.write(f"turkctl: error: interrupted{'' if process.begun else '; nothing was done'}\n")
        code = INTERRUPTED
    if code != INTERRUPTED:  # else requests may still be under way, and another Ctrl-C must end the wait for them
        process.settle()
    sys.exit(code)


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments in (["--help"], ["-h"], ["--version"]):
        return _told(arguments)
    from turkctl.cli.root import make_root
    from turkctl.harmless import harmless_streams

    if argv is not None:  # from Python, once or many times
        process.start(own=False)
    with harmless_streams():
        code = make_root().main(args=arguments, prog_name="turkctl", standalone_mode=False)
    return int(code or 0)


def _told(arguments: Sequence[str]) -> int:
    """Print the version or the list of commands, without waiting for a parser to be imported."""
    from turkctl import __version__
    from turkctl.cli.top import page

    try:
        sys.stdout.write(f"turkctl {__version__}\n" if arguments == ["--version"] else page())
        sys.stdout.flush()
    except OSError as error:
        from turkctl.cli.invocation import Invocation
        from turkctl.cli.root import explain

        return explain(error, Invocation(arguments))
    return 0


def _open_streams() -> None:
    """Give closed standard streams (``>&-``, some schedulers) a null device, so that no database gets their number.

    And let no character stop standard output, whatever its encoding.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  # open to the end
    codecs.register_error("turkctl", _escaped)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="turkctl")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    r"""Return what standard output's encoding cannot say as ``\uXXXX``, which JSON reads back."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    import json

    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
