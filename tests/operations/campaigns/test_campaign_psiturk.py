"""A campaign on a database where psiTurk posts, too: what psiTurk's HITs offer is in play."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from campaign_support import in_play, watch
from psiturk_posting import name_hits, psiturk_posts, psiturk_row, share
from study_support import Study, new_study, people, worker

from turkctl.market.errors import WorkError
from turkctl.operations.campaigns import rounds
from turkctl.operations.campaigns.lists import show_campaign
from turkctl.operations.campaigns.requests import CampaignRequest, plan_campaign

OLD = [f"3OLD{number}" for number in range(300)]


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """One experiment on a database that psiTurk's server fills, and no waiting."""
    with new_study(tmp_path, turned=True, settings='participants_source = "psiturk"\n') as made:
        yield made


def test_two_hits_of_psiturks_leave_nothing_to_post(study: Study) -> None:
    study.create(18)
    for _ in range(2):
        psiturk_posts(study)
    watch(study, 18)
    report = study.round()
    assert (report.outcome, report.posted) == ("waiting", 0)
    assert report.standing is not None
    assert (report.standing.completed, report.standing.outstanding) == (0, 18)
    study.work(people())
    assert study.round().campaign.status == "met"


def test_a_plan_counts_them_before_any_round(study: Study) -> None:
    psiturk_posts(study)
    planned = plan_campaign(study.world, CampaignRequest(12))
    assert (planned.standing.outstanding, planned.forecast.missing) == (9, 3)


def test_what_expired_or_was_returned_is_posted_again_and_nothing_else(study: Study) -> None:
    hit = psiturk_posts(study)
    study.create(9)
    study.submit(hit, *(worker(number) for number in range(4)))
    assert study.round().posted == 0
    study.world.mturk.expire_hit(hit)
    study.pass_time(minutes=31)
    report = study.round()
    assert report.standing is not None
    assert (report.standing.completed, report.posted) == (4, 5)


def test_people_of_psiturks_rows_count_once_when_their_hit_comes_in_and_when_it_is_gone(study: Study) -> None:
    """psiTurk deletes its HITs by itself: whose work was never read counts by the row."""
    hit = psiturk_posts(study, 3)
    made = study.submit(hit, worker(1), worker(2))
    for number, assignment in enumerate(made, start=1):
        psiturk_row(study, hit, worker(number), assignment)
    study.create(9)
    first = study.round()
    assert first.standing is not None
    assert (first.standing.completed, first.standing.outstanding, first.posted) == (2, 1, 6)
    (late,) = study.submit(hit, worker(3))
    psiturk_row(study, hit, worker(3), late)
    for assignment in (*made, late):
        study.world.mturk.approve(assignment)
    study.pass_time(minutes=31)
    study.world.mturk.delete_hit(hit)
    study.pass_time(days=121)  # the market has forgotten it
    last = study.round()
    assert last.standing is not None
    assert last.standing.completed == 3


def test_a_round_asks_once_for_what_the_market_does_not_have(study: Study) -> None:
    study.create(9)
    name_hits(study, OLD)
    for number in range(10):
        psiturk_row(study, f"3GONE{number}", worker(number), f"3A{number}", status=2)
    study.requests()
    assert study.round().posted == 9
    first = study.requests()
    assert first["GetHIT"] == len(OLD) + 10
    study.pass_time(minutes=31)
    study.round()
    assert study.requests() == {"GetHIT": 1}, "the one that this campaign posted"
    psiturk_posts(study)
    study.requests()
    study.round()
    assert study.requests()["GetHIT"] == 2


