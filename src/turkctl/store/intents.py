"""Store intents: requests to the market that cost money, written down before they are sent.

The life of an intent::

    open ──► sent ──► done
      │        ├────► failed      the market refused: nothing happened
      └────────┴────► abandoned   given up, after looking whether it happened

Only the first two are unfinished: after a crash they are settled with their own token. A failed or abandoned intent
that is opened again starts anew. Every change names the states it expects.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Index, Text, func, select, update
from sqlmodel import Field, Session

from turkctl.store import meta
from turkctl.store.base import (
    ANY_MARKET,
    Place,
    Scope,
    TurkctlTable,
    changed,
    changed_one,
    chunks,
    insert_ignoring,
)
from turkctl.store.experiments import Version
from turkctl.store.types import Json, Money, UtcTime
from turkctl.units import ZERO

CREATE_HIT = "create_hit"
EXTEND_HIT = "extend_hit"
BONUS = "bonus"
COMPENSATE = "compensate"
"""A HIT of one assignment for one worker: no experiment's code version, nobody's campaign."""
MESSAGE = "message"
"""An e-mail that is sent at most once; costs nothing."""

OPEN = "open"
SENT = "sent"
DONE = "done"
FAILED = "failed"
ABANDONED = "abandoned"
UNFINISHED = (OPEN, SENT)
TOKEN_TRUSTED = timedelta(hours=23)
"""The market remembers a token for 24 hours; beyond this age, look for the result instead of trusting the token."""


class Intent(TurkctlTable, table=True):
    """One request that creates something or pays somebody."""

    __tablename__ = "turkctl_intent"
    __table_args__ = (Index(None, "mode", "market", "state"),)

    token: str = Field(primary_key=True, max_length=64)
    """The request's UniqueRequestToken; see :func:`token`."""
    kind: str = Field(max_length=16)
    """``create_hit``, ``extend_hit``, ``bonus``, ``compensate`` or ``message``."""
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    batch: str = Field(max_length=64, index=True)
    """The batch with which it was opened."""
    digest: str = Field(max_length=64, index=True)
    """Digest of a campaign or of an experiment's dispatches, by which their unfinished requests are found again."""
    subject: str = Field(max_length=128)
    """Its subject: an experiment, a HIT or an assignment."""
    experiment_id: int | None = Field(default=None, foreign_key="turkctl_experiment.id", index=True)
    """The experiment whose budget it counts against."""
    request: dict[str, Any] = Field(sa_type=Json)
    """The request's members, without the token."""
    cost: Decimal = Field(sa_type=Money)
    """Dollars, commission included."""
    state: str = Field(default=OPEN, max_length=16)
    created: datetime = Field(sa_type=UtcTime)
    sent: datetime | None = Field(default=None, sa_type=UtcTime)
    finished: datetime | None = Field(default=None, sa_type=UtcTime)
    result: str | None = Field(default=None, sa_type=Text)
    """The HIT's id when done, the market's error code when failed, the reason when abandoned."""
    run: int | None = Field(default=None, index=True)
    """The number of the run that it belongs to; None for a round's."""


INTENTS = Intent.__table__


