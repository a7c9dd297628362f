"""Store runs: what turkctl was asked to do, by whom and by which command, and how far it got.

A row is a run, which can be taken up, or a line in the log of acts: what one command or task did, with the runs that it
began as parts. A run that is no part of a line is a line itself: of an older version, or begun from Python.

The state of a run::

    working ──► ended         every item is done, skipped or refused for good
       ▲  └───► incomplete    something of it can still be done
       └────────────┘         taken up

A run whose state is ``working`` and whose lease (``run N``, see :mod:`turkctl.store.leases`) is nobody's was left by a
process that died: it is as incomplete as one that says so. Every change names the state and the owner it expects.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Index, Text, func, literal, or_, select, type_coerce, update
from sqlmodel import Field, Session

from turkctl.store.base import ANY_MARKET, CHUNK, Place, TurkctlTable, add, changed_one, chunks, insert_ignoring
from turkctl.store.intents import INTENTS
from turkctl.store.types import Json, Money, UtcTime

WORKING = "working"
ENDED = "ended"
INCOMPLETE = "incomplete"
SET_ASIDE = "set_aside"
"""Why a run ended that another took the place of."""


class Run(TurkctlTable, table=True):
    """One command, task or click that acts: its identity, its state, who works on it, and what it did."""

    __tablename__ = "turkctl_run"
    __table_args__ = (Index(None, "mode", "market", "act", "identity"),)

    id: int | None = Field(default=None, primary_key=True)
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    act: str = Field(max_length=32)
    """What is done, as in ``hits create``."""
    identity: str | None = Field(default=None, max_length=64)
    """Of the effective arguments: the same command finds its run by it. None: the run is only logged."""
    settings: str | None = Field(default=None, max_length=64)
    """Digest of the settings it was planned with; None if none matter."""
    state: str = Field(default=WORKING, max_length=16)
    owner: str = Field(max_length=64)
    """The random name of the process that works on it, or did last."""
    host: str = Field(max_length=255)
    pid: int
    begun: datetime = Field(sa_type=UtcTime)
    ended: datetime | None = Field(default=None, sa_type=UtcTime)
    """When it was last left: whole, or incomplete."""
    command: str = Field(sa_type=Text)
    """The command line as it was typed, or the task."""
    matched: int = 0
    succeeded: int = 0
    skipped: int = 0
    failed: int = 0
    cost: Decimal = Field(default=Decimal("0.00"), sa_type=Money)
    """Dollars, commission included, of all its parts."""
    error: str | None = Field(default=None, sa_type=Text)
    """The code of what ended it early, or why it was set aside."""
    left_at: datetime | None = Field(default=None, sa_type=UtcTime)
    """When it was last left, by the clock of leases, which is the real one and that of every host."""
    given: str | None = Field(default=None, max_length=64)
    """Of the arguments as they were given, without what the settings filled in: None where that is the identity."""
    account: str | None = Field(default=None, max_length=255)
    """Who did it: the user whose process it is, or who was signed in; None before that was kept."""
    outcome: str | None = Field(default=None, sa_type=Text)
    """Of a line that is closed: its result, in a short sentence."""
    experiments: list[str] | None = Field(default=None, sa_type=Json)
    """Of a line that is closed: the slugs of the experiments that it was about."""
    part_of: int | None = Field(default=None, index=True)
    """The line that a run is a part of."""
    form: str | None = Field(default=None, max_length=64, index=True, unique=True)
    """Of a line that a form began: the random id of the form, which begins one line only."""
    request: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """Of such a line: what was asked for, as ``{"act": name, "fields": {…}}``, so that it can be offered again."""

    @property
    def number(self) -> int:
        """Return the number of a stored run."""
        assert self.id is not None, "a stored run has its number"
        return self.id


RUNS = Run.__table__


@dataclass(frozen=True)
class Identity:
    """What a run is found by: the effective arguments, and the same as they were given.

    Attributes:
        effective: stands for the arguments with what the settings filled in.
        given: stands for the arguments without that. After a change of the settings the same words mean another
            thing, and other words the same: either makes the same command.
    """

    effective: str
    given: str


def insert(session: Session, run: Run) -> Run:
    """Store a new run; it has its number then."""
    add(session, run)
    return run


def insert_of_form(session: Session, line: Run) -> Run:
    """Store the line of a form, unless there is one already; return the one that is stored."""
    assert line.form is not None, "it is the line of a form"
    insert_ignoring(session, RUNS, ["form"], [line.checked(without="id")])
    found = of_form(session, line.form)
    assert found is not None, "it was inserted, here or by another process"
    return found


def of_form(session: Session, form: str) -> Run | None:
    """Return the line that a form began; None if it began none."""
    statement = select(Run).where(RUNS.c.form == form)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def begun_by_forms(session: Session, place: Place, since: datetime) -> list[Run]:
    """Return the lines that forms began since a time, the newest first."""
    begun = (RUNS.c.mode == place.mode, RUNS.c.form.is_not(None), RUNS.c.begun >= since)
    statement = select(Run).where(*begun).order_by(RUNS.c.id.desc())
    if place.market != ANY_MARKET:
        statement = statement.where(RUNS.c.market == place.market)
    return list(session.scalars(statement, execution_options={"populate_existing": True}))


def get(session: Session, number: int) -> Run | None:
    """Return the run of this number, read anew."""
    return by_number(session, [number]).get(number)


def standing(session: Session, place: Place, act: str, identity: Identity) -> list[Run]:
    """Return the runs of one identity that have not ended, newest first."""
    statement = select(Run).where(*_alike(place, act, identity), RUNS.c.state != ENDED).order_by(RUNS.c.id.desc())
    return list(session.scalars(statement, execution_options={"populate_existing": True}))


def newest(session: Session, place: Place, act: str, identity: Identity) -> Run | None:
    """Return the run of this identity that was begun last, in whatever state."""
    statement = select(Run).where(*_alike(place, act, identity)).order_by(RUNS.c.id.desc()).limit(1)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def ended_last(session: Session, place: Place, act: str, identity: Identity) -> Run | None:
    """Return the run of this identity that was ended last by the clock of leases; None if there is none.

    One that opened nothing, for want of money, say, did not carry the command out, and is left out.
    """
    opened = select(INTENTS.c.token).where(INTENTS.c.run == RUNS.c.id).exists()
    ended = (RUNS.c.state == ENDED, RUNS.c.left_at.is_not(None), opened)
    statement = select(Run).where(*_alike(place, act, identity), *ended).order_by(RUNS.c.left_at.desc()).limit(1)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def take_up(session: Session, run: Run, *, owner: str, host: str, pid: int) -> bool:
    """Make a process the owner of a run that another left; return False if another did so since ``run`` was read."""
    left = (RUNS.c.id == run.id, RUNS.c.state == run.state, RUNS.c.owner == run.owner)
    values = {"state": WORKING, "owner": owner, "host": host, "pid": pid, "ended": None, "error": None}
    return changed_one(session, update(RUNS).where(*left).values(**values))


def leave(session: Session, number: int, owner: str, state: str, values: Mapping[str, Any]) -> bool:
    """Set the state in which its owner leaves a run; return False if another process owns it now."""
    mine = update(RUNS).where(RUNS.c.id == number, RUNS.c.owner == owner, RUNS.c.state == WORKING)
    return changed_one(session, mine.values(state=state, **values))


def set_aside(session: Session, run: Run, now: datetime) -> bool:
    """End an incomplete run that will not be taken up; return False if another process took it up meanwhile."""
    left = (RUNS.c.id == run.id, RUNS.c.state == run.state, RUNS.c.owner == run.owner)
    return changed_one(session, update(RUNS).where(*left).values(state=ENDED, ended=now, error=SET_ASIDE))


def by_number(session: Session, numbers: Collection[int]) -> dict[int, Run]:
    """Return these runs, by number."""
    found: dict[int, Run] = {}
    for part in chunks([*numbers]):
        statement = select(Run).where(RUNS.c.id.in_(part))
        rows = session.scalars(statement, execution_options={"populate_existing": True})
        found.update({run.number: run for run in rows})
    return found


def unfinished(session: Session, place: Place) -> list[Run]:
    """Return the runs that have not ended and that the same command can take up, oldest first."""
    statement = select(Run).where(RUNS.c.mode == place.mode, RUNS.c.identity.is_not(None), RUNS.c.state != ENDED)
    if place.market != ANY_MARKET:
        statement = statement.where(RUNS.c.market == place.market)
    return list(session.scalars(statement.order_by(RUNS.c.id)))


def close_line(session: Session, number: int, values: Mapping[str, Any]) -> None:
    """End a line with its result."""
    session.connection().execute(update(RUNS).where(RUNS.c.id == number).values(state=ENDED, **values))


def is_open(session: Session, number: int, owner: str) -> bool:
    """Return whether this line or run is there, is this owner's, and has not ended."""
    statement = select(RUNS.c.id).where(RUNS.c.id == number, RUNS.c.owner == owner, RUNS.c.state == WORKING)
    return session.connection().execute(statement).first() is not None


