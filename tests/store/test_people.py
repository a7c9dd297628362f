from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from rows import ELSEWHERE, HERE, HOUR, NOW, make_assignment, make_hit
from sqlalchemy import insert
from sqlmodel import Session

from turkctl.operations.experiments import people as counting
from turkctl.store import assignments, experiments, hits, people
from turkctl.store.base import Place
from turkctl.store.engine import Database
from turkctl.store.participants import participants_table

READ = NOW + 25 * HOUR
"""Later than the expiry of the HITs that make_hit makes."""


def configure(session: Session, slug: str, version: str) -> int:
    experiments.save_version(
        session, slug, code_version=version, digest=slug + version, settings={}, source="x", now=NOW
    )
    found = experiments.by_slug(session, slug)
    assert found is not None
    return found.experiment_id


def participant(
    session: Session, worker: str, hit: str, status: int, *, version: str = "1.0", mode: str = "local"
) -> None:
    values = {"uniqueid": f"{worker}:A-{worker}-{hit}", "assignmentid": f"A-{worker}-{hit}", "workerid": worker}
    row = values | {"hitid": hit, "status": status, "codeversion": version, "mode": mode}
    session.connection().execute(insert(participants_table("assignments")).values(row))


def work(session: Session, hit: str, worker: str, status: str, place: Place = HERE) -> None:
    row = make_assignment(
        f"A-{worker}-{hit}", hit_id=hit, worker_id=worker, status=status, mode=place.mode, market=place.market
    )
    assignments.upsert_many(session, [row])


def completed(session: Session, experiment: int = 1, version: str = "1.0") -> int:
    return counting.completed(session, HERE, experiment, version)


def outstanding(session: Session, now: datetime = NOW) -> int:
    return counting.outstanding(session, HERE, 1, "1.0", now)


def test_a_person_is_counted_once_however_often_she_took_part(database: Database) -> None:
    with database.write() as session:
        one = configure(session, "stroop", "1.0")
        for hit in ("H1", "H2"):
            hits.insert(session, make_hit(hit, experiment_id=one, code_version="1.0"))
            work(session, hit, "W1", "Approved")
        work(session, "H1", "W2", "Submitted")
        participant(session, "W1", "H1", 4)
        participant(session, "W1", "SOMEBODYS", 4)
        assert completed(session) == 2


def test_what_a_person_did_after_their_first_is_a_repeat_unless_it_was_rejected(database: Database) -> None:
    with database.write() as session:
        one = configure(session, "stroop", "1.0")
        for hit, version, slots in (("H1", "1.0", 9), ("H2", "1.0", 9), ("H3", "1.0", 12), ("H4", "0.9", 9)):
            row = make_hit(hit, experiment_id=one, code_version=version, max_assignments=slots)
            hits.insert(session, row)
        for hit in ("H1", "H2", "H3", "H4"):
            work(session, hit, "W1", "Approved")
        work(session, "H2", "W2", "Submitted")
        work(session, "H3", "W2", "Rejected")
        found = people.repeats(session, HERE, one, "1.0", None)
        assert [(group.max_assignments, group.assignments) for group in found] == [(9, 1), (12, 1)]
        assert people.repeats(session, HERE, one, "0.9", None) == []
        assert people.repeats(session, HERE, one, "1.0", 1) == []
        assert people.repeats(session, ELSEWHERE, one, "1.0", None) == []


def test_only_this_experiment_version_mode_and_market_count(database: Database) -> None:
    with database.write() as session:
        one, two = configure(session, "stroop", "1.0"), configure(session, "flanker", "2.0")
        hits.insert(session, make_hit("H1", experiment_id=one, code_version="1.0"))
        hits.insert(session, make_hit("H2", experiment_id=one, code_version="0.9"))
        hits.insert(session, make_hit("H3", experiment_id=two, code_version="1.0"))
        away = {"mode": ELSEWHERE.mode, "market": ELSEWHERE.market}
        hits.insert(session, make_hit("H4", experiment_id=one, code_version="1.0", **away))
        for number, hit in enumerate(("H1", "H2", "H3")):
            work(session, hit, f"W{number}", "Submitted")
        work(session, "H4", "W9", "Submitted", ELSEWHERE)
        assert completed(session, one) == 1
        assert completed(session, one, "0.9") == 1
        assert counting.completed(session, ELSEWHERE, one, "1.0") == 1


