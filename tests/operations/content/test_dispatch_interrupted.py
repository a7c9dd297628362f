"""What an interrupted dispatch left unanswered counts within the limit of the next one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from dispatch_support import ContentStudy

from turkctl.operations.content.dispatch import prepare_dispatch
from turkctl.operations.selection.hits import Selection


class DiedError(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def photos(tmp_path: Path) -> Iterator[ContentStudy]:
    """Thirty items, each of which gets a HIT of its own."""
    study = ContentStudy(tmp_path)
    study.add_numbered(30)
    yield study
    study.close()


def interrupt(photos: ContentStudy, hits: int, where: str) -> None:
    """Let a dispatch of so many HITs end with all its requests about to arrive, or arrived and not recorded."""
    together = threading.Barrier(hits)

    def die(operation: str) -> None:
        if operation == "CreateHIT":
            together.wait(timeout=20)
            raise DiedError

    setattr(photos.world.endpoint, where, die)
    with pytest.raises(DiedError):
        photos.dispatch(hits=hits, workers=hits)
    setattr(photos.world.endpoint, where, None)


def test_unanswered_requests_count_within_the_number_of_hits(photos: ContentStudy) -> None:
    interrupt(photos, 8, "before")
    assert photos.posted() == 0
    assert photos.dispatch(hits=5).succeeded == 5
    assert photos.posted() == 5
    assert photos.dispatch(hits=5).succeeded == 5, "the three that are left, and two new ones"
    assert photos.posted() == 10


def test_those_that_had_arrived_are_entered_and_count_within_the_number_of_hits(photos: ContentStudy) -> None:
    interrupt(photos, 8, "after")
    assert photos.posted() == 8
    assert photos.dispatch(hits=8).succeeded == 0
    assert photos.posted() == 8
    assert sorted(photos.shown()) == sorted(hit.hit_id for hit in photos.world.mturk.list_hits())
    assert photos.dispatch(hits=8).succeeded == 8, "that run is over"


def test_the_plan_says_that_those_that_had_arrived_count(photos: ContentStudy) -> None:
    interrupt(photos, 8, "after")
    plan, _act = prepare_dispatch(photos.world, Selection(), hits=10)
    assert "8 HITs that an interrupted dispatch had posted count within --hits 10" in plan.notes
    assert len(plan.steps) == 2


def test_a_dispatch_that_stops_at_its_number_says_that_more_is_pending(photos: ContentStudy) -> None:
    interrupt(photos, 8, "before")
    plan, _act = prepare_dispatch(photos.world, Selection(), hits=5)
    assert "photos: this run posts at most 5 HITs; more is pending" in plan.notes


def test_what_another_process_has_under_way_is_left_to_it(photos: ContentStudy) -> None:
    seen: list[int] = []

    def meanwhile(operation: str) -> None:
        if operation == "CreateHIT":
            photos.world.endpoint.before = None
            seen.append(photos.dispatch(hits=4).succeeded)

    photos.world.endpoint.before = meanwhile
    assert photos.dispatch(hits=3).succeeded == 3
    assert seen == [4]
    assert photos.posted() == 7
    assert {len(shown) for shown in photos.shown().values()} == {1}
