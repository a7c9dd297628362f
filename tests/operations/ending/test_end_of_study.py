"""The end of a study: what is expired, deleted and kept, what is left, and that the same again does the rest."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from study_support import Study

from turkctl.errors import NotFoundError, RefusedError
from turkctl.operations.campaigns.lists import list_campaigns
from turkctl.operations.configure import configure_project
from turkctl.operations.content.items import list_content
from turkctl.operations.ending.end import Ended, apply_end, prepare_end, reopen
from turkctl.operations.experiments.lists import list_experiments
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.lists import list_hits
from turkctl.operations.participants.bonus import set_bonus
from turkctl.operations.payments.bonus import BonusRequest, prepare_bonus
from turkctl.operations.project.files import read_project
from turkctl.operations.qualifications.grants import prepare_grant
from turkctl.operations.qualifications.took_part import ensure_type
from turkctl.operations.report.facts import gather
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.status.read import read_status
from turkctl.operations.sync.run import sync
from turkctl.operations.tasks.manage import create_task, list_tasks
from turkctl.operations.workers.approve import prepare_approve_hits
from turkctl.scheduler.kinds import KINDS
from turkctl.schedules import Schedule
from turkctl.store import experiments, qualifications
from turkctl.units import ZERO, parse_duration, parse_money


def end(study: Study, slug: str = "stroop", **options: Any) -> Ended:
    return apply_end(study.world, prepare_end(study.world, slug, **options), study.world.engine())


def statuses(result: Ended) -> dict[str, str]:
    return {item.id: item.status for item in result.results}


def approve(study: Study, slug: str = "stroop") -> None:
    study.apply(prepare_approve_hits(study.world, Selection(experiment=slug)))


def types(study: Study) -> list[str]:
    with study.world.database.read() as session:
        return [each.type_id for each in qualifications.made_types(session, study.world.place)]


def on_market(study: Study) -> set[str]:
    return {each.type_id for each in study.world.mturk.list_qualification_types()}


def test_what_nobody_works_on_is_deleted_and_the_experiment_has_ended(study: Study) -> None:
    study.create(4)
    study.round()
    (hit,) = list_hits(study.world, Selection())
    result = end(study, cancel_campaigns=True)
    assert statuses(result)["campaign 1"] == "cancelled"
    assert statuses(result)[hit["hit_id"]] == "deleted"
    assert statuses(result)["stroop"] == "ended"
    assert (result.left, result.failed, result.ended is not None) == ([], 0, True)
    assert list(study.world.mturk.list_hits()) == []
    assert types(study) == []


def test_an_active_campaign_is_in_the_way_and_nothing_is_done(study: Study) -> None:
    study.create(4)
    study.round()
    with pytest.raises(RefusedError, match="campaign 1, which is active") as refused:
        prepare_end(study.world, "stroop")
    assert "--cancel-campaigns" in str(refused.value.hint)
    assert [row["status"] for row in list_campaigns(study.world)] == ["active"]
    assert [row["status"] for row in list_hits(study.world, Selection())] == ["Assignable"]


def test_a_plan_changes_nothing(study: Study) -> None:
    study.create(4)
    study.round()
    ending = prepare_end(study.world, "stroop", cancel_campaigns=True)
    assert ending.words.startswith("end experiment stroop: cancel 1 campaign, expire 1 HIT, delete 1 HIT, delete")
    assert {item.status for item in ending.preview.results} == {"planned"}
    assert len(list(study.world.mturk.list_hits())) == 1
    assert [row["status"] for row in list_campaigns(study.world)] == ["active"]
    with study.world.database.read() as session:
        found = experiments.by_slug(session, "stroop")
    assert found is not None
    assert (found.active, found.closed) == (True, None)


def test_undecided_work_keeps_its_hit_alone_and_the_same_again_does_the_rest(study: Study) -> None:
    done, untouched = study.post(2, 2)
    study.submit(done, "A1", "A2")
    first = end(study)
    assert statuses(first)[done] == "expired"
    assert statuses(first)[untouched] == "deleted"
    assert statuses(first)["stroop"] == "skipped"
    assert first.failed == 0
    assert [(each.what, each.number) for each in first.left] == [("submissions", 2), ("hits", 1)]
    assert first.ended is None
    approve(study)
    second = end(study)
    assert statuses(second)[done] == "deleted"
    assert second.ended is not None
    third = end(study)
    assert statuses(third) == {"stroop": "already_done"}
    assert third.ended == second.ended


def test_somebody_at_work_can_finish_and_is_named(study: Study) -> None:
    (hit,) = study.post(2)
    assignment = study.accept(hit, "A1")
    first = end(study)
    assert [(each.what, each.number) for each in first.left] == [("at_work", 1), ("hits", 1)]
    study.finish("A1", assignment)
    assert [each.what for each in end(study).left] == ["submissions", "hits"]


def test_a_bonus_that_is_owed_keeps_its_hit_because_afterwards_it_could_not_be_paid(study: Study) -> None:
    owing, paid = study.post(1, 2)
    (assignment,) = study.submit(owing, "A1")
    study.submit(paid, "A2")
    sync(study.world)
    approve(study)
    set_bonus(study.world, assignment, parse_money("0.40"))
    first = end(study)
    assert statuses(first)[paid] == "deleted"
    assert "bonus" in next(str(item.detail) for item in first.results if item.id == owing)
    (bonuses, _hits) = first.left
    assert (bonuses.what, bonuses.number) == ("bonuses", 1)
    assert "$0.40" in bonuses.words
    study.apply(prepare_bonus(study.world, WorkSelection(Selection(experiment="stroop")), BonusRequest("thanks")))
    assert end(study).ended is not None


def test_nothing_new_is_posted_for_it_while_it_is_ending_or_has_ended(study: Study) -> None:
    (hit,) = study.post(1)
    study.submit(hit, "A1")
    end(study)
    for words in ("is being ended", "has ended"):
        with pytest.raises(NotFoundError, match=words) as refused:
            prepare_create(study.world, CreateRequest("stroop", 1, 1))
        assert "experiments reopen stroop" in str(refused.value.hint)
        approve(study)
        end(study)


def test_configuring_leaves_it_ended_until_it_is_reopened(study: Study) -> None:
    def configure() -> list[str]:
        found = read_project(study.folder / "turkctl.toml", study.folder)
        rows, _superseded = configure_project(study.world, found, whole=True)
        return [row["status"] for row in rows]

    end(study)
    assert configure() == ["ended"]
    path = study.folder / "turkctl.toml"
    path.write_text(path.read_text().replace('version = "1.0"', 'version = "1.1"'))
    assert configure() == ["ended"]
    with study.world.database.read() as session:
        found = experiments.by_slug(session, "stroop")
    assert found is not None
    assert (found.active, found.code_version, found.ended is not None) == (False, "1.0", True)
    assert reopen(study.world, "stroop")["status"] == "reopened"
    assert reopen(study.world, "stroop")["status"] == "unchanged"
    assert configure() == ["changed"]
    assert study.post(1)


def test_lists_leave_it_out_unless_it_is_named_or_asked_for(folder: Path) -> None:
    study = Study.new(folder, {"stroop": "1.0", "flanker": "1.0"})
    try:
        (hit,) = study.post(1)
        (other,) = study.post(1, experiment="flanker")
        world = study.world
        end(study)
        with world.database.read() as session:
            assert [row["experiment"] for row in list_experiments(session, "local")] == ["flanker"]
            assert len(list_experiments(session, "local", ended=True)) == 2
        assert [row["hit_id"] for row in list_hits(world, Selection(), ended=False)] == [other]
        for named in (Selection(ids=(hit,)), Selection(experiment="stroop"), Selection(regex="str")):
            assert [row["hit_id"] for row in list_hits(world, named, ended=False)] == [hit]
        for everything in (Selection(everything=True), Selection()):
            assert len(list_hits(world, everything)) == 2
        status = read_status(world, world.now())
        assert ([each.experiment for each in status.experiments], status.ended) == (["flanker"], ("stroop",))
        assert len(read_status(world, world.now(), ended=True).experiments) == 2
        assert [each.experiment for each in read_status(world, world.now(), experiment="stroop").experiments] == [
            "stroop"
        ]
        assert list(list_content(world, ended=False)) == []
    finally:
        study.close()


def test_sums_of_money_keep_what_an_ended_experiment_cost(study: Study) -> None:
    (hit,) = study.post(1)
    study.submit(hit, "A1")
    approve(study)
    sync(study.world)
    before = read_status(study.world, study.world.now()).money
    end(study)
    assert before.paid > ZERO
    assert read_status(study.world, study.world.now()).money == before


def test_its_tasks_are_paused_and_others_go_on(folder: Path) -> None:
    study = Study.new(folder, {"stroop": "1.0", "flanker": "1.0"})
    try:
        for slug in ("stroop", "flanker"):
            hourly, only = Schedule(parse_duration("1h")), {"experiment": slug}
            create_task(study.world, KINDS["approve-all"], schedule=hourly, name=slug, options=only)
        result = end(study)
        assert statuses(result)["task stroop"] == "paused"
        assert {row["name"]: row["paused"] for row in list_tasks(study.world)} == {"stroop": True, "flanker": False}
    finally:
        study.close()


def test_the_type_that_keeps_people_out_of_another_experiment_stays(folder: Path) -> None:
    study = Study.new(folder, {"stroop": "1.0"})
    try:
        study.create(2)
        study.round()
        path = folder / "turkctl.toml"
        text = path.read_text()
        later = text[text.index("[experiments.stroop]") :].replace("stroop", "later") + 'not_after = ["stroop"]\n'
        path.write_text(text + later)
        study.configure_file()
        result = end(study, cancel_campaigns=True)
        kept = [item for item in result.results if item.status == "skipped"]
        assert len(kept) == 2
        assert all("needed by experiment later" in str(item.detail) for item in kept)
        assert result.ended is not None
        assert set(types(study)) <= on_market(study)
        end(study, "later")
        end(study)
        assert types(study) == []
    finally:
        study.close()


def took_part(study: Study) -> str:
    with study.world.database.read() as session:
        version = experiments.by_slug(session, "stroop")
    assert version is not None
    return ensure_type(study.world, version, study.world.now())


def test_who_was_kept_out_is_still_known_and_kept_out_again_after_reopening(study: Study) -> None:
    study.create(1)
    study.round()
    (row,) = list_hits(study.world, Selection())
    study.submit(row["hit_id"], "A1")
    study.world.market.register_worker("production", "A7")
    study.apply(prepare_grant(study.world, took_part(study), [("A7", None)]))  # kept out by hand, without any work
    sync(study.world)
    approve(study)
    end(study, cancel_campaigns=True)
    assert on_market(study) == set()
    assert gather(study.world, "stroop")["exclusions"]["kept_out"] == 2
    reopen(study.world, "stroop")
    study.create(2)
    study.round(2)
    assert {each.worker_id for each in study.world.mturk.holders(took_part(study))} == {"A1", "A7"}


def test_hits_that_are_open_in_live_are_ended_there_first(study: Study) -> None:
    study.post(1)
    with study.world.database.write() as session:
        session.connection().exec_driver_sql("UPDATE turkctl_hit SET mode = 'live', market = 'https://example.org'")
    with pytest.raises(RefusedError, match="1 HIT in mode live that is open") as refused:
        prepare_end(study.world, "stroop")
    assert "turkctl --mode live experiments end stroop" in str(refused.value.hint)


def test_a_stop_leaves_the_rest_to_the_same_command(study: Study) -> None:
    study.post(1, 3)
    stop = threading.Event()
    stop.set()
    ending = prepare_end(study.world, "stroop")
    result = apply_end(study.world, ending, study.world.engine(stop=stop))
    assert (result.interrupted, result.exit_code, result.ended) == (True, 130, None)
    assert end(study).ended is not None


def test_the_result_is_that_of_a_batch_with_more(study: Study) -> None:
    study.post(1)
    found = end(study).as_dict()
    assert {"action", "matched", "results", "experiment", "ended", "left", "report"} <= set(found)
    assert (found["action"], found["experiment"], found["left"], found["cost"]) == ("end", "stroop", [], "0.00")
    json.dumps({**found, "ended": str(found["ended"])})


def test_an_experiment_that_never_was_is_not_found(study: Study) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'stroop'"):
        prepare_end(study.world, "strop")
