"""HITs of the account that the database does not know: reported, adopted, or ended when that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from study_support import Study, everything, new_study, worker

from turkctl.errors import NotFoundError, UsageError
from turkctl.market.protocol.endpoint import CutAnswerError
from turkctl.operations.experiments import people as counting
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.selection.hits import Selection
from turkctl.operations.sync.adopt import Adoption
from turkctl.operations.sync.disable import prepare_disable
from turkctl.operations.sync.run import sync


@pytest.fixture
def other(study: Study, tmp_path: Path) -> Iterator[Study]:
    """Another database on the account of the study, with an experiment of the same name."""
    (tmp_path / "other").mkdir()
    with new_study(tmp_path / "other", settings=f'market_url = "{study.world.settings.market_url}"\n') as made:
        yield made


def by_psiturk(study: Study, hit: str, worker_id: str, version: str | None = "1.0", status: int = 4) -> None:
    """A row of psiTurk's for work on the HIT."""
    study.write(
        "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, codeversion, status, mode)"
        " VALUES (:u, :a, :w, :h, :v, :s, 'local')",
        u=f"{worker_id}:A",
        a=f"A{worker_id}",
        w=worker_id,
        h=hit,
        v=version,
        s=status,
    )


def completed(study: Study) -> int:
    with study.world.database.read() as session:
        return counting.completed(session, study.world.place, 1, "1.0")


def status(study: Study, hit: str) -> str:
    return study.world.mturk.get_hit(hit).status


def test_adopting_makes_them_hits_of_this_database_with_their_work(study: Study, other: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, worker(1), worker(2))
    report = sync(other.world, adoption=Adoption("stroop"))
    assert report.adopted.hit_ids == (hit,)
    assert (report.unknown, report.read.assignments_new) == ((), 2)
    assert completed(other) == 2
    assert sync(other.world, adoption=Adoption("stroop")).adopted.hit_ids == ()


def test_what_is_adopted_for_no_experiment_counts_for_none(study: Study, other: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, worker(1))
    assert sync(other.world, adoption=Adoption()).adopted.hit_ids == (hit,)
    assert completed(other) == 0
    assert other.sql("SELECT experiment_id, code_version FROM turkctl_hit") == [(None, None)]


def test_an_adoption_that_cannot_be_meant_is_refused(study: Study) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        sync(study.world, adoption=Adoption("nothing"))
    with pytest.raises(UsageError, match="--codeversion"):
        sync(study.world, adoption=Adoption(None, "1.0"))


def test_a_hit_that_participants_of_psiturk_name_is_known_and_counts_as_before_when_it_is_adopted(
    study: Study, other: Study
) -> None:
    (hit,) = study.post(3)
    study.submit(hit, worker(1))
    by_psiturk(other, hit, worker(1))
    assert sync(other.world).unknown == ()
    assert completed(other) == 1
    report = sync(other.world, adoption=Adoption())
    assert report.adopted.hit_ids == (hit,)
    assert other.sql("SELECT experiment_id, code_version FROM turkctl_hit") == [(1, "1.0")]
    assert completed(other) == 1


@pytest.mark.parametrize(
    ("versions", "reason"), [(["1.0", "0.9"], "2 code versions"), (["0.9"], "0 configured experiments")]
)
def test_one_whose_participants_do_not_say_whose_it_is_is_left_alone_with_the_reason(
    study: Study, other: Study, versions: list[str], reason: str
) -> None:
    (hit,) = study.post(3)
    for number, version in enumerate(versions):
        by_psiturk(other, hit, worker(number), version)
    report = sync(other.world, adoption=Adoption())
    assert report.adopted.hit_ids == ()
    ((left, words),) = report.adopted.left
    assert (left, reason in words) == (hit, True)
    told = sync(other.world, adoption=Adoption("stroop", "0.9"))
    assert told.adopted.hit_ids == (hit,)


def test_disabling_expires_approves_and_deletes_what_nobody_here_knows(study: Study, other: Study) -> None:
    (own,) = other.post(2)
    open_, done = study.post(2, hits=2)
    study.submit(done, worker(1), worker(2))
    plan, act = prepare_disable(other.world)
    assert {step.id for step in plan.steps} == {open_, done}
    assert str(plan.cost) == "1.20"

    result = other.apply((plan, act))

    assert (result.succeeded, result.failed, str(result.cost)) == (2, 0, "1.20")
    assert [item.status for item in result.results] == ["deleted", "deleted"]
    assert (status(study, open_), status(study, done), status(study, own)) == ("Disposed", "Disposed", "Assignable")
    assert {each.status for each in study.world.mturk.list_assignments(done)} == {"Approved"}
    assert sync(other.world).unknown == ()


def test_who_is_at_work_may_finish_before_the_hit_is_deleted(study: Study, other: Study) -> None:
    (hit,) = study.post(2)
    taken = study.accept(hit, worker(1))
    (item,) = other.apply(prepare_disable(other.world)).results
    assert (item.status, "1 at work" in (item.detail or "")) == ("expired", True)
    study.finish(worker(1), taken)
    (item,) = other.apply(prepare_disable(other.world)).results
    assert item.status == "deleted"
    assert study.world.mturk.get_assignment(taken).status == "Approved"


def test_disabling_on_a_market_that_fails_pays_each_once_and_reports_no_false_failure(
    study: Study, other: Study
) -> None:
    for hit in study.post(2, hits=3):
        study.submit(hit, worker(1), worker(2))
    plan, act = prepare_disable(other.world)
    lost: list[str] = []

    def lose_the_answer(operation: str) -> None:
        if operation in ("ApproveAssignment", "DeleteHIT") and lost.count(operation) < 3:
            lost.append(operation)
            raise CutAnswerError(operation)

    other.world.endpoint.after = lose_the_answer
    result = other.apply((plan, act), workers=1, sleep=lambda _seconds: None)
    assert sorted(lost) == ["ApproveAssignment"] * 3 + ["DeleteHIT"] * 3
    assert (result.succeeded, result.failed, str(result.cost)) == (3, 0, "3.60")


def test_neither_disabling_nor_all_studies_touches_what_psiturk_posted(study: Study, other: Study) -> None:
    (hit,) = study.post(2)
    by_psiturk(other, hit, worker(1))
    assert prepare_disable(other.world)[0].steps == ()
    assert prepare_expire(other.world, Selection(all_studies=True))[0].steps == ()


def test_all_takes_in_the_hits_that_psiturks_rows_name(study: Study, other: Study) -> None:
    named, unknown = study.post(2, hits=2)
    by_psiturk(other, named, worker(1))
    plan, act = prepare_expire(other.world, everything())
    assert [step.id for step in plan.steps] == [named]
    assert other.apply((plan, act)).succeeded == 1
    assert study.world.mturk.get_hit(named).expires < study.world.now()  # type: ignore[operator]  # the market tells it
    assert study.world.mturk.get_hit(unknown).expires > study.world.now()  # type: ignore[operator]  # as above