@dataclass(frozen=True)
class LineFilter:
    """Which lines of the log; what is given is combined by "and".

    Attributes:
        mode: of this mode.
        other_than: of every mode but this one.
        since: begun at this time or later.
        until: begun before this time.
        words: that the act's name has.
        experiment: what the act was about, by its slug.
    """

    mode: str | None = None
    other_than: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: Collection[str] = ()
    experiment: str | None = None


def lines(session: Session, wanted: LineFilter, limit: int | None = None, offset: int = 0) -> Iterator[Run]:
    """Yield the lines of the log, newest first; ``offset`` leaves out the newest ones."""
    statement = select(Run).where(*_wanted(wanted)).order_by(RUNS.c.id.desc()).limit(limit).offset(offset or None)
    yield from session.scalars(statement, execution_options={"populate_existing": True, "yield_per": CHUNK})


def count_lines(session: Session, wanted: LineFilter) -> int:
    """Return the number of these lines."""
    statement = select(func.count()).select_from(RUNS).where(*_wanted(wanted))
    return int(session.connection().execute(statement).scalar_one())


def _wanted(wanted: LineFilter) -> list[ColumnElement[bool]]:
    of_acts = literal(" ").concat(RUNS.c.act).concat(" ")
    found: list[ColumnElement[bool]] = [RUNS.c.part_of.is_(None)]
    found += [of_acts.contains(f" {word} ", autoescape=True) for word in wanted.words]
    if wanted.mode is not None:
        found.append(RUNS.c.mode == wanted.mode)
    if wanted.other_than is not None:
        found.append(RUNS.c.mode != wanted.other_than)
    if wanted.since is not None:
        found.append(RUNS.c.begun >= wanted.since)
    if wanted.until is not None:
        found.append(RUNS.c.begun < wanted.until)
    if wanted.experiment is not None:  # slugs have no quotes, so that one is never found inside another
        found.append(type_coerce(RUNS.c.experiments, Text).contains(f'"{wanted.experiment}"', autoescape=True))
    return found


def parts(session: Session, line: int) -> list[Run]:
    """Return the runs that are parts of a line, in the order in which they were begun."""
    return list(session.scalars(select(Run).where(RUNS.c.part_of == line).order_by(RUNS.c.id)))


def _alike(place: Place, act: str, identity: Identity) -> tuple[Any, ...]:
    # Runs of older versions have what was given as their identity.
    same = or_(RUNS.c.identity.in_([identity.effective, identity.given]), RUNS.c.given == identity.given)
    return RUNS.c.mode == place.mode, RUNS.c.market == place.market, RUNS.c.act == act, same
