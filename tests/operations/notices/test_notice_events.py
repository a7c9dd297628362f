"""Which events people are told of, each once, and in which words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from study_support import Study, new_study, people, worker

from turkctl.operations.campaigns.lifecycle import CampaignChange, cancel, update
from turkctl.operations.hits.upcoming import tell_of_deadlines
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.reject import prepare_reject


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """One experiment, nothing posted, and no waiting; HITs stay open for ten days."""
    with new_study(tmp_path, turned=True) as made:
        yield made


def told(study: Study) -> list[tuple[str, str]]:
    """Events and messages, oldest first."""
    return [(event, message) for event, message in study.sql("SELECT event, message FROM turkctl_notice ORDER BY id")]


def test_a_campaign_that_meets_its_goal_is_told_of_each_time_it_does(study: Study) -> None:
    study.create(2)
    crowd = people()
    study.round()
    study.work(crowd)
    assert told(study) == []
    study.round()
    study.round()
    assert told(study) == [("campaign_met", "campaign 1 of stroop has met its goal with 2 of 2 people")]
    update(study.world, 1, CampaignChange(goal=3))
    study.round()
    study.work(crowd)
    study.pass_time(minutes=31)
    study.round()
    assert [message for _, message in told(study)][1:] == ["campaign 1 of stroop has met its goal with 3 of 3 people"]
    ((experiment, campaign, mode),) = set(study.sql("SELECT experiment, campaign, mode FROM turkctl_notice"))
    assert (experiment, campaign, mode) == ("stroop", 1, "local")


def test_a_campaign_that_ends_before_its_goal_ended_short(study: Study) -> None:
    end = study.world.now().replace(microsecond=0) + timedelta(hours=1)
    study.create(2, end_at=end)
    study.round()
    study.work(people(), limit=1)
    study.pass_time(hours=1)
    study.round()
    ((event, message),) = told(study)
    assert event == "campaign_ended"
    assert message.startswith("campaign 1 of stroop ended short with 1 of 2 people: it was set to end at 20")


def test_a_campaign_without_money_is_told_of_once_until_it_has_posted_again(study: Study) -> None:
    study.create(3, budget=Decimal("0.60"), per_round=1, every=timedelta(minutes=30))
    for _ in range(4):
        study.round()
        study.work(people(), limit=1)
        study.pass_time(minutes=31)
    ((event, message),) = told(study)
    assert event == "campaign_exhausted"
    assert message.startswith("campaign 1 of stroop waits for money with 1 of 3 people: ")
    assert message.endswith("; it looks again every 30m")
    update(study.world, 1, CampaignChange(budget=Decimal("1.20")))
    for _ in range(3):
        study.round()
        study.pass_time(minutes=31)
    assert [event for event, _ in told(study)] == ["campaign_exhausted"] * 2


def test_a_superseded_campaign_is_told_of_with_what_to_do(study: Study) -> None:
    study.create(2)
    study.configure({"stroop": "2.0"})
    ((event, message),) = told(study)
    assert event == "campaign_superseded"
    assert "is superseded with 0 of 2 people: the experiment is now at code version 2.0, not 1.0" in message
    assert message.endswith("run: turkctl hits expire --campaign 1")


def test_another_mode_is_named_in_the_sentence_and_in_the_command(study: Study) -> None:
    study.create(2)
    study.write("UPDATE turkctl_campaign SET mode = 'live'")
    study.configure({"stroop": "2.0"})
    ((_, message),) = told(study)
    assert message.startswith("campaign 1 of stroop (mode live) is superseded")
    assert message.endswith("turkctl hits expire --campaign 1 --mode live")


def test_whoever_cancels_a_campaign_is_not_told_of_it(study: Study) -> None:
    study.create(2)
    cancel(study.world, 1)
    assert told(study) == []


# --- deadlines


def look(study: Study) -> list[str]:
    tell_of_deadlines(study.world)
    return [event for event, _ in told(study)]


def test_work_that_is_about_to_approve_itself_is_told_of_once(study: Study) -> None:
    [hit_id] = study.post(3)
    study.submit(hit_id, worker(1), worker(2))
    sync(study.world)
    assert look(study) == []
    study.pass_time(days=2, hours=1)
    assert look(study) == ["auto_approval"]
    study.pass_time(hours=1)
    assert look(study) == ["auto_approval"]
    ((_, message),) = told(study)
    assert message.startswith("2 submissions of stroop that nobody has decided on approve themselves from 20")
    assert message.endswith(" on, for $1.20; see: turkctl hits deadlines")


def test_work_that_somebody_decided_on_is_not(study: Study) -> None:
    [hit_id] = study.post(1)
    [assignment] = study.submit(hit_id, worker(1))
    sync(study.world)
    study.apply(prepare_reject(study.world, [assignment], "No answers"))
    study.pass_time(days=2, hours=1)
    assert look(study) == []
    study.pass_time(days=27)
    assert look(study) == ["final_rejection"]
    assert told(study)[0][1].startswith("1 rejection of stroop becomes final at 20")


def test_an_expiry_is_told_of_unless_it_was_near_from_the_start_or_a_campaign_posts_again(study: Study) -> None:
    study.create(1)
    study.round()
    study.post(2, hits=2)
    study.pass_time(days=9, minutes=1)
    assert look(study) == ["expiry"]
    assert told(study)[0][1].startswith("2 HITs of stroop with open places expire from 20")
    study.lifetime = "24h"
    study.configure({"stroop": "1.0"})
    study.pass_time(days=2)
    study.post(1)
    assert look(study) == ["expiry"]


def test_a_removal_from_the_market_is_told_of(study: Study) -> None:
    [hit_id] = study.post(1)
    study.submit(hit_id, worker(1))
    study.pass_time(days=4)
    sync(study.world)
    study.pass_time(days=125, hours=12)  # 120 after it expired, which is ten after it was posted
    assert "disposal" in look(study)
    assert "1 HIT of stroop is removed from the market at 20" in told(study)[-1][1]


def test_deadlines_of_other_experiments_and_days_are_other_events(tmp_path: Path) -> None:
    with new_study(tmp_path, {"stroop": "1.0", "flanker": "1.0"}, turned=True) as both:
        for slug in ("stroop", "flanker"):
            [hit_id] = both.post(1, experiment=slug)
            both.submit(hit_id, worker(1))
        sync(both.world)
        both.pass_time(days=2, hours=1)
        assert look(both) == ["auto_approval", "auto_approval"]
        [hit_id] = both.post(1)
        both.submit(hit_id, worker(2))
        sync(both.world)
        both.pass_time(days=2, hours=1)
        assert look(both) == ["auto_approval"] * 3
