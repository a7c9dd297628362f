"""Reading what was recorded, page by page, on every database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, text

from turkctl.store import participant_exports
from turkctl.store.engine import Database
from turkctl.store.participant_exports import read_page
from turkctl.store.participant_lists import ParticipantFilter
from turkctl.store.participants import participants_table

TABLE = "assignments"
EVERYBODY = ParticipantFilter()


def fill(database: Database, recorded: dict[str, str | None], **values: Any) -> None:
    rows = [
        {"uniqueid": key, "assignmentid": key, "workerid": "W", "hitid": "H", "mode": "live", **values, "datastring": d}
        for key, d in recorded.items()
    ]
    with database.write() as session:
        session.connection().execute(text("DELETE FROM assignments"))
        session.connection().execute(insert(participants_table(TABLE)), rows)


def pages(database: Database, wanted: ParticipantFilter = EVERYBODY) -> list[list[tuple[str, str]]]:
    """Keys and data of every page, each read in a session of its own."""
    found: list[list[tuple[str, str]]] = []
    after: str | None = None
    while True:
        with database.read() as session:
            page = read_page(session, TABLE, wanted, ["uniqueid", "mode"], after)
        found.append([(row[0], row[2].decode() if isinstance(row[2], bytes) else row[2]) for row in page.rows])
        after = page.after
        if after is None:
            return found


def test_pages_together_are_all_that_have_something_recorded_in_the_order_of_the_key(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(participant_exports, "PAGE_KEYS", 7)
    fill(database, {f"U{number:03d}": None if number % 3 else "{}" for number in range(50)})
    found = pages(database)
    assert len(found) == 8
    assert [row for page in found for row in page] == [(f"U{number:03d}", "{}") for number in range(0, 50, 3)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.one_of(st.none(), st.integers(0, 40)), min_size=1, max_size=30),
    keys=st.integers(1, 8),
    limit=st.integers(1, 60),
)
def test_whatever_the_bounds_each_row_is_on_one_page_and_no_page_is_longer_than_they_say(
    database: Database, sizes: list[int | None], keys: int, limit: int
) -> None:
    recorded = {f"U{number:03d}": None if size is None else "x" * size for number, size in enumerate(sizes)}
    fill(database, recorded)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(participant_exports, "PAGE_KEYS", keys)
        patch.setattr(participant_exports, "PAGE_BYTES", limit)
        found = pages(database)
    assert [row for page in found for row in page] == [
        (key, data) for key, data in sorted(recorded.items()) if data is not None
    ]
    for page in found:
        assert len(page) <= keys
        # The row that goes beyond the bound is the last: nothing larger than one row is held on top of it.
        assert sum(len(data) for _key, data in page[:-1]) <= limit


def test_filters_choose_and_pages_without_a_match_are_gone_through(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(participant_exports, "PAGE_KEYS", 3)
    fill(database, {f"U{number}": "{}" for number in range(9)}, cond=1)
    with database.write() as session:
        session.connection().execute(text("UPDATE assignments SET cond = 2 WHERE uniqueid = 'U7'"))
    assert pages(database, ParticipantFilter(conditions=[2])) == [[], [], [("U7", "{}")], []]


def test_what_comes_and_goes_meanwhile_neither_hides_nor_repeats_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(participant_exports, "PAGE_KEYS", 4)
    before = {f"U{number:02d}": "{}" for number in range(0, 40, 2)}
    fill(database, before)
    found: list[str] = []
    after: str | None = None
    for step in range(100):
        with database.read() as session:
            page = read_page(session, TABLE, EVERYBODY, ["uniqueid"], after)
        found += [row[0] for row in page.rows]
        after = page.after
        if after is None:
            break
        with database.write() as session:  # psiTurk goes on: somebody new on either side of the page's end
            for key in (f"U{(7 * step) % 40:02d}x", f"{after}x", f"T{step}"):
                new = {"uniqueid": key, "assignmentid": key, "workerid": "W", "hitid": "H", "datastring": "{}"}
                session.connection().execute(insert(participants_table(TABLE)).values(new))
    assert [key for key in found if key in before] == list(before)
    assert len(found) == len(set(found))


def test_each_page_is_two_statements_whatever_the_size_of_the_table(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(participant_exports, "PAGE_KEYS", 10)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    counts = []
    for size in (25, 100):
        fill(database, {f"U{number:03d}": "{}" for number in range(size)})
        statements.clear()
        counts.append((len(pages(database)), sum("FROM assignments" in each for each in statements)))
    assert counts == [(3, 6), (11, 22)]
