"""Attempts to sign in, and ended sessions, on each kind of database and where turkctl keeps nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databases import new_database
from sqlalchemy import text

from turkctl.attempt_limits import PER_ADDRESS, PER_NAME, PER_PAIR, WINDOW
from turkctl.context import Context
from turkctl.operations import sign_ins
from turkctl.operations.sign_ins import SignIns
from turkctl.settings import load
from turkctl.store import participants, schema
from turkctl.store.engine import connect

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HERE, THERE = "192.0.2.7", "198.51.100.8"
KEEPING = ("sqlite", "postgres")
FORGETFUL = ("psiturk", "read-only", "mysql")

Process = Callable[[], SignIns]


@pytest.fixture(params=[*KEEPING, *FORGETFUL])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Process]:
    """What begins another process that serves the dashboard of one study."""
    (tmp_path / "turkctl.toml").write_text("")
    kind = "postgres" if request.param == "postgres" else "sqlite"
    with new_database(kind, tmp_path) as made:
        url = _spoilt(request.param, made, tmp_path)
        contexts: list[Context] = []

        def begin() -> SignIns:
            contexts.append(Context(load({"database_url": url}, {}, tmp_path)))
            return SignIns(contexts[-1])

        yield begin
        for context in contexts:
            context.close()


def _spoilt(kind: str, url: str, folder: Path) -> str:
    """The address under which turkctl cannot keep anything, if the kind says so."""
    if kind == "mysql":
        return "mysql+pymysql://nobody@127.0.0.1:9/nothing"
    with closing(connect(url)) as database:
        if kind == "psiturk":
            with database.write() as session:
                participants.participants_table("assignments").create(session.connection())
        else:
            schema.ensure(database)
    return f"sqlite:///file:{folder / 'turkctl.db'}?mode=ro&uri=true" if kind == "read-only" else url


@pytest.fixture
def signs(process: Process) -> SignIns:
    return process()


def fail(signs: SignIns, times: int, name: str = "ann", address: str = HERE, at: datetime = NOW) -> None:
    for _ in range(times):
        assert signs.wait(name, address, at) is None, "an attempt is made only if it is allowed"
        signs.failed(name, address, at)


def test_after_five_failures_a_name_waits_at_that_address_only(signs: SignIns) -> None:
    fail(signs, PER_PAIR)
    assert signs.wait("ann", HERE, NOW + SECOND) == WINDOW - SECOND
    assert signs.wait("ann", THERE, NOW) is None
    assert signs.wait("bob", HERE, NOW) is None
    assert signs.wait("ann", HERE, NOW + WINDOW) is None


def test_the_window_moves_with_the_failures(signs: SignIns) -> None:
    fail(signs, 1)
    fail(signs, PER_PAIR - 1, at=NOW + 600 * SECOND)
    assert signs.wait("ann", HERE, NOW + 700 * SECOND) == WINDOW - 700 * SECOND
    fail(signs, 1, at=NOW + WINDOW)
    assert signs.wait("ann", HERE, NOW + WINDOW) == 600 * SECOND


def test_of_too_many_failures_the_newest_five_count(signs: SignIns) -> None:
    for number in range(PER_PAIR + 2):  # threads that asked at the same time were all let through
        signs.failed("ann", HERE, NOW + number * SECOND)
    assert signs.wait("ann", HERE, NOW + 6 * SECOND) == WINDOW - 4 * SECOND


def test_a_success_forgets_the_failures_of_that_name_there(signs: SignIns) -> None:
    fail(signs, PER_PAIR - 1)
    fail(signs, PER_PAIR - 1, "bob")
    signs.succeeded("ann", HERE, NOW)
    fail(signs, PER_PAIR)
    fail(signs, 1, "bob")
    assert signs.wait("bob", HERE, NOW) is not None


def test_who_tries_many_names_waits_and_those_known_at_the_address_do_not(signs: SignIns) -> None:
    signs.succeeded("ann", HERE, NOW)
    for number in range(PER_ADDRESS):
        fail(signs, 1, f"name {number}")
    assert signs.wait("another", HERE, NOW) == WINDOW
    assert signs.wait("another", THERE, NOW) is None
    assert signs.wait("ann", HERE, NOW) is None, "a laboratory behind one address is not locked out"


def test_nobody_can_lock_a_name_out_from_where_it_is_known(signs: SignIns) -> None:
    signs.succeeded("ann", HERE, NOW)
    for number in range(PER_NAME):
        fail(signs, 1, address=f"198.51.100.{number}")
    assert signs.wait("ann", THERE, NOW) is not None
    assert signs.wait("ann", HERE, NOW) is None
    assert signs.wait("ann", HERE, NOW + sign_ins.KNOWN_FOR) is None, "by then the failures are too old as well"
    fail(signs, PER_PAIR)
    assert signs.wait("ann", HERE, NOW) is not None, "its own failures there count"


def test_all_addresses_of_a_network_are_one(signs: SignIns) -> None:
    fail(signs, PER_PAIR, address="2001:db8:1:2::1")
    assert signs.wait("ann", "2001:db8:1:2:ffff::9", NOW) is not None
    assert signs.wait("ann", "2001:db8:1:3::1", NOW) is None
    fail(signs, PER_PAIR, "bob", "::ffff:192.0.2.9")
    assert signs.wait("bob", "192.0.2.9", NOW) is not None
    fail(signs, PER_PAIR, "bob", "no address")
    assert signs.wait("bob", "no address", NOW) is not None


def test_an_ended_session_stays_so_until_it_would_end_by_itself(signs: SignIns) -> None:
    signs.end_session("token", NOW + SECOND)
    assert signs.is_ended("token", NOW)
    assert not signs.is_ended("other", NOW)
    assert not signs.is_ended("token", NOW + SECOND)


@pytest.mark.parametrize("process", KEEPING, indirect=True)
def test_processes_share_what_they_know(process: Process) -> None:
    one, other = process(), process()
    fail(one, 3)
    fail(other, 2)
    one.end_session("token", NOW + SECOND)
    assert one.wait("ann", HERE, NOW) is not None
    assert other.is_ended("token", NOW)
    assert not one._memory.attempts
    assert not one._memory.ended


@pytest.mark.parametrize("process", KEEPING, indirect=True)
def test_neither_names_nor_tokens_are_in_the_database_and_what_is_old_goes(process: Process) -> None:
    signs = process()
    signs.failed("secret typed as a name", HERE, NOW)
    signs.end_session("token", NOW + SECOND)
    assert _rows(signs) == (1, 1)
    assert all(len(value) == 64 for value in _texts(signs))
    signs.failed("ann", HERE, NOW + WINDOW)
    assert _rows(signs) == (1, 0)
    signs.succeeded("ann", HERE, NOW + WINDOW)
    signs.failed("bob", HERE, NOW + 2 * WINDOW)
    assert _rows(signs) == (2, 0), "who is known is remembered for longer"
    signs.failed("bob", HERE, NOW + 2 * WINDOW + sign_ins.KNOWN_FOR)
    assert _rows(signs) == (1, 0)


def _rows(signs: SignIns) -> tuple[int, ...]:
    with signs._world.database.read() as session:
        tables = ("turkctl_sign_in_attempt", "turkctl_ended_session")
        return tuple(
            session.connection().execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables
        )


def _texts(signs: SignIns) -> list[str]:
    statement = "SELECT name FROM turkctl_sign_in_attempt UNION SELECT address FROM turkctl_sign_in_attempt"
    with signs._world.database.read() as session:
        found = session.connection().execute(text(f"{statement} UNION SELECT token FROM turkctl_ended_session"))
        return [value for (value,) in found]


@pytest.mark.parametrize("process", ["psiturk"], indirect=True)
def test_what_is_kept_in_memory_is_bounded(process: Process) -> None:
    memory = process()._memory
    for number in range(sign_ins.MOST + 5):
        memory.note_failure(f"name {number}", HERE, NOW)
        memory.end_session(f"token {number}", NOW + number * SECOND)
    assert (len(memory.attempts), len(memory.ended)) == (sign_ins.MOST, sign_ins.MOST)
    assert memory.attempts[0].name == "name 5"
    assert not memory.is_ended("token 4", NOW)
    assert memory.is_ended("token 5", NOW)


def test_no_failure_of_many_threads_is_lost(signs: SignIns) -> None:
    assert signs.wait("ann", HERE, NOW) is None
    together = threading.Barrier(PER_PAIR, timeout=20)

    def attempt() -> None:
        together.wait()
        signs.failed("ann", HERE, NOW)

    threads = [threading.Thread(target=attempt) for _ in range(PER_PAIR)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert signs.wait("ann", HERE, NOW) == WINDOW


@pytest.mark.parametrize("process", ["psiturk"], indirect=True)
def test_once_turkctl_has_its_tables_they_are_used(process: Process) -> None:
    one = process()
    fail(one, PER_PAIR)
    schema.upgrade(one._world.bare_database)  # type: ignore[attr-defined]
    other = process()
    assert one.wait("ann", HERE, NOW) is not None
    fail(one, PER_PAIR, "bob")
    assert other.wait("bob", HERE, NOW) is not None
