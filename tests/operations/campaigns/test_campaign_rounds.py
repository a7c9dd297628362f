from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from campaign_support import EACH, in_play, known_hits, watch
from databases import new_database
from sqlalchemy import text
from study_support import Study, market_rows, people

from turkctl.errors import FundsError, RefusedError
from turkctl.operations.campaigns.lifecycle import CampaignChange, cancel, find, update
from turkctl.operations.campaigns.lists import round_now, show_campaign
from turkctl.operations.campaigns.rounds import run_round
from turkctl.operations.engine.plan import ItemResult
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.intents.settle import settle
from turkctl.store import campaigns, tasks
from turkctl.store.campaigns import Campaign


def test_rounds_recruit_exactly_the_goal_in_hits_of_at_most_nine(study: Study) -> None:
    study.create(25, per_round=11)
    watch(study, 25)
    workers = people()
    sizes = []
    while study.round().campaign.running:
        sizes = [size for (size,) in market_rows(study.folder, "SELECT max_assignments FROM market_hit ")]
        study.work(workers)
        study.pass_time(minutes=30)
    assert sorted(sizes) == [2, 2, 3, 9, 9]
    assert in_play(study.folder).completed == 25
    assert known_hits(study) == set(in_play(study.folder).hits)


def test_a_round_tells_of_each_hit_that_it_posts(study: Study) -> None:
    study.create(25, per_round=11)
    told: list[ItemResult] = []
    report = run_round(study.world, 1, study.world.now(), on_item=told.append)
    assert sorted(item.id for item in told) == sorted(report.hits)
    assert {item.status for item in told} == {"created"}


def test_what_a_round_would_do_now_is_told_whenever_the_next_one_is_due(study: Study) -> None:
    hour = study.world.now().hour
    study.create(20, hours=f"{(hour + 3) % 24:02}:00-{(hour + 5) % 24:02}:00")
    due, now = show_campaign(study.world, 1)["next_round"], round_now(study.world, 1)["next_round"]
    assert (due["outcome"], due["will_post"]) == ("posted", 9)
    assert (now["outcome"], now["will_post"]) == ("closed", 0)
    assert now["at"] < due["at"]
    cancel(study.world, 1)
    assert round_now(study.world, 1)["next_round"] is None


def test_a_round_posts_only_what_is_missing(study: Study) -> None:
    study.create(12)
    study.submit(study.round().hits[0], "A1", "A2", "A3")
    second = study.round()
    assert (second.standing.completed, second.standing.outstanding, second.posted) == (3, 6, 3)
    third = study.round()
    assert (third.outcome, third.posted) == ("waiting", 0)
    assert third.reason == "3 completed and 9 outstanding: enough for the goal of 12"


def test_slots_that_nobody_took_in_time_are_posted_again(study: Study) -> None:
    study.create(9)
    study.round()
    study.pass_time(days=11)
    assert study.round().posted == 9


def test_abandoned_work_leaves_no_one_too_many(study: Study) -> None:
    study.create(9)
    watch(study, 9)
    (hit,) = study.round().hits
    study.accept(hit, "A1")
    assert study.round().posted == 0
    study.pass_time(minutes=31)
    assert study.round().posted == 0
    study.pass_time(days=11)
    assert study.round().posted == 9


def test_rejected_work_is_recruited_again_and_overturned_work_counts(study: Study) -> None:
    study.create(9)
    first, *_ = study.submit(study.round().hits[0], *(f"A{n}" for n in range(9)))
    study.world.mturk.reject(first, "empty answers")
    refill = study.round()
    assert (refill.standing.completed, refill.posted) == (8, 1)


def test_a_person_counts_once_and_is_kept_out_of_later_hits(study: Study) -> None:
    study.on_another_market()
    study.create(12, per_round=6)
    first = study.round().hits[0]
    second = study.round().hits[0]
    study.submit(first, "AREPEAT")
    study.submit(second, "AREPEAT")  # before anybody could grant the qualification
    third = study.round()
    assert third.standing.completed == 1
    assert third.posted == 1
    offered = study.world.market.available_hits("production", "AREPEAT")
    assert [hit["Qualified"] for hit in offered if hit["HITId"] in third.hits] == [False]
    assert study.world.market.messages("production", "AREPEAT") == []


