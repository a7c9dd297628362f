"""Agreeing to what several people bear: the number of them is the answer, so that nobody says yes to too many."""

from __future__ import annotations

from turkctl.cli.invocation import Invocation
from turkctl.errors import ConfirmationNeededError
from turkctl.words import plural


def agreed_on_people(run: Invocation, act: str, number: int, *, given: int | None) -> bool:
    """Return whether it was agreed how many people this concerns; False where the usual question is enough.

    Args:
        run: the invocation; only mode live asks, at a terminal.
        act: what is done to them, as in ``reject the work of``.
        number: of different people.
        given: ``--people``, checked in every mode.

    Raises:
        ConfirmationNeededError: the number that was given or answered is not that of the people, or in mode live
            nobody is there to answer; ``--yes`` is no answer where it is more than one.
    """
    if given is not None:
        if given != number:
            raise ConfirmationNeededError(
                f"this would {act} {_people(number)}, not {given}: nothing was done", hint="look with --dry-run"
            )
        return True
    if number < 2 or run.settings.mode != "live":
        return False
    question = f"{act} {_people(number)} in mode live"
    if not run.output.interactive:
        hint = f"look with --dry-run, then add --people {number}; --yes is not enough for several people"
        raise ConfirmationNeededError(f"this needs to be confirmed: {question}", hint=hint)
    if run.output.ask(f"{question}. Type the number of people to go ahead: ") != str(number):
        raise ConfirmationNeededError("not confirmed, nothing was done", hint="answer with the number of people")
    return True


def _people(number: int) -> str:
    return f"{number} {plural(number, 'person', 'people')}"
