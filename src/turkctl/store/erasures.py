"""Erase a worker: put a pseudonym in their place in every table, and remember by a keyed hash whose place it is.

The hash lets a sync know what the market still lists of somebody who was erased. Whoever has the database and knows an
id can find out from it which pseudonym it got.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, type_coerce, update
from sqlalchemy import Text as TextType
from sqlmodel import Field, Session

from turkctl.erasing import forms_of, overwrite_deleted, replace_texts, texts_of
from turkctl.store import meta, owed, participants
from turkctl.store.assignments import ASSIGNMENTS, SUBMITTED
from turkctl.store.base import ANY_MARKET, PREFIX, Place, TurkctlTable, add, chunks
from turkctl.store.hits import DISPOSED, HITS
from turkctl.store.intents import COMPENSATE, DONE, INTENTS, UNFINISHED
from turkctl.store.payments import PAYMENTS
from turkctl.store.types import UtcTime

SHORTEST = 4
"""Characters from which on own ids and names are looked for in texts; shorter ones are everywhere."""
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LENGTH = 14
"""Characters of a pseudonym, as of the market's worker ids."""
_TEXTS_ABOUT = ("turkctl_assignment", "turkctl_payment", "turkctl_run", "turkctl_intent", "turkctl_notice")
"""Tables whose texts may have own ids and names of people: answers, reasons, command lines, messages."""


class ErasedWorker(TurkctlTable, table=True):
    """A worker who was erased."""

    __tablename__ = "turkctl_erased"

    digest: str = Field(primary_key=True, max_length=64)
    """Of their worker id, with the key of this database."""
    pseudonym: str = Field(max_length=64)
    without_answers: bool
    """Whether their answers were emptied too."""
    at: datetime = Field(sa_type=UtcTime)


ERASED = ErasedWorker.__table__


@dataclass(frozen=True)
class OpenMoney:
    """What is in the way of erasing a worker, in numbers."""

    undecided: int = 0
    unfinished: int = 0
    """Requests about them that may not have been carried out."""
    owed: int = 0
    """Bonuses in participants' rows that were not paid."""
    offered: int = 0
    """Compensations that they can still accept."""

    @property
    def any(self) -> bool:
        """Return whether there is anything."""
        return bool(self.undecided or self.unfinished or self.owed or self.offered)


@dataclass(frozen=True)
class Renamed:
    """The name under which somebody is known here, and whether their answers were emptied."""

    name: str
    without_answers: bool = False


def is_known(session: Session, worker: str, table: str | None) -> bool:
    """Return whether anything is stored about a worker, in any mode."""
    looks = [exists().where(each.c.worker_id == worker) for each in (ASSIGNMENTS, PAYMENTS)]
    looks.append(exists().where(_mentions(worker)))
    if table is not None:
        looks.append(exists().where(participants.participants_table(table).c.workerid == worker))
    return bool(session.connection().execute(select(or_(*looks))).scalar())


def open_money(session: Session, worker: str, table: str | None) -> OpenMoney:
    """Return what is undecided, unfinished, owed or offered to a worker, in any mode."""
    run = session.connection().execute
    theirs = select(ASSIGNMENTS.c.assignment_id).where(ASSIGNMENTS.c.worker_id == worker)
    undecided = run(select(func.count()).where(ASSIGNMENTS.c.worker_id == worker, ASSIGNMENTS.c.status == SUBMITTED))
    about = or_(_mentions(worker), INTENTS.c.subject.in_(theirs))
    unfinished = run(select(func.count()).where(INTENTS.c.state.in_(UNFINISHED), about))
    offered = run(
        select(func.count()).where(
            INTENTS.c.kind == COMPENSATE,
            INTENTS.c.subject == worker,
            INTENTS.c.state == DONE,
            exists().where(HITS.c.annotation == INTENTS.c.token, HITS.c.status != DISPOSED),
            ~exists().where(PAYMENTS.c.token == INTENTS.c.token),
        )
    )
    submitted, due = (0, 0) if table is None else _of_participants(session, worker, table)
    return OpenMoney(undecided.scalar_one() + submitted, unfinished.scalar_one(), due, offered.scalar_one())


def _mentions(worker: str) -> ColumnElement[bool]:
    return or_(
        INTENTS.c.subject == worker,
        type_coerce(INTENTS.c.request, TextType).contains(f'"{worker}"', autoescape=True),
    )


