"""A task's batch goes on only while the scheduler's lease holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from study_support import Study, new_study, worker

from turkctl.operations.sync.run import sync
from turkctl.scheduler.kinds import approve_all
from turkctl.scheduler.lease import LeaseLostError
from turkctl.scheduler.worlds import Worlds


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with new_study(tmp_path) as made:
        yield made


def test_nothing_is_approved_by_a_task_once_the_lease_is_lost(study: Study) -> None:
    study.submit(*study.post(2), worker(1), worker(2))
    sync(study.world)
    beats: list[str] = []

    def holds() -> None:
        beats.append("beat")

    def lost() -> None:
        raise LeaseLostError

    study.requests()
    with pytest.raises(LeaseLostError):
        approve_all(Worlds(study.world, threading.Event(), lost)("local"), {}, study.world.now())
    assert "ApproveAssignment" not in study.requests()
    approve_all(Worlds(study.world, threading.Event(), holds)("local"), {}, study.world.now())
    assert beats
    assert study.requests()["ApproveAssignment"] == 2


def test_the_notices_of_every_mode_reach_the_user(study: Study) -> None:
    said: list[str] = []
    study.world.notice = said.append
    Worlds(study.world, threading.Event(), lambda: None)("sandbox").engine().notice("wait")
    assert said == ["wait"]
