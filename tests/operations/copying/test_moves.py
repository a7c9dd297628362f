"""A study and its market move between databases: whole, and at every moment at most one of two acts."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from databases import new_database
from sqlalchemy import inspect, text

from turkctl.copying import marks
from turkctl.copying.marks import MarkedError
from turkctl.errors import RefusedError, TurkctlError, UsageError
from turkctl.market.moves import MarketContents
from turkctl.market.service import Market, Requester
from turkctl.operations.copying import AtWorkError, CopyProgress, TargetHasDataError, move, parts_of
from turkctl.operations.intents.lease import Keeper
from turkctl.store import hits, leases, participants, schema
from turkctl.store.base import add
from turkctl.store.engine import Database, connect
from turkctl.store.experiments import Experiment
from turkctl.store.hits import Hit
from turkctl.store.meta import database_id
from turkctl.store.moves import StudyContents

NOW = "2026-11-30T12:00:00Z"
ASKER = Requester("123456789012", "production")
BEGAN = datetime.fromisoformat("2026-11-01T12:00:00.250")  # psiTurk's times have no zone
PAIRS = [("sqlite", "sqlite"), ("sqlite", "postgres"), ("postgres", "sqlite"), ("postgres", "postgres")]
PSITURKS = (
    "CREATE TABLE amt_hit (hitid VARCHAR(128) NOT NULL PRIMARY KEY)",
    "CREATE TABLE campaign (id INTEGER PRIMARY KEY, codeversion VARCHAR(128), is_active BOOLEAN, created TIMESTAMP)",
    "CREATE TABLE apscheduler_jobs (id VARCHAR(191) NOT NULL PRIMARY KEY, next_run_time FLOAT, job_state {bytes})",
    "CREATE INDEX ix_jobs ON apscheduler_jobs (next_run_time)",
    "INSERT INTO amt_hit VALUES ('3HIT')",
    "INSERT INTO campaign VALUES (7, '1.0', {true}, '2026-11-01 10:00:00.000000')",
    "ALTER TABLE assignments ADD COLUMN ours VARCHAR(20)",
)


@dataclass(frozen=True)
class Places:
    """The addresses of a study and its market, and those that they move to."""

    study: str
    market: str
    new_study: str
    new_market: str

    def move(self, *, keep: bool = False, progress: CopyProgress | None = None, market: bool = True) -> dict[str, int]:
        pairs: list[Any] = [(MarketContents(), self.market, self.new_market)] if market else []
        parts = parts_of([*pairs, (StudyContents("assignments"), self.study, self.new_study)])
        move(parts, NOW, keep=keep, progress=progress)
        return {name: rows for part in parts for name, rows in part.rows.items()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study and a market on SQLite, made once."""
    folder = tmp_path_factory.mktemp("made")
    fill(Places(f"sqlite:///{folder}/study.db", f"sqlite:///{folder}/market.db", "", ""))
    return folder


@pytest.fixture
def places(request: pytest.FixtureRequest, tmp_path: Path, made: Path) -> Iterator[Places]:
    here, there = getattr(request, "param", ("sqlite", "sqlite"))
    with ExitStack() as stack:
        urls = []
        for name, kind in (("a", here), ("b", here), ("c", there), ("d", there)):
            (tmp_path / name).mkdir()
            urls.append(stack.enter_context(new_database(kind, tmp_path / name)))
        places = Places(*urls)
        if here == "sqlite":
            shutil.copy(made / "study.db", tmp_path / "a" / "turkctl.db")
            shutil.copy(made / "market.db", tmp_path / "b" / "turkctl.db")
        else:
            fill(places)
        yield places


