"""Hourly wages: the formula, whose work counts, and groups."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_support import Study, everything, new_study, worker

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import SHOWN, Ordering
from turkctl.operations.participants.wages import grouped_with_wages, listed_with_wages
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.compensate import CompensateRequest, compensate, prepare_compensate
from turkctl.operations.payments.earnings import Earning, hourly, summary
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.lists import list_workers
from turkctl.operations.workers.wages import by_group, of_workers

ALL = WorkSelection(everything())
ANY = WorkSelection(Selection())


def work(study: Study, minutes: dict[int, int], experiment: str = "stroop") -> dict[int, str]:
    """Workers by number who take so many minutes each, all approved; their assignments."""
    (hit,) = study.post(9, experiment=experiment)
    done = {number: study.submit(hit, worker(number))[0] for number in minutes}
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    exactly(study, {done[number]: each for number, each in minutes.items()})
    return done


def exactly(study: Study, minutes: dict[str, int]) -> None:
    """Have the work taken so many minutes."""
    for assignment, each in minutes.items():
        (row,) = study.sql("SELECT accepted FROM turkctl_assignment WHERE assignment_id = :a", a=assignment)
        began = row[0][:19]
        study.write(
            "UPDATE turkctl_assignment SET accepted = :b || '.000000Z', "
            "submitted = strftime('%Y-%m-%dT%H:%M:%S.000000Z', :b, :m) WHERE assignment_id = :a",
            a=assignment,
            b=began,
            m=f"+{each} minutes",
        )


def pay(study: Study, assignment: str, amount: str) -> None:
    request = BonusRequest("Well done", Decimal(amount))
    study.apply(prepare_bonus(study.world, WorkSelection(Selection(ids=(assignment,))), request))


def wages_of(study: Study, wanted: WorkSelection = ANY) -> dict[str, tuple[float, Decimal | None]]:
    rows = of_workers(study.world, wanted, list_workers(study.world, wanted))
    return {row["worker_id"]: (row["hours"], row["wage"]) for row in rows}


def test_a_wage_is_reward_and_bonuses_over_the_time_from_accepting_to_submitting(study: Study) -> None:
    done = work(study, {1: 10, 2: 20})
    pay(study, done[2], "0.50")
    assert wages_of(study) == {worker(1): (0.167, Decimal("3.00")), worker(2): (0.333, Decimal("3.00"))}
    bonuses = {row["worker_id"]: row["bonus"] for row in list_workers(study.world, ANY)}
    assert bonuses == {worker(1): Decimal("0.00"), worker(2): Decimal("0.50")}


def test_what_is_not_approved_earns_nothing_and_shows_no_wage(study: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, worker(1))
    sync(study.world)
    assert wages_of(study) == {worker(1): (0.0, None)}


def test_a_group_has_all_dollars_over_all_hours_and_the_median_of_its_assignments(tmp_path: Path) -> None:
    with new_study(tmp_path, experiments={"stroop": "1.0", "flanker": "2.0"}) as study:
        work(study, {1: 5, 2: 10, 3: 30})
        work(study, {1: 15}, experiment="flanker")
        columns, rows = by_group(study.world, ANY, ["experiment"])
        assert columns == ["experiment", "workers", "assignments", "hours", "wage", "median_wage"]
        flanker = {"experiment": "flanker", "workers": 1, "assignments": 1, "hours": 0.25}
        assert rows == [
            flanker | {"wage": Decimal("2.00"), "median_wage": Decimal("2.00")},
            {
                "experiment": "stroop",
                "workers": 3,
                "assignments": 3,
                "hours": 0.75,
                "wage": Decimal("2.00"),
                "median_wage": Decimal("3.00"),
            },
        ]
        only = WorkSelection(Selection(experiment="flanker"))
        assert [row["experiment"] for row in by_group(study.world, only, ["experiment"])[1]] == ["flanker"]
        assert wages_of(study, only) == {worker(1): (0.25, Decimal("2.00"))}


def test_groups_by_condition_take_it_from_the_participants_rows(study: Study) -> None:
    done = work(study, {1: 10, 2: 15, 3: 30})
    for number, condition in ((1, 0), (2, 1)):
        study.write("UPDATE assignments SET cond = :c WHERE assignmentid = :a", c=condition, a=done[number])
    _columns, rows = by_group(study.world, ANY, ["experiment", "condition", "codeversion", "campaign"])
    assert [(row["experiment"], row["codeversion"], row["campaign"]) for row in rows] == [("stroop", "1.0", None)] * 3
    assert [(row["condition"], row["wage"]) for row in rows] == [
        (0, Decimal("3.00")),
        (1, Decimal("2.00")),
        (None, Decimal("1.00")),
    ]


def test_a_compensation_is_nobodys_hourly_wage(study: Study) -> None:
    work(study, {1: 10})
    paid = compensate(study.world, prepare_compensate(study.world, CompensateRequest(worker(1), Decimal(5), "Broke")))
    hit = str(paid.results[0].detail).split(";")[0].removeprefix("HIT ")
    study.submit(hit, worker(1))
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    (row,) = list_workers(study.world, ANY)
    assert (row["approved"], row["earned"]) == (2, Decimal("5.50"))
    assert wages_of(study) == {worker(1): (0.167, Decimal("3.00"))}


def test_participants_show_their_minutes_and_wage_and_can_be_put_in_its_order(study: Study) -> None:
    work(study, {1: 10, 2: 20, 3: 5})
    columns, rows = listed_with_wages(study.world, Query(), Ordering())
    assert list(rows[0]) == [*SHOWN, "minutes", "wage"]
    assert list(columns)[-2:] == ["minutes", "wage"]
    assert {row["worker_id"]: (row["minutes"], row["wage"]) for row in rows} == {
        worker(1): (10.0, Decimal("3.00")),
        worker(2): (20.0, Decimal("1.50")),
        worker(3): (5.0, Decimal("6.00")),
    }
    _, rows = listed_with_wages(study.world, Query(), Ordering("wage", True, 2), ["worker_id", "wage"])
    assert [tuple(row.values()) for row in rows] == [(worker(3), Decimal("6.00")), (worker(1), Decimal("3.00"))]
    _, rows = listed_with_wages(study.world, Query(), Ordering("minutes", offset=1), ["wage"])
    assert rows == [{"wage": Decimal("3.00")}, {"wage": Decimal("1.50")}]


def test_participants_by_group_are_counted_whether_or_not_they_earned(study: Study) -> None:
    done = work(study, {1: 10, 2: 20})
    (hit,) = study.post(3)
    study.submit(hit, worker(3))
    sync(study.world)
    study.write("UPDATE assignments SET cond = 1")
    study.write("UPDATE assignments SET cond = 0 WHERE assignmentid = :a", a=done[1])
    columns, rows = grouped_with_wages(study.world, Query(), Ordering("wage", True), ["experiment", "condition"])
    assert columns[:3] == ["experiment", "condition", "count"]
    assert [(row["condition"], row["count"], row["assignments"], row["wage"]) for row in rows] == [
        (0, 1, 1, Decimal("3.00")),
        (1, 2, 1, Decimal("1.50")),
    ]
    for group in ("status", "mode", "codeversion", "hit", "day"):
        _, rows = grouped_with_wages(study.world, Query(), Ordering(), [group])
        assert sum(row["count"] for row in rows) == 3


def test_minutes_of_work_that_only_psiturks_row_tells_of_come_from_it(study: Study) -> None:
    study.write(
        "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, mode, status, beginhit, endhit) VALUES "
        "('W:A', 'A', 'W', 'H', 'live', 7, '2026-11-20 10:00:00.000000', '2026-11-20 10:12:30.000000')"
    )
    _, (row,) = listed_with_wages(study.world, Query(), Ordering())
    assert (row["minutes"], row["wage"]) == (12.5, None)


def test_groups_and_columns_that_do_not_exist_are_refused(study: Study) -> None:
    with pytest.raises(UsageError, match="no group 'experimnt'"):
        by_group(study.world, ANY, ["experimnt"])
    with pytest.raises(UsageError, match="no group 'wage'"):
        grouped_with_wages(study.world, Query(), Ordering(), ["wage"])
    with pytest.raises(UsageError, match="column"):
        grouped_with_wages(study.world, Query(), Ordering("minutes"), ["status"])
    with pytest.raises(NotFoundError, match="ANOBODY"):
        by_group(study.world, WorkSelection(Selection(ids=("ANOBODY",))), ["experiment"])


EARNINGS = st.lists(
    st.builds(
        Earning,
        st.sampled_from("ABC"),
        st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=2)),
        st.decimals(min_value=0, max_value=100, places=2),
    ),
    min_size=1,
    max_size=20,
)


@given(EARNINGS)
def test_a_groups_wage_lies_between_its_lowest_and_its_highest(earnings: list[Earning]) -> None:
    each = [hourly(one.dollars, one.time) or Decimal(0) for one in earnings]
    cent = Decimal("0.01")
    found: dict[str, Any] = summary(earnings)
    assert min(each) - cent <= found["wage"] <= max(each) + cent
    assert min(each) <= found["median_wage"] <= max(each)


def test_no_time_is_no_wage() -> None:
    assert hourly(Decimal(1), timedelta(0)) is None
    assert summary([]) == {"workers": 0, "assignments": 0, "hours": 0.0, "wage": None, "median_wage": None}
