"""Define the errors that turkctl shows to its users.

Every class has a stable ``code`` (for scripts that read ``--json``) and an ``exit_code``. A message
says what went wrong; the hint says what to do about it. Nothing here knows about terminals.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the process."""

    OK = 0  # everything was done, or there was nothing to do
    FAILED = 1  # a batch finished with failures, or the market refused the request
    USAGE = 2  # wrong usage, invalid value or configuration, unknown id or name
    REFUSED = 3  # refused for safety
    UNREACHABLE = 4  # market or database unreachable, or credentials missing or wrong
    INTERRUPTED = 130  # Ctrl-C; what was finished is reported and kept


class TurkctlError(Exception):
    """An error that can be explained to the user in one line."""

    code = "error"
    exit_code = ExitCode.FAILED
    uncertain = False
    """Whether an earlier attempt at the same request may have had its effect (set by the batch engine)."""
    cut_short = False
    """Whether it would have been retried if the user had not asked to stop (set by the batch engine)."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TurkctlError):
    """An invalid value, option or combination of options."""

    code = "usage"
    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """A project file, user file or environment variable with invalid settings."""

    code = "bad_config"


class NoProjectError(UsageError):
    """No project is in this folder or above it, and nothing else names the database."""

    code = "no_project"


class MistakesError(ConfigError):
    """Several mistakes in settings, each with its place."""

    def __init__(self, mistakes: Sequence[ConfigError], outcome: str = "nothing was stored") -> None:
        super().__init__(f"{len(mistakes)} mistakes, {outcome}", hint="fix them and run the command again")
        self.mistakes = tuple(mistakes)


class NotFoundError(UsageError):
    """An unknown id or name."""

    code = "not_found"


class SchemaError(UsageError):
    """The database is not at the schema that this turkctl needs."""

    code = "schema"


class OutputError(TurkctlError):
    """The result cannot be written: the disk is full or broken."""

    code = "output"


class RefusedError(TurkctlError):
    """Refused for safety; nothing was done."""

    code = "refused"
    exit_code = ExitCode.REFUSED


class ConfirmationNeededError(RefusedError):
    """The command asks for confirmation, but nobody is there to answer."""

    code = "confirmation_needed"


class WrongMarketError(RefusedError):
    """The row belongs to another mode or to another market."""

    code = "wrong_market"


class FundsError(RefusedError):
    """The budget or the balance does not allow it."""

    code = "funds"


class UnreachableError(TurkctlError):
    """Something does not answer."""

    code = "unreachable"
    exit_code = ExitCode.UNREACHABLE


class DatabaseUnreachableError(UnreachableError):
    """The database cannot be opened."""

    code = "database_unreachable"


class DatabaseReplacedError(DatabaseUnreachableError):
    """The database's file was replaced or removed while the program used it."""

    code = "database_replaced"


class MarketUnreachableError(UnreachableError):
    """The market does not answer, or what answers is not a market."""

    code = "market_unreachable"


class CredentialsError(UnreachableError):
    """Credentials are missing, wrong, or not allowed to do this."""

    code = "credentials"


class InterruptedByUserError(TurkctlError):
    """Ctrl-C or SIGTERM; what was finished is kept."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED
