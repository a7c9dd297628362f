"""Pages, streams, choices and kept counts, on a database of psiTurk's alone."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queries import counted

from turkctl.context import Context
from turkctl.errors import NotFoundError, SchemaError, UsageError
from turkctl.operations.participants import counting
from turkctl.operations.participants.counting import CHOICES, CountCache, choices
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import SHOWN, TABLE, count, grouped, listed
from turkctl.operations.participants.pages import MOST_ON_A_PAGE, page_of, stream
from turkctl.settings import load
from turkctl.store import participant_streams
from turkctl.store.participant_lists import Ordering

COLUMNS = "uniqueid PRIMARY KEY, assignmentid, workerid, hitid, cond, counterbalance, codeversion, beginhit, beginexp"
COLUMNS += ", endhit, bonus, status, mode, datastring, ipaddress, browser, platform, language"
EXPERIMENT = """\
[experiments.x]
code_version = "1.1"
title = "t"
description = "d"
reward = "0.50"
duration = "30m"
lifetime = "24h"
external_url = "https://lab.example.org/pub"
"""
PEOPLE = 23


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A project on a database of psiTurk's, without tables of turkctl's; nobody changes it."""
    folder = tmp_path_factory.mktemp("study")
    with closing(sqlite3.connect(folder / "participants.db")) as plain:
        plain.execute(f"CREATE TABLE assignments ({COLUMNS})")
        for number in range(PEOPLE):
            began = None if number % 6 == 5 else f"2026-11-{20 + number % 3} 10:00:00.000000"
            mode, version = ("live", "sandbox", None)[number % 3], ("1.0", "1.1")[number % 2]
            values = (f"W{number:02}:A", "A", f"W{number:02}", "H", (0, 1, None)[number % 5 % 3], 0, version, began)
            rest = (None, None, 0.25, (2, 3, 4, 9, None)[number % 5], mode, "{}", None, None, None, None)
            plain.execute(f"INSERT INTO assignments VALUES ({','.join('?' * 18)})", (*values, *rest))
        plain.commit()
    (folder / "turkctl.toml").write_text('database_url = "sqlite:///participants.db"\n' + EXPERIMENT)
    context = Context(load({"config": str(folder / "turkctl.toml")}, {}, folder))
    yield context
    context.close()


QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "modes": st.lists(st.sampled_from(["live", "sandbox", "debug"]), min_size=1, max_size=2),
        "conditions": st.lists(st.integers(0, 2), min_size=1, max_size=2),
        "code_versions": st.lists(st.sampled_from(["1.0", "1.1", "9"]), min_size=1, max_size=2),
        "current": st.booleans(),
        "statuses": st.lists(st.sampled_from(["started", "completed", "submitted"]), min_size=1, max_size=2),
        "complete": st.booleans(),
        "since": st.just("2026-11-21"),
        "until": st.just("2026-11-22"),
    },
).map(lambda given: Query(**given))
ORDERINGS = st.builds(Ordering, st.sampled_from([None, *TABLE, "uniqueid"]), st.booleans())
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(query=QUERIES, ordering=ORDERINGS, size=st.integers(1, 30))
def test_pages_one_after_another_are_the_list_and_the_last_one_tells_its_length(
    reads: Context, query: Query, ordering: Ordering, size: int
) -> None:
    whole = listed(reads, query, ordering)[1]
    pages = [page_of(reads, query, ordering, 1, size)]
    while pages[-1].has_more:
        assert pages[-1].total is None
        pages.append(page_of(reads, query, ordering, len(pages) + 1, size))
    assert [row for page in pages for row in page.rows] == whole
    assert pages[-1].total == len(whole)
    assert [(page.page, len(page.rows)) for page in pages[:-1]] == [(number, size) for number in range(1, len(pages))]


@pytest.mark.parametrize("page", [3, 10**30, 0, -1])
def test_a_page_outside_the_list_is_empty(reads: Context, page: int) -> None:
    found = page_of(reads, Query(), Ordering(), page, 20)
    assert (found.rows, found.has_more, found.total, found.page) == ([], False, None, page)


def test_a_page_of_nobody_says_that_there_is_nobody(reads: Context) -> None:
    found = page_of(reads, Query(modes=["debug"]), Ordering(), 1, 20)
    assert (found.rows, found.has_more, found.total) == ([], False, 0)


def test_a_page_counts_nothing(reads: Context) -> None:
    with counted(reads.bare_database) as queries:
        page_of(reads, Query(complete=True), Ordering("mode", True), 1, 5)
    assert not [statement for statement, _ in queries if "count(" in statement and "sqlite_master" not in statement]


@pytest.mark.parametrize("size", [0, -1, MOST_ON_A_PAGE + 1])
def test_a_page_has_a_sensible_size(reads: Context, size: int) -> None:
    with pytest.raises(UsageError, match=f"{size} rows"):
        page_of(reads, Query(), Ordering(), 1, size)


def test_columns_of_a_page_can_be_chosen_and_are_checked_even_outside_the_list(reads: Context) -> None:
    found = page_of(reads, Query(), Ordering(), 1, 1, ["worker_id", "complete"])
    assert (list(found.columns), found.rows) == (
        ["worker_id", "complete"],
        [{"worker_id": "W00", "complete": False}],
    )
    assert list(page_of(reads, Query(), Ordering(), 1, 1).columns) == list(TABLE)
    with pytest.raises(UsageError):
        page_of(reads, Query(), Ordering("colour"), 10**30, 1)


@MANY
@given(query=QUERIES, ordering=ORDERINGS, part=st.integers(1, 9))
def test_a_stream_is_the_list(reads: Context, query: Query, ordering: Ordering, part: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(participant_streams, "PART", part)
        found = list(stream(reads, query, ordering))
    assert found == listed(reads, query, ordering)[1]
    assert all(tuple(row) == SHOWN for row in found)


def test_between_two_rows_of_a_stream_psiturk_can_write(reads: Context) -> None:
    rows = stream(reads, Query(), Ordering("worker_id"), ["worker_id"])
    assert next(rows) == {"worker_id": "W00"}
    with closing(sqlite3.connect(reads.bare_database.url.database or "", timeout=0)) as plain:
        plain.execute("BEGIN EXCLUSIVE")
        plain.rollback()
    assert len(list(rows)) == PEOPLE - 1


def test_a_stream_refuses_before_its_first_row(reads: Context, tmp_path: Path) -> None:
    for query, ordering in ((Query(statuses=["done"]), Ordering()), (Query(), Ordering("colour"))):
        with pytest.raises(UsageError):
            stream(reads, query, ordering)
    with pytest.raises(SchemaError):
        stream(reads, Query(campaigns=[1]), Ordering())


@MANY
@given(query=QUERIES)
def test_each_choice_is_counted_within_the_other_filters(reads: Context, query: Query) -> None:
    without = {
        "mode": {"modes": ()},
        "condition": {"conditions": ()},
        "codeversion": {"code_versions": (), "current": False},
        "status": {"statuses": ()},
    }
    found = choices(reads, query)
    assert tuple(found) == CHOICES
    for what, lifted in without.items():
        others = Query(**{**query.__dict__, **lifted})
        rows = listed(reads, others, Ordering(), [what])[1]
        assert dict(found[what]) == Counter(row[what] for row in rows)


def test_choices_are_in_their_order_with_missing_ones_last(reads: Context) -> None:
    found = choices(reads, Query())
    assert [value for value, _ in found["mode"]] == ["live", "sandbox", None]
    assert [value for value, _ in found["condition"]] == [0, 1, None]
    assert [value for value, _ in found["status"]] == ["started", "completed", "submitted", "9", None]


class Counts:
    """Counts that a test makes up, as :func:`counting.count`."""

    def __init__(self) -> None:
        self.asked: list[Query] = []

    def __call__(self, _reads: Any, query: Query) -> int:
        self.asked.append(query)
        return len(self.asked)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    made = Counts()
    monkeypatch.setattr(counting, "count", made)
    return made


def test_counts_are_those_that_are_not_kept(reads: Context) -> None:
    cache, query = CountCache(), Query(modes=["live"], complete=True)
    for _ in range(2):
        assert cache.count(reads, query) == count(reads, query)
        assert cache.choices(reads, query) == choices(reads, query)
        for by in (["day"], ["condition", "status"]):
            assert cache.groups(reads, query, Ordering(), by) == grouped(reads, query, Ordering(), by)


def test_a_count_is_kept_for_its_time_and_for_its_filters(reads: Context, counts: Counts) -> None:
    now = [100.0]
    cache = CountCache(seconds=30, clock=lambda: now[0])
    live = Query(modes=["live", "sandbox"])
    assert [cache.count(reads, live), cache.count(reads, Query(modes=("sandbox", "live")))] == [1, 1]
    assert cache.count(reads, Query(modes=["live"])) == 2
    now[0] += 29.9
    assert cache.count(reads, live) == 1
    now[0] += 0.2
    assert cache.count(reads, live) == 3


def test_databases_and_tables_are_not_mixed(reads: Context, counts: Counts, tmp_path: Path) -> None:
    cache = CountCache()
    there = Context(load({"database_url": f"sqlite:///{tmp_path / 'other.db'}"}, {}, tmp_path))
    other = Context(
        load({"config": str(reads.settings.project_file)}, {"TURKCTL_PARTICIPANTS_TABLE": "people"}, tmp_path)
    )
    assert [cache.count(each, Query()) for each in (reads, there, other, reads, there, other)] == [1, 2, 3, 1, 2, 3]


def test_the_count_that_was_not_asked_for_the_longest_is_let_go(reads: Context, counts: Counts) -> None:
    cache = CountCache(most=2)
    first, second, third = (Query(modes=[name]) for name in ("a", "b", "c"))
    assert [cache.count(reads, each) for each in (first, second, first, third)] == [1, 2, 1, 3]
    assert [cache.count(reads, each) for each in (first, third, second)] == [1, 3, 4]


def test_several_who_ask_at_once_wait_for_one_count(reads: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, asked = Event(), Event(), []

    def slow(_reads: Any, query: Query) -> int:
        asked.append(query)
        begun.set()
        assert go_on.wait(60)
        return 7

    monkeypatch.setattr(counting, "count", slow)
    cache = CountCache()
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(cache.count, reads, Query())
        assert begun.wait(60)
        others = [pool.submit(cache.count, reads, Query()) for _ in range(7)]
        go_on.set()
        assert [each.result(60) for each in (first, *others)] == [7] * 8
    assert len(asked) == 1


def test_an_error_is_told_to_all_who_wait_and_not_kept(reads: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = Event(), Event()

    def broken(_reads: Any, _query: Query) -> int:
        begun.set()
        assert go_on.wait(60)
        raise NotFoundError("gone")

    monkeypatch.setattr(counting, "count", broken)
    cache = CountCache()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(cache.count, reads, Query())]
        assert begun.wait(60)
        waiting.append(pool.submit(cache.count, reads, Query()))
        go_on.set()
        assert [type(each.exception(60)) for each in waiting] == [NotFoundError] * 2
    monkeypatch.setattr(counting, "count", lambda _reads, _query: 5)
    assert cache.count(reads, Query()) == 5
