from __future__ import annotations

from pathlib import Path

import pytest
from study_support import Study, new_study

from turkctl.market.errors import WorkError
from turkctl.operations.campaigns.lifecycle import create
from turkctl.operations.campaigns.requests import CampaignRequest, plan_campaign
from turkctl.operations.campaigns.rounds import run_round
from turkctl.operations.experiments.people import completed
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.delete import prepare_delete
from turkctl.operations.hits.lists import list_hits
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.workers.exclude import prepare_exclude
from turkctl.store import experiments


def people(made: Study) -> int:
    """Distinct people who completed the experiment."""
    with made.world.database.read() as session:
        version = experiments.by_slug(session, "stroop")
        assert version is not None
        return completed(session, made.world.place, version.experiment_id, version.code_version)


def test_work_that_was_approved_elsewhere_is_read_before_its_hit_is_deleted(study: Study) -> None:
    hit_id = study.post(2)[0]
    for assignment_id in study.submit(hit_id, "AWORKERONE", "AWORKERTWO"):
        study.world.mturk.approve(assignment_id)
    result = study.apply(prepare_delete(study.world, Selection(everything=True), force=False))
    assert result.succeeded == 1
    assert people(study) == 2


def test_refreshing_a_list_reads_the_submissions_too_and_marks_no_young_hit_gone(study: Study) -> None:
    hit_id = study.post(2)[0]
    study.submit(hit_id, "AWORKERONE")
    rows = list_hits(study.world, Selection(), refresh=True)
    assert [row["submitted"] for row in rows] == [1]
    assert people(study) == 1
    study.world.mturk.expire_hit(hit_id)
    study.world.mturk.approve(next(iter(study.world.mturk.list_assignments(hit_id))).assignment_id)
    study.world.mturk.delete_hit(hit_id)
    assert [row["status"] for row in list_hits(study.world, Selection(), refresh=True)] != ["Disposed"]


def test_those_who_are_excluded_cannot_take_hits_posted_by_hand_unless_that_is_asked_for(study: Study) -> None:
    study.submit(study.post(1)[0], "AWORKERONE")
    list_hits(study.world, Selection(), refresh=True)
    assert study.apply(prepare_exclude(study.world, WorkSelection(Selection(everything=True)))).succeeded == 1
    for allowed in (False, True):
        request = CreateRequest("stroop", 1, allow_repeat_workers=allowed)
        hit = study.apply(prepare_create(study.world, request)).results[0].id
        required = study.world.mturk.get_hit(hit).requirements
        assert any(each["Comparator"] == "DoesNotExist" for each in required) is not allowed


def test_people_whom_only_psiturk_knows_are_kept_out_by_a_campaign(tmp_path: Path) -> None:
    with new_study(tmp_path, settings='participants_source = "psiturk"\n') as study:
        study.world.market.register_worker("production", "AOLDFRIEND")
        columns = "uniqueid, workerid, assignmentid, hitid, status, mode, codeversion"
        row = "'AOLDFRIEND:A1', 'AOLDFRIEND', 'A1', 'H1', 5, 'local', '1.0'"
        with study.world.database.write() as session:
            session.connection().exec_driver_sql(f"INSERT INTO assignments ({columns}) VALUES ({row})")
        campaign = create(study.world, plan_campaign(study.world, CampaignRequest(goal=3)))
        posted = run_round(study.world, campaign.number, study.world.now())
        assert posted.standing is not None
        assert posted.standing.completed == 1
        with pytest.raises(WorkError) as refused:
            study.world.market.accept("production", "AOLDFRIEND", posted.hits[0])
        assert refused.value.code == "DoesNotMeetRequirements"