def test_rejected_work_counts_only_once_overturned_whatever_the_participant_row_says(
    database: Database,
) -> None:
    with database.write() as session:
        one = configure(session, "stroop", "1.0")
        hits.insert(session, make_hit("H1", experiment_id=one, code_version="1.0"))
        work(session, "H1", "W1", "Rejected")
        participant(session, "W1", "H1", 4)
        work(session, "GONE", "W2", "Rejected")
        participant(session, "W2", "GONE", 5)
        assert completed(session) == 0
        work(session, "H1", "W1", "Approved")
        assert completed(session) == 1


def test_participants_of_unknown_hits_count_where_their_version_is_one_experiments_alone(
    database: Database,
) -> None:
    with database.write() as session:
        one = configure(session, "stroop", "1.0")
        for number, status in enumerate((0, 1, 2, 3, 4, 5, 6, 7)):
            participant(session, f"W{number}", "SOMEBODYS", status)
        participant(session, "WX", "SOMEBODYS", 4, mode="live")
        participant(session, "WY", "SOMEBODYS", 4, version="0.9")
        assert completed(session, one) == 4, "3, 4, 5 and 7"
        assert counting.unclaimed(session, HERE) == {"0.9": 1}
        two = configure(session, "flanker", "1.0")
        assert (completed(session, one), completed(session, two)) == (0, 0)
        assert counting.unclaimed(session, HERE) == {"1.0": 4, "0.9": 1}
        assert completed(session, one, "0.9") == 0


def test_a_participant_of_a_known_hit_adds_nobody(database: Database) -> None:
    with database.write() as session:
        one = configure(session, "stroop", "1.0")
        hits.insert(session, make_hit("H1", experiment_id=one, code_version="1.0"))
        participant(session, "W1", "H1", 3)
        assert completed(session) == 0, "a page that was left before it was handed in"


def test_without_a_participants_table_the_hits_still_count(database: Database) -> None:
    with database.write() as session:
        one = configure(session, "stroop", "1.0")
        hits.insert(session, make_hit("H1", experiment_id=one, code_version="1.0"))
        work(session, "H1", "W1", "Submitted")
        assert counting.completed(session, HERE, one, "1.0", participants_table="nobody_made_it") == 1
        assert counting.unclaimed(session, HERE, participants_table="nobody_made_it") == {}


@pytest.mark.parametrize(
    ("changes", "stored", "now", "expected"),
    [
        ({}, 0, NOW, 9),
        ({"available": 5, "pending": 2}, 0, NOW, 9),
        ({"available": 5, "pending": 2}, 1, NOW, 8),
        ({"available": 5, "pending": 2, "completed": 1}, 2, NOW, 7),
        ({"available": 5, "pending": 2}, 4, NOW, 7),
        ({"available": 5, "pending": 2, "synced": READ, "status": "Unassignable"}, 2, READ, 2),
        ({"available": 5, "pending": 2, "synced": READ}, 2, READ, 7),  # the market's clock is behind
        ({"available": 7, "synced": NOW, "status": "Reviewable"}, 2, NOW, 0),  # and here it is ahead
        ({"available": 7, "status": "Reviewable"}, 2, NOW, 7),
        ({"available": 5, "pending": 2, "synced": NOW}, 2, READ, 7),
        ({"available": 5, "pending": 2, "synced": NOW + 24 * HOUR}, 2, READ, 7),
        ({"available": 0, "pending": 0}, 9, NOW, 0),
        ({"disposed_at": NOW}, 0, NOW, 0),
        ({"code_version": "0.9"}, 0, NOW, 0),
        ({"market": "market-9"}, 0, NOW, 0),
    ],
)
def test_outstanding_is_open_slots_workers_at_work_and_unread_submissions(
    database: Database, changes: dict[str, object], stored: int, now: datetime, expected: int
) -> None:
    with database.write() as session:
        one = configure(session, "stroop", "1.0")
        hits.insert(session, make_hit("H1", **{"experiment_id": one, "code_version": "1.0"} | changes))
        for number in range(stored):
            work(session, "H1", f"W{number}", "Approved")
        assert outstanding(session, now) == expected


