from __future__ import annotations

from datetime import timedelta

from rows import HOUR, NOW

from turkctl.store import sign_ins
from turkctl.store.engine import Database

MINUTE = timedelta(minutes=1)


def count(database: Database, table: object) -> int:
    with database.read() as session:
        return len(session.connection().execute(table.select()).all())  # type: ignore[attr-defined]


def test_failures_are_found_by_name_and_address_the_newest_first(database: Database) -> None:
    with database.write() as session:
        for minutes, name, address in [(3, "ann", "x"), (1, "ann", "x"), (2, "ann", "y"), (0, "bob", "x")]:
            sign_ins.note_failure(session, name, address, NOW + minutes * MINUTE)
    with database.read() as session:
        since = NOW - MINUTE

        def nth(number: int, **by: str) -> timedelta | None:
            at = sign_ins.nth_failure(session, number, since, **by)
            return None if at is None else at - NOW

        assert [nth(number, name="ann", address="x") for number in (1, 2, 3)] == [3 * MINUTE, MINUTE, None]
        assert [nth(number, name="ann") for number in (1, 2, 3, 4)] == [3 * MINUTE, 2 * MINUTE, MINUTE, None]
        assert [nth(number, address="x") for number in (2, 3, 4)] == [MINUTE, 0 * MINUTE, None]
        since = NOW + MINUTE
        assert nth(2, name="ann", address="x") is None, "one at that time is too old"


def test_a_success_takes_the_place_of_the_failures_of_its_name_and_address(database: Database) -> None:
    with database.write() as session:
        for name, address in [("ann", "x"), ("ann", "y"), ("bob", "x")]:
            sign_ins.note_failure(session, name, address, NOW)
        for _ in range(2):
            sign_ins.note_success(session, "ann", "x", NOW)
    since = NOW - HOUR
    with database.read() as session:
        assert sign_ins.nth_failure(session, 1, since, name="ann", address="x") is None
        assert sign_ins.nth_failure(session, 1, since, name="ann", address="y") == NOW
        assert sign_ins.nth_failure(session, 1, since, name="bob", address="x") == NOW
        assert sign_ins.has_succeeded(session, since, "ann", "x")
        assert not sign_ins.has_succeeded(session, NOW, "ann", "x")
        assert not sign_ins.has_succeeded(session, since, "ann", "y")
    assert count(database, sign_ins.ATTEMPTS) == 3


def test_what_is_old_is_removed(database: Database) -> None:
    with database.write() as session:
        sign_ins.note_success(session, "old", "x", NOW - 2 * HOUR)
        sign_ins.note_success(session, "known", "x", NOW - HOUR)
        sign_ins.note_failure(session, "old", "x", NOW - HOUR)
        sign_ins.note_failure(session, "new", "x", NOW)
        sign_ins.end_session(session, "over", NOW)
        sign_ins.end_session(session, "remembered", NOW + MINUTE)
        sign_ins.forget(session, NOW, NOW - HOUR, NOW - 2 * HOUR)
    assert count(database, sign_ins.ATTEMPTS) == 2
    assert count(database, sign_ins.ENDED) == 1


def test_an_ended_session_is_ended_until_it_would_end_by_itself(database: Database) -> None:
    for _ in range(2):
        with database.write() as session:
            sign_ins.end_session(session, "a", NOW)
    with database.read() as session:
        assert sign_ins.is_ended(session, "a", NOW - MINUTE)
        assert not sign_ins.is_ended(session, "a", NOW)
        assert not sign_ins.is_ended(session, "b", NOW - MINUTE)