def fill(places: Places) -> None:
    """Make a study of psiTurk's and ours with a HIT, three participants, psiTurk's tables, and a market."""
    with closing(connect(places.study)) as database:
        schema.ensure(database)
        is_sqlite = database.dialect == "sqlite"
        with database.write() as session:
            add(session, Experiment(slug="stroop", version=1, active=True, created=datetime.now(UTC)))
            add(session, hit("3HIT"))
            rows = [participant(number) for number in range(3)]
            participants.insert_new(session, "assignments", rows)
            for statement in PSITURKS:
                session.connection().exec_driver_sql(
                    statement.format(bytes="BLOB" if is_sqlite else "BYTEA", true="1" if is_sqlite else "true")
                )
            job = {"id": "round", "next": 1.5, "state": b"\x80\x04\x00x"}
            session.connection().execute(text("INSERT INTO apscheduler_jobs VALUES (:id, :next, :state)"), job)
            session.connection().execute(text("UPDATE assignments SET ours = 'höher' WHERE cond = 1"))
    market = Market(places.market)
    market.deposit(ASKER, Decimal(5))
    market.register_worker("production", "A1WORKER")
    market.close()


def hit(hit_id: str) -> Hit:
    now = datetime.now(UTC)
    return Hit(
        mode="local", market="local:x", hit_id=hit_id, hit_type_id="3TYPE", title="Name the colour",
        status="Assignable", reward=Decimal("0.50"), max_assignments=3, available=3, pending=0, completed=0,
        assignment_duration=60, auto_approval_delay=60, created=now, expires=now,
    )  # fmt: skip


def participant(number: int) -> dict[str, Any]:
    return {
        "uniqueid": f"A{number}:3ASG{number}", "assignmentid": f"3ASG{number}", "workerid": f"A{number}",
        "hitid": "3HIT", "cond": number, "beginhit": BEGAN, "bonus": 0.25 * number, "status": 4, "mode": "local",
        "datastring": '{"said": "größer"}',
    }  # fmt: skip


def acts(url: str) -> bool:
    """Whether a study can be changed there: by trying."""
    with closing(connect(url)) as database:
        if schema.current(database) is None:
            return False
        schema.ensure(database)
        try:
            with database.write():
                return True
        except MarkedError:
            return False


def trades(url: str) -> bool:
    """Whether a market can be changed there: by trying."""
    if url.startswith("sqlite") and not Path(url.removeprefix("sqlite:///")).exists():
        return False
    with closing(connect(url)) as database, database.read() as session:
        if not inspect(session.connection()).has_table("market_meta"):
            return False
    market = Market(url)
    try:
        market.deposit(ASKER, Decimal(0))
    except MarkedError:
        return False
    else:
        return True
    finally:
        market.close()


def everything(url: str) -> dict[str, Any]:
    with closing(connect(url)) as database:
        schema.ensure(database)
        with database.read() as session:
            connection = session.connection()
            found: dict[str, Any] = {"id": database_id(session)}
            found["people"] = sorted(
                tuple(row) for row in connection.execute(participants.participants_table("assignments").select())
            )
            found["ours"] = connection.execute(text("SELECT ours FROM assignments WHERE cond = 1")).scalar()
            found["hits"] = [row.hit_id for row in connection.execute(hits.Hit.__table__.select())]
            found["jobs"] = [
                (row.id, row.next_run_time, bytes(row.job_state))
                for row in connection.execute(text("SELECT * FROM apscheduler_jobs"))
            ]
            found["campaign"] = [
                (row.id, row.codeversion, bool(row.is_active), str(row.created)[:19])
                for row in connection.execute(text("SELECT * FROM campaign"))
            ]
            return found


@pytest.mark.parametrize("places", PAIRS, ids="-".join, indirect=True)
def test_all_rows_come_along_and_only_the_copy_acts(places: Places) -> None:
    before = everything(places.study)
    moved = places.move()
    assert (moved["assignments"], moved["amt_hit"], moved["market_account"]) == (3, 1, 1)
    assert everything(places.new_study) == before
    assert (acts(places.study), acts(places.new_study)) == (False, True)
    assert (trades(places.market), trades(places.new_market)) == (False, True)
    with closing(connect(places.new_study)) as database:
        assert schema.check(database) == []
    market = Market(places.new_market)
    assert market.get_account_balance(ASKER, {})["AvailableBalance"] == "10005.00"
    market.close()


