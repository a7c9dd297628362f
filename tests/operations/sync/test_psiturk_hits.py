"""HITs that psiTurk posts on a shared database come in, are listed, and are within reach of every act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from psiturk_posting import name_hits, psiturk_posts, psiturk_row, share
from sqlalchemy import event
from study_support import Study, everything, new_study, worker

from turkctl.operations.hits.delete import prepare_delete
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.lists import columns_of, list_hits
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.adopt import Adoption
from turkctl.operations.sync.disable import prepare_disable
from turkctl.operations.sync.of_psiturk import Owners, enter_psiturk, unassigned_warning
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve, prepare_approve_hits
from turkctl.store import psiturk_marks
from turkctl.store.psiturk_hits import IDS

OLD = [f"3OLD{number}" for number in range(40)]


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """One experiment on a database that psiTurk's server fills."""
    with new_study(tmp_path, settings='participants_source = "psiturk"\n') as made:
        yield made


def owner(study: Study, hit_id: str) -> tuple[object, ...]:
    statement = "SELECT experiment_id, code_version, origin FROM turkctl_hit WHERE hit_id = :hit"
    return study.sql(statement, hit=hit_id)[0]


def test_a_sync_takes_in_what_psiturk_posted_and_says_so(study: Study) -> None:
    (own,) = study.post(3)
    hit = psiturk_posts(study)
    (made,) = study.submit(hit, worker(1))
    report = sync(study.world)
    assert (report.psiturk, report.unknown, report.read.assignments_new) == ((hit,), (), 1)
    rows = {row["hit_id"]: row for row in list_hits(study.world, everything())}
    assert {hit_id: row["origin"] for hit_id, row in rows.items()} == {own: "turkctl", hit: "psiturk"}
    assert (rows[hit]["experiment"], rows[hit]["codeversion"], rows[hit]["available"]) == ("stroop", "1.0", 8)
    assert columns_of(list(rows.values()))[-1] == "origin"
    assert "origin" not in columns_of([rows[own]])
    assert study.sql("SELECT status FROM turkctl_assignment WHERE assignment_id = :a", a=made) == [("Submitted",)]
    assert sync(study.world).psiturk == ()


def test_one_that_only_participants_of_this_mode_name_comes_in(study: Study) -> None:
    hit, other = psiturk_posts(study, named=False), psiturk_posts(study, named=False)
    psiturk_row(study, hit, worker(1), "3A1", version="0.9")
    psiturk_row(study, other, worker(2), "3A2", mode="live")
    report = sync(study.world)
    assert (report.psiturk, report.unknown) == ((hit,), (other,))
    assert owner(study, hit) == (1, "0.9", "psiturk")


def test_expire_approve_and_delete_reach_them_before_any_sync(study: Study) -> None:
    hit = psiturk_posts(study, 1)
    study.submit(hit, worker(1))
    assert study.apply(prepare_approve_hits(study.world, everything())).succeeded == 1
    later = psiturk_posts(study, 2)
    plan, act = prepare_expire(study.world, Selection(experiment="stroop"))
    assert later in {step.id for step in plan.steps}
    assert study.apply((plan, act)).failed == 0
    assert study.world.mturk.get_hit(later).expires < study.world.now()  # type: ignore[operator]  # the market tells it
    study.pass_time(minutes=1)
    result = study.apply(prepare_delete(study.world, everything(), force=False))
    assert {item.id: item.status for item in result.results} == {hit: "deleted", later: "deleted"}


def test_neither_all_studies_nor_disabling_touches_them_before_any_sync(study: Study) -> None:
    psiturk_posts(study)
    assert prepare_disable(study.world)[0].steps == ()
    assert prepare_expire(study.world, Selection(all_studies=True))[0].steps == ()


def test_what_the_market_does_not_have_is_asked_for_once(study: Study) -> None:
    hit = psiturk_posts(study)
    study.world.mturk.expire_hit(hit)
    study.pass_time(minutes=1)
    study.world.mturk.delete_hit(hit)
    name_hits(study, [*OLD, "5f0c1e9ab2", "debug-1"])
    study.requests()
    assert sync(study.world).psiturk == ()
    assert study.requests()["GetHIT"] == len(OLD) + 1, "and no request for what is no id of any market"
    for _ in range(2):
        sync(study.world)
        prepare_expire(study.world, everything())
        assert "GetHIT" not in study.requests()
    assert study.sql("SELECT count(*) FROM turkctl_hit") == [(0,)]


