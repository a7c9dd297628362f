"""What the queries of deadlines find, on both databases."""

from __future__ import annotations

from datetime import timedelta

from rows import ELSEWHERE, HERE, HOUR, NOW, make_assignment, make_hit

from turkctl.store import assignments, deadlines, hits
from turkctl.store.engine import Database
from turkctl.store.hits import HitFilter

DAY = timedelta(days=1)
EVERYTHING = HitFilter(HERE)


def test_only_work_on_hits_of_the_place_that_are_still_there_is_due(database: Database) -> None:
    soon = {"auto_approval": NOW + HOUR}
    with database.write() as session:
        hits.insert(session, make_hit("H1"))
        hits.insert(session, make_hit("H2", status="Disposed", disposed_at=NOW))
        hits.insert(session, make_hit("H3", mode=ELSEWHERE.mode, market=ELSEWHERE.market))
        work = [
            make_assignment("A1", **soon),
            make_assignment("A2", auto_approval=NOW + 2 * HOUR),
            make_assignment("A3", status="Approved", **soon),
            make_assignment("A4", hit_id="H2", **soon),
            make_assignment("A5", hit_id="H3", mode=ELSEWHERE.mode, market=ELSEWHERE.market, **soon),
        ]
        assignments.upsert_many(session, work)
        assert [each.assignment_id for each in deadlines.approvals(session, EVERYTHING, NOW + HOUR)] == ["A1"]


def test_rejections_are_taken_by_their_submission(database: Database) -> None:
    with database.write() as session:
        hits.insert(session, make_hit("H1"))
        times = {"A1": NOW - 2 * HOUR, "A2": NOW - HOUR, "A3": NOW}
        assignments.upsert_many(
            session, [make_assignment(name, status="Rejected", submitted=moment) for name, moment in times.items()]
        )
        found = deadlines.rejections(session, EVERYTHING, NOW - 2 * HOUR, NOW - HOUR)
        assert [(each.assignment_id, each.moment) for each in found] == [("A2", NOW - HOUR)]


def test_a_hit_without_open_slots_or_of_the_past_is_not_about_to_expire(database: Database) -> None:
    with database.write() as session:
        hits.insert(session, make_hit("H1", expires=NOW + HOUR))
        hits.insert(session, make_hit("H2", expires=NOW + HOUR, available=0))
        hits.insert(session, make_hit("H3", expires=NOW))
        found = deadlines.expiries(session, HitFilter(HERE, ids=["H1", "H2", "H3"]), NOW, NOW + DAY)
        assert [hit.hit_id for hit in found] == ["H1"]


def test_a_hit_is_idle_since_its_expiry_or_the_last_decision_on_it_and_not_while_work_waits(database: Database) -> None:
    past = {"created": NOW - 9 * DAY, "expires": NOW - 8 * DAY, "max_assignments": 1, "available": 0, "completed": 1}
    with database.write() as session:
        for name in ("EXPIRED", "DECIDED", "WAITING", "UNREAD"):
            hits.insert(session, make_hit(name, **past | ({"available": 1} if name == "EXPIRED" else {})))
        done = {"hit_id": "DECIDED", "status": "Approved", "submitted": NOW - 8 * DAY, "approved": NOW - 2 * DAY}
        work = [make_assignment("A1", **done), make_assignment("A2", hit_id="WAITING", submitted=NOW - 8 * DAY)]
        assignments.upsert_many(session, work)
        found = deadlines.idle(session, EVERYTHING, NOW)
        assert [(each.hit.hit_id, each.changed) for each in found] == [
            ("EXPIRED", NOW - 8 * DAY),
            ("DECIDED", NOW - 2 * DAY),
        ]
        assert [each.hit.hit_id for each in deadlines.idle(session, EVERYTHING, NOW - 3 * DAY)] == ["EXPIRED"]
