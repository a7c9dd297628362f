"""Hold leases, one row per name: only the holder may do what the lease is named after.

A lease that another process held is taken over with a higher epoch each time.

Leases use the real clock, never a market's: the server's own on PostgreSQL, so that hosts need not agree, the
machine's on SQLite, whose file is on one machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlmodel import Field, Session

from turkctl.store.base import TurkctlTable, changed_one, chunks, insert_ignoring
from turkctl.store.types import UtcTime

SCHEDULER = "scheduler"
"""The name of the lease of the one process that runs tasks."""
DASHBOARD = "dashboard"
"""The first word of the names of the leases of processes that serve the dashboard; several may."""
LASTS = timedelta(seconds=90)
"""How long a lease holds without being renewed: longer than any one request, and several renewals."""


class LeaseRow(TurkctlTable, table=True):
    """The current or last holder of a lease. ``owner`` is None if it was given back."""

    __tablename__ = "turkctl_lease"

    name: str = Field(primary_key=True, max_length=32)
    owner: str | None = Field(default=None, max_length=64)
    """Random, made by the process that holds it."""
    host: str = Field(max_length=255)
    pid: int
    boot_id: str | None = Field(default=None, max_length=64)
    pid_namespace: str | None = Field(default=None, max_length=64)
    started: str | None = Field(default=None, max_length=32)
    """When the process started, by its system's count: distinguishes a later process with the same pid."""
    epoch: int
    since: datetime = Field(sa_type=UtcTime)
    heartbeat: datetime = Field(sa_type=UtcTime)
    expires: datetime = Field(sa_type=UtcTime)


LEASES = LeaseRow.__table__

Clock = Callable[[Session], datetime]
"""Returns the time that leases go by."""


@dataclass(frozen=True)
class Claimant:
    """The process that asks for a lease; those of the same boot id and pid namespace know each other's pids."""

    owner: str
    host: str
    pid: int
    boot_id: str | None
    pid_namespace: str | None
    started: str | None = None


@dataclass(frozen=True)
class LeaseGrant:
    """Proof of an acquired lease."""

    owner: str
    epoch: int
    name: str = SCHEDULER


def of_run(number: int) -> str:
    """Return the name of the lease of a run."""
    return f"run {number}"


def of_dashboard(owner: str) -> str:
    """Return the name of the lease of a process that serves the dashboard."""
    return f"{DASHBOARD} {owner[:16]}"


def of_line(number: int) -> str:
    """Return the name of the lease of a line that a form began."""
    return f"line {number}"


def of_round(campaign: int) -> str:
    """Return the name of the lease of a campaign's round: one is run at a time."""
    return f"round {campaign}"


def of_labels(experiment_id: int, mode: str) -> str:
    """Return the name of the lease of an aggregation of an experiment's labels in one mode."""
    return f"labels {experiment_id} {mode}"


def machine_clock(session: Session) -> datetime:
    """Return the time of the PostgreSQL server, or of this machine for SQLite."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)
    return datetime.now(UTC)


def holder(session: Session, now: datetime, name: str = SCHEDULER) -> LeaseRow | None:
    """Return the holder of the lease at this time."""
    row = _row(session, name)
    return row if row is not None and row.owner is not None and row.expires > now else None


def holders(session: Session, now: datetime, names: Sequence[str]) -> dict[str, LeaseRow]:
    """Return the holders of those of these leases that are held at this time, by name."""
    held = (LEASES.c.owner.is_not(None), LEASES.c.expires > now)
    parts = (select(LeaseRow).where(LEASES.c.name.in_(part), *held) for part in chunks(names))
    return {row.name: row for part in parts for row in session.scalars(part)}


def all_held(session: Session, now: datetime) -> list[LeaseRow]:
    """Return the holders of all leases that are held at this time."""
    held = (LEASES.c.owner.is_not(None), LEASES.c.expires > now)
    return list(session.scalars(select(LeaseRow).where(*held).order_by(LEASES.c.name)))


def forget_dashboards(session: Session, now: datetime) -> None:
    """Delete the leases of dashboards that ended without giving theirs back."""
    over = (LEASES.c.name.startswith(f"{DASHBOARD} ", autoescape=True), LEASES.c.expires <= now)
    session.connection().execute(delete(LEASES).where(*over))


def acquire(
    session: Session,
    claimant: Claimant,
    now: datetime,
    is_dead: Callable[[LeaseRow], bool],
    name: str = SCHEDULER,
) -> LeaseGrant | LeaseRow:
    """Take the lease if it is free, has expired, or its holder is proven dead.

    Returns:
        The grant, with an epoch above all before it; or the row of the current holder.
    """
    row = _row(session, name)
    if row is None:
        fresh = {**_values(claimant, now), "name": name, "epoch": 0}
        insert_ignoring(session, LEASES, ["name"], [fresh])
        row = _row(session, name)
        assert row is not None
        in_the_way = row.epoch != 0
    else:
        in_the_way = row.owner is not None and row.expires > now and not is_dead(row)
    if in_the_way:
        return row
    epoch = row.epoch + 1
    taken = update(LEASES).where(LEASES.c.name == name, LEASES.c.epoch == row.epoch)
    if changed_one(session, taken.values(**_values(claimant, now), epoch=epoch)):
        return LeaseGrant(claimant.owner, epoch, name)
    current = _row(session, name)
    assert current is not None
    return current


def renew(session: Session, grant: LeaseGrant, now: datetime) -> bool:
    """Renew the lease; return False if it expired or another holds it: then do nothing more under it."""
    mine = update(LEASES).where(*_mine(grant), LEASES.c.expires > now)
    return changed_one(session, mine.values(heartbeat=now, expires=now + LASTS))


def release(session: Session, grant: LeaseGrant, now: datetime) -> bool:
    """Give the lease back; return False if it was no longer ours."""
    return changed_one(session, update(LEASES).where(*_mine(grant)).values(owner=None, expires=now))


def drop(session: Session, grant: LeaseGrant) -> None:
    """Delete the row of a lease whose name will not be used again."""
    session.connection().execute(delete(LEASES).where(*_mine(grant)))


def _mine(grant: LeaseGrant) -> tuple[ColumnElement[bool], ...]:
    return LEASES.c.name == grant.name, LEASES.c.owner == grant.owner, LEASES.c.epoch == grant.epoch


def _values(claimant: Claimant, now: datetime) -> dict[str, object]:
    return {
        "owner": claimant.owner,
        "host": claimant.host,
        "pid": claimant.pid,
        "boot_id": claimant.boot_id,
        "pid_namespace": claimant.pid_namespace,
        "started": claimant.started,
        "since": now,
        "heartbeat": now,
        "expires": now + LASTS,
    }


def _row(session: Session, name: str) -> LeaseRow | None:
    statement = select(LeaseRow).where(LEASES.c.name == name)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
