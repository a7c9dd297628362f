"""Every filter against SQL written by hand, over random tables with missing values, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rows import make_hit
from sqlalchemy import insert, text
from sqlmodel import Session

from turkctl.operations.participants.lists import TABLE as TABLE_COLUMNS
from turkctl.store import indexes, participant_streams
from turkctl.store.base import add
from turkctl.store.engine import Database
from turkctl.store.participant_lists import COLUMNS, GROUPS, Ordering, ParticipantFilter, count, groups, lacking, rows
from turkctl.store.participant_streams import places_after
from turkctl.store.participants import insert_new, move_status, participants_table

TABLE = "assignments"
START = datetime.fromisoformat("2026-11-20T12:00:00")  # the table's times have no zone
MODES = ("live", "sandbox", "debug", None)
VERSIONS = ("1.0", "1.1", None)

HOURS = st.integers(0, 96).map(lambda hours: START + timedelta(hours=hours))
BONUSES = (0.0, 0.35, 1.1)
PERSON: dict[str, st.SearchStrategy[Any]] = {
    "workerid": st.sampled_from(["W1", "W2", "W3"]),
    "hitid": st.sampled_from(["H1", "H2", "H3"]),
    "ipaddress": st.sampled_from(["203.0.113.9", None]),
    "browser": st.sampled_from(["chrome", None]),
    "platform": st.sampled_from(["linux", None]),
    "language": st.sampled_from(["en", "it's", None]),
    "cond": st.sampled_from([0, 1, 2, None]),
    "counterbalance": st.sampled_from([0, 1, None]),
    "codeversion": st.sampled_from(VERSIONS),
    "beginhit": st.one_of(st.none(), HOURS),
    "beginexp": st.one_of(st.none(), HOURS),
    "endhit": st.one_of(st.none(), HOURS),
    "bonus": st.sampled_from([*BONUSES, None]),
    "status": st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, None]),
    "mode": st.sampled_from(MODES),
    "datastring": st.sampled_from(["{}", "", None]),
}
"""Psiturk's columns but the two ids, each that may be missing sometimes missing."""
PEOPLE = st.lists(st.fixed_dictionaries(PERSON), max_size=25)
WHERE = st.sampled_from(
    [(column, value) for column, values in {
        "cond": (0, 1), "mode": ("live",), "language": ("it's",), "counterbalance": (1,), "bonus": BONUSES,
        "beginexp": (START,), "endhit": (START,), "browser": ("chrome",), "ipaddress": (), "platform": (),
        "codeversion": (), "status": (4,), "beginhit": (),
    }.items() for value in (*values, None)]
)  # fmt: skip
SOME: dict[str, st.SearchStrategy[Any]] = {
    "modes": st.lists(st.sampled_from(["live", "sandbox", "debug", "local"]), min_size=1, max_size=2),
    "conditions": st.lists(st.integers(0, 3), min_size=1, max_size=2),
    "code_versions": st.lists(st.sampled_from(["1.0", "1.1", "9"]), max_size=2),
    "statuses": st.lists(st.integers(0, 7), min_size=1, max_size=3),
    "complete": st.booleans(),
    "workers": st.lists(st.sampled_from(["W1", "W2", "W9"]), min_size=1, max_size=2),
    "hits": st.lists(st.sampled_from(["H1", "H9"]), min_size=1, max_size=2),
    "campaigns": st.lists(st.integers(1, 3), min_size=1, max_size=2),
    "since": HOURS,
    "until": HOURS,
    "where": st.lists(WHERE, min_size=1, max_size=2),
}
"""Each filter, given."""
FILTERS = st.fixed_dictionaries({}, optional=SOME).map(lambda given: ParticipantFilter(**given))
"""Any number of filters together."""
COMMON = ("modes", "conditions", "code_versions", "statuses", "complete", "since", "until")
BY_INDEX = st.fixed_dictionaries({}, optional={name: SOME[name] for name in COMMON}).map(
    lambda given: ParticipantFilter(**given)
)
"""Filters that an index of ``db optimize`` has all columns of."""
PAIRS = [*combinations(SOME, 2)]


