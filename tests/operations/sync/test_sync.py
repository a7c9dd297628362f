from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from study_support import Study, new_study, worker

from turkctl.errors import UsageError
from turkctl.operations.experiments import people as counting
from turkctl.operations.qualifications.took_part import ensure_type
from turkctl.operations.sync.answers import parsed
from turkctl.operations.sync.run import read_market, sync, unfinished
from turkctl.store import assignments, experiments, hits


def people(study: Study) -> tuple[int, int]:
    """Completed and outstanding."""
    world = study.world
    with world.database.read() as session:
        done = counting.completed(session, world.place, 1, "1.0")
        return done, counting.outstanding(session, world.place, 1, "1.0", world.now())


def test_a_sync_brings_in_submissions_and_asks_for_nothing_that_did_not_change(study: Study) -> None:
    first, second = study.post(3, hits=2)
    study.submit(first, worker(1), worker(2))
    study.requests()

    report = sync(study.world)

    assert study.requests() == {"ListHITs": 2, "ListAssignmentsForHIT": 1}, "the last page is empty"
    assert report.as_dict() == {
        "full": False,
        "hits_checked": 2,
        "hits_changed": 1,
        "assignments_new": 2,
        "assignments_changed": 0,
        "disposed": 0,
        "participants_added": 2,
        "participants_credited_again": 0,
        "found": 0,
        "psiturk": [],
        "unassigned": [],
        "unknown": [],
        "adopted": [],
        "not_adopted": [],
        "failed": [],
        "requests": 3,
    }
    assert second not in report.read.changed
    assert dict(report.read.new_workers) == {1: {worker(1), worker(2)}}
    assert people(study) == (2, 4)


def test_answers_are_stored_by_field_beside_the_document_they_came_in(study: Study) -> None:
    (hit_id,) = study.post(1)
    (assignment,) = study.submit(hit_id, worker(1))
    sync(study.world)
    with study.world.database.read() as session:
        stored = assignments.get(session, study.world.place, assignment)
    assert stored is not None
    assert stored.answers == {"answer": "red"}
    assert "<FreeText>red</FreeText>" in (stored.answer or "")


def test_an_answer_that_cannot_be_read_is_kept_as_it_came() -> None:
    assert parsed("<broken") is None
    assert parsed("<!DOCTYPE x><QuestionFormAnswers/>") is None
    assert parsed(None) is None


def test_what_is_finished_is_not_asked_for_again(study: Study) -> None:
    done, open_ = study.post(1, hits=2)
    (assignment,) = study.submit(done, worker(1))
    sync(study.world)
    study.world.mturk.approve(assignment)
    sync(study.world)
    study.requests()
    sync(study.world)
    assert study.requests() == {"ListHITs": 2}
    with study.world.database.read() as session:
        assert [row.hit_id for row in unfinished(session, study.world.place, study.world.now())] == [open_]


def test_decisions_taken_elsewhere_and_automatic_approvals_are_noticed(study: Study) -> None:
    (hit,) = study.post(3)
    approved, rejected, left = study.submit(hit, worker(1), worker(2), worker(3))
    sync(study.world)
    study.world.mturk.approve(approved)
    study.world.mturk.reject(rejected, "empty")
    assert sync(study.world).read.assignments_changed == 2
    assert people(study) == (2, 0)
    study.pass_time(days=4)
    assert sync(study.world).read.assignments_changed == 1
    statuses = dict(study.sql("SELECT assignment_id, status FROM turkctl_assignment"))
    assert statuses == {approved: "Approved", rejected: "Rejected", left: "Approved"}
    assert dict(study.sql("SELECT assignmentid, status FROM assignments")) == {approved: 5, rejected: 4, left: 5}