def test_nobody_is_granted_the_qualification_twice(study: Study) -> None:
    study.create(20)
    study.submit(study.round().hits[0], "A1", "A2")
    study.round()
    assert study.requests()["AssociateQualificationWithWorker"] == 2
    study.submit(study.round().hits[0], "A3")
    study.round()
    found = study.requests()
    assert found["AssociateQualificationWithWorker"] == 1
    assert "CreateQualificationType" not in found


def test_a_worker_whom_the_market_does_not_know_is_not_tried_again(study: Study) -> None:
    study.create(20)
    study.submit(study.round().hits[0], "A1")
    study.round()
    with study.world.database.write() as session:
        session.connection().execute(text("DELETE FROM turkctl_qualification_grant"))
        session.connection().execute(text("UPDATE turkctl_assignment SET worker_id = 'ANOBODY'"))
    study.requests()
    study.round()
    study.round()
    assert study.requests()["AssociateQualificationWithWorker"] == 1


def test_a_qualification_type_that_the_market_dropped_is_made_anew(study: Study) -> None:
    study.create(20)
    study.round()
    types = "SELECT id FROM market_qualification_type WHERE name LIKE 'turkctl%' AND deleted = 0 ORDER BY seq"
    for dropped in ([0], [1], [0, 1]):
        made = [type_id for (type_id,) in market_rows(study.folder, types)]
        assert len(made) == 2
        for number in dropped:
            study.world.mturk.delete_qualification_type(made[number])
        study.pass_time(days=11)
        study.round()
        study.round()
        report = study.round()
        assert (report.failed, report.posted > 0) == (0, True)


def test_with_repeat_workers_allowed_no_qualification_is_made(study: Study) -> None:
    study.create(9, allow_repeat_workers=True)
    study.round()
    assert "CreateQualificationType" not in study.requests()


def test_every_round_keeps_the_numbers_it_decided_from(study: Study) -> None:
    study.create(12)
    study.submit(study.round().hits[0], "A1")
    study.round()
    first, second = show_campaign(study.world, 1)["history"]
    assert (first["goal"], first["completed"], first["outstanding"], first["wanted"], first["posted"]) == (
        12,
        0,
        0,
        9,
        9,
    )
    assert (second["completed"], second["outstanding"], second["wanted"], second["posted"]) == (1, 8, 3, 3)
    assert (second["hits"], second["cost"], second["outcome"]) == (1, 3 * Decimal(EACH), "posted")
    assert second["reason"] == "3 of 12 people are missing"


def test_a_met_campaign_stays_met_and_its_task_goes(study: Study) -> None:
    study.create(2)
    study.submit(study.round().hits[0], "A1", "A2")
    assert study.round().campaign.status == "met"
    again = study.round()
    assert (again.round, again.outcome) == (None, "met")
    with study.world.database.read() as session:
        assert session.connection().execute(text("SELECT count(*) FROM turkctl_task")).scalar() == 0


def test_money_that_is_short_exhausts_the_campaign_and_it_goes_on_when_there_is_more(study: Study) -> None:
    study.create(9, budget=3 * Decimal(EACH))
    first = study.round()
    assert (first.posted, first.campaign.status) == (3, "active")
    second = study.round()
    assert (second.posted, second.campaign.status) == (0, "exhausted")
    assert "of the campaign's budget of $1.80 is committed" in (second.campaign.reason or "")
    with pytest.raises(RefusedError, match="which is exhausted"):
        study.create(5)
    study.pass_time(days=11)  # nobody came: what was promised is free again
    third = study.round()
    assert (third.posted, third.campaign.status, third.campaign.reason) == (3, "active", None)
    study.round()
    assert update(study.world, 1, CampaignChange(budget=Decimal(20))).status == "active"
    assert study.round().posted == 6


def test_an_experiments_budget_and_minimum_balance_hold_for_its_campaigns(study: Study) -> None:
    study.configure({"stroop": "1.0"}, '[experiments.stroop.limits]\nbudget = "4.80"\nmin_balance = "9990.00"')
    study.create(20, per_round=20)
    assert study.round().posted == 8
    study.configure({"stroop": "1.0"}, '[experiments.stroop.limits]\nmin_balance = "9994.00"')
    assert study.round().posted == 2
    last = study.round()
    assert (last.outcome, last.campaign.status) == ("exhausted", "exhausted")
    assert "the balance leaves $0.00" in (last.reason or "")


