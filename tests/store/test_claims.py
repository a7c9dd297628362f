"""Every join of participants to assignments is by assignment and worker, on both databases."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from rows import ELSEWHERE, HERE, HOUR, NOW, make_assignment, make_hit
from sqlalchemy import insert
from sqlmodel import Session

from turkctl.store import (
    assignments,
    hits,
    participant_bonuses,
    participant_credits,
    participants,
    payments,
    people,
    wages,
)
from turkctl.store.engine import Database
from turkctl.store.participant_exports import read_page
from turkctl.store.participant_lists import ParticipantFilter
from turkctl.store.payments import Payment

TABLE = "assignments"
GHOST = "AGHOST"


@pytest.fixture
def shared(database: Database) -> Database:
    """W1 did A1; a row of a worker who returned it names it, too."""
    with database.write() as session:
        hits.insert(session, make_hit("H1", code_version="1.0"))
        done = {"status": "Approved", "accepted": NOW - HOUR, "answers": {"colour": "red"}}
        assignments.upsert_many(session, [make_assignment("A1", **done)])
        row(session, "W1", cond=0, status=5, bonus=0.25)
        row(session, GHOST, cond=1, status=2, bonus=0.75)
        row(session, "ZLATER", cond=2, status=6, bonus=0.5)
        row(session, "WLIVE", cond=3, status=5, bonus=0.5, mode="live")
    return database


def row(session: Session, worker: str, assignment: str = "A1", **values: object) -> None:
    made = {"uniqueid": f"{worker}:{assignment}", "assignmentid": assignment, "workerid": worker, "hitid": "H1"}
    table = participants.participants_table(TABLE)
    session.connection().execute(insert(table).values(**made, **{"mode": "local", "codeversion": "1.0"} | values))


def test_a_bonus_is_looked_up_by_both(shared: Database) -> None:
    with shared.read() as session:
        found = participant_bonuses.read(session, TABLE, "local", ["A1"])
    assert {claim: each.bonus for claim, each in found.items()} == {
        ("A1", "W1"): 0.25,
        ("A1", GHOST): 0.75,
        ("A1", "ZLATER"): 0.5,
    }


def test_who_names_an_assignment_is_told_with_the_status(shared: Database) -> None:
    with shared.read() as session:
        found = participants.claims(session, TABLE, "local", ["A1", "A1", "NONE"])
    assert found == {"A1": {"W1": 5, GHOST: 2, "ZLATER": 6}}


def test_answers_are_exported_under_the_worker_who_gave_them(shared: Database) -> None:
    with shared.read() as session:
        page = read_page(session, TABLE, ParticipantFilter(modes=["local"]), ["uniqueid"], None, answers=True)
    assert [key for key, _data in page.rows] == ["W1:A1"]
    assert json.loads(page.rows[0][1]) == {"questiondata": {"colour": "red"}}


def test_conditions_and_times_are_those_of_the_worker(shared: Database) -> None:
    entered = [
        Payment(
            mode=place.mode,
            market=place.market,
            kind=payments.BONUS,
            assignment_id="A1",
            worker_id=worker,
            hit_id="H1",
            purpose=worker,
            amount=Decimal("0.10"),
            fee=Decimal("0.02"),
            source=payments.MARKET,
            paid_at=NOW,
        )
        for place, worker in ((HERE, "W1"), (HERE, GHOST), (ELSEWHERE, "W1"))
    ]
    with shared.write() as session:
        payments.enter_many(session, entered)
    with shared.read() as session:
        assert wages.conditions(session, TABLE, "local", ["A1"])["A1", "W1"] == 0
        found = wages.timed_work(session, "local", ["A1"])
    assert [(each.worker_id, each.paid) for each in found.values()] == [("W1", Decimal("0.10"))]


def test_a_complete_row_counts_unless_the_market_says_that_another_did_the_work(shared: Database) -> None:
    with shared.write() as session:
        table = participants.participants_table(TABLE)
        session.connection().execute(table.update().values(hitid="UNKNOWN", status=5))
    with shared.read() as session:
        assert people.workers_of_unknown_hits(session, HERE, TABLE, "1.0") == ["W1"]
        assert people.complete_of_unknown_hits(session, HERE, TABLE) == {"1.0": 1}
    with shared.write() as session:
        assignments.upsert_many(session, [make_assignment("A1", status="Rejected", synced=NOW + HOUR)])
    with shared.read() as session:
        assert people.complete_of_unknown_hits(session, HERE, TABLE) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [("W1:A1", False)]),
        ({"workerid": "AOTHER"}, []),
        ({"mode": "live"}, []),
        ({"status": 5}, []),
        ({"assignmentid": "A2"}, []),
    ],
)
def test_a_row_that_was_set_back_is_found_by_both(
    shared: Database, changes: dict[str, object], expected: list[tuple[str, bool]]
) -> None:
    table = participants.participants_table(TABLE)
    with shared.write() as session:
        changed = table.update().where(table.c.uniqueid == "W1:A1").values({"status": 4} | changes)
        session.connection().execute(changed)
        session.connection().execute(table.update().where(table.c.workerid == GHOST).values(status=4))
    with shared.write() as session:
        found = participant_credits.set_back(session, TABLE, HERE)
        assert [(row.uniqueid, row.bonused) for row in found] == expected
        assert participant_credits.set_back(session, TABLE, ELSEWHERE) == []
        participant_credits.credit_again(session, TABLE, HERE, found)
        assert participant_credits.set_back(session, TABLE, HERE) == []
        assert participants.claims(session, TABLE, "local", ["A1"])["A1"][GHOST] == 4
