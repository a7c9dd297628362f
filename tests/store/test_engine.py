from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from databases import new_database
from rows import make_hit
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from turkctl.errors import ConfigError, DatabaseReplacedError, DatabaseUnreachableError, SchemaError, UsageError
from turkctl.store import failures, hits, meta, schema
from turkctl.store.engine import Database, connect


def _number(database: Database) -> int:
    with database.read() as session:
        return int(session.connection().execute(text("SELECT n FROM counter")).scalar_one())


@pytest.fixture
def counter(empty: Database) -> Database:
    with empty.write() as session:
        session.connection().execute(text("CREATE TABLE counter (n INTEGER)"))
        session.connection().execute(text("INSERT INTO counter VALUES (0)"))
    return empty


def test_what_a_write_block_did_is_kept_when_it_ends(counter: Database) -> None:
    with counter.write() as session:
        session.connection().execute(text("UPDATE counter SET n = 7"))
    assert _number(counter) == 7


def test_nothing_of_a_write_block_that_raises_is_kept(counter: Database) -> None:
    def change_and_fail() -> None:
        with counter.write() as session:
            session.connection().execute(text("UPDATE counter SET n = 7"))
            raise LookupError

    with pytest.raises(LookupError):
        change_and_fail()
    assert _number(counter) == 0


def test_a_reading_session_cannot_write(counter: Database) -> None:
    with pytest.raises(DatabaseUnreachableError, match="cannot be written"), counter.read() as session:
        session.connection().execute(text("UPDATE counter SET n = 7"))
    assert _number(counter) == 0
    with counter.write() as session:  # the same pooled connection writes again
        session.connection().execute(text("UPDATE counter SET n = 8"))
    assert _number(counter) == 8


def test_a_reading_session_sees_one_snapshot_while_others_write(counter: Database) -> None:
    with counter.read() as session:
        before = session.connection().execute(text("SELECT n FROM counter")).scalar()
        with counter.write() as other:
            other.connection().execute(text("UPDATE counter SET n = 7"))
        assert session.connection().execute(text("SELECT n FROM counter")).scalar() == before
    assert _number(counter) == 7