@pytest.mark.parametrize("places", PAIRS, ids="-".join, indirect=True)
def test_the_copy_goes_on_counting(places: Places) -> None:
    places.move()
    with closing(connect(places.new_study)) as database:
        schema.ensure(database)
        with database.write() as session:
            add(session, Experiment(slug="reading", version=1, active=True, created=datetime.now(UTC)))
            found = session.connection().execute(text("SELECT id FROM turkctl_experiment ORDER BY id")).scalars().all()
            session.connection().execute(text("INSERT INTO campaign (codeversion) VALUES ('2')"))
            numbers = session.connection().execute(text("SELECT id FROM campaign ORDER BY id")).scalars().all()
    assert (found, numbers) == ([1, 2], [7, 8])
    market = Market(places.new_market)
    market.deposit(ASKER, Decimal(1))
    market.close()


class KilledError(BaseException):
    """The process is gone at this point."""


def steps(places: Places) -> list[str]:
    """The moments before and after each commit."""
    return [
        *(f"{word} {url}" for url in (places.new_market, places.new_study) for word in ("filling", "filled")),
        *(f"{word} {url}" for url in (places.market, places.study) for word in ("marking", "marked")),
        *(f"arrived {what}{end}" for what in ("the market", "the study") for end in ("", ", done")),
    ]


@pytest.mark.parametrize(
    "places",
    [PAIRS[0], *(pytest.param(pair, marks=pytest.mark.slow) for pair in PAIRS[1:3])],
    ids="-".join,
    indirect=True,
)
@pytest.mark.parametrize(
    "number",
    [pytest.param(number, marks=() if number % 2 else pytest.mark.slow) for number in range(12)],
)
def test_killed_at_any_moment_never_do_both_act_and_the_same_command_finishes(places: Places, number: int) -> None:
    last = steps(places)[number]
    seen = []

    def step(words: str) -> None:
        seen.append(words)
        if words == last:
            raise KilledError

    with pytest.raises(KilledError):
        places.move(progress=CopyProgress(step=step))
    assert seen == steps(places)[: number + 1]
    study, new_study = acts(places.study), acts(places.new_study)
    market, new_market = trades(places.market), trades(places.new_market)
    assert not (study and new_study)
    assert not (market and new_market)
    if number < 5:
        assert study, "the source works"
        assert market
    if study:  # it goes on, and what it does is not lost
        with closing(connect(places.study)) as database:
            schema.ensure(database)
            with database.write() as session:
                add(session, hit("3LATER"))
    before = everything(places.study)
    places.move()
    assert everything(places.new_study) == before
    assert (acts(places.study), acts(places.new_study)) == (False, True)
    assert (trades(places.market), trades(places.new_market)) == (False, True)
    assert places.move() == {}, "there is nothing left to do"


def test_a_copy_that_is_kept_never_acts_and_the_source_does(places: Places) -> None:
    before = everything(places.study)
    places.move(keep=True)
    assert everything(places.new_study) == before
    assert (acts(places.study), acts(places.new_study)) == (True, False)
    assert (trades(places.market), trades(places.new_market)) == (True, False)
    with pytest.raises(TargetHasDataError):
        places.move()


def test_a_kept_copy_can_only_be_copied_to_be_kept(places: Places, tmp_path: Path) -> None:
    places.move(keep=True)
    further = Places(places.new_study, places.new_market, f"sqlite:///{tmp_path}/e.db", f"sqlite:///{tmp_path}/f.db")
    with pytest.raises(MarkedError, match="made to be kept"):
        further.move()
    further.move(keep=True)
    assert not acts(further.new_study)


