"""The progress of a campaign over time: at every moment what ``campaigns show`` said then."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from study_support import Study, people, worker

from turkctl.errors import NotFoundError
from turkctl.operations.campaigns import progress
from turkctl.operations.campaigns.lifecycle import cancel
from turkctl.operations.campaigns.lists import show_campaign
from turkctl.operations.campaigns.progress import progress_of
from turkctl.operations.hits.delete import prepare_delete
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.reject import prepare_reject

Numbers = tuple[int, int, Decimal | None]


def shown(study: Study, campaign: int = 1) -> Numbers:
    """What ``campaigns show`` says now."""
    page = show_campaign(study.world, campaign)
    return page["completed"], sum(each["posted"] for each in page["history"]), page["spent"]


def numbers(point: dict[str, Any]) -> Numbers:
    return point["completed"], point["posted"], point["spent"]


def at(points: list[dict[str, Any]], moment: datetime) -> Numbers:
    """The numbers of the series at a moment."""
    return numbers([each for each in points if each["time"] <= moment][-1])


def test_it_begins_with_nothing_and_ends_with_what_show_says(study: Study) -> None:
    study.create(9)
    study.pass_time(minutes=5)
    study.round()
    study.work(people(), limit=4)
    study.pass_time(minutes=30)
    study.round()
    found = progress_of(study.world, 1)
    points = found["points"]
    assert (found["goal"], found["budget"]) == (9, None)
    assert numbers(points[0]) == (0, 0, Decimal(0))
    assert numbers(points[-1]) == shown(study) == (4, 9, Decimal("5.40"))
    assert points[-1]["time"] > points[-2]["time"]
    assert [each["time"] for each in points] == sorted({each["time"] for each in points})


def test_each_point_is_what_was_shown_at_that_time(study: Study) -> None:
    study.create(20, per_round=9)
    seen: dict[datetime, Numbers] = {}

    def look() -> None:
        study.pass_time(minutes=1)
        sync(study.world)
        seen[study.world.now()] = shown(study)
        study.pass_time(minutes=1)

    hands = people()
    first = study.round().hits[0]
    look()
    study.work(hands, limit=3)
    look()
    study.apply(prepare_expire(study.world, Selection(ids=(first,))))
    look()
    study.round()
    look()
    study.work(hands, limit=5)
    look()
    study.apply(prepare_approve(study.world, WorkSelection(Selection(everything=True))))
    study.apply(prepare_delete(study.world, Selection(ids=(first,)), force=False))
    look()
    points = progress_of(study.world, 1)["points"]
    assert {moment: at(points, moment) for moment in seen} == seen
    assert len(set(seen.values())) == 5, "something changed each time but the last"


def test_rejected_work_counts_for_nobody_and_its_money_is_released_when_it_was_rejected(study: Study) -> None:
    study.create(9)
    hit = study.round().hits[0]
    study.pass_time(minutes=1)
    work = study.submit(hit, worker(1), worker(2))
    sync(study.world)
    study.pass_time(minutes=1)
    before = study.world.now()
    study.pass_time(minutes=1)
    study.apply(prepare_reject(study.world, work[:1], "empty"))
    study.pass_time(minutes=1)
    points = progress_of(study.world, 1)["points"]
    assert at(points, before) == (1, 9, Decimal("5.40")), "people are those who count today"
    assert numbers(points[-2]) == numbers(points[-1]) == shown(study) == (1, 9, Decimal("4.80"))


def test_what_nobody_took_before_its_hit_expired_is_released_then(study: Study) -> None:
    study.create(9)
    hit = study.round().hits[0]
    study.work(people(), limit=2)
    study.pass_time(minutes=1)
    study.apply(prepare_expire(study.world, Selection(ids=(hit,))))
    sync(study.world)
    study.pass_time(minutes=1)
    points = progress_of(study.world, 1)["points"]
    assert numbers(points[-2]) == numbers(points[-1]) == shown(study) == (2, 9, Decimal("1.20"))


def test_people_of_before_are_there_from_the_start_and_those_after_its_end_never(study: Study) -> None:
    study.submit(study.post(3)[0], worker(1), worker(2))
    sync(study.world)
    study.pass_time(hours=1)
    study.create(9)
    hit = study.round().hits[0]
    study.submit(hit, worker(3))
    study.round()
    study.pass_time(hours=1)
    cancel(study.world, 1)
    study.submit(hit, worker(4))
    study.pass_time(hours=1)
    sync(study.world)
    points = progress_of(study.world, 1)["points"]
    assert points[0]["completed"] == 2
    assert (points[-1]["time"], points[-1]["completed"]) == (show_campaign(study.world, 1)["ended"], 3)
    assert [each["time"] for each in points] == sorted({each["time"] for each in points})
    assert numbers(points[-1]) == shown(study)


def test_what_was_handed_in_before_its_end_and_read_afterwards_counts_as_little_as_in_its_final_numbers(
    study: Study,
) -> None:
    study.create(9)
    hit = study.round().hits[0]
    study.submit(hit, worker(1))
    study.pass_time(minutes=1)
    cancel(study.world, 1)
    sync(study.world)
    points = progress_of(study.world, 1)["points"]
    assert numbers(points[-1]) == shown(study) == (0, 9, Decimal("5.40"))
    assert {each["completed"] for each in points} == {0}


def test_people_of_psiturks_rows_alone_count_from_the_start(study: Study) -> None:
    study.create(9)
    study.write(
        "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, codeversion, status, mode)"
        " VALUES ('W:A', 'A', 'W', '3OLD', '1.0', 4, 'local')"
    )
    study.pass_time(hours=1)
    assert [each["completed"] for each in progress_of(study.world, 1)["points"]] == [1, 1]


def test_a_long_campaign_has_few_points_and_the_same_ends(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    study.create(300, per_round=300)
    study.round()
    hands = people()
    for _ in range(50):
        study.pass_time(minutes=3)
        study.work(hands, limit=1)
    sync(study.world)
    every = progress_of(study.world, 1)["points"]
    assert 50 < len(every) <= progress.MOST_POINTS == 400, "each change is a point of its own"
    monkeypatch.setattr(progress, "MOST_POINTS", 20)
    points = progress_of(study.world, 1)["points"]
    assert len(points) == 20
    assert (points[0], numbers(points[-1])) == (every[0], numbers(every[-1]))
    assert all(each in every for each in points[:-1])
    gaps = [later["time"] - sooner["time"] for sooner, later in pairwise(points)]
    assert max(gaps) < timedelta(minutes=17), "twice a part of 150 minutes in 18"


def test_a_campaign_that_does_not_exist_is_refused(study: Study) -> None:
    with pytest.raises(NotFoundError, match="campaign 7"):
        progress_of(study.world, 7)
