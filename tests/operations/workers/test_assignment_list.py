"""Assignments one by one: what is to be decided, what was, and what it paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, everything, new_study, worker

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.compensate import CompensateRequest, compensate, prepare_compensate
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.assignments import KEYS, count_assignments, list_assignments
from turkctl.operations.workers.reject import prepare_reject

ALL = WorkSelection(everything())


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """Two experiments, and no waiting."""
    with new_study(tmp_path, {"stroop": "1.0", "flanker": "2.0"}, turned=True) as made:
        yield made


def done(study: Study, number: int, hit: str) -> str:
    """Work of a minute for each number, handed in a minute after the last."""
    assignment = study.accept(hit, worker(number))
    study.pass_time(minutes=number)
    return study.finish(worker(number), assignment)


def ids(study: Study, wanted: WorkSelection = ALL, statuses: tuple[str, ...] = (), **options: Any) -> list[str]:
    return [row["assignment_id"] for row in list_assignments(study.world, wanted, statuses, **options)]


def by_psiturk(study: Study, name: str, status: int, bonus: float = 0, worker_id: str | None = None) -> None:
    """A participant's row of psiTurk's."""
    study.write(
        "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, codeversion, status, bonus, mode)"
        " VALUES (:u, :a, :w, '3OLD', '1.0', :s, :b, 'local')",
        u=f"{worker_id or 'W' + name}:{name}",
        a=name,
        w=worker_id or "W" + name,
        s=status,
        b=bonus,
    )


def test_a_row_says_what_is_to_be_decided_until_when_and_for_how_much(study: Study) -> None:
    (hit,) = study.post(3)
    work = done(study, 6, hit)
    sync(study.world)
    study.write("UPDATE assignments SET bonus = 0.25")
    (row,) = list_assignments(study.world, ALL)
    assert tuple(row) == KEYS
    market = study.world.mturk.get_assignment(work)
    assert row == {
        "assignment_id": work,
        "worker_id": worker(6),
        "hit_id": hit,
        "experiment": "stroop",
        "codeversion": "1.0",
        "campaign": None,
        "status": "Submitted",
        "submitted": market.submitted,
        "auto_approval": market.auto_approval,
        "decided": None,
        "reward": Decimal("0.50"),
        "bonus": Decimal("0.25"),
        "bonuses": Decimal("0.00"),
        "paid": Decimal("0.00"),
        "minutes": pytest.approx(6, abs=0.2),
        "wage": None,
        "feedback": None,
        "mode": "local",
        "market": study.world.place.market,
    }


def test_what_was_decided_and_paid_is_in_the_row(study: Study) -> None:
    (hit,) = study.post(3)
    good, bad = done(study, 6, hit), done(study, 1, hit)
    sync(study.world)
    study.apply(prepare_approve(study.world, WorkSelection(Selection(ids=(good,))), feedback="Thank you"))
    study.apply(prepare_reject(study.world, [bad], "empty"))
    order = BonusRequest("more", Decimal("0.10"))
    study.apply(prepare_bonus(study.world, WorkSelection(Selection(ids=(good,))), order))
    rows = {row["assignment_id"]: row for row in list_assignments(study.world, ALL)}
    names = ("status", "paid", "bonuses", "feedback", "auto_approval")
    assert [rows[good][name] for name in names] == ["Approved", Decimal("0.60"), Decimal("0.10"), "Thank you", None]
    assert [rows[bad][name] for name in names] == ["Rejected", Decimal("0.00"), Decimal("0.00"), "empty", None]
    assert rows[good]["wage"] == pytest.approx(Decimal(6), abs=Decimal("0.2"))
    assert rows[bad]["wage"] is None
    assert all(rows[each]["decided"] > rows[each]["submitted"] for each in (good, bad))


def test_they_are_listed_by_the_time_of_submission_in_parts(study: Study) -> None:
    first, second = study.post(3)[0], study.post(3, experiment="flanker")[0]
    order = [done(study, 1, second), done(study, 2, first), done(study, 3, second), done(study, 4, first)]
    sync(study.world)
    assert ids(study) == order
    assert ids(study, descending=True) == order[::-1]
    assert [*ids(study, limit=3), *ids(study, limit=3, offset=3)] == order
    assert ids(study, offset=1) == order[1:]
    assert ids(study, limit=0) == []
    assert ids(study, WorkSelection(Selection(experiment="flanker"))) == order[::2]
    assert ids(study, WorkSelection(Selection(), (first,))) == order[1::2]
    assert ids(study, WorkSelection(Selection(ids=(worker(4), order[0])))) == [order[0], order[3]]
    assert ids(study, WorkSelection(Selection(regex="^str"))) == order[1::2]
    study.write("UPDATE turkctl_assignment SET submitted = NULL WHERE assignment_id = :a", a=order[0])
    assert ids(study) == [*order[1:], order[0]], "one without a time comes last in either direction"
    assert ids(study, descending=True) == [*order[:0:-1], order[0]]


def test_statuses_narrow_the_list_and_the_count(study: Study) -> None:
    (hit,) = study.post(3)
    one, two, three = (done(study, number, hit) for number in (1, 2, 3))
    sync(study.world)
    study.apply(prepare_approve(study.world, WorkSelection(Selection(ids=(one,)))))
    study.apply(prepare_reject(study.world, [two], "empty"))
    for wanted, names in (("Submitted", [three]), ("approved", [one]), ("REJECTED", [two])):
        assert ids(study, statuses=(wanted,)) == names
        assert count_assignments(study.world, ALL, (wanted,)) == 1
    assert ids(study, statuses=("submitted", "approved")) == [one, three]
    assert count_assignments(study.world, ALL) == 3
    with pytest.raises(UsageError, match="status of assignments"):
        ids(study, statuses=("open",))


def test_work_that_only_psiturks_rows_have_comes_last_in_whichever_part(study: Study) -> None:
    (hit,) = study.post(3)
    own = done(study, 1, hit)
    sync(study.world)
    for name, status in (("A4", 4), ("A5", 5), ("A7", 7), ("A2", 2)):
        by_psiturk(study, name, status, bonus=0.4)
    everyone = [own, "A4", "A5", "A7"]
    assert ids(study) == everyone
    assert count_assignments(study.world, ALL) == 4
    assert [name for offset in range(5) for name in ids(study, limit=1, offset=offset)] == everyone
    assert [*ids(study, limit=2), *ids(study, limit=2, offset=2)] == everyone
    assert ids(study, statuses=("approved",)) == ["A5", "A7"]
    row = list_assignments(study.world, WorkSelection(Selection(ids=("A4",))))[0]
    assert (row["experiment"], row["bonus"], row["paid"], row["submitted"]) == ("stroop", Decimal("0.40"), None, None)


def test_the_bonus_is_that_of_the_worker_who_did_it(study: Study) -> None:
    (hit,) = study.post(1)
    own = done(study, 1, hit)
    sync(study.world)
    by_psiturk(study, own, 2, bonus=9, worker_id="ANOTHER")
    (row,) = list_assignments(study.world, ALL)
    assert row["bonus"] is None


def test_a_compensation_has_no_wage(study: Study) -> None:
    (hit,) = study.post(1)
    done(study, 1, hit)
    sync(study.world)
    request = CompensateRequest(worker(1), Decimal("2.00"), "Our server broke", None, timedelta(days=1))
    compensate(study.world, prepare_compensate(study.world, request))
    ((posted,),) = study.sql("SELECT hit_id FROM turkctl_hit WHERE reward = 2000000")
    made = study.accept(posted, worker(1))
    study.pass_time(minutes=2)
    study.finish(worker(1), made)
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    rows = {row["hit_id"]: row for row in list_assignments(study.world, ALL)}
    assert (rows[posted]["paid"], rows[posted]["minutes"], rows[posted]["wage"]) == (Decimal("2.00"), None, None)
    assert rows[hit]["wage"] is not None


def test_whoever_is_unknown_is_an_error(study: Study) -> None:
    for wanted in (Selection(ids=("ANOBODY",)), Selection(experiment="nothing")):
        with pytest.raises(NotFoundError):
            list_assignments(study.world, WorkSelection(wanted))


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("submitted", [1, 2, 3]),
        ("auto_approval", [3, 1, 2]),
        ("worker_id", [1, 2, 3]),
        ("minutes", [1, 2, 3]),
        ("bonus", [2, 1, 3]),
    ],
)
def test_a_list_is_sorted_before_a_part_of_it_is_taken(study: Study, by: str, order: list[int]) -> None:
    (hit,) = study.post(3)
    made = {number: done(study, number, hit) for number in (1, 2, 3)}
    sync(study.world)
    study.write(
        "UPDATE turkctl_assignment SET auto_approval = '2020-01-01 00:00:00.000000' WHERE assignment_id = :a", a=made[3]
    )
    study.write(
        "UPDATE assignments SET bonus = CASE assignmentid WHEN :a THEN 0.1 WHEN :b THEN 0.5 END", a=made[2], b=made[1]
    )
    wanted = [made[number] for number in order]
    assert ids(study, by=by) == wanted
    assert ids(study, by=by, limit=2) == wanted[:2]
    assert ids(study, by=by, limit=2, offset=1) == wanted[1:]
    known = wanted[::-1] if by != "bonus" else [made[1], made[2], made[3]]
    assert ids(study, by=by, descending=True) == known


def test_a_part_of_the_list_is_sorted_by_experiment(study: Study) -> None:
    for slug in ("stroop", "flanker"):
        (hit,) = study.post(2, experiment=slug)
        study.submit(hit, worker(1), worker(2))
    sync(study.world)
    rows = list_assignments(study.world, ALL, by="experiment", limit=3)
    assert [row["experiment"] for row in rows] == ["flanker", "flanker", "stroop"]


def test_a_column_that_nothing_can_be_sorted_by_is_refused(study: Study) -> None:
    with pytest.raises(UsageError, match="column to sort by"):
        ids(study, by="feedback")
