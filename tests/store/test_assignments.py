from __future__ import annotations

from datetime import datetime

import pytest
from pydantic import ValidationError
from rows import ELSEWHERE, HERE, HOUR, NOW, make_assignment, make_hit

from turkctl.store import assignments, hit_changes, hits
from turkctl.store.assignments import APPROVED, REJECTED, SUBMITTED, Review
from turkctl.store.base import CHUNK
from turkctl.store.engine import Database


@pytest.fixture
def stocked(database: Database) -> Database:
    """H1 with three assignments, H2 with one, and one elsewhere on a HIT of the same id."""
    with database.write() as session:
        hits.insert(session, make_hit("H1"))
        hits.insert(session, make_hit("H1", mode=ELSEWHERE.mode, market=ELSEWHERE.market))
        assignments.upsert_many(
            session,
            [
                make_assignment("A3", submitted=NOW + 2 * HOUR),
                make_assignment("A1", answer="<QuestionFormAnswers/>"),
                make_assignment("A2", worker_id="W2", submitted=NOW + HOUR, status=APPROVED, approved=NOW + HOUR),
                make_assignment("B1", hit_id="H2"),
                make_assignment("A1", mode=ELSEWHERE.mode, market=ELSEWHERE.market),
            ],
        )
    return database


def test_statuses_are_by_hit_and_assignment_of_one_place(stocked: Database) -> None:
    with stocked.read() as session:
        found = assignments.statuses(session, HERE, ["H1", "H2", "H3", "H1"])
        assert found == {"H1": {"A1": SUBMITTED, "A2": APPROVED, "A3": SUBMITTED}, "H2": {"B1": SUBMITTED}}
        assert assignments.statuses(session, ELSEWHERE, ["H1"]) == {"H1": {"A1": SUBMITTED}}


def test_an_assignment_knows_our_row_of_its_hit_where_there_is_one(stocked: Database) -> None:
    with stocked.read() as session:
        for place in (HERE, ELSEWHERE):
            hit = hits.get(session, place, "H1")
            found = assignments.get(session, place, "A1")
            assert hit is not None
            assert found is not None
            assert found.hit_row == hit.id
        orphan = assignments.get(session, HERE, "B1")
        assert orphan is not None
        assert orphan.hit_row is None
        assert assignments.get(session, ELSEWHERE, "B1") is None


def test_what_turkctl_decided_stays_when_the_market_is_read_again(stocked: Database) -> None:
    with stocked.write() as session:
        ours, found = Review("A1", NOW + HOUR, ours=True), Review("A3", NOW + HOUR)
        assignments.decide_many(session, HERE, APPROVED, [ours, found], expected=(SUBMITTED,))
        later = {"status": APPROVED, "synced": NOW + 9 * HOUR, "approved": NOW + 2 * HOUR}
        assignments.upsert_many(session, [make_assignment(name, **later) for name in ("A1", "A3")])
    with stocked.read() as session:
        rows = [assignments.get(session, HERE, name) for name in ("A1", "A3")]
    assert [(row.our_decision, row.approved) for row in rows if row is not None] == [
        (APPROVED, NOW + 2 * HOUR),
        (None, NOW + 2 * HOUR),
    ]


def test_the_answer_is_kept_as_it_came(stocked: Database) -> None:
    with stocked.read() as session:
        found = assignments.get(session, HERE, "A1")
    assert found is not None
    assert found.answer == "<QuestionFormAnswers/>"


def test_what_the_market_says_later_replaces_what_it_said_earlier_and_not_the_other_way(stocked: Database) -> None:
    newer = make_assignment("A1", status=APPROVED, approved=NOW + HOUR, feedback="Thank you", synced=NOW + HOUR)
    with stocked.write() as session:
        hits.insert(session, make_hit("H2"))
        assignments.upsert_many(session, [newer])
        assignments.upsert_many(session, [make_assignment("A1"), make_assignment("B1", hit_id="H2")])
        found = assignments.get(session, HERE, "A1")
        adopted = assignments.get(session, HERE, "B1")
    assert found is not None
    assert (found.status, found.approved, found.feedback) == (APPROVED, NOW + HOUR, "Thank you")
    assert adopted is not None
    assert adopted.hit_row is not None
    assert len({found.id, adopted.id}) == 2


def test_thousands_are_stored_at_once(database: Database) -> None:
    with database.write() as session:
        hits.insert(session, make_hit("H1"))
        assignments.upsert_many(session, [])
        assignments.upsert_many(session, [make_assignment(f"A{number}") for number in range(2 * CHUNK + 3)])
        assert len(assignments.statuses(session, HERE, ["H1"])["H1"]) == 2 * CHUNK + 3


def test_a_decision_is_recorded_only_on_what_is_still_as_expected(stocked: Database) -> None:
    def decide(new: str, at: datetime, *names: str, expected: str, feedback: str | None = None) -> None:
        decisions = [Review(name, at, feedback) for name in names]
        assignments.decide_many(session, HERE, new, decisions, expected=(expected,))

    with stocked.write() as session:
        decide(REJECTED, NOW + HOUR, "A1", "X", expected=SUBMITTED, feedback="Empty")
        decide(APPROVED, NOW + 3 * HOUR, "A1", expected=SUBMITTED)
        rejected = assignments.statuses(session, HERE, ["H1"])["H1"]["A1"]
        decide(APPROVED, NOW + 2 * HOUR, "A1", expected=REJECTED)
        found = assignments.get(session, HERE, "A1")
        other = assignments.get(session, ELSEWHERE, "A1")
    assert rejected == REJECTED
    assert found is not None
    assert (found.status, found.feedback) == (APPROVED, "Empty")
    assert (found.rejected, found.approved, found.synced) == (NOW + HOUR, NOW + 2 * HOUR, NOW + 2 * HOUR)
    assert other is not None
    assert other.status == SUBMITTED


def test_an_assignment_with_a_value_of_the_wrong_kind_is_refused(database: Database) -> None:
    with pytest.raises(ValidationError), database.write() as session:
        assignments.upsert_many(session, [make_assignment("A1", submitted="yesterday")])


def test_decisions_that_are_stored_are_counted_as_far_as_the_hits_counters_have_room(database: Database) -> None:
    with database.write() as session:
        for hit_id, available, completed in (("H1", 4, 0), ("H2", 8, 0), ("H3", 0, 5), ("H4", 4, 0)):
            hits.insert(session, make_hit(hit_id, available=available, completed=completed))
        hit_changes.mark_disposed(session, HERE, "H4", NOW)
        rows = [
            make_assignment(f"{hit}-{number}", hit_id=hit, worker_id=f"W{number}", status=status)
            for hit in ("H1", "H2", "H3", "H4")
            for number, status in enumerate(("Approved", "Rejected", "Submitted"))
        ]
        assignments.upsert_many(session, rows)
        hit_changes.note_decisions(session, HERE, ["H1", "H2", "H3", "H4", "H1", "X"])
        hit_changes.note_decisions(session, ELSEWHERE, ["H1"])
        found = {each.hit_id: each.completed for each in hits.select_hits(session, hits.HitFilter(HERE))}
    assert found == {"H1": 2, "H2": 1, "H3": 5, "H4": 0}, "never fewer, nor more than can have been submitted"
