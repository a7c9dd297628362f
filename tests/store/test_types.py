from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select
from sqlalchemy.exc import StatementError

from turkctl.store.engine import Database
from turkctl.store.types import MAX_MICROS, Json, Money, UtcTime

THINGS = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("money", Money),
    Column("moment", UtcTime),
    Column("structure", Json),
)

micros = st.integers(-MAX_MICROS, MAX_MICROS).map(lambda number: Decimal(number) / 1_000_000)
zones = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime.fromisoformat("1000-01-01"), datetime.fromisoformat("9000-01-01"), timezones=zones)
structures = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcé", max_size=3), inner, max_size=3),
    max_leaves=6,
)
ON_A_DATABASE = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def things(empty: Database) -> Database:
    with empty.write() as session:
        THINGS.create(session.connection())
    return empty


def _round_trip(database: Database, column: str, values: list[object]) -> list[object]:
    with database.write() as session:
        connection = session.connection()
        connection.execute(THINGS.delete())
        connection.execute(insert(THINGS), [{column: value} for value in values])
        return list(connection.execute(select(THINGS.c[column]).order_by(THINGS.c.id)).scalars())


@ON_A_DATABASE
@given(amounts=st.lists(micros, min_size=1))
def test_money_comes_back_to_the_micro_dollar(things: Database, amounts: list[object]) -> None:
    assert _round_trip(things, "money", amounts) == amounts


@ON_A_DATABASE
@given(times=st.lists(moments, min_size=1))
def test_times_come_back_as_the_same_instant_in_utc(things: Database, times: list[object]) -> None:
    back = _round_trip(things, "moment", times)
    assert back == times
    assert all(isinstance(moment, datetime) and moment.tzinfo is UTC for moment in back)


@ON_A_DATABASE
@given(times=st.lists(moments, min_size=2))
def test_the_database_sorts_and_compares_times_as_instants(things: Database, times: list[datetime]) -> None:
    _round_trip(things, "moment", list(times))
    with things.read() as session:
        connection = session.connection()
        found = connection.execute(select(THINGS.c.moment).order_by(THINGS.c.moment)).scalars().all()
        earlier = connection.execute(select(func.count()).where(THINGS.c.moment < times[0])).scalar()
    assert list(found) == sorted(times)
    assert earlier == sum(moment < times[0] for moment in times)


@ON_A_DATABASE
@given(values=st.lists(structures, min_size=1))
def test_structures_come_back_as_they_were(things: Database, values: list[object]) -> None:
    assert _round_trip(things, "structure", values) == values


def test_a_sum_of_money_is_money(things: Database) -> None:
    _round_trip(things, "money", [Decimal("0.10"), Decimal("0.20")])
    with things.read() as session:
        total = session.connection().execute(select(func.sum(THINGS.c.money))).scalar()
    assert isinstance(total, Decimal)
    assert str(total) == "0.30"


@pytest.mark.parametrize(
    ("column", "value", "cause"),
    [
        ("money", 0.5, TypeError),
        ("money", Decimal("0.0000001"), ValueError),
        ("money", Decimal(MAX_MICROS), ValueError),
        ("moment", datetime.fromisoformat("2026-01-01"), ValueError),
        ("structure", [math.nan], ValueError),
        ("structure", {"when": NotImplemented}, TypeError),
    ],
)
def test_what_a_column_cannot_hold_exactly_is_refused(
    things: Database, column: str, value: object, cause: type[Exception]
) -> None:
    with pytest.raises(StatementError) as caught:
        _round_trip(things, column, [value])
    assert isinstance(caught.value.orig, cause)