def test_four_threads_that_read_then_write_lose_no_update(counter: Database) -> None:
    def add() -> None:
        for _ in range(25):
            with counter.write() as session:
                connection = session.connection()
                found = connection.execute(text("SELECT n FROM counter")).scalar_one()
                connection.execute(text("UPDATE counter SET n = :n"), {"n": found + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _number(counter) == 100


def test_a_writer_that_waits_too_long_for_another_is_told_so(
    counter: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turkctl.store.engine.WAIT_MS", 50)
    hurried = connect(counter.url.render_as_string(hide_password=False))
    try:
        with counter.write() as session:
            session.connection()
            with pytest.raises(DatabaseUnreachableError, match=r"locked|busy") as caught, hurried.write() as other:
                other.connection()
        assert caught.value.hint is not None
        assert "try again" in caught.value.hint
    finally:
        hurried.close()


def test_the_first_look_at_a_file_that_others_write_to_asks_as_often_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE counter AS SELECT 7 AS n")
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr("turkctl.store.engine.time.sleep", lambda _seconds: other.execute("COMMIT"))
        database = connect(f"sqlite:///{tmp_path / 'theirs.db'}")
        assert _number(database) == 7
        database.close()


def test_a_missing_table_is_an_error_of_the_schema(empty: Database) -> None:
    with pytest.raises(SchemaError, match=r"lacks a table: .*absent") as caught, empty.read() as session:
        session.connection().execute(text("SELECT * FROM absent"))
    assert caught.value.hint == "run: turkctl db upgrade"


def test_our_mistakes_in_sql_are_not_taken_for_an_unreachable_database(empty: Database) -> None:
    with pytest.raises(DBAPIError), empty.read() as session:
        session.connection().execute(text("SELEKT 1"))


def test_bytes_of_the_command_line_that_are_no_text_are_a_wrong_value(empty: Database) -> None:
    with pytest.raises(UsageError, match="is not text that a database can hold"), empty.read() as session:
        session.connection().execute(text("SELECT :word"), {"word": os.fsdecode(b"A\xff")})


@pytest.mark.parametrize("prefix", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgres_addresses_of_any_spelling_use_psycopg_3(prefix: str) -> None:
    database = connect(f"{prefix}://lab@127.0.0.1/study")
    assert database.engine.driver == "psycopg"
    assert database.dialect == "postgresql"


def test_passwords_are_never_shown() -> None:
    database = connect("postgresql://lab:s3cret@127.0.0.1:1/study?sslpassword=hidden&application_name=x")
    assert (
        database.url_for_people == "postgresql+psycopg://lab:***@127.0.0.1:1/study?application_name=x&sslpassword=***"
    )
    with pytest.raises(DatabaseUnreachableError) as caught, database.read() as session:
        session.connection()
    said = f"{caught.value.message} {caught.value.hint}"
    assert "127.0.0.1" in said
    assert "\n" not in said
    assert "s3cret" not in said
    assert "hidden" not in said


@pytest.mark.parametrize("bad", ["", "turkctl.db", "postgresql://lab:s3cret@host:port:1/x", "postgresql://h:s3cret/x"])
def test_an_address_that_is_none_is_bad_configuration_and_is_not_repeated(bad: str) -> None:
    with pytest.raises(ConfigError) as caught:
        connect(bad)
    assert "s3cret" not in str(caught.value.message) + str(caught.value.hint)


@pytest.mark.parametrize("memory", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(memory: str) -> None:
    with pytest.raises(ConfigError, match="in memory"):
        connect(memory)


@pytest.mark.parametrize("address", ["mysql+nodriver://h/x", "nosuchdatabase://h/x", "postgresql+pg8000://h/x"])
def test_a_missing_driver_is_named_with_what_to_install(address: str) -> None:
    with pytest.raises(DatabaseUnreachableError, match="driver") as caught:
        connect(address)
    assert caught.value.hint is not None
    assert ("turkctl[postgres]" in caught.value.hint) == address.startswith("postgresql")


def test_a_file_of_ours_gets_a_write_ahead_log_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "turkctl.db"
    database = connect(f"sqlite:///{path}")
    schema.ensure(database)
    database.close()
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_somebody_elses_file_keeps_its_journal_mode(tmp_path: Path) -> None:
    path = tmp_path / "participants.db"
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("CREATE TABLE assignments (uniqueid TEXT)")
        plain.commit()
    database = connect(f"sqlite:///{path}")
    schema.upgrade(database)
    with database.write() as session:
        session.connection()
    database.close()
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as session:
        hits.insert(session, make_hit("H1", experiment_id=4711))


def _unwritable(tmp_path: Path) -> Path:
    if os.geteuid() == 0:  # permissions don't stop root; the kernel's own folder does
        return Path("/proc")
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    return folder


@pytest.mark.parametrize("case", ["folder missing", "is a folder", "not writable", "not a database"])
def test_a_file_that_cannot_be_used_is_one_line_with_a_hint(tmp_path: Path, case: str) -> None:
    path = {
        "folder missing": tmp_path / "nowhere" / "turkctl.db",
        "is a folder": tmp_path,
        "not writable": _unwritable(tmp_path) / "turkctl.db",
        "not a database": tmp_path / "notes.txt",
    }[case]
    (tmp_path / "notes.txt").write_text("This is no database, but it is long enough to look at. " * 40)
    database = connect(f"sqlite:///{path}")
    with pytest.raises(DatabaseUnreachableError) as caught:
        schema.ensure(database)
    database.close()
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_file_that_may_only_be_read_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "participants.db"
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("CREATE TABLE counter (n INTEGER)")
        plain.execute("INSERT INTO counter VALUES (3)")
        plain.commit()
    database = connect(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert _number(database) == 3
    with pytest.raises(DatabaseUnreachableError, match="cannot be written"), database.write() as session:
        session.connection().execute(text("UPDATE counter SET n = 4"))
    database.close()


def test_a_server_without_that_database_is_unreachable(tmp_path: Path) -> None:
    with new_database("postgres", tmp_path) as address:
        database = connect(f"{address}_not")
        with pytest.raises(DatabaseUnreachableError, match="does not exist"):
            schema.ensure(database)
        database.close()


def test_a_server_that_does_not_let_the_user_make_tables_is_one_line_with_a_hint(tmp_path: Path) -> None:
    role = f"turkctl_test_{secrets.token_hex(6)}"
    with new_database("postgres", tmp_path) as address:
        server = create_engine(address, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
            connection.execute(text(f"CREATE ROLE {role} LOGIN"))
            database = connect(make_url(address).set(username=role).render_as_string(hide_password=False))
            try:
                with pytest.raises(DatabaseUnreachableError, match="permission denied") as caught:
                    schema.ensure(database)
            finally:
                database.close()
                connection.execute(text(f"DROP ROLE {role}"))
        server.dispose()
    assert "\n" not in caught.value.message
    assert caught.value.hint is not None
    assert "a database of its own" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("disk I/O error", "disk I/O error"),
        ("database or disk is full", "the disk is full"),
        ("database disk image is malformed", "is damaged"),
        ("database table is locked: x", "is locked by another program"),
    ],
)
def test_what_sqlite_says_of_a_broken_disk_is_put_plainly(said: str, shown: str) -> None:
    url = make_url("sqlite:///turkctl.db")
    error = failures.translated(OperationalError("SELECT 1", {}, sqlite3.OperationalError(said)), url)
    assert isinstance(error, DatabaseUnreachableError)
    assert shown in error.message
    assert error.hint


def test_running_out_of_connections_says_so() -> None:
    error = failures.translated(PoolTimeoutError(), make_url("postgresql+psycopg://lab:s3cret@host/x"))
    assert isinstance(error, DatabaseUnreachableError)
    assert "in use" in error.message
    assert "s3cret" not in error.message


@pytest.mark.parametrize("put_back", [False, True])
def test_a_file_that_is_replaced_while_it_is_used_is_used_no_more(tmp_path: Path, put_back: bool) -> None:
    with new_database("sqlite", tmp_path) as url:
        database = connect(url)
        schema.ensure(database)
        (tmp_path / "copy.db").write_bytes((tmp_path / "turkctl.db").read_bytes())
        (tmp_path / "turkctl.db").unlink()
        if put_back:
            (tmp_path / "copy.db").rename(tmp_path / "turkctl.db")
        before = (tmp_path / "turkctl.db").read_bytes() if put_back else None
        for session in (database.read, database.write):
            with pytest.raises(DatabaseReplacedError, match="was replaced" if put_back else "was removed"), session():
                pass
        database.close()
        assert ((tmp_path / "turkctl.db").read_bytes() if put_back else None) == before
        assert (tmp_path / "turkctl.db").exists() == put_back


def test_eight_processes_that_make_a_database_at_once_get_one(tmp_path: Path) -> None:
    with new_database("sqlite", tmp_path) as url:
        made = [connect(url) for _ in range(8)]
        threads = [threading.Thread(target=schema.ensure, args=(each,)) for each in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ids = set()
        for each in made:
            with each.read() as session:
                ids.add(meta.database_id(session))
            each.close()
        assert len(ids) == 1
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".turkctl")] == []
