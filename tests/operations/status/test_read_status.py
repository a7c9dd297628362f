"""Where a study stands, read in one look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from dispatch_support import ContentStudy
from queries import counted
from study_support import EXPERIMENT, Study, everything, new_study, people, worker

from turkctl.errors import NotFoundError
from turkctl.operations.campaigns.lifecycle import cancel
from turkctl.operations.campaigns.lists import row_of, show_campaign
from turkctl.operations.hits.delete import prepare_delete
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.limits.budgets import committed
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.payments.reconcile import reconcile
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.status.read import read_status
from turkctl.operations.status.shapes import (
    CampaignStatus,
    ExperimentStatus,
    MoneyStatus,
    OwedStatus,
    ReviewStatus,
    Status,
)
from turkctl.operations.sync.disable import prepare_disable
from turkctl.operations.sync.run import sync
from turkctl.operations.tasks.manage import create_task
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.reject import prepare_reject
from turkctl.scheduler.kinds import require_kind
from turkctl.schedules import Schedule
from turkctl.store.base import Scope

ALL = WorkSelection(everything())


def look(study: Study, **options: Any) -> Status:
    return read_status(study.world, study.world.now(), **options)


def only(study: Study) -> ExperimentStatus:
    (found,) = look(study).experiments
    return found


def campaign(study: Study) -> CampaignStatus:
    found = only(study).campaign
    assert found is not None
    return found


def test_a_fresh_study_has_nothing_to_tell(study: Study) -> None:
    found = look(study)
    assert [each.idle for each in found.experiments] == [True]
    assert (found.money, found.deadlines, found.tasks, found.days) == (MoneyStatus(), (), (), ())
    assert found.decisions.unknown is None


def test_people_are_done_at_work_and_missing(study: Study) -> None:
    study.create(20)
    hit = study.round().hits[0]
    study.submit(hit, "A1", "A2")
    study.accept(hit, "A3")
    study.round()
    found = only(study)
    assert (found.people.completed, found.people.open, found.people.at_work, found.people.hits) == (2, 15, 1, 2)
    assert found.campaign is not None
    assert (found.campaign.completed, found.campaign.goal, found.campaign.rounds) == (2, 20, 2)
    assert found.campaign.next_round == show_campaign(study.world, 1)["next_round"]


def test_submissions_that_were_not_read_yet_are_told_apart(study: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, "A1")
    study.write("UPDATE turkctl_hit SET available = 2")
    assert (only(study).people.unread, only(study).people.completed) == (1, 0)
    sync(study.world)
    assert (only(study).people.unread, only(study).people.completed) == (0, 1)


def test_money_is_told_by_kind_and_adds_up_to_what_is_committed(tmp_path: Path) -> None:
    with new_study(tmp_path, more='limits = { budget = "20.00" }') as study:
        hits = study.post(9, hits=2)
        first, second, third = study.submit(hits[0], "A1", "A2", "A3")
        sync(study.world)
        study.apply(prepare_approve(study.world, WorkSelection(Selection(ids=(first, second)))))
        study.apply(prepare_reject(study.world, [third], "empty"))
        study.apply(prepare_bonus(study.world, ALL, BonusRequest("well done", Decimal("1.00"))))
        study.apply(prepare_expire(study.world, Selection(ids=(hits[1],))))
        sync(study.world)
        money = only(study).money
        assert (money.rewards, money.bonuses, money.fees) == (Decimal("1.00"), Decimal("2.00"), Decimal("0.60"))
        assert money.on_hold == 6 * Decimal("0.60")
        assert (money.paid, money.committed) == (Decimal("3.60"), Decimal("7.20"))
        assert (money.budget, money.left) == (Decimal("20.00"), Decimal("12.80"))
        with study.world.database.read() as session:
            assert committed(Scope(session, study.world.place, study.world.now()), experiment_id=1) == money.committed
        balance = study.world.mturk.balance()
        assert balance.available == Decimal("10000.00") - money.committed
        assert look(study).money.committed == money.committed


def test_work_to_review_comes_with_its_oldest_and_when_it_approves_itself(study: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, "A1")
    study.pass_time(hours=2)
    study.submit(hit, "A2")
    sync(study.world)
    ((oldest,),) = study.sql("SELECT min(submitted) FROM turkctl_assignment")
    review = only(study).to_review
    assert review.assignments == 2
    assert review.oldest is not None
    assert review.approves is not None
    assert f"{review.oldest:%Y-%m-%dT%H:%M:%S.%f}Z" == oldest
    assert review.approves - review.oldest == timedelta(days=3)
    assert look(study).decisions.to_review == review
    study.apply(prepare_approve(study.world, ALL))
    assert only(study).to_review == ReviewStatus()


@pytest.mark.parametrize("bonus", [0.25, 0.1, 1.0])
def test_bonuses_owed_are_those_that_would_be_paid(study: Study, bonus: float) -> None:
    (hit,) = study.post(5)
    done = study.submit(hit, *(worker(number) for number in range(4)))
    sync(study.world)
    study.write("UPDATE assignments SET bonus = :bonus", bonus=bonus)
    assert only(study).bonuses_owed == OwedStatus(), "nobody is approved yet"
    study.apply(prepare_approve(study.world, WorkSelection(Selection(ids=tuple(done[:3])))))
    auto = BonusRequest("well done")
    plan, act = prepare_bonus(study.world, ALL, auto)
    owed = only(study).bonuses_owed
    assert (owed.bonuses, owed.unclear) == (len(plan.steps), 0) == (3, 0)
    assert owed.amount == 3 * Decimal(str(bonus))
    assert look(study).decisions.bonuses_owed == owed
    study.apply((plan, act))
    assert only(study).bonuses_owed == OwedStatus()


def test_what_psiturk_or_the_market_paid_is_not_owed(study: Study) -> None:
    (hit,) = study.post(5)
    done = study.submit(hit, "A1", "A2", "A3")
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    study.write("UPDATE assignments SET bonus = 0.5")
    study.write("UPDATE assignments SET status = 7 WHERE workerid = 'A1'")
    study.world.mturk.send_bonus("A2", done[1], Decimal("0.30"), "by hand", "a-token-of-somebody")
    reconcile(study.world, adopt=True)
    assert only(study).bonuses_owed.bonuses == 1


def test_a_bonus_that_is_no_amount_in_cents_is_told_apart(study: Study) -> None:
    (hit,) = study.post(2)
    study.submit(hit, "A1", "A2")
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    study.write("UPDATE assignments SET bonus = 0.333 WHERE workerid = 'A1'")
    assert only(study).bonuses_owed == OwedStatus(0, Decimal("0.00"), 1)


def test_hits_that_can_be_deleted_are_those_that_delete_would(study: Study) -> None:
    finished, open_, at_work, undecided = (study.post(1)[0] for _ in range(4))
    study.submit(finished, "A1")
    study.accept(at_work, "A2")
    study.submit(undecided, "A3")
    sync(study.world)
    study.apply(prepare_approve(study.world, WorkSelection(Selection(), hit_ids=(finished,))))
    plan, act = prepare_delete(study.world, everything(), force=False)
    assert [step.id for step in plan.steps] == [finished]
    assert only(study).deletable_hits == 1
    study.apply((plan, act))
    assert only(study).deletable_hits == 0
    study.apply(prepare_expire(study.world, Selection(ids=(open_,))))
    assert only(study).deletable_hits == 1


def test_hits_that_only_the_account_knows_are_those_of_the_last_sync(study: Study) -> None:
    mine = study.post(1)
    sync(study.world)
    unknown = look(study).decisions.unknown
    assert unknown is not None
    assert unknown.hits == 0
    study.write("DELETE FROM turkctl_hit")
    study.write("DELETE FROM turkctl_intent")
    sync(study.world)
    unknown = look(study).decisions.unknown
    assert unknown is not None
    assert unknown.hits == len(mine)
    study.apply(prepare_disable(study.world))
    unknown = look(study).decisions.unknown
    assert unknown is not None
    assert unknown.hits == 0


def test_runs_that_were_cut_short_wait_for_their_command(study: Study) -> None:
    study.post(1)
    study.write("UPDATE turkctl_run SET state = 'incomplete', command = 'turkctl hits create --assignments 3'")
    (run,) = look(study).decisions.incomplete_runs
    assert (run.run, run.command) == (1, "turkctl hits create --assignments 3")
    study.write("UPDATE turkctl_run SET state = 'ended'")
    assert look(study).decisions.incomplete_runs == ()


def test_a_run_that_somebody_works_on_is_not_cut_short(study: Study) -> None:
    from turkctl.operations.intents.lease import this_process
    from turkctl.store import leases

    study.post(1)
    study.write("UPDATE turkctl_run SET state = 'working'")
    assert len(look(study).decisions.incomplete_runs) == 1
    with study.world.database.write() as session:
        leases.acquire(session, this_process(), leases.machine_clock(session), lambda _row: False, "run 1")
    assert look(study).decisions.incomplete_runs == ()


def test_deadlines_of_a_day_are_counted_by_kind(study: Study) -> None:
    (hit,) = study.post(3)
    first, _second = study.submit(hit, "A1", "A2")
    sync(study.world)
    study.apply(prepare_reject(study.world, [first], "empty"))
    assert [(due.what, due.number, due.open) for due in look(study).deadlines] == [("expiry", 1, 1)]
    study.pass_time(days=2, hours=1)
    assert [(due.what, due.number) for due in look(study).deadlines] == [("auto_approval", 1)]
    study.pass_time(days=27)
    found = {due.what: due for due in look(study).deadlines}
    assert found["final_rejection"].number == 1
    assert study.world.now() < found["final_rejection"].first < study.world.now() + timedelta(days=1)


def test_tasks_are_overdue_once_a_scheduler_would_have_looked_twice(study: Study) -> None:
    hourly = Schedule(timedelta(hours=1))
    create_task(study.world, require_kind("approve-all"), schedule=hourly, name=None, options={})
    state = look(study)
    assert [(task.name, task.kind, task.overdue) for task in state.tasks] == [("approve-all", "approve-all", False)]
    at = state.tasks[0].next_run
    assert read_status(study.world, at + timedelta(seconds=9)).scheduler.overdue == ()
    late = read_status(study.world, at + timedelta(seconds=10))
    assert (late.scheduler.running, late.scheduler.overdue) == (False, ("approve-all",))
    assert [task.overdue for task in late.tasks] == [True]


def test_items_have_a_rate_and_an_end(tmp_path: Path) -> None:
    study = ContentStudy(tmp_path, "outputs = 2\n")
    try:
        study.add_numbered(10)
        assert only(study).content is not None
        study.dispatch(hits=4)
        shown = list(study.shown())
        study.pass_time(hours=2)
        for number, hit in enumerate(shown):
            study.answer(hit, number)
        study.answer(shown[0], 9)
        sync(study.world)
        now = study.world.now()
        content = only(study).content
        assert content is not None
        assert (content.items, content.finished, content.answers, content.wanted) == (10, 1, 5, 20)
        assert content.per_hour == pytest.approx(2.5, abs=0.1)
        assert content.expected_end is not None
        assert content.expected_end - now == pytest.approx(timedelta(hours=6), abs=timedelta(minutes=5))
        study.pass_time(days=2)
        content = only(study).content
        assert content is not None
        assert (content.per_hour, content.today) == (0.0, 0)
        study.pass_time(days=6)
        content = only(study).content
        assert content is not None
        assert (content.last_7_days, content.expected_end) == (0, None)
    finally:
        study.close()


def test_a_campaign_whose_slots_nobody_takes_says_so(study: Study) -> None:
    study.create(9, every=timedelta(hours=1))
    hit = study.round().hits[0]
    study.submit(hit, "A1")
    study.round()
    study.pass_time(hours=2, minutes=30)
    study.round()
    assert campaign(study).quiet is None
    study.pass_time(hours=1)
    assert campaign(study).quiet is None, "nobody looked since"
    study.round()
    quiet = campaign(study).quiet
    assert quiet is not None
    assert quiet.rounds == 3
    study.accept(hit, "A2")
    study.round()
    assert campaign(study).quiet is None


def test_the_built_in_market_tells_when_nobody_eligible_is_left(study: Study) -> None:
    study.create(9, every=timedelta(hours=1))
    hit = study.round().hits[0]
    study.submit(hit, "A1")
    study.world.market.register_worker("production", "A2")
    study.round()
    study.pass_time(minutes=59)
    assert (campaign(study).workers, campaign(study).eligible) == (None, None), "somebody may be about to come"
    study.pass_time(minutes=2)
    assert (campaign(study).workers, campaign(study).eligible) == (2, 1)
    study.world.mturk.block("A2", "for the test")
    assert (campaign(study).workers, campaign(study).eligible) == (2, 0)


def test_places_that_were_all_taken_since_the_last_look_are_not_for_nobody(study: Study) -> None:
    study.create(2, every=timedelta(hours=1))
    hit = study.round().hits[0]
    study.pass_time(minutes=61)
    study.submit(hit, "A1", "A2")
    assert campaign(study).eligible is None


def test_a_market_without_workers_tells_nothing(study: Study) -> None:
    study.create(9, every=timedelta(hours=1))
    study.round()
    study.pass_time(hours=2)
    assert (campaign(study).workers, campaign(study).eligible) == (None, None)


def test_an_ended_campaign_stays_on_the_page_until_another_begins(study: Study) -> None:
    study.create(3)
    study.round()
    cancel(study.world, 1)
    found = only(study).campaign
    assert found is not None
    row = row_of(study.world, 1)
    told = (found.id, found.status, found.reason, found.completed, found.outstanding, found.spent, found.ended)
    names = ("id", "status", "reason", "completed", "outstanding", "spent", "ended")
    assert told == tuple(row[name] for name in names)
    assert found.next_round is None
    study.create(5)
    found = only(study).campaign
    assert found is not None
    assert (found.id, found.status) == (2, "active")


def test_the_people_of_each_day_are_counted_once(study: Study) -> None:
    hits = study.post(5, hits=2)
    study.submit(hits[0], "A1", "A2")
    study.pass_time(hours=20)
    study.submit(hits[1], "A1", "A3")
    sync(study.world)
    study.write("UPDATE turkctl_assignment SET submitted = '2026-05-04T23:59:59.000000Z' WHERE worker_id <> 'A3'")
    study.write("UPDATE turkctl_assignment SET submitted = '2026-05-06T00:00:00.000000Z' WHERE worker_id = 'A3'")
    days = look(study, days=True).days
    assert [(each.experiment, each.day, each.people) for each in days] == [
        ("stroop", "2026-05-04", 2),
        ("stroop", "2026-05-06", 1),
    ]


def test_one_experiment_can_be_told_of_alone(tmp_path: Path) -> None:
    with new_study(tmp_path, {"stroop": "1.0", "flanker": "2.0"}) as study:
        study.post(3)
        study.post(4, experiment="flanker")
        assert [each.experiment for each in look(study).experiments] == ["flanker", "stroop"]
        assert look(study).money.on_hold == 7 * Decimal("0.60")
        found = look(study, experiment="flanker")
        assert [each.experiment for each in found.experiments] == ["flanker"]
        assert found.money.on_hold == 4 * Decimal("0.60")
        assert [due.open for due in found.deadlines] == [4]
        with pytest.raises(NotFoundError, match="no experiment 'nope'"):
            look(study, experiment="nope")


def test_people_known_by_psiturks_rows_alone_count_and_are_told(study: Study) -> None:
    study.write(
        "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, codeversion, status, mode, bonus)"
        " VALUES ('A1:3X', '3X', 'A1', '3GONE', '1.0', 5, 'local', 0.5)"
    )
    assert only(study).people.completed == 1
    assert only(study).bonuses_owed == OwedStatus(1, Decimal("0.50"), 0)
    study.configure({"stroop": "1.0", "copy": "1.0"})
    copy, stroop, nobodys = look(study).experiments
    assert [each.people.completed for each in (copy, stroop)] == [0, 0], "nobody can tell whose they are"
    assert nobodys.bonuses_owed.bonuses == 1


def test_hits_of_no_experiment_have_a_place_of_their_own(study: Study) -> None:
    study.post(2)
    study.write("UPDATE turkctl_hit SET experiment_id = NULL")
    found = look(study)
    assert [each.experiment for each in found.experiments] == ["stroop", None]
    assert found.experiments[1].people.open == 2
    assert found.money.on_hold == 2 * Decimal("0.60")


def test_reading_asks_the_market_nothing(study: Study) -> None:
    study.create(9)
    study.round()
    study.requests()
    look(study)
    assert study.requests() == {}


def test_the_number_of_queries_does_not_grow_with_hits_or_work(study: Study) -> None:
    def asked() -> int:
        with counted(study.world.database) as seen:
            look(study, days=True)
        return len(seen)

    study.create(60, per_round=9)
    study.submit(study.round().hits[0], "A1")
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    study.write("UPDATE assignments SET bonus = 0.25")
    look(study)
    few = asked()
    study.post(1, hits=50)
    study.work(people("AB"))
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    study.write("UPDATE assignments SET bonus = 0.25")
    assert len(study.sql("SELECT id FROM turkctl_hit")) > 50
    assert asked() <= few
    assert few < 40


@pytest.fixture(params=KINDS)
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Study]:
    """A study whose database is of either kind."""
    with new_database(request.param, tmp_path) as url:
        (tmp_path / "turkctl.toml").write_text(EXPERIMENT.format(slug="stroop", version="1.0", lifetime="24h", more=""))
        study = Study(tmp_path, url)
        study.configure_file()
        yield study
        study.close()


def test_either_database_tells_the_same(anywhere: Study) -> None:
    anywhere.create(9)
    hit = anywhere.round().hits[0]
    anywhere.submit(hit, "A1", "A2")
    sync(anywhere.world)
    found = look(anywhere, days=True)
    (stroop,) = found.experiments
    assert (stroop.people.completed, stroop.people.open, stroop.to_review.assignments) == (2, 7, 2)
    assert found.money.committed == 9 * Decimal("0.60")
    assert sum(day.people for day in found.days) == 2
    assert found.decisions.unknown is not None
