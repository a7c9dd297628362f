"""Check the schema's version, and upgrade databases. Alembic is imported only to migrate or to compare."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from turkctl.copying.tables import CopiedTable
from turkctl.errors import SchemaError
from turkctl.store import failures, marks, participants
from turkctl.store.base import PREFIX, VERSION_TABLE, TurkctlTable
from turkctl.store.engine import READ_ONLY_HINT, WRITABLE, Database

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0030"
"""The revision this turkctl works with; a test keeps it equal to the newest migration."""

_VERSIONS = Table(  # as Alembic makes it
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
MARKET_PREFIX = "market_"  # the built-in market's tables may share the database; they make it nobody else's


def all_tables() -> MetaData:
    """Return every table of ours, with the modules that describe them imported."""
    from turkctl.store import (
        account_looks,
        assignments,
        campaigns,
        contents,
        contents_usable,
        erasures,
        experiments,
        hits,
        intents,
        labels,
        leases,
        market_rules,
        meta,
        notices,
        payments,
        psiturk_hits,
        psiturk_marks,
        qualifications,
        rounds,
        runs,
        sign_ins,
        tasks,
    )

    described: tuple[type, ...] = (meta.Meta, experiments.Experiment, hits.Hit, assignments.Assignment, intents.Intent)
    described += (tasks.Task, tasks.TaskRun, leases.LeaseRow, runs.Run)
    described += (campaigns.Campaign, rounds.Round, qualifications.MadeType, qualifications.GrantRow)
    described += (qualifications.OwnType, account_looks.AccountLook, market_rules.MarketRulesRow)
    described += (psiturk_hits.PsiturkId, psiturk_marks.PsiturkMark)
    described += (notices.Notice, payments.Payment, contents.Content, contents.ContentHit)
    described += (labels.Label, labels.ExcludedWorker, labels.LabelAdmin, labels.LabelRun, labels.LabelState)
    described += (labels.LabelResult, labels.LabelWorker)
    described += (erasures.ErasedWorker,)
    described += (contents_usable.ContentUnusable, contents_usable.ContentReading)
    described += (sign_ins.SignInAttempt, sign_ins.EndedSession)
    assert all(issubclass(model, TurkctlTable) for model in described)
    campaigns.describe_for_postgresql()
    return TurkctlTable.metadata


def versions_table() -> CopiedTable:
    """Return the table with the schema's version, as it is copied to another database."""
    return CopiedTable(_VERSIONS)


def current(database: Database) -> str | None:
    """Return the revision the database is at; None if turkctl has no tables in it.

    Raises:
        DatabaseUnreachableError: the database cannot be opened or read.
    """
    with database.read() as session:
        return _revision(session.connection())


def ensure(
    database: Database,
    participants_table: str = participants.DEFAULT_NAME,
    before_making: Callable[[], None] = lambda: None,
) -> None:
    """Make sure the database is at :data:`HEAD`: an empty one gets its tables, any other is only looked at.

    Args:
        database: to look at.
        participants_table: the name of psiTurk's table.
        before_making: called before an empty database gets its tables; it may raise.

    Raises:
        SchemaError: it is older or newer than this turkctl, or somebody else's without our tables.
        DatabaseUnreachableError: it cannot be opened, read, or (when empty) written.
    """
    _refuse_others(database)
    with database.read() as session:
        revision = _revision(session.connection())
        empty = revision is None and _is_empty(session.connection())
    if revision is None and empty:
        before_making()
        revision = _create(database, participants_table)
    if revision != HEAD:
        raise _mismatch(database, revision)
    marks.guard(database)


def refuse_newer(session: Session, database: Database) -> None:
    """Check only the version, if there is one.

    Raises:
        SchemaError: a newer turkctl made the database.
    """
    revision = _revision(session.connection())
    if revision is not None and _number(revision) > _number(HEAD):
        raise _mismatch(database, revision)


def upgrade(
    database: Database,
    participants_table: str = participants.DEFAULT_NAME,
    before_making: Callable[[], None] = lambda: None,
) -> tuple[str | None, str]:
    """Bring the database to :data:`HEAD`; an empty one, and somebody else's, get our tables.

    Tables that are not ours are not touched, and the participants table is made only where the database was empty.
    Of two processes that upgrade at once, the second waits and finds nothing left to do.

    Args:
        database: to bring up to date.
        participants_table: the name of psiTurk's table.
        before_making: called before an empty database gets its tables; it may raise.

    Returns:
        The revisions before and after.

    Raises:
        SchemaError: the database is newer than this turkctl, or a migration does not fit what is there.
        DatabaseUnreachableError: it cannot be opened or written.
    """
    before = current(database)
    if before is not None and _number(before) > _number(HEAD):
        raise _mismatch(database, before)
    with _migrating(database) as connection:
        before = _revision(connection)
        if before is not None:
            marks.refuse_to_upgrade(database, connection)
        ours = before is None and _is_empty(connection)
        if ours:
            before_making()
        _run_migrations(connection)
        if before is None:
            _introduce(connection, ours=ours, participants_table=participants_table)
    return before, HEAD


