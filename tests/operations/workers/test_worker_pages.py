"""A part of the list of workers, sorted as a whole: the same rows as the list has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from study_support import Study, everything, new_study, worker

from turkctl.errors import UsageError
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.lists import SORTABLE, list_workers, page_of_workers
from turkctl.units import parse_money

ALL = WorkSelection(everything())


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """The first worker has two assignments, one of them approved with a bonus; the others have one each."""
    with new_study(tmp_path, {"stroop": "1.0", "flanker": "2.0"}, turned=True) as made:
        first, second = *made.post(9), *made.post(9, experiment="flanker")
        made.submit(first, worker(1))
        (paid,) = made.submit(second, worker(1))
        made.pass_time(minutes=5)
        made.submit(first, worker(3), worker(2))
        sync(made.world)
        some = WorkSelection(Selection(ids=(paid,)))
        made.apply(prepare_approve(made.world, some))
        made.apply(prepare_bonus(made.world, some, BonusRequest("Thanks", parse_money("0.20"))))
        yield made


@pytest.mark.parametrize("by", SORTABLE)
@pytest.mark.parametrize("descending", [False, True])
def test_parts_of_the_list_are_the_list_in_order(study: Study, by: str, descending: bool) -> None:
    rows = sorted(list_workers(study.world, ALL), key=lambda row: row[by], reverse=descending)
    parts = [
        page_of_workers(study.world, ALL, by=by, descending=descending, limit=2, offset=offset) for offset in (0, 2)
    ]
    assert [row for part, _total in parts for row in part] == rows
    assert [total for _part, total in parts] == [3, 3]


def test_a_filter_narrows_rows_and_sums(study: Study) -> None:
    flanker = WorkSelection(Selection(experiment="flanker"))
    assert page_of_workers(study.world, flanker, limit=9) == (list_workers(study.world, flanker), 1)
    one = WorkSelection(Selection(ids=(worker(3),)))
    assert page_of_workers(study.world, one, limit=9) == (list_workers(study.world, one), 1)


def test_people_whom_only_psiturks_rows_have_are_among_them(study: Study) -> None:
    study.write(
        "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, codeversion, status, mode)"
        " VALUES ('A0OLD:3OLD', '3OLD', 'A0OLD', '3HIT', '1.0', 4, 'local')"
    )
    rows, total = page_of_workers(study.world, ALL, limit=1)
    assert ([row["worker_id"] for row in rows], total) == (["A0OLD"], 4)


def test_nothing_else_can_be_sorted_by(study: Study) -> None:
    with pytest.raises(UsageError, match="column to sort by"):
        page_of_workers(study.world, ALL, by="blocked", limit=9)