def test_a_study_moves_on_from_where_it_was_moved_to(places: Places, tmp_path: Path) -> None:
    places.move()
    further = Places(places.new_study, places.new_market, f"sqlite:///{tmp_path}/e.db", f"sqlite:///{tmp_path}/f.db")
    further.move()
    urls = (places.study, places.new_study, further.new_study)
    assert [acts(url) for url in urls] == [False, False, True]


def test_what_was_moved_is_not_moved_elsewhere(places: Places, tmp_path: Path) -> None:
    places.move()
    elsewhere = Places(places.study, places.market, f"sqlite:///{tmp_path}/e.db", f"sqlite:///{tmp_path}/f.db")
    with pytest.raises(MarkedError, match="was moved to"):
        elsewhere.move()
    assert not acts(elsewhere.new_study)


@pytest.mark.parametrize("places", PAIRS[:2], ids="-".join, indirect=True)
def test_a_target_with_data_is_refused_and_stays_as_it_is(places: Places) -> None:
    with closing(connect(places.new_study)) as database, database.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE theirs (id INTEGER)")
    with pytest.raises(TargetHasDataError):
        places.move()
    with closing(connect(places.new_study)) as database, database.read() as session:
        assert inspect(session.connection()).get_table_names() == ["theirs"]
    assert acts(places.study)


def test_another_study_is_data_and_tables_without_rows_are_none(places: Places) -> None:
    with closing(connect(places.new_study)) as database:
        schema.ensure(database)
    places.move(market=False)
    assert acts(places.new_study)


def test_another_study_is_not_replaced(places: Places) -> None:
    with closing(connect(places.new_study)) as database:
        schema.ensure(database)
        with database.write() as session:
            add(session, Experiment(slug="another", version=1, active=True, created=datetime.now(UTC)))
    with pytest.raises(TargetHasDataError):
        places.move()


@pytest.mark.parametrize(
    ("name", "who"),
    [(leases.SCHEDULER, "a scheduler"), (leases.of_run(3), "a run"), (leases.of_dashboard("4f" * 16), "a dashboard")],
)
def test_whoever_is_at_work_is_in_the_way(places: Places, name: str, who: str) -> None:
    with closing(connect(places.study)) as database:
        schema.ensure(database)
        keeper = Keeper(database, name=name)
        keeper.acquire()
        with pytest.raises(AtWorkError, match=f"^{who} is at work with the study: process"):
            places.move()
        keeper.release()
    places.move()
    assert acts(places.new_study)


def test_a_market_that_is_served_is_in_the_way(places: Places) -> None:
    market = Market(places.market)
    presence = market.presence()
    presence.begin()
    with pytest.raises(AtWorkError, match="turkctl market serve is at work with the market"):
        places.move()
    presence.end()
    market.close()
    places.move()
    moved = Market(places.market)
    with pytest.raises(MarkedError):
        moved.presence().begin()
    moved.close()