def check(database: Database, participants_table: str = participants.DEFAULT_NAME) -> list[str]:
    """Return, in words, where the database differs from turkctl's tables; empty if nowhere.

    Raises:
        SchemaError: the database is not at :data:`HEAD`.
        DatabaseUnreachableError: it cannot be opened or read.
    """
    _refuse_others(database)
    revision = current(database)
    if revision != HEAD:
        raise _mismatch(database, revision)
    from turkctl.store.migrations.compare import differences

    with database.read() as session:
        found = differences(session.connection(), all_tables())
        if participants.exists(session, participants_table):
            missing = participants.missing_columns(session, participants_table)
            found += [f"table {participants_table} lacks psiTurk's column {name}" for name in missing]
        else:
            found.append(f"there is no participants table {participants_table}")
    return found


def config() -> Config:
    """Return Alembic's configuration for the migrations inside the package."""
    from alembic.config import Config

    settings = Config()
    folder = Path(__file__).parent / "migrations"
    settings.set_main_option("script_location", str(folder).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    return settings


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(select(_VERSIONS.c.version_num)).scalar()
    return found or "0000"


def _number(revision: str) -> int:
    """Return the number of a revision; one without a number counts as newer."""
    return int(revision) if revision.isdigit() else 10**9


def _is_empty(connection: Connection) -> bool:
    names = inspect(connection).get_table_names()
    return all(name.startswith(MARKET_PREFIX) for name in names)


def _mismatch(database: Database, revision: str | None) -> SchemaError:
    where = f"the database {database.url_for_people}"
    if revision is None:
        return SchemaError(
            f"{where} has tables of another program and none of turkctl's",
            hint="to add turkctl's beside them, run: turkctl db upgrade",
        )
    if _number(revision) > _number(HEAD):
        return SchemaError(
            f"{where} was made by a newer turkctl (schema {revision}, this one knows {HEAD})",
            hint="upgrade turkctl: pip install --upgrade turkctl",
        )
    return SchemaError(f"{where} has the older schema {revision}, not {HEAD}", hint="run: turkctl db upgrade")


def _create(database: Database, participants_table: str) -> str | None:
    """Make all tables in one transaction, unless another process has done so by now; the revision then."""
    _refuse_others(database)
    tables = all_tables()
    with database.write() as session:
        connection = session.connection()
        if _revision(connection) is None and _is_empty(connection):
            tables.create_all(connection)
            _VERSIONS.create(connection)
            connection.execute(insert(_VERSIONS).values(version_num=HEAD))
            _introduce(connection, ours=True, participants_table=participants_table)
        return _revision(connection)


def _introduce(connection: Connection, *, ours: bool, participants_table: str) -> None:
    """Store whose database the new tables are in, and create psiTurk's table if it is ours."""
    from turkctl.store.meta import DATABASE_ID, MADE_DATABASE, MADE_PARTICIPANTS, Meta

    facts = {DATABASE_ID: secrets.token_hex(16), MADE_DATABASE: "yes" if ours else "no"}
    if ours:
        participants.participants_table(participants_table).create(connection)
        facts[MADE_PARTICIPANTS] = participants_table
    connection.execute(insert(Meta.__table__), [{"key": key, "value": value} for key, value in facts.items()])


def _refuse_others(database: Database) -> None:
    if database.dialect not in WRITABLE:
        raise SchemaError(f"turkctl keeps no tables of its own in {database.dialect}", hint=READ_ONLY_HINT)


@contextmanager
def _migrating(database: Database) -> Iterator[Connection]:
    """Yield one transaction for all migrations, during which no other turkctl can write.

    SQLite changes a table by copying it and dropping the old one; enforced foreign keys would take the drop for a
    deletion of its rows. They are off meanwhile, which is possible only outside a transaction, and checked at the end.
    """
    _refuse_others(database)
    with database.translating(), database.engine.connect() as connection:
        if database.dialect != "sqlite":
            with connection.begin():
                yield connection
            return
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                checked = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                broken = [row for row in checked if str(row[0]).startswith(PREFIX)]
                if broken:
                    raise SchemaError(
                        f"the migration was undone: rows of {broken[0][0]} would refer to nothing",
                        hint="look at them with sqlite3's PRAGMA foreign_key_check",
                    )
        finally:
            raw.execute("PRAGMA foreign_keys=ON")


def _run_migrations(connection: Connection) -> None:
    from alembic import command

    settings = config()
    settings.attributes["connection"] = connection
    try:
        command.upgrade(settings, "head")
    except DBAPIError as error:
        shown = failures.translated(error, connection.engine.url)
        if shown is not None:
            raise shown from error
        raise SchemaError(
            f"the migration failed and nothing was changed: {failures.first_line(error)}",
            hint="is one of turkctl's table names taken? turkctl_… are its own",
        ) from error