def test_an_id_that_is_younger_than_that_is_asked_for_until_it_is_believed(study: Study) -> None:
    share(study)
    sync(study.world)
    name_hits(study, ["3YOUNG"])
    asked = []
    for minutes in (0, 5, 6, 60):
        study.pass_time(minutes=minutes)
        study.requests()
        sync(study.world)
        asked.append(study.requests().get("GetHIT", 0))
    assert asked == [1, 1, 1, 0]


def test_what_another_market_has_is_remembered_for_this_one_alone(study: Study) -> None:
    name_hits(study, OLD)
    sync(study.world)
    places = study.sql("SELECT DISTINCT mode, market FROM turkctl_psiturk_id")
    assert places == [(study.world.place.mode, study.world.place.market)]
    with study.world.database.read() as session:
        rows = session.connection().execute(IDS.select()).all()
    assert Counter(row.closed for row in rows) == {True: len(OLD) + 1}


def test_approving_asks_who_did_the_work_that_rows_alone_tell_of(study: Study) -> None:
    """The market says who did it; the row of one who returned it, and claims it, is left alone."""
    hit = psiturk_posts(study, 2)
    made, other = study.submit(hit, worker(1), worker(2))
    psiturk_row(study, hit, "AAGHOST", made, status=4)
    psiturk_row(study, hit, worker(1), made, status=4)
    psiturk_row(study, hit, "AFALSE", other, status=4)
    plan, act = prepare_approve(study.world, WorkSelection(everything()))
    assert {step.id: step.payload.worker_id for step in plan.steps} == {made: worker(1), other: worker(2)}
    assert [note for note in plan.notes if "AFALSE" in note and worker(2) in note]
    study.apply((plan, act))
    found = dict(study.sql("SELECT workerid, status FROM assignments"))
    assert found == {"AAGHOST": 4, worker(1): 5, "AFALSE": 4}


def test_what_psiturk_has_not_marked_is_not_approved_by_asking_who_did_the_rest(study: Study) -> None:
    hit = psiturk_posts(study, 2)
    made, _unmarked = study.submit(hit, worker(1), worker(2))
    psiturk_row(study, hit, worker(1), made)
    study.requests()
    plan, _act = prepare_approve(study.world, WorkSelection(everything()))
    assert [step.id for step in plan.steps] == [made]
    assert study.requests() == {"GetHIT": 1, "ListAssignmentsForHIT": 2}, "the last page is empty"


def test_naming_somebody_does_not_mean_the_work_of_another(study: Study) -> None:
    hit = psiturk_posts(study, 1)
    (made,) = study.submit(hit, worker(1))
    psiturk_row(study, hit, "AFALSE", made)
    plan, _act = prepare_approve(study.world, WorkSelection(Selection(ids=("AFALSE",))))
    assert plan.steps == ()
    assert [item for item in plan.skipped if item.id == made and worker(1) in (item.detail or "")]


def test_a_hit_of_ours_whose_answer_got_lost_is_ours_though_participants_name_it(study: Study) -> None:
    (hit,) = study.post(2)
    study.write("UPDATE turkctl_intent SET state = 'failed'")
    study.write("DELETE FROM turkctl_hit")
    psiturk_row(study, hit, worker(1), "3A1", version="0.9")
    prepare_expire(study.world, everything())
    assert owner(study, hit) == (1, "1.0", "turkctl")


def test_adopting_says_for_good_whose_they_are(study: Study) -> None:
    study.configure({"stroop": "1.0", "flanker": "2.0"})
    hit = psiturk_posts(study)
    report = sync(study.world)
    assert (report.unassigned, owner(study, hit)) == ((hit,), (None, None, "psiturk"))
    assert hit in unassigned_warning(report.unassigned)
    assert sync(study.world, adoption=Adoption("flanker")).adopted.hit_ids == (hit,)
    assert owner(study, hit) == (2, "2.0", "psiturk")
    psiturk_row(study, hit, worker(1), "3A1", version="1.0")
    assert sync(study.world).unassigned == ()
    assert owner(study, hit) == (2, "2.0", "psiturk")


