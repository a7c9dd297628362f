"""What a round costs in requests: it grows with what changed, not with what was ever posted."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from study_support import Study

from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.base import insert_rows
from turkctl.store.hits import HITS
from turkctl.store.qualifications import GRANTS, TOOK_PART, TYPES

FINISHED = 5000


def _finish_many(study: Study) -> None:
    """HITs that are done, each with its worker, who has the qualification."""
    now = study.world.now()
    with study.world.database.write() as session:
        connection = session.connection()
        like = connection.execute(select(HITS).limit(1)).mappings().one()
        done = {**like, "status": "Reviewable", "max_assignments": 1, "available": 0, "completed": 1, "synced": now}
        hits = [
            {**done, "id": 1000 + n, "hit_id": f"DONE{n}", "campaign_id": None, "expires": now - timedelta(days=1)}
            for n in range(FINISHED)
        ]
        insert_rows(session, HITS, hits)
        work = [
            {
                "mode": like["mode"],
                "market": like["market"],
                "assignment_id": f"WORK{n}",
                "hit_id": f"DONE{n}",
                "hit_row": 1000 + n,
                "worker_id": f"AOLD{n}",
                "status": "Approved",
                "synced": now,
            }
            for n in range(FINISHED)
        ]
        insert_rows(session, ASSIGNMENTS, work)
        made = connection.execute(select(TYPES.c.id).where(TYPES.c.purpose == TOOK_PART)).scalar_one()
        insert_rows(
            session, GRANTS, [{"type_row": made, "worker_id": f"AOLD{n}", "granted": now} for n in range(FINISHED)]
        )


def test_a_round_asks_about_what_is_unfinished_alone(study: Study) -> None:
    study.create(FINISHED + 1000, per_round=18)
    first = study.round()
    _finish_many(study)

    study.requests()
    quiet = study.round()
    assert (quiet.posted, len(quiet.hits), quiet.standing.completed) == (18, 2, FINISHED)
    found = study.requests()
    assert found == {"GetHIT": 2, "GetAccountBalance": 1, "CreateHIT": 2}
    assert sum(found.values()) <= 10

    study.submit(first.hits[0], "ANEW1", "ANEW2", "ANEW3")
    study.submit(quiet.hits[1], "ANEW4")
    study.requests()
    assert study.round().posted == 18
    assert study.requests() == {
        "GetHIT": 4,
        "ListAssignmentsForHIT": 2,
        "AssociateQualificationWithWorker": 4,
        "GetAccountBalance": 1,
        "CreateHIT": 2,
    }


def test_a_round_with_nothing_to_post_does_not_ask_for_the_balance(study: Study) -> None:
    study.create(9)
    study.round()
    study.requests()
    assert study.round().outcome == "waiting"
    assert study.requests() == {"GetHIT": 1}


def test_other_experiments_hits_are_none_of_a_rounds_business(study: Study) -> None:
    study.configure({"stroop": "1.0", "other": "1.0"})
    study.create(9, experiment="stroop")
    study.create(9, experiment="other")
    study.round(1)
    study.requests()
    study.round(2)
    assert "GetHIT" not in study.requests()