def test_a_limit_on_hits_makes_a_campaign_wait_and_not_end(study: Study) -> None:
    study.configure({"stroop": "1.0"}, "[experiments.stroop.limits]\nmax_active_hits = 1")
    study.create(20, per_round=20)
    assert study.round().posted == 9
    waiting = study.round()
    assert (waiting.posted, waiting.outcome, waiting.campaign.status) == (0, "waiting", "active")
    assert waiting.reason == "1 HIT counts against limits.max_active_hits = 1"


def test_another_code_version_supersedes_a_campaign_at_once(study: Study) -> None:
    study.create(20)
    study.round()
    assert study.configure({"stroop": "1.1"}) == [1]
    report = study.round()
    assert (report.campaign.status, report.round) == ("superseded", None)
    assert report.reason == "the experiment is now at code version 1.1, not 1.0"
    assert study.create(5).code_version == "1.1"


def test_a_round_that_finds_another_code_version_posts_nothing_and_asks_nothing(study: Study) -> None:
    study.create(20)
    with study.world.database.write() as session:
        session.connection().execute(text("UPDATE turkctl_campaign SET code_version = '0.9'"))
    study.requests()
    assert study.round().campaign.status == "superseded"
    assert study.requests() == {}


def test_an_experiment_that_is_no_longer_configured_gets_no_hits(study: Study) -> None:
    study.create(20)
    study.configure({"other": "1.0"})
    report = study.round()
    assert (report.posted, report.outcome, report.reason) == (0, "waiting", "experiment stroop is no longer configured")


def test_nothing_is_posted_before_the_start_nor_outside_the_hours_nor_after_the_end(study: Study) -> None:
    from datetime import timedelta

    now = study.world.now()
    start = (now + timedelta(days=2)).replace(hour=3, minute=0, second=0, microsecond=0)
    study.create(20, start_at=start, hours="09:00-17:00", timezone="Europe/Berlin", end_at=start + timedelta(days=3))
    early = study.round()
    assert (early.outcome, early.posted, early.reason) == ("closed", 0, f"it starts at {start:%Y-%m-%dT%H:%M:%SZ}")
    study.world.market.advance(start - study.world.now())
    night = study.round()
    assert (night.outcome, night.posted) == ("closed", 0)
    assert (night.reason or "").startswith("it only posts during 09:00-17:00 Europe/Berlin")
    study.pass_time(hours=6)
    assert study.round().posted == 9
    study.pass_time(days=3)
    assert study.round().campaign.status == "ended"


def test_a_campaign_ends_at_its_end_however_long_its_interval(study: Study) -> None:
    end = study.world.now() + timedelta(hours=5)
    study.create(20, every=timedelta(days=7), end_at=end)
    assert study.round().posted == 9
    with study.world.database.read() as session:
        task = tasks.of_campaign(session, 1)
    assert task is not None
    assert task.next_run == end
    study.pass_time(hours=5)
    assert study.round().campaign.status == "ended"


def test_an_interval_longer_than_the_hours_does_not_step_over_them(study: Study) -> None:
    from datetime import timedelta

    now = study.world.now()
    late = (now + timedelta(days=1)).replace(hour=20, minute=0, second=0, microsecond=0)
    study.create(20, every=timedelta(days=1), hours="09:00-17:00")
    study.world.market.advance(late - study.world.now())
    assert study.round().outcome == "closed"
    with study.world.database.read() as session:
        due = session.connection().execute(text("SELECT next_run FROM turkctl_task")).scalar_one()
    assert due == f"{late + timedelta(hours=13):%Y-%m-%dT%H:%M:%S}.000000Z"


def test_a_cancelled_campaign_posts_nothing_more_not_even_from_a_round_under_way(study: Study) -> None:
    study.create(20)

    def cancel_now(operation: str) -> None:
        if operation == "GetAccountBalance":
            cancel(study.world, 1)

    study.world.endpoint.after = cancel_now
    report = study.round()
    assert (report.outcome, report.posted, report.campaign.status) == ("cancelled", 0, "cancelled")
    assert in_play(study.folder).hits == ()


def test_a_refused_creation_is_not_counted_as_posted(study: Study) -> None:
    study.create(9)
    study.world.endpoint.before = _fail_creations
    report = study.round()
    assert (report.posted, report.failed, report.outcome) == (0, 1, "failed")
    study.world.endpoint.before = None
    assert study.round().posted == 9