def _of_participants(session: Session, worker: str, name: str) -> tuple[int, int]:
    """Return the numbers of submissions that only psiTurk's rows know as undecided, and of bonuses owed."""
    table = participants.participants_table(name)
    stored = exists().where(ASSIGNMENTS.c.assignment_id == table.c.assignmentid)
    mine = and_(table.c.workerid == worker, table.c.status == participants.SUBMITTED)
    submitted: int = session.connection().execute(select(func.count()).where(mine, ~stored)).scalar_one()
    modes = session.connection().execute(select(table.c.mode).where(table.c.workerid == worker).distinct()).scalars()
    places = [Place(mode, ANY_MARKET) for mode in modes if mode is not None]
    due = sum(each.assignments for place in places for each in owed.bonuses_owed(session, place, name, worker))
    return submitted, due


def erase(
    session: Session,
    worker: str,
    table: str | None,
    now: datetime,
    *,
    private: Sequence[str] = (),
    answers_too: bool = False,
) -> tuple[str, dict[str, int]]:
    """Put a random pseudonym in the place of a worker; return it, and the numbers of rows changed by table.

    Args:
        session: a writing one.
        worker: the worker id.
        table: the name of the participants table, if there is one.
        now: the time.
        private: their own id and names, as far as they are known.
        answers_too: also empty their answers.
    """
    connection = session.connection()
    overwrite_deleted(connection)
    pseudonym = "A" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH - 1))
    changed: dict[str, int] = {}
    words = [form for each in private if len(each) >= SHORTEST for form in forms_of(each)]
    for found in texts_of(connection, tables_of(session, table)):
        name = found.table.name
        changed[name] = replace_texts(connection, found, [worker], pseudonym)
        if name in _TEXTS_ABOUT:
            only = {"worker_id": pseudonym}
            changed[name] += replace_texts(connection, found, words, pseudonym, only)
    if table is not None:
        rows = participants.participants_table(table)
        session.connection().execute(
            update(rows).where(rows.c.workerid == pseudonym).values(datastring=None, ipaddress=None)
        )
    if answers_too:
        session.connection().execute(
            update(ASSIGNMENTS).where(ASSIGNMENTS.c.worker_id == pseudonym).values(answer=None, answers=None)
        )
    key = meta.erasure_key(session, make=True)
    assert key is not None
    digest = _digest(key, worker)
    add(session, ErasedWorker(digest=digest, pseudonym=pseudonym, without_answers=answers_too, at=now))
    return pseudonym, {name: number for name, number in changed.items() if number}


def tables_of(session: Session, table: str | None) -> list[str]:
    """Return the names of all tables that can tell of a worker."""
    connection = session.connection()
    ours = [name for name in connection.dialect.get_table_names(connection) if name.startswith(PREFIX)]
    return ours if table is None else [*ours, table]


def was_erased(session: Session, worker: str) -> bool:
    """Return whether this worker was erased."""
    key = meta.erasure_key(session)
    if key is None:
        return False
    found = select(ERASED.c.at).where(ERASED.c.digest == _digest(key, worker))
    return session.connection().execute(found).first() is not None


def renamed(session: Session, place: Place, work: Sequence[tuple[str, str]]) -> Mapping[str, Renamed]:
    """Return by assignment under which name its worker is known here, where that is not what the market says.

    A worker changes only by being erased, here or on the market.

    Args:
        session: on the database.
        place: the market.
        work: assignments, each with the worker that the market names.
    """
    owners = dict[str, str]()
    columns = select(ASSIGNMENTS.c.assignment_id, ASSIGNMENTS.c.worker_id)
    at = (ASSIGNMENTS.c.mode == place.mode, ASSIGNMENTS.c.market == place.market)
    for part in chunks([assignment for assignment, _worker in work]):
        rows = session.connection().execute(columns.where(*at, ASSIGNMENTS.c.assignment_id.in_(part)))
        owners.update(tuple(row) for row in rows)
    found = {each: Renamed(owners[each]) for each, worker in work if owners.get(each, worker) != worker}
    key = meta.erasure_key(session)
    if key is None:
        return found
    digests = {_digest(key, worker): worker for _assignment, worker in work}
    erased: dict[str, Renamed] = {}
    for part in chunks(list(digests)):
        for row in session.connection().execute(select(ERASED).where(ERASED.c.digest.in_(part))):
            erased[digests[row.digest]] = Renamed(row.pseudonym, row.without_answers)
    return {**found, **{each: erased[worker] for each, worker in work if worker in erased}}


def _digest(key: str, worker: str) -> str:
    return hmac.new(bytes.fromhex(key), worker.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