def some_of(names: Sequence[str]) -> st.SearchStrategy[ParticipantFilter]:
    return st.builds(ParticipantFilter, **{name: SOME[name] for name in names})


HARD = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fill(session: Session, people: list[dict[str, Any]]) -> None:
    for table in ("assignments", "turkctl_hit"):
        session.connection().execute(text(f"DELETE FROM {table}"))
    for hit, campaign, mode in (("H1", 1, "live"), ("H2", 2, "live"), ("H3", 1, "sandbox")):
        add(session, make_hit(hit, campaign_id=campaign, mode=mode))
    for number, person in enumerate(people):
        row = person | {"uniqueid": f"U{number:03d}", "assignmentid": f"A{number:03d}"}
        session.connection().execute(insert(participants_table(TABLE)).values(row))


def has(column: str, value: Any) -> str:
    if value is None:
        return f"{column} IS NULL"
    shown = value.isoformat(sep=" ", timespec="microseconds") if isinstance(value, datetime) else str(value)
    return f"{column} = '{shown.replace(chr(39), 2 * chr(39))}'"


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
    if wanted.campaigns:
        numbers = ", ".join(str(number) for number in wanted.campaigns)
        parts.append(
            "EXISTS (SELECT 1 FROM turkctl_hit h WHERE h.hit_id = assignments.hitid AND h.mode = assignments.mode"
            f" AND h.campaign_id IN ({numbers}))"
        )
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
    parts += [has(column, value) for column, value in wanted.where]
    return " AND ".join(f"({part})" for part in parts), values


def day(value: Any) -> Any:
    return value.date().isoformat() if isinstance(value, datetime) else value


