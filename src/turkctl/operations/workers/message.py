"""Send workers an e-mail through the market, a hundred with each request (``workers message``)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

from sqlmodel import Session

from turkctl.errors import TurkctlError, UsageError
from turkctl.mturk.client import MTurk
from turkctl.mturk.errors import AnswerLostError, MarketFaultError, MarketRefusedError
from turkctl.mturk.workers import MAX_MESSAGE, MAX_NOTIFIED, MAX_SUBJECT
from turkctl.operations.engine.named import named_workers
from turkctl.operations.engine.plan import ALREADY_DONE, SKIPPED, Act, Done, ItemResult, Plan, Step, skip
from turkctl.operations.engine.world import World
from turkctl.operations.intents.outcomes import for_good, refused
from turkctl.operations.intents.runs import Command, RunRow, find_run, glance_at_runs
from turkctl.operations.selection.file_rows import Bad, mangled_ids, read_people, refusal
from turkctl.store import intents
from turkctl.store.base import Scope
from turkctl.store.intents import Batch, Intent

MOST_TRIES = 3
"""Number of requests without an answer after which a batch is given up, since each may have been delivered."""


class NotNotifiedError(MarketRefusedError):
    """The market did not deliver the message to this worker."""

    code = "not_notified"


class UncertainError(MarketRefusedError):
    """The message may or may not have been sent; it is not sent again."""

    code = "answer_lost"


@dataclass(frozen=True)
class Letter:
    """A subject and a text, and those who get them: worker ids, each with its row in the file if there is one."""

    subject: str
    text: str
    to: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class MessageRequest:
    """The arguments of ``workers message``."""

    worker_ids: tuple[str, ...]
    subject: str
    text: str
    new: bool = False
    """Begin another run, even if one with the same arguments was interrupted."""
    resume: bool = False
    """Continue an interrupted run even if it is old."""

    def check(self) -> None:
        """Raise if the market would refuse the message.

        Raises:
            UsageError: the subject or the text is empty or too long.
        """
        _check("--subject", self.subject, MAX_SUBJECT)
        _check("--text", self.text, MAX_MESSAGE)

    def letters(self) -> list[Letter]:
        """Return what is to be sent to whom."""
        return [Letter(self.subject, self.text, tuple((worker_id, None) for worker_id in self.worker_ids))]


def _check(name: str, value: str, most: int) -> None:
    if not value.strip():
        raise UsageError(f"{name} is empty", hint="give the text that the workers will read")
    if len(value) > most:
        raise UsageError(f"{name} must have at most {most:,} characters, not {len(value):,}", hint="shorten it")


def _command(letters: Sequence[Letter], *, new: bool, resume: bool) -> Command:
    """Return what identifies the command, so that an earlier run of it is found; it depends on no settings."""
    each = [
        {"workers": sorted({worker for worker, _row in letter.to}), "subject": letter.subject, "text": letter.text}
        for letter in letters
    ]
    by_words = sorted(each, key=lambda one: (one["subject"], one["text"]))
    return Command("workers message", each[0] if len(each) == 1 else {"letters": by_words}, None, new, resume)


class Message:
    """The request for up to a hundred workers, made only once, by the first of their steps."""

    def __init__(self, intent: Intent, begin: Callable[[], None]) -> None:
        """Take the intent, and ``begin``, which records that the request is about to be made."""
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
        """Send the message unless it has been sent; raise if this worker did not get it.

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
        """Return code and message for each worker whom the message did not reach; None if it may not be sent."""
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
            self._refused = UncertainError(f"no answer came, so it may have been sent: {error.message}")
        except TurkctlError as error:
            if getattr(error, "retryable", False) or getattr(error, "not_sent", False):
                self._tries -= 1  # throttled, or no connection: nothing was sent
                raise
            self._refused = error
        except BaseException:
            self._refused = UncertainError("the process was stopped while sending it, so it may have been sent")
            raise
        else:
            self._failures = {each.worker_id: (each.code, each.message) for each in failed}


def prepare_message(world: World, request: MessageRequest) -> tuple[Plan[Message], SendMessages]:
    """Return the plan for writing to these workers, and the act.

    An interrupted run with the same arguments is continued; a message that may have been sent is not sent again.

    Raises:
        UsageError: the subject or the text is empty or too long.
        RunAtWorkError, RunOvertakenError, StaleRunError: see :func:`turkctl.operations.intents.runs.find_run`.
    """
    request.check()
    letters = request.letters()
    return _prepare(world, letters, _command(letters, new=request.new, resume=request.resume))


def prepare_message_file(
    world: World,
    file: Path,
    stdin: TextIO,
    *,
    subject: str | None = None,
    text: str | None = None,
    new: bool = False,
    resume: bool = False,
) -> tuple[Plan[Message], SendMessages]:
    """Return the plan for writing to the workers of a file, and the act. What the file says is part of the arguments.

    Args:
        world: database and market.
        file: the file; ``-`` is standard input.
        stdin: standard input.
        subject: the subject for rows that have none.
        text: the text for rows that have none.
        new: begin another run, even if one with the same arguments was interrupted.
        resume: continue an interrupted run even if it is old.

    Raises:
        UsageError: the file cannot be read, or a row has no subject or no text, or one that is too long.
        RunAtWorkError, RunOvertakenError, StaleRunError: see :func:`turkctl.operations.intents.runs.find_run`.
    """
    needed = [name for name, given in (("subject", subject), ("text", text)) if given is None]
    people = read_people(world, file, stdin, "subject", "text", needed=needed)
    letters: dict[tuple[str, str], list[tuple[str, int | None]]] = {}
    bad: list[Bad] = []
    for row in people.rows:
        words = row.texts["subject"] or subject or "", row.texts["text"] or text or ""
        try:
            _check("the subject", words[0], MAX_SUBJECT)
            _check("the text", words[1], MAX_MESSAGE)
        except UsageError as error:
            bad.append(Bad(row.row, row.id, error.message, error.hint))
        letters.setdefault(words, []).append((row.id, row.row))
    if bad:
        raise refusal(people.table, bad, "nothing was sent")
    made = [Letter(*words, tuple(to)) for words, to in letters.items()]
    plan, act = _prepare(world, made, _command(made, new=new, resume=resume))
    notes = (*plan.notes, *mangled_ids(people.rows))
    return replace(plan, skipped=(*plan.skipped, *people.nameless), notes=notes), act


