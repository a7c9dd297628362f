"""What lists of work, a worker's page and a campaign's chart are read from, on both databases."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from rows import ELSEWHERE, HERE, HOUR, NOW, make_assignment, make_hit, make_intent

from turkctl.store import (
    answered_items,
    assignments,
    campaign_money,
    hits,
    intents,
    participants,
    persons,
    work_lists,
)
from turkctl.store.base import ANY_MARKET, Place
from turkctl.store.engine import Database
from turkctl.store.workers import WorkFilter

NAME = participants.DEFAULT_NAME
ANYWHERE = Place(HERE.mode, ANY_MARKET)
ALL = WorkFilter(HERE)


def fill(database: Database) -> None:
    """An expired HIT of three slots, of which one was rejected and one not taken; work elsewhere; letters; a row."""
    there = {"mode": ELSEWHERE.mode, "market": ELSEWHERE.market}
    over = {"status": "Reviewable", "expires": NOW, "synced": NOW, "max_assignments": 3, "available": 1, "completed": 1}
    with database.write() as session:
        hits.insert(session, make_hit("H1", campaign_id=7, created=NOW - HOUR, **over))
        work = [
            make_assignment("A1", status="Rejected", rejected=NOW, answers={"label": "cat"}, answer="<a/>"),
            make_assignment("A2", worker_id="W2", submitted=NOW - HOUR, accepted=NOW - 2 * HOUR),
            make_assignment("A3", worker_id="W3", submitted=None, hit_id="H9"),
            make_assignment("A4", **there),
        ]
        assignments.upsert_many(session, work)
        letters = [
            make_intent("t1", kind=intents.MESSAGE, request={"workers": ["W1", "W_"], "subject": "Hi"}),
            make_intent("t2", kind=intents.MESSAGE, subject="W2", request={"reason": "broke"}),
            make_intent("t3", kind=intents.MESSAGE, request={"workers": ["W1"]}, **there),
        ]
        intents.open_many(session, letters)
        row = {"uniqueid": "W5:A5", "assignmentid": "A5", "workerid": "W5", "hitid": "H9", "mode": HERE.mode}
        participants.insert_new(session, NAME, [row])


def test_work_is_listed_in_order_and_in_parts(database: Database) -> None:
    fill(database)
    with database.read() as session:

        def ids(wanted: WorkFilter = ALL, *args: list[str], **options: int | bool | None) -> list[str]:
            return [each.assignment_id for each in work_lists.select_listed(session, wanted, *args, **options)]

        assert ids() == ids(WorkFilter(ANYWHERE)) == ["A2", "A1", "A3"]
        assert ids(descending=True) == ["A1", "A2", "A3"]
        assert [ids(limit=1, offset=place) for place in range(4)] == [["A2"], ["A1"], ["A3"], []]
        assert ids(offset=1) == ["A1", "A3"]
        assert ids(WorkFilter(HERE, campaign=7), ["Submitted"], limit=5) == ["A2"]
        assert work_lists.count_listed(session, WorkFilter(HERE, campaign=7)) == 2
        assert work_lists.count_listed(session, WorkFilter(HERE), ["Rejected"]) == 1
        (found,) = work_lists.select_listed(session, WorkFilter(HERE, ids=["A2"]))
        assert (found.time, found.paid, found.compensation) == (HOUR, Decimal("0.00"), False)


def test_a_worker_is_known_by_work_and_by_a_row(database: Database) -> None:
    fill(database)
    with database.read() as session:
        known = {name: persons.is_known(session, HERE, name, NAME) for name in ("W1", "W5", "W_", "A1")}
        assert known == {"W1": True, "W5": True, "W_": False, "A1": False}
        assert not persons.is_known(session, HERE, "W5", None)
        assert not persons.is_known(session, replace(HERE, market="another"), "W1", None)


def test_messages_to_a_worker_are_those_that_name_them_here(database: Database) -> None:
    fill(database)
    with database.read() as session:

        def tokens(name: str, place: Place = HERE) -> list[str]:
            return [each.token for each in persons.messages_to(session, place, name)]

        assert [tokens(name) for name in ("W1", "W2", "W3", "W_", "Hi")] == [["t1"], ["t2"], [], ["t1"], []]
        assert (tokens("W1", ANYWHERE), tokens("W1", ELSEWHERE)) == (["t1"], ["t3"])
        assert persons.exclusions_of(session, HERE, "W1") == []


def test_everybody_is_read_in_pages(database: Database) -> None:
    fill(database)
    with database.read() as session:
        first = persons.workers_by_work(session, 0, 3)
        assert [worker for _row, _mode, worker in first] == ["W1", "W2", "W3"]
        assert [mode for _row, mode, _worker in persons.workers_by_work(session, first[-1][0], 3)] == ["live"]
        assert persons.workers_by_row(session, NAME, "", 9) == [("W5:A5", "local", "W5")]
        assert persons.workers_by_row(session, NAME, "W5:A5", 9) == []
        letters = persons.workers_by_message(session, HERE.mode, "", 9)
        assert letters == [("t1", ["W1", "W_"]), ("t2", ["W2"])]


def test_an_answer_is_that_of_its_place(database: Database) -> None:
    fill(database)
    with database.read() as session:
        found = answered_items.stored_answer(session, HERE, "A1")
        assert found is not None
        assert (found.worker_id, found.answers, found.document) == ("W1", {"label": "cat"}, "<a/>")
        assert answered_items.items_shown(session, found.hit_row or 0) == []
        assert answered_items.stored_answer(session, HERE, "A4") is None


def test_promises_are_posted_and_released_at_their_times(database: Database) -> None:
    fill(database)
    with database.read() as session:
        found = campaign_money.promises(session, HERE, 7, NOW)
        assert sorted((each.at, each.assignments) for each in found) == [(NOW - HOUR, 3), (NOW, -1), (NOW, -1)]
        assert {each.reward for each in found} == {Decimal("0.50")}
        assert campaign_money.promises(session, HERE, 8, NOW) == []
