"""Every filter against SQL written by hand, over random tables with missing values, on both databases."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlmodel import Session

from turkctl.store.engine import Database
from turkctl.store.participant_lists import COLUMNS, Ordering, ParticipantFilter, count, groups, lacking, rows
from turkctl.store.participants import insert_new, move_status, participants_table

TABLE = "assignments"
START = datetime.fromisoformat("2026-11-20T12:00:00")  # the table's times have no zone
MODES = ("live", "sandbox", "debug", None)
VERSIONS = ("1.0", "1.1", None)

PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "workerid": st.sampled_from(["W1", "W2", "W3"]),
            "hitid": st.sampled_from(["H1", "H2"]),
            "cond": st.sampled_from([0, 1, 2, None]),
            "codeversion": st.sampled_from(VERSIONS),
            "mode": st.sampled_from(MODES),
            "status": st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, None]),
            "beginhit": st.one_of(st.none(), st.integers(0, 96).map(lambda hours: START + timedelta(hours=hours))),
        }
    ),
    max_size=25,
)
SOME = {
    "modes": st.lists(st.sampled_from(["live", "sandbox", "debug", "local"]), max_size=2),
    "conditions": st.lists(st.integers(0, 3), max_size=2),
    "code_versions": st.one_of(st.none(), st.lists(st.sampled_from(["1.0", "1.1", "9"]), max_size=2)),
    "statuses": st.lists(st.integers(0, 7), max_size=3),
    "complete": st.sampled_from([None, True, False]),
    "workers": st.lists(st.sampled_from(["W1", "W2", "W9"]), max_size=2),
    "hits": st.lists(st.sampled_from(["H1", "H9"]), max_size=2),
    "since": st.one_of(st.none(), st.integers(0, 96).map(lambda hours: START + timedelta(hours=hours))),
    "until": st.one_of(st.none(), st.integers(0, 96).map(lambda hours: START + timedelta(hours=hours))),
    "where": st.lists(st.sampled_from([("cond", 1), ("cond", None), ("mode", None), ("mode", "live")]), max_size=2),
}
FILTERS = st.builds(ParticipantFilter, **SOME)
HARD = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fill(session: Session, people: list[dict[str, Any]]) -> None:
    session.connection().execute(text("DELETE FROM assignments"))
    for number, person in enumerate(people):
        row = person | {"uniqueid": f"U{number:03d}", "assignmentid": f"A{number:03d}"}
        session.connection().execute(insert(participants_table(TABLE)).values(row))


def by_hand(wanted: ParticipantFilter) -> tuple[str, dict[str, Any]]:
    """The WHERE clause as one would type it."""
    parts: list[str] = ["1 = 1"]
    values: dict[str, Any] = {}

    def any_of(column: str, choices: Any) -> None:
        names = [f"{column}{number}" for number, _ in enumerate(choices)]
        values.update(zip(names, choices, strict=True))
        parts.append(" OR ".join(f"{column} = :{name}" for name in names) or "1 = 0")

    lists = {"mode": wanted.modes, "cond": wanted.conditions, "status": wanted.statuses}
    lists |= {"workerid": wanted.workers, "hitid": wanted.hits}
    for column, choices in lists.items():
        if choices:
            any_of(column, choices)
    if wanted.code_versions is not None:
        any_of("codeversion", wanted.code_versions)
    if wanted.complete is True:
        parts.append("status = 3 OR status = 4 OR status = 5 OR status = 7")
    if wanted.complete is False:
        parts.append("status IS NULL OR status < 3 OR status = 6")
    for name, sign in (("since", ">="), ("until", "<")):
        if getattr(wanted, name) is not None:
            parts.append(f"beginhit {sign} :{name}")
            values[name] = getattr(wanted, name).isoformat(sep=" ", timespec="microseconds")
    parts += [f"{column} IS NULL" if value is None else f"{column} = '{value}'" for column, value in wanted.where]
    return " AND ".join(f"({part})" for part in parts), values


def day(value: Any) -> Any:
    return value.date().isoformat() if isinstance(value, datetime) else value


def select(session: Session, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    if session.connection().dialect.name == "postgresql":
        for name in ("since", "until"):
            statement = statement.replace(f":{name}", f"CAST(:{name} AS timestamp)")
    return [tuple(row) for row in session.connection().execute(text(statement), values)]


@HARD
@given(people=PEOPLE, wanted=FILTERS)
def test_the_count_is_what_sql_by_hand_counts(
    database: Database, people: list[dict[str, Any]], wanted: ParticipantFilter
) -> None:
    clause, values = by_hand(wanted)
    with database.write() as session:
        fill(session, people)
        expected = select(session, f"SELECT uniqueid FROM assignments WHERE {clause} ORDER BY uniqueid", values)
        assert count(session, TABLE, wanted) == len(expected)
        found = rows(session, TABLE, wanted, ["uniqueid"], Ordering("uniqueid"))
        assert found == expected


@HARD
@given(
    people=PEOPLE,
    wanted=FILTERS,
    by=st.lists(st.sampled_from(["condition", "status", "codeversion", "mode", "hit", "day"]), min_size=1, unique=True),
)
def test_the_groups_are_what_counting_the_rows_gives(
    database: Database, people: list[dict[str, Any]], wanted: ParticipantFilter, by: list[str]
) -> None:
    names = {"hit": "hit_id", "day": "begin_hit"}
    with database.write() as session:
        fill(session, people)
        listed = rows(session, TABLE, wanted, [names.get(each, each) for each in by], Ordering("uniqueid"))
        found = groups(session, TABLE, wanted, by, Ordering())
    days = [
        tuple(value.date().isoformat() if isinstance(value, datetime) else value for value in row) for row in listed
    ]
    assert {tuple(row[:-1]): row[-1] for row in found} == Counter(days)
    assert len(found) == len(set(days))


@HARD
@given(
    people=PEOPLE,
    column=st.sampled_from(["condition", "begin_hit", "status", "worker_id"]),
    descending=st.booleans(),
    limit=st.one_of(st.none(), st.integers(0, 30)),
    offset=st.integers(0, 30),
)
def test_missing_values_come_last_in_either_order_and_parts_fit_together(
    database: Database, people: list[dict[str, Any]], column: str, descending: bool, limit: int | None, offset: int
) -> None:
    key = COLUMNS[column]
    with database.write() as session:
        fill(session, people)
        whole = rows(session, TABLE, ParticipantFilter(), [column, "uniqueid"], Ordering(column, descending))
        part = rows(
            session, TABLE, ParticipantFilter(), [column, "uniqueid"], Ordering(column, descending, limit, offset)
        )
    there = sorted((person[key] for person in people if person[key] is not None), reverse=descending)
    assert [row[0] for row in whole] == there + [None] * (len(people) - len(there))
    assert part == whole[offset:][:limit]


def test_groups_can_be_ordered_by_their_number(database: Database) -> None:
    people = [{"workerid": "W", "hitid": hit, "mode": "live"} for hit in ("H1", "H2", "H2")]
    with database.write() as session:
        fill(session, people)
        assert groups(session, TABLE, ParticipantFilter(), ["hit"], Ordering("count", True)) == [("H2", 2), ("H1", 1)]
        assert groups(session, TABLE, ParticipantFilter(), ["hit"], Ordering(limit=1)) == [("H1", 1)]
        assert groups(session, TABLE, ParticipantFilter(), ["hit"], Ordering(descending=True))[0] == ("H2", 2)


def test_rows_are_inserted_once_and_statuses_moved_only_from_what_is_expected(database: Database) -> None:
    people = [
        {
            "uniqueid": f"U{number}",
            "assignmentid": f"A{number}",
            "workerid": "W",
            "hitid": "H",
            "mode": mode,
            "status": status,
        }
        for number, (mode, status) in enumerate((("live", 4), ("live", 3), ("debug", 4), ("live", 7)))
    ]
    with database.write() as session:
        assert insert_new(session, TABLE, people[:2]) == 2
        assert insert_new(session, TABLE, people) == 2
        move_status(session, TABLE, "live", [str(row["uniqueid"]) for row in people], expected=4, new=5)
        found = select(session, "SELECT status FROM assignments ORDER BY uniqueid", {})
    assert found == [(5,), (3,), (4,), (7,)]


@pytest.mark.parametrize("column", ["cond", "datastring"])
def test_a_column_that_is_not_there_is_named(database: Database, column: str) -> None:
    with database.write() as session:
        assert lacking(session, TABLE, ["uniqueid", column]) == []
        session.connection().execute(text(f"ALTER TABLE assignments DROP COLUMN {column}"))
        assert lacking(session, TABLE, ["uniqueid", column, column]) == [column]