def _prepare(world: World, letters: Sequence[Letter], command: Command) -> tuple[Plan[Message], SendMessages]:
    seen = glance_at_runs(world, command)
    now = world.now()
    run = find_run(world, command, now, seen)
    act = SendMessages(world, run, now)
    named = [(letter, *named_workers(letter.to)) for letter in letters]
    rows = {worker: row for _letter, workers, _failed in named for worker, row in workers.items()}
    failed = [item for _letter, _workers, wrong in named for item in wrong]
    with world.database.read() as session:
        opened = run.opened(session)
        wanted = opened or _new_messages(session, world, [(letter, [*some]) for letter, some, _failed in named], now)
    unsure = [each for each in opened if each.state != intents.DONE and _may_be_out(each)]
    rest = [intents.afresh(each, now) for each in wanted if each.state != intents.DONE and not _may_be_out(each)]
    run.moot = tuple(each.token for each in unsure)
    act.messages = [Message(each, act.begin(each.token)) for each in rest]
    steps = tuple(
        Step(worker_id, message, detail=message.intent.request["subject"], row=rows.get(worker_id))
        for message in act.messages
        for worker_id in message.intent.request["workers"]
    )
    before = [item for each in opened if each.state == intents.DONE for item in _sent_before(each)]
    unknown = skip((worker_id, UNSURE) for each in unsure for worker_id in each.request["workers"])
    notes = run.note(len(steps), "send", "message") if opened else ()
    return Plan("message", world.place.mode, steps, (*before, *unknown, *failed), notes, run), act


UNSURE = (
    "it may have been sent before the interruption, so it is not sent again; to write to everybody again, add --new"
)


def _may_be_out(message: Intent) -> bool:
    return message.sent is not None and message.state in (intents.SENT, intents.ABANDONED)


def _sent_before(message: Intent) -> list[ItemResult]:
    """Return the result of a message that was sent earlier, for each worker."""
    failed = json.loads(message.result or "{}") if message.result != "interrupted" else None
    if failed is None:
        return [*skip((worker_id, UNSURE) for worker_id in message.request["workers"])]
    return [
        ItemResult(worker_id, SKIPPED, f"it was not delivered: {failed[worker_id][1]}")
        if worker_id in failed
        else ItemResult(worker_id, ALREADY_DONE, message.request["subject"])
        for worker_id in message.request["workers"]
    ]


def _new_messages(
    session: Session, world: World, letters: Sequence[tuple[Letter, Sequence[str]]], now: datetime
) -> list[Intent]:
    """Return an intent for each group of at most a hundred workers who get the same words."""
    batch = Batch.begin(Scope(session, world.place, now))
    parts = [
        (letter, workers[start : start + MAX_NOTIFIED])
        for letter, workers in letters
        for start in range(0, len(workers), MAX_NOTIFIED)
    ]
    return [
        batch.message(some, {"subject": letter.subject, "text": letter.text}, index)
        for index, (letter, some) in enumerate(parts)
    ]


class SendMessages(Act[Message]):
    """Sends each message at most once: it is marked as sent before the request."""

    def __init__(self, world: World, run: RunRow, now: datetime) -> None:
        self.messages: list[Message] = []
        self._database = world.database
        self._mturk = world.mturk
        self._run = run
        self._now = now
        self._opened = False

    def begin(self, token: str) -> Callable[[], None]:
        """Return a function that marks a message as sent, to be called by the thread that is about to send it."""

        def mark() -> None:
            with self._database.write() as session:
                intents.mark_sent(session, token, self._now)

        return mark

    def prepare(self, _steps: Sequence[Step[Message]]) -> None:
        """Commit all messages of the run before the first is sent."""
        if self._opened:
            return
        with self._database.write() as session:
            for message in self.messages:
                message.intent.run = self._run.number
            intents.open_many(session, [message.intent for message in self.messages])
        self._opened = True

    def perform(self, step: Step[Message]) -> Done:
        """Send the message to this worker unless it has been sent."""
        step.payload.send(self._mturk, step.id)
        return Done("messaged")

    def record(self, outcomes: Sequence[tuple[Step[Message], Done | TurkctlError]]) -> None:
        """Finish the messages that were sent or refused; one that may have been sent stays unfinished."""
        with self._database.write() as session:
            for step, outcome in outcomes:
                message, token = step.payload, step.payload.intent.token
                if message.failures is not None:
                    intents.complete(session, token, json.dumps(message.failures), self._now)
                elif isinstance(outcome, TurkctlError) and refused(outcome) and not isinstance(outcome, UncertainError):
                    intents.fail(session, token, outcome.code, self._now)
                    if not for_good(outcome):
                        self._run.leave_undone()
