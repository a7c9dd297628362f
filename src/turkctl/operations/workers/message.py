"""``workers message``: an e-mail through the market, to a hundred workers with each request."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from turkctl.errors import TurkctlError, UsageError
from turkctl.mturk.client import MTurk
from turkctl.mturk.errors import AnswerLostError, MarketFaultError, MarketRefusedError
from turkctl.mturk.workers import MAX_MESSAGE, MAX_NOTIFIED, MAX_SUBJECT
from turkctl.operations.engine.named import named_workers
from turkctl.operations.engine.plan import ALREADY_DONE, SKIPPED, Done, ItemResult, Plan, Step, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.outcomes import for_good, refused
from turkctl.operations.intents.runs import Command, RunRow, find_run, glance_at_runs
from turkctl.store import intents, meta
from turkctl.store.intents import Intent
from turkctl.units import ZERO

MOST_TRIES = 3
"""Requests after which a batch whose answer stays away is given up: each may have reached its readers."""


class NotNotifiedError(MarketRefusedError):
    """The market did not deliver the message to this worker."""

    code = "not_notified"


class UncertainError(MarketRefusedError):
    """Whether the message was sent cannot be told, and it was tried often enough."""

    code = "answer_lost"


@dataclass(frozen=True)
class MessageRequest:
    """The arguments of ``workers message``."""

    worker_ids: tuple[str, ...]
    subject: str
    text: str
    new: bool = False
    """Begin another run, though one of the same arguments may have been interrupted."""
    resume: bool = False
    """Take up an interrupted run even if it is old."""

    def check(self) -> None:
        """See that the market could take it.

        Raises:
            UsageError: an empty subject or text, or one that is too long.
        """
        for name, value, most in (("--subject", self.subject, MAX_SUBJECT), ("--text", self.text, MAX_MESSAGE)):
            if not value.strip():
                raise UsageError(f"{name} is empty", hint="say what the workers are to read")
            if len(value) > most:
                raise UsageError(f"{name} has at most {most:,} characters, this one {len(value):,}", hint="shorten it")

    def command(self) -> Command:
        """Return what makes this the same command as an earlier one; it depends on no settings."""
        arguments = {"workers": sorted(set(self.worker_ids)), "subject": self.subject, "text": self.text}
        return Command("workers message", arguments, None, self.new, self.resume)


class Letter:
    """The request for up to a hundred workers: made once, by whichever of their steps comes first."""

    def __init__(self, intent: Intent, begin: Callable[[], None]) -> None:
        """``begin`` notes that the request is about to be made."""
        self.intent = intent
        self._begin = begin
        self._worker_ids: list[str] = intent.request["workers"]
        self._subject: str = intent.request["subject"]
        self._text: str = intent.request["text"]
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

    @property
    def failures(self) -> dict[str, tuple[str | None, str | None]] | None:
        """Code and message by worker whom the letter did not reach; None while it is not known to be out."""
        return self._failures

    def _ask(self, mturk: MTurk) -> None:
        if not self._tries:
            self._begin()
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
        except BaseException:
            self._refused = UncertainError("it may have been sent: the process was ended meanwhile")
            raise
        else:
            self._failures = {each.worker_id: (each.code, each.message) for each in failed}


def prepare_message(world: World, request: MessageRequest) -> tuple[Plan[Letter], Message]:
    """Return the plan for writing to these workers, and how it is done.

    An interrupted run of the same arguments is taken up; a letter that may be out is not sent again.

    Raises:
        UsageError: an empty subject or text, or one that is too long.
        RunAtWorkError, RunOvertakenError, StaleRunError: see :func:`turkctl.operations.intents.runs.find_run`.
    """
    request.check()
    command = request.command()
    seen = glance_at_runs(world, command)
    now = world.now()
    run = find_run(world, command, now, seen)
    act = Message(world, run, now)
    workers, failed = named_workers((worker_id, None) for worker_id in request.worker_ids)
    with world.database.read() as session:
        opened = run.opened(session)
        wanted = opened or _new_letters(session, world, request, list(workers), now)
    unsure = [each for each in opened if each.state != intents.DONE and _may_be_out(each)]
    rest = [intents.afresh(each, now) for each in wanted if each.state != intents.DONE and not _may_be_out(each)]
    run.moot = tuple(each.token for each in unsure)
    act.letters = [Letter(each, act.begin(each.token)) for each in rest]
    steps = tuple(
        Step(worker_id, letter, detail=request.subject)
        for letter in act.letters
        for worker_id in letter.intent.request["workers"]
    )
    before = [item for each in opened if each.state == intents.DONE for item in _sent_before(each)]
    unknown = skip((worker_id, UNSURE) for each in unsure for worker_id in each.request["workers"])
    notes = run.note(len(steps), "send", "message") if opened else ()
    return Plan("message", world.place.mode, steps, (*before, *unknown, *failed), notes, run), act


UNSURE = "whether it was sent before the interruption is not known, and it is not sent again; --new writes to all anew"


def _may_be_out(letter: Intent) -> bool:
    return letter.sent is not None and letter.state in (intents.SENT, intents.ABANDONED)


def _sent_before(letter: Intent) -> list[ItemResult]:
    """Return what became of a letter that is out, worker by worker."""
    failed = json.loads(letter.result or "{}") if letter.result != "interrupted" else None
    if failed is None:
        return [*skip((worker_id, UNSURE) for worker_id in letter.request["workers"])]
    return [
        ItemResult(worker_id, SKIPPED, f"it was not delivered: {failed[worker_id][1]}")
        if worker_id in failed
        else ItemResult(worker_id, ALREADY_DONE, letter.request["subject"])
        for worker_id in letter.request["workers"]
    ]


def _new_letters(
    session: Session, world: World, request: MessageRequest, workers: Sequence[str], now: datetime
) -> list[Intent]:
    """Return an intent for each hundred workers."""
    batch, database_id = secrets.token_hex(16), meta.database_id(session)
    parts = [workers[start : start + MAX_NOTIFIED] for start in range(0, len(workers), MAX_NOTIFIED)]
    return [
        Intent(
            token=intents.token(database_id, intents.MESSAGE, batch, index),
            kind=intents.MESSAGE,
            mode=world.place.mode,
            market=world.place.market,
            batch=batch,
            digest=batch,
            subject=f"{len(some)} workers",
            request={"workers": list(some), "subject": request.subject, "text": request.text, "place": index},
            cost=ZERO,
            created=now,
        )
        for index, some in enumerate(parts)
    ]


class Message:
    """Sends each letter once: it is marked as sent before the request, so that a repeat does not send it again."""

    def __init__(self, world: World, run: RunRow, now: datetime) -> None:
        self.letters: list[Letter] = []
        self._database = world.database
        self._mturk = world.mturk
        self._run = run
        self._now = now
        self._opened = False

    def begin(self, token: str) -> Callable[[], None]:
        """Return what marks a letter as sent; the thread calls it that is about to send it."""

        def mark() -> None:
            with self._database.write() as session:
                intents.mark_sent(session, token, self._now)

        return mark

    def prepare(self, _steps: Sequence[Step[Letter]]) -> None:
        """Commit all letters of the run before the first is sent."""
        if self._opened:
            return
        with self._database.write() as session:
            for letter in self.letters:
                letter.intent.run = self._run.number
            intents.open_many(session, [letter.intent for letter in self.letters])
        self._opened = True

    def perform(self, step: Step[Letter]) -> Done:
        """Send the letter that this worker is a reader of, unless it is out."""
        step.payload.send(self._mturk, step.id)
        return Done("messaged")

    def record(self, outcomes: Sequence[tuple[Step[Letter], Done | TurkctlError]]) -> None:
        """Finish the letters that are out or refused; one that may be out stays unfinished."""
        with self._database.write() as session:
            for step, outcome in outcomes:
                letter, token = step.payload, step.payload.intent.token
                if letter.failures is not None:
                    intents.complete(session, token, json.dumps(letter.failures), self._now)
                elif isinstance(outcome, TurkctlError) and refused(outcome) and not isinstance(outcome, UncertainError):
                    intents.fail(session, token, outcome.code, self._now)
                    if not for_good(outcome):
                        self._run.leave_undone()