def test_what_may_still_change_is_what_is_open_at_work_or_unread(database: Database) -> None:
    with database.write() as session:
        one, two = configure(session, "stroop", "1.0"), configure(session, "flanker", "1.0")
        base = {"experiment_id": one, "code_version": "1.0", "synced": NOW, "max_assignments": 2, "available": 0}
        over = {"expires": NOW - HOUR, "created": NOW - 25 * HOUR}
        hits.insert(session, make_hit("open", **base | {"available": 1, "pending": 0}))
        hits.insert(session, make_hit("at-work", **base | over | {"pending": 2}))
        hits.insert(session, make_hit("unread", **base | over))
        hits.insert(session, make_hit("read", **base | over))
        hits.insert(session, make_hit("expired", **base | over | {"available": 2, "status": "Reviewable"}))
        hits.insert(session, make_hit("said-open", **base | over | {"available": 2}))
        hits.insert(session, make_hit("expired-unseen", **base | over | {"available": 2, "synced": NOW - 2 * HOUR}))
        hits.insert(session, make_hit("never-read", **base | over | {"available": 2, "synced": None}))
        hits.insert(session, make_hit("gone", **base | {"available": 2, "disposed_at": NOW}))
        hits.insert(session, make_hit("other", **base | {"available": 2, "experiment_id": two, "campaign_id": 7}))
        hits.insert(session, make_hit("elsewhere", **base | {"available": 2, "market": "market-9"}))
        for worker in ("W1", "W2"):
            work(session, "read", worker, "Submitted")
        work(session, "unread", "W1", "Approved")

        def found(**wanted: int) -> set[str]:
            return {row.hit_id for row in people.unfinished(session, HERE, NOW, **wanted)}

        ours = {"open", "at-work", "unread", "said-open", "expired-unseen", "never-read"}
        assert found() == ours | {"other"}
        assert found(experiment_id=one) == ours
        assert found(campaign_id=7) == {"other"}
        assert [row.hit_id for row in people.unreviewed(session, HERE)] == ["read"]


def test_decisions_are_recorded_in_bulk_and_only_forward(database: Database) -> None:
    later = NOW + timedelta(minutes=5)
    with database.write() as session:
        for worker, status in (("W1", "Submitted"), ("W2", "Rejected"), ("W3", "Approved")):
            work(session, "H1", worker, status)
        decisions = [assignments.Review(f"A-W{number}-H1", later, "well done") for number in (1, 2, 3)]
        assignments.decide_many(session, HERE, "Approved", decisions, expected=("Submitted", "Rejected"))
        assert assignments.statuses(session, HERE, ["H1", "H2"]) == {
            "H1": {f"A-W{number}-H1": "Approved" for number in (1, 2, 3)}
        }
        third = assignments.get(session, HERE, "A-W3-H1")
        first = assignments.get(session, HERE, "A-W1-H1")
        assert first is not None
        assert third is not None
        assert (first.approved, first.feedback, third.feedback) == (later, "well done", None)
        assignments.decide_many(session, HERE, "Rejected", decisions, expected=("Submitted",))
        assert set(assignments.statuses(session, HERE, ["H1"])["H1"].values()) == {"Approved"}
        assignments.decide_many(session, HERE, "Approved", [], expected=("Submitted",))
