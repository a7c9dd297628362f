from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from rows import HOUR, NOW

from turkctl.store import leases
from turkctl.store.engine import Database
from turkctl.store.leases import LASTS, Claimant, LeaseGrant, LeaseRow

SECOND = timedelta(seconds=1)


def claimant(owner: str, pid: int = 4711) -> Claimant:
    return Claimant(owner, "lab-server", pid, "boot-1", "pid:[1]", "12345")


def _acquire(database: Database, owner: str, now: datetime, *, dead: bool = False) -> LeaseGrant | LeaseRow:
    with database.write() as session:
        return leases.acquire(session, claimant(owner), now, lambda _row: dead)


def _granted(database: Database, owner: str, now: datetime) -> LeaseGrant:
    grant = _acquire(database, owner, now)
    assert isinstance(grant, LeaseGrant)
    return grant


def _renew(database: Database, grant: LeaseGrant, now: datetime) -> bool:
    with database.write() as session:
        return leases.renew(session, grant, now)


def _holder(database: Database, now: datetime) -> str | None:
    with database.read() as session:
        row = leases.holder(session, now)
    return None if row is None else row.owner


def test_the_first_gets_the_lease_and_the_second_is_told_who_has_it(database: Database) -> None:
    assert _granted(database, "a", NOW) == LeaseGrant("a", 1)
    found = _acquire(database, "b", NOW + SECOND)
    assert isinstance(found, LeaseRow)
    assert (found.owner, found.host, found.pid, found.since) == ("a", "lab-server", 4711, NOW)
    assert found.expires == NOW + LASTS


def test_a_lease_that_ran_out_goes_to_the_next_with_a_higher_epoch(database: Database) -> None:
    old = _granted(database, "a", NOW)
    assert isinstance(_acquire(database, "b", NOW + LASTS - SECOND), LeaseRow)
    assert _acquire(database, "b", NOW + LASTS) == LeaseGrant("b", 2)
    assert not _renew(database, old, NOW + LASTS)
    assert _holder(database, NOW + LASTS) == "b"


def test_a_renewed_lease_holds_on(database: Database) -> None:
    grant = _granted(database, "a", NOW)
    assert _renew(database, grant, NOW + LASTS - SECOND)
    assert isinstance(_acquire(database, "b", NOW + LASTS + SECOND), LeaseRow)


def test_a_lease_that_ran_out_cannot_be_renewed_even_if_nobody_took_it(database: Database) -> None:
    grant = _granted(database, "a", NOW)
    assert not _renew(database, grant, NOW + LASTS)
    assert _acquire(database, "a", NOW + LASTS) == LeaseGrant("a", 2)
    assert not _renew(database, grant, NOW + LASTS), "of an epoch that is over"


def test_the_lease_of_a_holder_proven_dead_is_free_at_once(database: Database) -> None:
    _granted(database, "a", NOW)
    assert _acquire(database, "b", NOW + SECOND, dead=True) == LeaseGrant("b", 2)


def test_a_lease_given_back_is_free_and_keeps_counting_epochs(database: Database) -> None:
    grant = _granted(database, "a", NOW)
    with database.write() as session:
        assert leases.release(session, grant, NOW + SECOND)
        assert not leases.release(session, grant, NOW + SECOND)
    assert _holder(database, NOW + SECOND) is None
    assert not _renew(database, grant, NOW + SECOND)
    assert _acquire(database, "b", NOW + SECOND) == LeaseGrant("b", 2)


def test_what_a_successor_holds_cannot_be_given_back(database: Database) -> None:
    old = _granted(database, "a", NOW)
    _acquire(database, "b", NOW + HOUR)
    with database.write() as session:
        assert not leases.release(session, old, NOW + HOUR)
    assert _holder(database, NOW + HOUR) == "b"


def test_of_eight_that_ask_at_once_on_an_empty_table_one_gets_it(database: Database) -> None:
    found: list[LeaseGrant | LeaseRow] = []
    threads = [
        threading.Thread(target=lambda owner=f"p{n}": found.append(_acquire(database, owner, NOW))) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    grants = [each for each in found if isinstance(each, LeaseGrant)]
    assert len(found) == 8
    assert len(grants) == 1
    assert {each.owner for each in found} == {grants[0].owner}


def test_the_machines_clock_is_aware_and_goes_on(database: Database) -> None:
    with database.read() as session:
        first, second = leases.machine_clock(session), leases.machine_clock(session)
    assert first.tzinfo is UTC
    assert first <= second