def test_nothing_is_posted_where_psiturk_posts_while_it_is_counted(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.create(9)
    share(study)
    look = rounds._BegunRound._balance

    def post_meanwhile(run: rounds._BegunRound) -> object:
        found = look(run)
        psiturk_posts(study, 5)
        return found

    monkeypatch.setattr(rounds._BegunRound, "_balance", post_meanwhile)
    report = study.round()
    assert (report.outcome, report.posted) == ("waiting", 0)
    assert report.reason == "psiTurk posted HITs while this round was counting"
    monkeypatch.undo()
    assert study.round().posted == 4


def test_what_is_nobodys_counts_for_every_campaign_with_a_warning(study: Study) -> None:
    study.configure({"stroop": "1.0", "flanker": "2.0"})
    hit = psiturk_posts(study)
    for number, slug in enumerate(("stroop", "flanker"), start=1):
        study.create(12, experiment=slug)
        report = study.round(number)
        assert (report.posted, report.unassigned) == (3, (hit,))
        assert report.as_dict()["unassigned"] == [hit]
        assert show_campaign(study.world, number)["unassigned"] == [hit]
    planned = plan_campaign(study.world, CampaignRequest(20, experiment="stroop"))
    assert [note for note in planned.notes if hit in note and "--adopt" in note]
    study.submit(hit, worker(1))
    for number in (1, 2):
        numbers = study.round(number).standing
        assert numbers is not None
        assert (numbers.completed, numbers.outstanding) == (1, 11)
    psiturk_row(study, hit, worker(1), "3A1", version="2.0")
    assert [study.round(number).posted for number in (1, 2)] == [9, 0]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
def test_the_goal_holds_with_psiturk_posting_in_between_rounds(study: Study, seed: int) -> None:
    """After each request of a round: people, slots in play and what is posted are never more than the goal.

    psiTurk posts at any time between rounds, as long as there is room by its own count.
    """
    dice, everybody, goal = random.Random(seed), people(), 18 if seed == 1 else 40
    share(study)
    campaign = study.create(goal, per_round=9)
    watch(study, goal)
    for _ in range(40):
        report = study.round(campaign)
        if not report.campaign.running:
            break
        seen = in_play(study.folder, int(study.world.now().timestamp() * 1000))
        room = goal - seen.completed - seen.outstanding
        if room and dice.random() < 0.7:
            psiturk_posts(study, min(room, dice.randint(1, 9)), named=dice.random() < 0.8)
        _people_come(study, everybody, dice)
        _psiturk_writes(study, dice)
        study.pass_time(minutes=dice.choice([1, 31, 60 * 24 * 11]))
    assert report.campaign.status == "met"
    assert in_play(study.folder).completed == goal


def _people_come(study: Study, everybody: Iterator[str], dice: random.Random) -> None:
    for hit in study.world.mturk.list_hits():
        for _ in range(dice.randint(0, hit.available)):
            try:
                taken = study.accept(hit.hit_id, next(everybody))
            except WorkError:
                break
            if dice.random() < 0.8:
                study.finish(_worker_of(study, taken), taken)


def _worker_of(study: Study, assignment_id: str) -> str:
    from study_support import market_rows

    ((found,),) = market_rows(study.folder, f"SELECT worker_id FROM market_assignment WHERE id = '{assignment_id}'")
    return str(found)


def _psiturk_writes(study: Study, dice: random.Random) -> None:
    """psiTurk names its HITs late, writes rows of those who did them, and deletes some that are done."""
    from psiturk_study import HITS
    from study_support import market_rows

    theirs = {hit.hit_id for hit in study.world.mturk.list_hits() if hit.annotation is None}
    with study.world.database.write() as session:
        known = set(session.connection().execute(HITS.select()).scalars())
        late = [{"hitid": each} for each in theirs - known]
        if late:
            session.connection().execute(HITS.insert(), late)
    there = {name for (name,) in study.sql("SELECT assignmentid FROM assignments")}
    work = "SELECT id, hit_id, worker_id, status FROM market_assignment WHERE status IN ('Submitted', 'Approved')"
    for assignment, hit, who, status in market_rows(study.folder, work):
        if hit in theirs and assignment not in there:
            psiturk_row(study, hit, who, assignment)
        if hit in theirs and status == "Submitted":
            study.world.mturk.approve(assignment)
    for hit in study.world.mturk.list_hits():
        if hit.hit_id in theirs and hit.status == "Reviewable" and not hit.submitted and dice.random() < 0.5:
            study.world.mturk.delete_hit(hit.hit_id)
