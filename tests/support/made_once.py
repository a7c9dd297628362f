"""Write the SQL that makes a set of tables once for all databases of a test process, and use made tables again.

Every test has databases of its own with dozens of tables each. SQLAlchemy asks for each table whether it is there
and writes its SQL anew; here it is asked once for all of them, and the SQL is kept. On PostgreSQL even the bare
statements cost several times as much as most tests, so there tables are emptied and put aside in another schema
(see :mod:`databases`), and the next test that makes the same tables gets them back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, MetaData, create_mock_engine, text

_NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}
# What the tables of the schema are like: their columns, constraints, indexes and triggers, and who may use them.
_LOOKS = """
WITH ours AS (SELECT oid, relname, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace)
SELECT md5(string_agg(line, '|' ORDER BY line)) FROM (
    SELECT concat_ws(' ', relname, relacl, attname, attnum, atttypid, atttypmod, attnotnull, atthasdef) AS line
        FROM ours JOIN pg_attribute ON attrelid = ours.oid WHERE attnum > 0
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, contype, conkey, confrelid::regclass, confkey)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', relname, indkey, indisunique, indisvalid, indpred IS NULL)
        FROM ours JOIN pg_index ON indexrelid = ours.oid
    UNION ALL SELECT concat_ws(' ', relname, tgname) FROM ours JOIN pg_trigger ON tgrelid = ours.oid
        WHERE NOT tgisinternal
) AS lines
"""
_create_all = MetaData.create_all


@dataclass
class _Made:
    """The tables of a metadata on one kind of database."""

    tables: frozenset[str]
    indexes: frozenset[str]
    statements: list[str]
    aside: str
    """The schema in which they are put aside."""
    looks: str | None = None


_made: dict[str, list[_Made]] = {name: [] for name in _NAMES}


def _create_all_at_once(self: MetaData, bind: Any, *args: Any, **options: Any) -> None:
    if args or options or not isinstance(bind, Connection) or bind.dialect.name not in _NAMES:
        _create_all(self, bind, *args, **options)
        return
    there = set(bind.execute(text(_NAMES[bind.dialect.name])).scalars())
    if not there.isdisjoint(self.tables):
        _create_all(self, bind)
        return
    made = _made_of(self, bind)
    if there or not _took_back(made, bind):
        _run(made, bind)
        if not there and bind.dialect.name == "postgresql":
            made.looks = made.looks or bind.execute(text(_LOOKS)).scalar()


def _made_of(metadata: MetaData, bind: Connection) -> _Made:
    """Return the SQL of a metadata's tables; a module that is imported later may add to them."""
    indexes = frozenset(str(index.name) for table in metadata.tables.values() for index in table.indexes)
    kind = bind.dialect.name
    for made in _made[kind]:
        if (made.tables, made.indexes) == (metadata.tables.keys(), indexes):
            return made
    written: list[str] = []
    mock = create_mock_engine(
        f"{kind}+{bind.dialect.driver}://",
        lambda element, *_: written.append(str(element.compile(dialect=bind.dialect))),
    )
    _create_all(metadata, mock, checkfirst=False)
    _made[kind].append(_Made(frozenset(metadata.tables), indexes, written, f"aside_{len(_made[kind])}"))
    return _made[kind][-1]


def _run(made: _Made, bind: Connection) -> None:
    first, *others = made.statements
    bind.exec_driver_sql(first)  # whatever is wrong with the database shows here, as SQLAlchemy's error
    raw = bind.connection.driver_connection
    assert raw is not None
    for statement in others if bind.dialect.name == "sqlite" else [";\n".join(others)]:
        raw.execute(statement)


def _took_back(made: _Made, bind: Connection) -> bool:
    """Put the tables that were put aside in their place; False if there are none, or they are not the user's."""
    if bind.dialect.name != "postgresql":
        return False
    named = text("SELECT count(*) FROM pg_namespace WHERE nspname = :name AND pg_has_role(nspowner, 'USAGE')")
    if not bind.execute(named, {"name": made.aside}).scalar():
        return False
    bind.execute(text("DROP SCHEMA public"))
    bind.execute(text(f"ALTER SCHEMA {made.aside} RENAME TO public"))
    return True


def put_aside(connection: Connection) -> None:
    """Leave the schema of a PostgreSQL database empty; whole tables of ours are emptied and put aside, if any are."""
    there = set(connection.execute(text(_NAMES["postgresql"])).scalars())
    whole = [made for made in _made["postgresql"] if made.looks is not None and made.tables <= there]
    made = max(whole, key=lambda each: len(each.tables), default=None)
    if made is not None and _emptied(made, there - made.tables, connection):
        connection.execute(text(f"DROP SCHEMA IF EXISTS {made.aside} CASCADE"))
        connection.execute(text(f"ALTER SCHEMA public RENAME TO {made.aside}"))
    else:
        connection.execute(text("DROP SCHEMA public CASCADE"))
    connection.execute(text("CREATE SCHEMA public"))
    connection.execute(text("GRANT USAGE ON SCHEMA public TO PUBLIC"))


def _emptied(made: _Made, others: set[str], connection: Connection) -> bool:
    """Drop the other tables, and empty ours; return whether these are as they were made."""
    for name in others:
        connection.execute(text(f'DROP TABLE IF EXISTS public."{name}" CASCADE'))
    if connection.execute(text(_LOOKS)).scalar() != made.looks:
        return False
    deleting = "; ".join(f"DELETE FROM public.{name}" for name in sorted(made.tables))
    counting = (
        "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid"
        " WHERE relnamespace = 'public'::regnamespace"
    )
    raw = connection.connection.driver_connection
    assert raw is not None
    # Rows may go before those that refer to them.
    raw.execute(f"SET session_replication_role = replica; {deleting}; {counting}; RESET session_replication_role")
    return True


def share() -> None:
    """Let all tables that are made from now on be made by the kept SQL."""
    MetaData.create_all = _create_all_at_once  # type: ignore[method-assign]  # for the tests alone