@pytest.mark.parametrize("places", PAIRS[::2], ids="-".join, indirect=True)
def test_nobody_else_writes_while_it_is_copied(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turkctl.store.engine.WAIT_MS", 50)
    refused = []

    def step(words: str) -> None:
        if words.startswith("filling"):
            with closing(connect(places.study)) as database:
                try:
                    with database.write() as session:
                        session.connection().execute(text("UPDATE assignments SET status = 5"))
                except TurkctlError as error:
                    refused.append(error.code)

    places.move(progress=CopyProgress(step=step))
    assert refused == ["database_unreachable"] * 2


BAD = {
    "words in a number": ("UPDATE assignments SET cond = 'low' WHERE workerid = 'A1'", "cond is not a whole number"),
    "a number too great": ("UPDATE assignments SET cond = 3000000000 WHERE workerid = 'A1'", "cond does not fit"),
    "words for a bonus": ("UPDATE assignments SET bonus = 'much' WHERE workerid = 'A1'", "bonus is not a number"),
    "no time": ("UPDATE assignments SET beginhit = 'noon' WHERE workerid = 'A1'", "beginhit is not a time"),
    "NUL": ("UPDATE assignments SET datastring = 'a' || char(0) WHERE workerid = 'A1'", "has the character NUL"),
    "a long text": (f"UPDATE assignments SET browser = '{'x' * 129}' WHERE workerid = 'A1'", "more than 128 char"),
    "bytes": ("UPDATE assignments SET language = x'ff' WHERE workerid = 'A1'", "language is bytes, not text"),
}


@pytest.mark.parametrize("places", [("sqlite", "postgres")], ids="-".join, indirect=True)
@pytest.mark.parametrize("what", BAD)
def test_a_row_that_postgresql_cannot_hold_is_named_before_anything_is_written(places: Places, what: str) -> None:
    statement, says = BAD[what]
    with closing(sqlite3.connect(places.study.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(statement)
    with pytest.raises(UsageError) as caught:
        places.move()
    assert "table assignments, row uniqueid 'A1:3ASG1', the column" in caught.value.message
    assert says in caught.value.message
    with closing(connect(places.new_study)) as database:
        assert schema.current(database) is None
    assert acts(places.study)


def test_sqlite_keeps_what_sqlite_had(places: Places) -> None:
    with closing(sqlite3.connect(places.study.removeprefix("sqlite:///"))) as connection, connection:
        for statement, _ in BAD.values():
            connection.execute(statement)
        before = connection.execute("SELECT * FROM assignments").fetchall()
    places.move()
    with closing(sqlite3.connect(places.new_study.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("SELECT * FROM assignments").fetchall() == before
        made = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'ix_jobs'").fetchall()
    assert made == [("CREATE INDEX ix_jobs ON apscheduler_jobs (next_run_time)",)]


def test_a_copy_that_differs_is_noticed_and_undone(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    from turkctl.copying import rows
    from turkctl.copying.rows import CopyDiffersError

    read = rows._read

    def tampered(*args: Any) -> Iterator[Any]:
        for row in read(*args):
            changed = list(row)
            if changed[0] == "A1:3ASG1":
                changed[8] = 2
            yield changed

    monkeypatch.setattr(rows, "_read", tampered)
    with pytest.raises(CopyDiffersError, match="assignments differs in column cond"):
        places.move(market=False)
    with closing(connect(places.new_study)) as database:
        assert schema.current(database) is None
    assert acts(places.study)


def test_a_study_and_a_market_in_one_file_move_together(tmp_path: Path) -> None:
    one, other = f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/other.db"
    places = Places(one, one, other, other)
    fill(places)
    places.move()
    assert (acts(one), acts(other), trades(one), trades(other)) == (False, True, False, True)


def test_leases_are_copied_as_given_back_and_go_on_counting(places: Places) -> None:
    with closing(connect(places.study)) as database:
        schema.ensure(database)
        keeper = Keeper(database)
        keeper.acquire()
        keeper.release()
    places.move()
    with closing(connect(places.new_study)) as database:
        schema.ensure(database)
        keeper = Keeper(database)
        keeper.acquire()
        assert keeper.epoch == 2


def test_the_database_that_is_copied_is_no_target(places: Places) -> None:
    with pytest.raises(UsageError, match="is the database that is copied"):
        parts_of([(StudyContents("assignments"), places.study, places.study)])


def test_a_copy_that_is_kept_can_be_upgraded_and_one_that_was_moved_cannot(places: Places) -> None:
    places.move(keep=True)
    with closing(connect(places.new_study)) as database:
        assert schema.upgrade(database) == (schema.HEAD, schema.HEAD)
    moved = Database(connect(places.study).engine, connect(places.study).url)
    with moved.write() as session:
        StudyContents("assignments").set_mark(session.connection(), marks.MoveMark(marks.MOVED, "t", "x", NOW))
    with pytest.raises(RefusedError):
        schema.upgrade(moved)
    moved.close()