@pytest.mark.parametrize("number", [300, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_a_sync_costs_the_pages_of_the_listing_and_a_request_for_each_hit_that_changed(
    study: Study, number: int
) -> None:
    changed = study.post(1, hits=number)[:: number // 50]
    for hit in changed:
        study.submit(hit, worker(1))
    study.requests()

    report = sync(study.world)

    assert (report.hits_checked, len(report.read.changed), report.read.assignments_new) == (number, 50, 50)
    assert study.requests() == {"ListHITs": number // 100 + 1, "ListAssignmentsForHIT": 50}
    assert sync(study.world).requests == number // 100 + 1


def test_what_is_open_when_it_is_listed_unchanged_after_its_expiry_is_out_of_play(study: Study) -> None:
    study.post(3)
    study.pass_time(days=2)
    assert people(study) == (0, 3), "nobody has counted since"
    sync(study.world)
    assert people(study) == (0, 0)


def test_an_expiry_that_was_moved_elsewhere_is_noticed(study: Study) -> None:
    (hit,) = study.post(3)
    later = study.world.now().replace(microsecond=0) + timedelta(days=9)
    study.world.mturk.set_expiration(hit, later)
    assert [row.expires == later for row in _rows(study)] == [False]
    sync(study.world)
    assert [row.expires == later for row in _rows(study)] == [True]


def _rows(study: Study) -> list[hits.HitRow]:
    with study.world.database.read() as session:
        return hits.select_hits(session, hits.HitFilter(study.world.place))


def test_an_overturned_rejection_is_found_by_a_full_sync(study: Study) -> None:
    (hit,) = study.post(1)
    (assignment,) = study.submit(hit, worker(1))
    study.world.mturk.reject(assignment, "empty")
    sync(study.world)
    assert people(study) == (0, 0)
    study.world.mturk.approve(assignment, override_rejection=True)
    assert sync(study.world, full=True).read.assignments_changed == 1
    assert people(study) == (1, 0)


def test_a_listing_that_lags_loses_nobody(study: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, worker(1), worker(2))
    study.switch(lag=60)
    assert sync(study.world).read.assignments_new == 0
    assert people(study) == (0, 3), "what the counters imply stays in play"
    study.pass_time(seconds=61)
    assert sync(study.world).read.assignments_new == 2
    assert people(study) == (2, 1)


def test_a_hit_that_the_listing_lacks_is_not_taken_to_be_gone(study: Study) -> None:
    study.switch(lag=3600)
    study.post(2)
    study.pass_time(minutes=30)
    report = sync(study.world, full=True)
    assert report.read.disposed == ()
    assert people(study) == (0, 2)


def _end(study: Study, hit: str) -> None:
    study.world.mturk.expire_hit(hit)
    study.world.mturk.delete_hit(hit)


def test_gone_is_what_gethit_calls_gone_and_never_under_ten_minutes(study: Study) -> None:
    (hit,) = study.post(2)
    _end(study, hit)
    assert sync(study.world).read.disposed == ()
    assert people(study) == (0, 2), "its last counters hold"
    study.pass_time(minutes=9, seconds=50)
    assert sync(study.world).read.disposed == ()
    study.pass_time(seconds=11)
    assert sync(study.world).read.disposed == (hit,)
    assert people(study) == (0, 0)
    assert study.sql("SELECT status FROM turkctl_hit") == [(hits.DISPOSED,)]


def test_the_work_of_a_hit_deleted_elsewhere_is_read_before_it_is_marked_gone(study: Study) -> None:
    (hit,) = study.post(2)
    (assignment,) = study.submit(hit, worker(1))
    study.world.mturk.approve(assignment)
    _end(study, hit)
    study.pass_time(minutes=11)
    report = sync(study.world)
    assert (report.read.disposed, report.read.assignments_new) == ((hit,), 1)
    assert people(study) == (1, 0)


def test_a_slot_taken_in_the_last_minute_before_the_expiry_is_still_looked_for(study: Study) -> None:
    (hit,) = study.post(1)
    study.pass_time(hours=23, minutes=59)
    taken = study.accept(hit, worker(1))
    study.pass_time(minutes=2)
    assert people(study) == (0, 1), "counters from before the expiry prove nothing"
    sync(study.world)
    assert people(study) == (0, 1)
    study.finish(worker(1), taken)
    sync(study.world)
    assert people(study) == (1, 0)


def test_open_slots_of_an_expired_hit_are_given_up_once_it_was_read(study: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, worker(1))
    study.pass_time(hours=25)
    sync(study.world)
    assert people(study) == (1, 0)


def test_unknown_hits_are_reported_and_not_touched(study: Study, tmp_path: Path) -> None:
    (hit,) = study.post(2)
    (tmp_path / "other").mkdir()
    shared = f'market_url = "{study.world.settings.market_url}"\n'
    with new_study(tmp_path / "other", settings=shared) as other:
        report = sync(other.world, full=True)
        assert report.unknown == (hit,)
        assert sync(other.world).unknown == (hit,)
    assert study.world.mturk.get_hit(hit).available == 2


def test_a_hit_whose_intent_was_given_up_is_entered_when_it_shows(study: Study) -> None:
    (hit,) = study.post(2)
    study.write("DELETE FROM turkctl_hit")
    study.write("UPDATE turkctl_intent SET state = 'abandoned'")
    report = sync(study.world, full=True)
    assert (report.unknown, report.found) == ((), 1)
    assert study.sql("SELECT hit_id FROM turkctl_hit") == [(hit,)]
    assert people(study) == (0, 2)


def test_a_decision_that_is_stored_is_not_taken_back_by_an_older_answer(study: Study) -> None:
    (hit,) = study.post(2)
    (assignment,) = study.submit(hit, worker(1))
    sync(study.world)
    study.write("UPDATE turkctl_assignment SET status = 'Approved'")
    sync(study.world, full=True)
    assert study.sql("SELECT status FROM turkctl_assignment") == [("Approved",)], assignment


def test_participants_carry_their_hits_version_and_mode_and_times_in_the_tables_zone(tmp_path: Path) -> None:
    with new_study(tmp_path, settings='participants_timezone = "Europe/Berlin"\n') as study:
        (hit,) = study.post(1)
        (assignment,) = study.submit(hit, worker(1))
        work = study.world.mturk.get_assignment(assignment)
        sync(study.world)
        rows = study.sql("SELECT uniqueid, hitid, cond, codeversion, mode, bonus, status, endhit FROM assignments")
        assert work.submitted is not None
        offset = timedelta(hours=round(_berlin(work.submitted)))
        ended = (work.submitted + offset).replace(tzinfo=None)
        ours = (f"{worker(1)}:{assignment}", hit, None, "1.0", "local", 0.0, 4)
        assert [row[:7] for row in rows] == [ours]
        assert rows[0][7].startswith(ended.isoformat(sep=" ", timespec="seconds"))


def _berlin(moment: object) -> float:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    assert isinstance(moment, datetime)
    offset = moment.astimezone(ZoneInfo("Europe/Berlin")).utcoffset()
    assert offset is not None
    return offset.total_seconds() / 3600


def test_a_time_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with (
        new_study(tmp_path, settings='participants_timezone = "Europe/Atlantis"\n') as study,
        pytest.raises(UsageError),
    ):
        sync(study.world)


def test_where_psiturk_fills_the_table_sync_inserts_nobody_and_only_credits_the_submitted(tmp_path: Path) -> None:
    with new_study(tmp_path, settings='participants_source = "psiturk"\n') as study:
        (hit,) = study.post(4)
        ids = study.submit(hit, *map(worker, range(4)))
        for number, status in ((0, 4), (1, 7), (2, 3)):
            values = {"u": f"{worker(number)}:{ids[number]}", "w": worker(number), "a": ids[number], "s": status}
            columns = "INSERT INTO assignments (uniqueid, workerid, assignmentid, hitid, status, mode)"
            study.write(f"{columns} VALUES (:u, :w, :a, :h, :s, 'local')", **values, h=hit)
        for assignment in ids:
            study.world.mturk.approve(assignment)
        assert sync(study.world).read.participants_added == 0
        assert study.sql("SELECT status FROM assignments ORDER BY workerid") == [(5,), (7,), (3,)]


def test_a_sync_survives_throttling_faults_and_lost_answers(study: Study) -> None:
    posted = study.post(2, hits=12)
    for number, hit in enumerate(posted):
        study.submit(hit, worker(number))
    study.switch(fault_before=0.1, fault_after=0.1, answer_lost=0.1, seed=3)
    report = sync(study.world, full=True)
    assert report.read.failed == ()
    assert people(study) == (12, 12)


def test_a_sync_grants_the_qualification_for_having_taken_part_unless_told_not_to(study: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, worker(1))
    with study.world.database.read() as session:
        version = experiments.current(session, 1)
    type_id = ensure_type(study.world, version, study.world.now())

    def holders() -> list[str]:
        return [each.worker_id for each in study.world.mturk.holders(type_id)]

    sync(study.world, grant_took_part=False)
    assert holders() == []
    sync(study.world)
    assert holders() == [worker(1)]


def test_reading_given_hits_reads_no_others(study: Study) -> None:
    wanted, other = study.post(2, hits=2)
    study.submit(wanted, worker(1))
    study.submit(other, worker(2))
    with study.world.database.read() as session:
        rows = hits.select_hits(session, hits.HitFilter(study.world.place, ids=[wanted]))
    report = read_market(study.world, rows, study.world.now())
    assert (report.changed, report.assignments_new) == ((wanted,), 1)
    assert people(study) == (1, 3)