def token(database_id: str, *parts: str | int) -> str:
    """Return the UniqueRequestToken (64 characters) of these parts in the database of this id.

    The same parts always give the same token; other parts, or another database, give another one.
    """
    text = json.dumps([database_id, *parts], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Batch:
    """Requests that are planned together. It has one constructor of intents for each purpose."""

    place: Place
    database_id: str
    name: str
    now: datetime

    @classmethod
    def begin(cls, scope: Scope, *, name: str | None = None) -> Batch:
        """Return a batch of this database; without a name it gets a random one, as do the tokens made from that."""
        database_id = meta.database_id(scope.session)
        return cls(scope.place, database_id, secrets.token_hex(16) if name is None else name, scope.now)

    def post(
        self,
        version: Version,
        request: Mapping[str, Any],
        cost: Decimal,
        *made_of: str | int,
        digest: str | None = None,
    ) -> Intent:
        """Return the intent of a HIT for an experiment; the token is made of ``made_of``, the digest is the batch's."""
        token = self._token(CREATE_HIT, *made_of)
        found_by = self.name if digest is None else digest
        return self._intent(
            CREATE_HIT, token, version.slug, request, cost, digest=found_by, experiment_id=version.experiment_id
        )

    def extension(
        self, hit_id: str, request: Mapping[str, Any], cost: Decimal, index: int, *, experiment_id: int | None
    ) -> Intent:
        """Return the intent of more assignments or time for a HIT, which is at place ``index`` of the batch."""
        token = self._token(EXTEND_HIT, self.name, index)
        request = {**request, "place": index}
        return self._intent(EXTEND_HIT, token, hit_id, request, cost, digest=token, experiment_id=experiment_id)

    def bonus(
        self, assignment_id: str, request: Mapping[str, Any], cost: Decimal, *, experiment_id: int | None
    ) -> Intent:
        """Return the intent of a bonus, sent; the token is made of the assignment and the request's ``purpose``."""
        token = self._token(BONUS, assignment_id, request["purpose"])
        made = self._intent(BONUS, token, assignment_id, request, cost, digest=token, experiment_id=experiment_id)
        made.state, made.sent = SENT, self.now
        return made

    def compensation(
        self, worker_id: str, request: Mapping[str, Any], cost: Decimal, *, experiment_id: int | None
    ) -> tuple[Intent, Intent]:
        """Return the intents of the one compensation of this batch: of its HIT, and of the message about it."""
        post, message = (
            self._intent(kind, self._token(kind, self.name), worker_id, request, dollars, experiment_id=experiment_id)
            for kind, dollars in ((COMPENSATE, cost), (MESSAGE, ZERO))
        )
        return post, message

    def message(self, worker_ids: Sequence[str], request: Mapping[str, Any], index: int) -> Intent:
        """Return the intent of an e-mail to these workers, which is at place ``index`` of the batch."""
        request = {"workers": list(worker_ids), **request, "place": index}
        subject = f"{len(worker_ids)} workers"
        return self._intent(MESSAGE, self._token(MESSAGE, self.name, index), subject, request, ZERO)

    def _token(self, kind: str, *parts: str | int) -> str:
        return token(self.database_id, kind, *parts)

    def _intent(
        self,
        kind: str,
        token: str,
        subject: str,
        request: Mapping[str, Any],
        cost: Decimal,
        *,
        digest: str | None = None,
        experiment_id: int | None = None,
    ) -> Intent:
        return Intent(
            token=token,
            kind=kind,
            mode=self.place.mode,
            market=self.place.market,
            batch=self.name,
            digest=self.name if digest is None else digest,
            subject=subject,
            experiment_id=experiment_id,
            request=dict(request),
            cost=cost,
            created=self.now,
        )


def open_many(session: Session, wanted: Sequence[Intent]) -> list[Intent]:
    """Store the intents in state open; return all of them, in order, as they are now.

    One whose token is already stored keeps its row: if it is unfinished or done, it is returned unchanged; if it failed
    or was abandoned, it is opened again with the values in ``wanted``.
    """
    stored = {intent.token: intent for intent in by_tokens(session, [intent.token for intent in wanted])}
    for intent in wanted:
        if intent.token in stored and stored[intent.token].state in (FAILED, ABANDONED):
            again = update(INTENTS).where(INTENTS.c.token == intent.token).values(**intent.checked())
            session.connection().execute(again)
            del stored[intent.token]
    # Writers come one after another: what was missing a moment ago is still missing.
    new = {intent.token: intent for intent in wanted if intent.token not in stored}
    for part in chunks([*new.values()]):
        insert_ignoring(session, INTENTS, ["token"], [intent.checked() for intent in part])
    return [stored.get(intent.token) or new[intent.token] for intent in wanted]


def mark_sent(session: Session, token: str, now: datetime, *, sent_before: datetime | None = None) -> bool:
    """Claim the intent for sending; return True for exactly one caller, who then makes the request.

    To send an unanswered request again, give the time of its last sending as ``sent_before``: only one caller gets it.
    """
    expected = [INTENTS.c.state == OPEN]
    if sent_before is not None:
        expected = [INTENTS.c.state == SENT, INTENTS.c.sent == sent_before]
    statement = update(INTENTS).where(INTENTS.c.token == token, *expected).values(state=SENT, sent=now)
    return changed_one(session, statement)


def complete(session: Session, token: str, result: str | None, now: datetime) -> bool:
    """Mark the intent as done; return False if it was already finished."""
    return _finish(session, token, DONE, result, now)


def fail(session: Session, token: str, error_code: str, now: datetime) -> bool:
    """Mark the intent as refused by the market; return False if it was already finished."""
    return _finish(session, token, FAILED, error_code, now)


def abandon(session: Session, token: str, reason: str, now: datetime) -> bool:
    """Mark the intent as given up; return False if it was already finished."""
    return _finish(session, token, ABANDONED, reason, now)


def complete_many(session: Session, tokens: Sequence[str], now: datetime) -> int:
    """Mark intents as done, by their subjects; return how many were unfinished before."""
    finished = 0
    for part in chunks(tokens):
        here = INTENTS.c.token.in_(part) & INTENTS.c.state.in_(UNFINISHED)
        values = {"state": DONE, "result": INTENTS.c.subject, "finished": now}
        finished += changed(session, update(INTENTS).where(here).values(values))
    return finished


def by_subject(session: Session, place: Place, kind: str, subjects: Sequence[str]) -> list[Intent]:
    """Return the intents of one kind with these subjects, finished or not, oldest first."""
    of_kind = (*_at(place), INTENTS.c.kind == kind)
    return [intent for part in chunks(subjects) for intent in _read(session, *of_kind, INTENTS.c.subject.in_(part))]


def get(session: Session, token: str) -> Intent | None:
    """Return the intent with this token, read anew."""
    return next(iter(by_tokens(session, [token])), None)


def known_tokens(session: Session, tokens: Sequence[str]) -> set[str]:
    """Return the tokens that belong to requests of this database, finished or not."""
    found: set[str] = set()
    for part in chunks(tokens):
        found.update(session.connection().execute(select(INTENTS.c.token).where(INTENTS.c.token.in_(part))).scalars())
    return found


def unfinished(session: Session, place: Place, kind: str | None = None) -> list[Intent]:
    """Return the unfinished intents, oldest first."""
    conditions = [*_at(place), INTENTS.c.state.in_(UNFINISHED)]
    return _read(session, *conditions, *([] if kind is None else [INTENTS.c.kind == kind]))


def unfinished_elsewhere(session: Session, place: Place) -> dict[str, int]:
    """Count the unfinished intents of the mode on other markets, or in other accounts, by market; messages left out."""
    there = (INTENTS.c.mode == place.mode, INTENTS.c.market != place.market)
    begun = (INTENTS.c.state.in_(UNFINISHED), INTENTS.c.kind != MESSAGE)
    statement = select(INTENTS.c.market, func.count()).where(*there, *begun).group_by(INTENTS.c.market)
    return {market: int(number) for market, number in session.connection().execute(statement)}


def unfinished_by_digest(session: Session, place: Place, digest: str) -> list[Intent]:
    """Return the unfinished intents of a campaign, or of an experiment's dispatches, oldest first."""
    return _read(session, *_at(place), INTENTS.c.state.in_(UNFINISHED), INTENTS.c.digest == digest)


def of_run(session: Session, run: int) -> list[Intent]:
    """Return everything that a run has opened, finished or not, in the order in which it was planned."""
    return sorted(_read(session, INTENTS.c.run == run), key=lambda intent: intent.request.get("place", 0))


def unfinished_of_run(session: Session, run: int) -> int:
    """Return the number of unfinished intents of a run."""
    statement = select(func.count()).where(INTENTS.c.run == run, INTENTS.c.state.in_(UNFINISHED))
    return int(session.connection().execute(statement).scalar_one())


def afresh(intent: Intent, now: datetime) -> Intent:
    """Return an intent as :func:`open_many` opens it: a failed or abandoned one begins anew, with a new age.

    One that is unfinished or done stays unchanged.
    """
    kept = intent.model_dump()
    if intent.state in (FAILED, ABANDONED):
        kept |= {"state": OPEN, "created": now, "sent": None, "finished": None, "result": None}
    return Intent(**kept)


def of_batch(session: Session, batch: str) -> list[Intent]:
    """Return all intents of a batch, finished or not."""
    return _read(session, INTENTS.c.batch == batch)


def outstanding_cost(session: Session, place: Place, *, experiment_id: int | None = None) -> Decimal:
    """Return the dollars that unfinished intents, of all experiments or of one, may still cost, commission included."""
    statement = select(func.sum(INTENTS.c.cost)).where(*_at(place), INTENTS.c.state.in_(UNFINISHED))
    if experiment_id is not None:
        statement = statement.where(INTENTS.c.experiment_id == experiment_id)
    total: Decimal | None = session.connection().execute(statement).scalar()
    return Decimal("0.00") if total is None else total


def unfinished_costs(session: Session, place: Place) -> dict[int | None, Decimal]:
    """Return ``{experiment: dollars}`` that unfinished intents may still cost, commission included; any market."""
    statement = select(INTENTS.c.experiment_id, func.sum(INTENTS.c.cost)).where(INTENTS.c.mode == place.mode)
    if place.market != ANY_MARKET:
        statement = statement.where(INTENTS.c.market == place.market)
    unfinished = statement.where(INTENTS.c.state.in_(UNFINISHED)).group_by(INTENTS.c.experiment_id)
    return {row[0]: row[1] for row in session.connection().execute(unfinished)}


def _finish(session: Session, token: str, state: str, result: str | None, now: datetime) -> bool:
    statement = update(INTENTS).where(INTENTS.c.token == token, INTENTS.c.state.in_(UNFINISHED))
    return changed_one(session, statement.values(state=state, result=result, finished=now))


def _at(place: Place) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return INTENTS.c.mode == place.mode, INTENTS.c.market == place.market


def _read(session: Session, *conditions: ColumnElement[bool]) -> list[Intent]:
    statement = select(Intent).where(*conditions).order_by(INTENTS.c.created, INTENTS.c.token)
    return list(session.scalars(statement, execution_options={"populate_existing": True}))


def by_tokens(session: Session, tokens: Sequence[str]) -> list[Intent]:
    """Return the intents with these tokens, read anew."""
    return [intent for part in chunks(tokens) for intent in _read(session, INTENTS.c.token.in_(part))]
