"""Budgets and limits hold against what was not read yet, and against other terminals."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from study_support import Study, new_study, worker

from turkctl.errors import FundsError, RefusedError
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.selection.hits import Selection
from turkctl.operations.sync.run import sync, unfinished
from turkctl.store import hit_changes


def limited(folder: Path, limits: str) -> Study:
    """A lab whose experiment ``stroop`` has these limits."""
    made = new_study(folder, settings=f"[experiments.stroop.limits]\n{limits}\n")
    return made.__enter__()


@pytest.fixture
def within_six(tmp_path: Path) -> Study:
    """A study with a budget of $6.00: one HIT of nine assignments costs $5.40."""
    return limited(tmp_path, 'budget = "6.00"')


def test_work_done_before_its_hit_expired_counts_against_the_budget_though_nobody_synced(within_six: Study) -> None:
    hit = within_six.post(9)[0]
    within_six.submit(hit, *map(worker, range(9)))
    within_six.pass_time(hours=25)
    with pytest.raises(FundsError, match="already committed"):
        within_six.post(9)


def test_slots_that_nobody_took_before_their_hit_expired_are_released_without_a_sync(within_six: Study) -> None:
    within_six.post(9)
    within_six.pass_time(hours=25)
    assert len(within_six.post(9)) == 1


def test_slots_of_a_hit_that_was_expired_by_hand_are_released(within_six: Study) -> None:
    hit = within_six.post(9)[0]
    within_six.apply(prepare_expire(within_six.world, Selection(ids=(hit,))))
    within_six.pass_time(seconds=1)
    assert len(within_six.post(9)) == 1


def test_of_two_terminals_that_planned_within_the_budget_at_the_same_time_one_posts(within_six: Study) -> None:
    request = CreateRequest("stroop", 9, new=True)
    first, second = prepare_create(within_six.world, request), prepare_create(within_six.world, request)
    assert within_six.apply(first).succeeded == 1
    within_six.requests()  # forgets what was asked until now
    with pytest.raises(FundsError, match=r"\$5.40 is already committed"):
        within_six.apply(second)
    assert within_six.requests() == {}
    assert within_six.sql("SELECT count(*) FROM turkctl_intent") == [(1,)]


def test_of_two_terminals_that_planned_an_extension_at_the_same_time_one_extends(tmp_path: Path) -> None:
    study = limited(tmp_path, 'budget = "3.00"')
    hit = study.post(3)[0]
    both = [prepare_extend(study.world, ExtendRequest((hit,), assignments=2, new=True)) for _ in range(2)]
    assert study.apply(both[0]).succeeded == 1
    with pytest.raises(FundsError, match="already committed"):
        study.apply(both[1])
    assert study.world.mturk.get_hit(hit).max_assignments == 5


def test_of_two_terminals_that_planned_within_a_limit_on_hits_one_posts(tmp_path: Path) -> None:
    study = limited(tmp_path, "max_total_hits = 3")
    request = CreateRequest("stroop", 9, hits=2, new=True)
    first, second = prepare_create(study.world, request), prepare_create(study.world, request)
    assert study.apply(first).succeeded == 2
    with pytest.raises(RefusedError, match="max_total_hits"):
        study.apply(second)
    assert study.sql("SELECT count(*) FROM turkctl_hit") == [(2,)]


def test_counters_read_while_an_expiry_was_under_way_do_not_close_the_hit(study: Study) -> None:
    hit = study.post(9)[0]
    asked = study.world.now()
    study.pass_time(seconds=10)
    sync(study.world)  # another process looks after the command began and before the market heard of it
    study.submit(hit, worker(1))
    with study.world.database.write() as session:
        assert hit_changes.mark_expired(session, study.world.place, hit, asked)
    with study.world.database.read() as session:
        rows = unfinished(session, study.world.place, study.world.now() + timedelta(minutes=1))
    assert [row.hit_id for row in rows] == [hit]
