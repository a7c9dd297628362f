"""Reading work with the items that its HITs showed, on every database."""

from __future__ import annotations

from typing import Any

import pytest
from rows import HERE, NOW, make_assignment, make_hit, make_intent
from sqlalchemy import insert
from sqlmodel import Session

from turkctl.store import answered_items, assignments, contents, contents_adding, experiments, hits, intents
from turkctl.store.answered_items import read_work, work_ids
from turkctl.store.base import Place
from turkctl.store.contents_adding import NewContent, Rules
from turkctl.store.engine import Database
from turkctl.store.participants import participants_table
from turkctl.store.workers import WorkFilter

TABLE = "assignments"


def show(session: Session, hit_id: str, *ids: int, place: Place = HERE) -> int:
    """Store a HIT that shows these items; its row."""
    token = f"t-{place.mode}-{hit_id}"
    intents.open_many(session, [make_intent(token, experiment_id=1, mode=place.mode, market=place.market)])
    links = [
        {"token": token, "position": position, "content_id": each, "assignments": 9, "outputs": 1}
        for position, each in enumerate(ids, start=1)
    ]
    contents.open_links(session, links)
    made = hits.insert(session, make_hit(hit_id, experiment_id=1, mode=place.mode, market=place.market))
    assert made.id is not None
    contents.attach(session, token, made.id)
    return made.id


@pytest.fixture
def answered(database: Database) -> Database:
    """Work on two HITs that show items, on one that shows none, and on one of another mode."""
    with database.write() as session:
        experiments.save_version(session, "birds", code_version="1", digest="d", settings={}, source="x", now=NOW)
        items = [NewContent(key, f'{{"id": "{key}"}}', None, "cat" if key == "c" else None) for key in "abc"]
        contents_adding.put(session, 1, items, Rules(gold=True, outputs=None, new_outputs=1), NOW)
        show(session, "H1", 2, 1)
        show(session, "H2", 3)
        hits.insert(session, make_hit("H3", experiment_id=1))
        show(session, "H1", 1, place=Place("live", "market-2"))
        work = [
            make_assignment(f"A{number}", hit_id=hit_id, worker_id=f"W{number}", answers={"label": str(number)})
            for number, hit_id in enumerate(("H1", "H2", "H3", "H1", "H2"), start=1)
        ]
        live = make_assignment(
            "A9", hit_id="H1", worker_id="W1", mode="live", market="market-2", answers={"label": "9"}
        )
        assignments.upsert_many(session, [*work, live])
    return database


def found(database: Database, **options: Any) -> list[str]:
    narrowed = WorkFilter(HERE, **options.pop("narrowed", {}))
    with database.read() as session:
        return [each.assignment_id for each in read_work(session, work_ids(session, narrowed, **options))]


def test_only_work_on_hits_that_show_items_is_read(answered: Database) -> None:
    assert found(answered) == ["A1", "A2", "A4", "A5"], "A3 saw no item, and A9 is of another mode"
    assert found(answered, narrowed={"ids": ["W4", "A5"]}) == ["A4", "A5"]
    assert found(answered, narrowed={"slug": "birds", "hit_ids": ["H2"]}) == ["A2", "A5"]
    assert found(answered, narrowed={"slug": "cats"}) == []
    assert found(answered, statuses=("Approved",)) == []
    assert found(answered, key="a") == ["A1", "A4"]


def test_work_is_read_with_its_experiment_and_answers(answered: Database) -> None:
    with answered.read() as session:
        rows = work_ids(session, WorkFilter(HERE))
        first, last = read_work(session, [rows[-1], rows[0]])
    assert (first.assignment_id, last.assignment_id) == ("A1", "A5")
    assert (first.experiment, first.answers, first.document) == ("birds", {"label": "1"}, None)


def test_items_are_in_the_order_of_their_positions(answered: Database) -> None:
    with answered.read() as session:
        shown = answered_items.shown_by_hits(session, {("H1", "local"), ("H2", "local"), ("H3", "local"), ("H9", "x")})
        live = answered_items.shown_by_hits(session, {("H1", "live")})
    keys = {hit: [(item.position, item.key) for item in each.items] for hit, each in shown.items()}
    assert keys == {("H1", "local"): [(1, "b"), (2, "a")], ("H2", "local"): [(1, "c")]}
    assert shown["H2", "local"].items[0].gold == "cat"
    assert [item.key for item in live["H1", "live"].items] == ["a"]


def test_what_participants_recorded_is_found_by_their_uniqueid(answered: Database) -> None:
    rows = [
        {"uniqueid": f"W{number}:A{number}", "assignmentid": f"A{number}", "workerid": f"W{number}", "hitid": "H1",
         "mode": "local", "datastring": text}
        for number, text in ((1, '{"questiondata": {}}'), (2, None), (3, "{}"), (4, "ä"))
    ]  # fmt: skip
    with answered.write() as session:
        session.connection().execute(insert(participants_table(TABLE)), rows)
    with answered.read() as session:
        work = read_work(session, work_ids(session, WorkFilter(HERE)))
        told = list(answered_items.recorded(session, TABLE, work))
    texts = [(*name, text.decode() if isinstance(text, bytes) else text) for *name, text in told]
    assert texts == [("A1", "W1", '{"questiondata": {}}'), ("A4", "W4", "ä")]


def test_a_database_with_a_hit_that_shows_items_is_known(answered: Database) -> None:
    with answered.read() as session:
        assert answered_items.are_there(session)


def test_a_database_of_others_shows_no_items(empty: Database) -> None:
    with empty.read() as session:
        assert not answered_items.are_there(session)


def test_a_database_without_content_shows_no_items(database: Database) -> None:
    with database.read() as session:
        assert not answered_items.are_there(session)