def test_whose_it_is_follows_its_first_participant_until_somebody_says_so(study: Study) -> None:
    hit = psiturk_posts(study)
    sync(study.world)
    assert owner(study, hit) == (1, "1.0", "psiturk")
    study.configure({"stroop": "2.0"})
    sync(study.world)
    assert owner(study, hit) == (1, "2.0", "psiturk"), "the current code version, while nobody took part"
    psiturk_row(study, hit, worker(2), "3A2", version="2.0", began="2026-09-02 10:00:00.000000")
    psiturk_row(study, hit, worker(1), "3A1", version="1.0")
    sync(study.world)
    assert owner(study, hit) == (1, "1.0", "psiturk"), "the one it was posted with"


@pytest.mark.parametrize(
    ("version", "past", "imported", "expected"),
    [
        ("1.0", [1], None, (1, "1.0")),
        ("2.0", [2], None, (2, "2.0")),
        ("3.0", [3, 4], None, (None, "3.0")),
        ("3.0", [3, 4], 4, (4, "3.0")),
        ("0.9", [2], None, (2, "0.9")),
        ("0.9", [1, 2], None, (None, "0.9")),
        ("0.9", [1, 2], 1, (1, "0.9")),
        ("0.1", [], 2, (2, "0.1")),
        (None, [], 2, (2, "2.0")),
        (None, [], None, (None, None)),
    ],
)
def test_the_experiment_is_that_of_the_version_else_the_imported_one(
    version: str | None, past: list[int], imported: int | None, expected: tuple[int | None, str | None]
) -> None:
    current = {1: "1.0", 2: "2.0", 3: "3.0", 4: "3.0"}
    by_version = {"1.0": [1], "2.0": [2], "3.0": [3, 4]}
    assert Owners(by_version, current, [1, 2, 3, 4], imported).of(version, past) == expected


def test_the_only_one_that_is_configured_has_what_nothing_else_says() -> None:
    owners = Owners({"1.0": [1]}, {1: "1.0", 2: "0.5"}, [1], None)
    assert owners.of(None) == (1, "1.0")
    assert owners.of("0.1") == (1, "0.1")
    assert owners.of("0.5", [2]) == (2, "0.5")


def test_participants_are_searched_once_and_those_who_come_later_are_found(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psiturk_marks, "WORTH_SAVING", 1)
    first, later = psiturk_posts(study, named=False), psiturk_posts(study)
    psiturk_row(study, first, worker(1), "3A1", version="0.9")
    sync(study.world)
    assert owner(study, first)[1:] == ("0.9", "psiturk")
    assert owner(study, later)[1:] == ("1.0", "psiturk"), "nobody came: the current one"
    statements: list[str] = []
    event.listen(study.world.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    psiturk_row(study, later, worker(2), "3A2", version="0.8", began="2026-09-02 10:00:00.000000")
    last = psiturk_posts(study, named=False)
    psiturk_row(study, last, worker(3), "3A3", version="0.7")
    enter_psiturk(study.world, study.world.now())
    assert [owner(study, each)[1] for each in (first, later, last)] == ["0.9", "0.8", "0.7"]
    whole = [each for each in statements if "hitid" in each and "FROM assignments" in each and "rowid" not in each]
    assert len(whole) == 1, "only to see who was the first of the HIT that is new"
    statements.clear()
    enter_psiturk(study.world, study.world.now())
    assert not [each for each in statements if "hitid" in each and "FROM assignments" in each and "rowid" not in each]


def test_a_full_sync_searches_all_participants_again(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psiturk_marks, "WORTH_SAVING", 1)
    hit = psiturk_posts(study, named=False)
    psiturk_row(study, "3OLD", worker(1), "3A1")
    sync(study.world)
    study.write("UPDATE assignments SET hitid = :hit", hit=hit)
    assert sync(study.world).psiturk == ()
    assert sync(study.world, full=True).psiturk == (hit,)


@pytest.mark.parametrize("theirs", [True, False], ids=["psiTurk's", "turkctl's"])
def test_a_hit_that_was_deleted_has_no_open_slots_in_the_list(study: Study, theirs: bool) -> None:
    hit = psiturk_posts(study) if theirs else study.post(9)[0]
    assert study.apply(prepare_delete(study.world, everything(), force=True)).succeeded == 1
    (row,) = list_hits(study.world, everything())
    assert (row["hit_id"], row["status"], row["available"], row["submitted"]) == (hit, "Disposed", 0, 0)
