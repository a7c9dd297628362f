"""``workers message``: an e-mail through the market, to a hundred workers with each request."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from turkctl.errors import TurkctlError, UsageError
from turkctl.mturk.client import MTurk
from turkctl.mturk.errors import AnswerLostError, MarketFaultError, MarketRefusedError
from turkctl.mturk.workers import MAX_MESSAGE, MAX_NOTIFIED, MAX_SUBJECT
from turkctl.operations.engine.named import named_workers
from turkctl.operations.engine.plan import Done, Plan, Step
from turkctl.operations.engine.world import World

MOST_TRIES = 3
"""Requests after which a batch whose answer stays away is given up: each may have reached its readers."""


class NotNotifiedError(MarketRefusedError):
    """The market did not deliver the message to this worker."""

    code = "not_notified"


class UncertainError(MarketRefusedError):
    """Whether the message was sent cannot be told, and it was tried often enough."""

    code = "answer_lost"


class Letter:
    """The request for up to a hundred workers: made once, by whichever of their steps comes first."""

    def __init__(self, worker_ids: Sequence[str], subject: str, text: str) -> None:
        self._worker_ids = worker_ids
        self._subject = subject
        self._text = text
        self._lock = threading.Lock()
        self._tries = 0
        self._failures: dict[str, tuple[str | None, str | None]] | None = None
        self._refused: TurkctlError | None = None

    def send(self, mturk: MTurk, worker_id: str) -> None:
        """See that the letter is out.

        Raises:
            NotNotifiedError: the market says that it did not reach this worker.
            TurkctlError: the market refused the whole request, or did not answer.
        """
        with self._lock:
            if self._failures is None and self._refused is None:
                self._ask(mturk)
        if self._refused is not None:
            raise self._refused
        failed = (self._failures or {}).get(worker_id)
        if failed is not None:
            code, message = failed
            raise NotNotifiedError(message or "the market does not say why", code=code or NotNotifiedError.code)

    def _ask(self, mturk: MTurk) -> None:
        self._tries += 1
        try:
            failed = mturk.notify(self._worker_ids, self._subject, self._text)
        except (AnswerLostError, MarketFaultError) as error:
            if self._tries < MOST_TRIES:
                raise
            self._refused = UncertainError(f"it may have been sent, but no answer came: {error.message}")
        except TurkctlError as error:
            if getattr(error, "retryable", False) or getattr(error, "not_sent", False):
                self._tries -= 1  # throttled, or no connection: nothing was sent
                raise
            self._refused = error
        else:
            self._failures = {each.worker_id: (each.code, each.message) for each in failed}


def prepare_message(world: World, worker_ids: Sequence[str], subject: str, text: str) -> tuple[Plan[Letter], Message]:
    """The plan for writing to these workers, and how it is done.

    Raises:
        UsageError: an empty subject or text, or one that is too long.
    """
    for name, value, most in (("--subject", subject, MAX_SUBJECT), ("--text", text, MAX_MESSAGE)):
        if not value.strip():
            raise UsageError(f"{name} is empty", hint="say what the workers are to read")
        if len(value) > most:
            raise UsageError(f"{name} has at most {most:,} characters, this one {len(value):,}", hint="shorten it")
    workers, failed = named_workers((worker_id, None) for worker_id in worker_ids)
    unique = list(workers)
    steps = []
    for start in range(0, len(unique), MAX_NOTIFIED):
        some = unique[start : start + MAX_NOTIFIED]
        letter = Letter(some, subject, text)
        steps += [Step(worker_id, letter, detail=subject) for worker_id in some]
    return Plan("message", world.place.mode, tuple(steps), failed), Message(world.mturk)


class Message:
    """Sends each letter once."""

    def __init__(self, mturk: MTurk) -> None:
        self._mturk = mturk

    def prepare(self, steps: Sequence[Step[Letter]]) -> None:
        """Nothing: letters are not kept."""

    def perform(self, step: Step[Letter]) -> Done:
        """Send the letter that this worker is a reader of, unless it is out."""
        step.payload.send(self._mturk, step.id)
        return Done("messaged")

    def record(self, outcomes: Sequence[tuple[Step[Letter], Done | TurkctlError]]) -> None:
        """Nothing: letters are not kept."""