def select(session: Session, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    if session.connection().dialect.name == "postgresql":
        for name in ("since", "until"):
            statement = statement.replace(f":{name}", f"CAST(:{name} AS timestamp)")
    return [tuple(row) for row in session.connection().execute(text(statement), values)]


def agrees_with_sql_by_hand(session: Session, wanted: ParticipantFilter) -> None:
    clause, values = by_hand(wanted)
    expected = select(session, f"SELECT uniqueid FROM assignments WHERE {clause} ORDER BY uniqueid", values)
    assert count(session, TABLE, wanted) == len(expected), clause
    assert rows(session, TABLE, wanted, ["uniqueid"], Ordering("uniqueid")) == expected, clause
    assert rows(session, TABLE, wanted, ["uniqueid"], Ordering("uniqueid", limit=5)) == expected[:5], clause


@HARD
@given(people=PEOPLE, wanted=FILTERS)
def test_the_count_is_what_sql_by_hand_counts(
    database: Database, people: list[dict[str, Any]], wanted: ParticipantFilter
) -> None:
    with database.write() as session:
        fill(session, people)
        agrees_with_sql_by_hand(session, wanted)


@settings(HARD, max_examples=20)
@given(people=PEOPLE, data=st.data())
def test_every_filter_and_every_pair_of_filters_counts_what_sql_by_hand_counts(
    database: Database, people: list[dict[str, Any]], data: st.DataObject
) -> None:
    with database.write() as session:
        fill(session, people)
        for names in (*((name,) for name in SOME), *PAIRS):
            agrees_with_sql_by_hand(session, data.draw(some_of(names)))


@HARD
@given(
    people=PEOPLE,
    wanted=FILTERS,
    by=st.lists(st.sampled_from(sorted(set(GROUPS) - {"complete"})), min_size=1, max_size=4, unique=True),
)
def test_the_groups_are_what_counting_the_rows_gives(
    database: Database, people: list[dict[str, Any]], wanted: ParticipantFilter, by: list[str]
) -> None:
    names = {"hit": "hit_id", "worker": "worker_id", "day": "begin_hit"}
    with database.write() as session:
        fill(session, people)
        listed = rows(session, TABLE, wanted, [names.get(each, each) for each in by], Ordering("uniqueid"))
        found = groups(session, TABLE, wanted, by, Ordering())
    days = [
        tuple(day(value) if each == "day" else value for each, value in zip(by, row, strict=True)) for row in listed
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


DEFAULT_COLUMNS = [*TABLE_COLUMNS, "uniqueid", "end_hit"]


@pytest.fixture(params=["plain", "optimized"])
def either(request: pytest.FixtureRequest, database: Database) -> Database:
    """A database without turkctl's indexes on psiTurk's table, or with them."""
    if request.param == "optimized":
        with database.read() as session:
            missing = indexes.states(session, TABLE)
        for state in missing:
            indexes.create(database, TABLE, state)
    return database


def expected_order(people: list[tuple[Any, ...]], descending: bool) -> list[tuple[Any, ...]]:
    """Pairs of a value and a uniqueid in the order of a list, by Python."""
    known = sorted((pair for pair in people if pair[0] is not None), reverse=descending)
    return known + sorted((pair for pair in people if pair[0] is None), key=lambda pair: pair[1], reverse=descending)


@HARD
@given(
    people=PEOPLE,
    wanted=st.one_of(BY_INDEX, FILTERS),
    column=st.sampled_from(DEFAULT_COLUMNS),
    descending=st.booleans(),
    size=st.integers(1, 30),
)
def test_pages_one_after_another_are_the_whole_list(
    either: Database, people: list[dict[str, Any]], wanted: ParticipantFilter, column: str, descending: bool, size: int
) -> None:
    with either.write() as session:
        fill(session, people)
        everybody = rows(session, TABLE, wanted, [column, "uniqueid"], Ordering("uniqueid"))
        whole = rows(session, TABLE, wanted, [column, "uniqueid"], Ordering(column, descending))
        pages = [
            rows(session, TABLE, wanted, [column, "uniqueid"], Ordering(column, descending, size, skipped))
            for skipped in range(0, len(people) + size + 1, size)
        ]
    assert whole == expected_order(everybody, descending)
    assert [row for page in pages for row in page] == whole


@pytest.mark.parametrize("descending", [False, True])
def test_pages_among_missing_values_fit_together(either: Database, descending: bool) -> None:
    person = {"workerid": "W", "hitid": "H", "mode": "live"}
    with either.write() as session:
        fill(session, [person | {"beginhit": START if number < 4 else None} for number in range(12)])
        pages = [
            rows(session, TABLE, ParticipantFilter(), ["uniqueid"], Ordering("begin_hit", descending, 3, skipped))
            for skipped in range(0, 15, 3)
        ]
    known, missing = ([f"U{number:03d}" for number in part] for part in (range(4), range(4, 12)))
    wanted = known[::-1] + missing[::-1] if descending else known + missing
    assert [row[0] for page in pages for row in page] == wanted


@HARD
@given(
    people=PEOPLE,
    wanted=st.one_of(BY_INDEX, FILTERS),
    column=st.sampled_from(DEFAULT_COLUMNS),
    descending=st.booleans(),
    part=st.integers(1, 9),
)
def test_the_parts_of_a_stream_are_the_whole_list(
    either: Database, people: list[dict[str, Any]], wanted: ParticipantFilter, column: str, descending: bool, part: int
) -> None:
    found: list[str] = []
    with either.write() as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(participant_streams, "PART", part)
        fill(session, people)
        whole = rows(session, TABLE, wanted, ["uniqueid"], Ordering(column, descending))
        after = None
        for _ in range(len(people) + 1):
            places = places_after(session, TABLE, wanted, column, after, descending=descending)
            found += [uniqueid for _value, uniqueid in places]
            if len(places) < part:
                break
            after = places[-1]
    assert [(each,) for each in found] == whole


def test_complete_is_a_group_like_others(database: Database) -> None:
    statuses = [3, 4, 5, 7, 0, 6, None]
    people = [{"workerid": "W", "hitid": "H", "mode": "live", "status": status} for status in statuses]
    with database.write() as session:
        fill(session, people)
        assert groups(session, TABLE, ParticipantFilter(), ["complete"], Ordering()) == [(False, 3), (True, 4)]


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