def _fail_creations(operation: str) -> None:
    from turkctl.market.errors import RequestError

    if operation == "CreateHIT":
        raise RequestError("InvalidParameterValue", "The HIT is not to our taste.")


def test_a_higher_goal_lets_a_met_campaign_go_on(study: Study) -> None:
    study.create(1)
    study.submit(study.round().hits[0], "A1")
    assert study.round().campaign.status == "met"
    assert update(study.world, 1, CampaignChange(goal=3)).status == campaigns.ACTIVE
    assert study.round().posted == 2


def test_a_met_campaign_whose_end_has_passed_does_not_go_on(study: Study) -> None:
    study.create(1, end_at=study.world.now() + timedelta(hours=1))
    study.submit(study.round().hits[0], "A1")
    assert study.round().campaign.status == "met"
    study.pass_time(hours=2)
    with pytest.raises(RefusedError, match="was set to end at"):
        update(study.world, 1, CampaignChange(goal=3))
    with study.world.database.read() as session:
        assert find(session, 1).status == "met"


def test_a_campaigns_hit_is_not_extended_past_the_campaigns_budget(study: Study) -> None:
    study.create(3, budget=Decimal("2.40"))
    hit = study.round().hits[0]
    with pytest.raises(FundsError, match=r"\$1.80 of campaign 1's budget of \$2.40"):
        prepare_extend(study.world, ExtendRequest((hit,), assignments=2))
    both = [prepare_extend(study.world, ExtendRequest((hit,), assignments=1, new=True)) for _ in range(2)]
    assert study.world.engine().apply(*both[0]).succeeded == 1
    with pytest.raises(FundsError, match="is already committed"):
        study.world.engine().apply(*both[1])
    assert study.world.mturk.get_hit(hit).max_assignments == 4


def test_a_campaign_on_postgresql_recruits_its_goal(tmp_path: Path) -> None:
    url = "sqlite:///" + str(tmp_path / "turkctl-market.db")
    with new_database("postgres", tmp_path) as address:
        (tmp_path / "turkctl.toml").write_text(f'market_url = "{url}"\n')
        study = Study(tmp_path, address, turned=True)
        (tmp_path / "turkctl.toml").unlink()
        study.configure({"stroop": "1.0"})
        study.create(20, per_round=11)
        watch(study, 20)
        everybody = people()
        while study.round().campaign.running:
            study.work(everybody)
            study.pass_time(minutes=30)
        assert in_play(tmp_path).completed == 20
        assert known_hits(study) == set(in_play(tmp_path).hits)
        study.close()


class DiedError(BaseException):
    """Stands for the end of the process."""


def die_posting(study: Study, campaign: Campaign, where: str) -> None:
    """Let the process end when a round's first HIT is about to be posted, or was."""

    def die(operation: str) -> None:
        if operation == "CreateHIT":
            raise DiedError

    setattr(study.world.endpoint, where, die)
    with pytest.raises(DiedError):
        study.round(campaign)
    setattr(study.world.endpoint, where, None)


def history(study: Study) -> list[tuple[int, int]]:
    return study.sql("SELECT number, posted FROM turkctl_round ORDER BY number")


def test_what_an_interrupted_round_posted_is_in_its_history_whoever_finds_it(study: Study) -> None:
    campaign = study.create(18)
    die_posting(study, campaign, "after")
    assert history(study) == [(1, 0)]
    (note,) = settle(study.world, study.world.now()).notes
    assert note == "1 request that campaign 1 left open had reached the market and is now stored"
    assert history(study) == [(1, 9)]
    report = study.round(campaign)
    assert (report.posted, len(report.hits), report.as_dict()["cost"]) == (9, 1, Decimal("5.40"))


def test_a_round_reports_the_assignments_of_all_hits_that_it_posted(study: Study) -> None:
    campaign = study.create(18)
    die_posting(study, campaign, "before")
    report = study.round(campaign)
    assert (report.posted, len(report.hits), report.as_dict()["cost"]) == (18, 2, Decimal("10.80"))
    assert history(study) == [(1, 9), (2, 9)]


def test_nobody_is_said_to_go_on_with_what_a_campaign_left_that_is_over(study: Study) -> None:
    campaign = study.create(18)
    die_posting(study, campaign, "before")
    (note,) = settle(study.world, study.world.now()).notes
    assert note == "1 request of campaign 1 may not have reached the market; its next run finishes it"
    cancel(study.world, campaign.number)
    assert settle(study.world, study.world.now()).notes == ()
