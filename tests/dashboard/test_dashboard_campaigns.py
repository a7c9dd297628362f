"""Campaigns on the dashboard: their pages in every state, a new one with its plan, a change, a round, the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, Visitor, dashboard_of
from study_support import Study, new_study, people

from turkctl.operations.campaigns.lists import list_campaigns, show_campaign
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.lists import list_hits
from turkctl.operations.log import LogQuery, list_log
from turkctl.operations.selection.hits import Selection
from turkctl.operations.tasks.manage import pause_task


@pytest.fixture
def site(folder: Path) -> Iterator[DashboardSite]:
    with new_study(folder, turned=True) as study, dashboard_of(study) as made:
        yield made


@pytest.fixture
def study(site: DashboardSite) -> Study:
    return site.study


@pytest.fixture
def visitor(site: DashboardSite) -> Visitor:
    return site.visitor()


def words(page: str) -> str:
    """The page as people read it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def live_plan(visitor: Visitor, slug: str, **fields: str) -> str:
    """The plan that is shown while somebody types."""
    if not visitor.text:
        visitor.get("/campaigns")
    data = {"mode": "local", **fields}
    answer = visitor.client.post(f"/dashboard/acts/{slug}/glance", data=data, headers={"X-CSRFToken": visitor.token})
    assert answer.status_code == 200
    return words(answer.get_data(as_text=True))


def status(study: Study, number: int = 1) -> str:
    return str(show_campaign(study.world, number)["status"])


# New ones


def test_a_new_campaign_is_planned_with_rounds_hits_cost_and_end_and_then_created(
    study: Study, visitor: Visitor
) -> None:
    page = words(visitor.plan("campaigns-create", goal="20", experiment="stroop", every="1h", budget="50"))
    assert "Recruit 20 people for up to $12.00" in page
    assert "Rounds 3 HITs 3 Cost with commission $12.00" in page
    assert "Expected end (UTC)" in page
    assert "turkctl campaigns create --goal 20 --experiment stroop --every 1h --budget 50.00" in page
    assert list_campaigns(study.world) == []
    visitor.confirm()
    assert "campaign 1 created" in visitor.wait()
    shown = show_campaign(study.world, 1)
    assert (shown["goal"], str(shown["budget"]), str(shown["every"])) == (20, "50.00", "1:00:00")
    (line,) = [each for each in list_log(study.world, LogQuery()) if each["act"] == "campaigns create"]
    assert line["who"].startswith("lab (dashboard)")


def test_a_plan_costs_no_more_than_the_budget_of_the_campaign(visitor: Visitor) -> None:
    page = words(visitor.plan("campaigns-create", goal="20", budget="6"))
    assert "Recruit 20 people for up to $6.00" in page
    assert "only 10 of 20 assignments can be posted now" in page


def test_all_fields_of_a_new_campaign_arrive(study: Study, visitor: Visitor) -> None:
    fields = {
        "codeversion": "1.0",
        "reward": "0.80",
        "duration": "15m",
        "every": "2h",
        "per_round": "4",
        "start_at": "2099-01-02T09:00",
        "end_at": "2099-02-02T18:00",
        "hours": "09:00-17:00",
        "timezone": "Europe/Berlin",
        "allow_repeat_workers": "1",
    }
    visitor.act("campaigns-create", goal="12", **fields)
    shown = show_campaign(study.world, 1)
    assert (str(shown["reward"]), str(shown["duration"]), shown["per_round"]) == ("0.80", "0:15:00", 4)
    assert shown["start_at"].isoformat() == "2099-01-02T08:00:00+00:00"
    assert shown["end_at"].isoformat() == "2099-02-02T17:00:00+00:00"
    assert (shown["hours"], shown["timezone"]) == ("09:00-17:00", "Europe/Berlin")
    assert shown["allow_repeat_workers"] is True


def test_a_second_campaign_of_an_experiment_is_refused_with_a_link_to_the_first(study: Study, visitor: Visitor) -> None:
    study.create(5)
    page = visitor.plan("campaigns-create", goal="20")
    assert "Nothing can be created: stroop has campaign 1 in mode local, which is active" in words(page)
    assert '<a href="/dashboard/campaigns/1">campaign 1 of stroop</a>' in page
    assert "<button>" not in page.partition("<main")[2].partition("</main>")[0]
    assert "campaign 1 of stroop" in live_plan(visitor, "campaigns-create", goal="20")


def test_the_plan_is_shown_while_somebody_types_and_creates_nothing(study: Study, visitor: Visitor) -> None:
    plan = live_plan(visitor, "campaigns-create", goal="20", experiment="stroop")
    assert "Recruit 20 people for stroop 1.0 in 3 rounds" in plan
    assert "Cost with commission $12.00" in plan
    assert "turkctl campaigns create --goal 20 --experiment stroop" in plan
    assert list_campaigns(study.world) == []


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"goal": ""}, "Goal is missing"),
        ({"goal": "many"}, "Goal is 'many', which is not a whole number"),
        ({"goal": "0"}, "Goal must be between 1 and 1,000,000, not 0"),
        ({"goal": "5", "codeversion": "2.0"}, "experiment stroop is at code version 1.0, not '2.0'"),
        ({"goal": "5", "reward": "lots"}, "'lots' is not an amount of money"),
        ({"goal": "5", "every": "soon"}, "'soon' is not a duration"),
        ({"goal": "5", "hours": "9-17"}, "'9-17' is not a valid value of Hours"),
        ({"goal": "5", "timezone": "Europe/Berlni"}, "did you mean Europe/Berlin?"),
        ({"goal": "5", "end_at": "2001-01-01T00:00"}, "End 2001-01-01T00:00:00Z is in the past"),
        ({"goal": "5", "experiment": "<b>x</b>"}, "<b>x</b>"),
        ({"goal": "5", "mode": "live"}, "that page was for mode live"),
    ],
)
def test_what_is_wrong_is_said_beside_the_plan_in_the_words_of_the_form(
    visitor: Visitor, fields: dict[str, str], error: str
) -> None:
    assert error.lower() in live_plan(visitor, "campaigns-create", **fields).lower()


def test_the_form_of_a_new_campaign_is_filled_in_from_its_address(visitor: Visitor) -> None:
    page = visitor.get("/campaigns/new?goal=20&budget=%22%3E")
    assert 'name="goal" type="text" value="20"' in page
    assert 'name="budget" type="text" value="&#34;&gt;"' in page
    assert '<option value="stroop" selected>stroop 1.0</option>' in page


def test_a_plan_is_not_made_for_a_form_of_another_site(visitor: Visitor) -> None:
    visitor.get("/campaigns/new")
    visitor.post("/acts/campaigns-create/glance", {"goal": "5"}, token=False)
    assert visitor.status == 400


# Pages


def test_the_list_shows_those_at_work_with_their_next_round_and_past_ones(study: Study, visitor: Visitor) -> None:
    study.create(3)
    study.round()
    study.work(people())
    study.round()
    study.create(20)
    page = words(visitor.get("/campaigns"))
    assert "Campaign 2 of stroop 3 of 20 people completed it, 0 outstanding" in page
    assert "post 9 assignments in 1 HIT for $5.40, because 17 of 20 people are missing" in page
    past = page.partition("Past campaigns")[2]
    assert "met" in past
    assert "3 people completed it" in past
    assert "turkctl campaigns list" in page


def test_past_campaigns_are_sorted_by_the_address(study: Study, visitor: Visitor) -> None:
    for goal in (5, 9, 7):
        study.create(goal)
        visitor.act("campaigns-cancel", campaign=str(list_campaigns(study.world)[-1]["id"]))
    page = visitor.get("/campaigns?sort=goal&desc=1")
    assert re.findall(r'data-label="Goal" class="number">(\d+)<', page) == ["9", "7", "5"]
    assert "turkctl campaigns list --sort goal --desc" in words(page)


def test_a_campaign_of_another_mode_is_refused_and_an_unknown_one_is_not_found(study: Study, visitor: Visitor) -> None:
    study.create(3)
    study.write("UPDATE turkctl_campaign SET mode = 'sandbox'")
    visitor.get("/campaigns/1")
    assert visitor.status == 409
    assert "belongs to mode sandbox" in visitor.text
    for number in (7, 10**30):
        visitor.get(f"/campaigns/{number}")
        assert visitor.status == 404


def test_a_campaign_shows_people_money_wages_rounds_and_its_next_round(study: Study, visitor: Visitor) -> None:
    study.create(12, budget=Decimal(20))
    visitor.act("campaigns-run", campaign="1")
    study.work(people())
    visitor.act("campaigns-run", campaign="1")
    visitor.act("workers-approve", campaign="1")
    page = words(visitor.get("/campaigns/1"))
    assert "9 of 12 people completed it, 3 outstanding" in page
    assert "$7.20 committed of a budget of $20.00, $5.40 of it paid" in page
    assert "an hour, over" in page
    assert "Assignments per round 9" in page
    assert "post nothing, because 9 completed and 3 outstanding: enough for the goal of 12" in page
    rounds = page.partition("Rounds so far")[2]
    assert rounds.index("3 of 12 people are missing") < rounds.index("12 of 12 people are missing")


def test_the_rounds_are_downloaded_as_csv(study: Study, visitor: Visitor) -> None:
    study.create(12)
    study.round()
    study.work(people())
    study.round()
    lines = visitor.get("/campaigns/1?format=csv").splitlines()
    assert lines[0].startswith("round,started,finished,goal,completed,outstanding,unsettled,wanted,posted,hits,cost")
    assert len(lines) == 3
    assert ",12,0,0,0,9,9,1,5.40,posted," in lines[1]
    assert 'filename="campaign-1-rounds.csv"' in visitor.headers["Content-Disposition"]


def test_the_numbers_of_the_chart_are_those_of_the_table(study: Study, visitor: Visitor) -> None:
    study.create(12, budget=Decimal(20))
    study.round()
    study.work(people())
    study.round()
    visitor.get("/campaigns/1/progress.json")
    numbers = visitor.client.get("/dashboard/campaigns/1/progress.json").get_json()
    last = numbers["points"][-1]
    assert (numbers["goal"], numbers["budget"]) == (12, "20.00")
    assert (last["completed"], last["posted"], last["spent"]) == (9, 12, "7.20")
    table = visitor.get("/campaigns/1").partition("Progress by time (UTC)")[2].partition("</table>")[0]
    # How many parts the time is cut into depends on when somebody looks; each change of the numbers is in one.
    assert table.count("<tr>") > 3
    assert words(table).endswith("9 12 $7.20")


def test_a_past_campaign_whose_money_nobody_knows_is_shown(study: Study, visitor: Visitor) -> None:
    study.create(3)
    visitor.act("campaigns-cancel", campaign="1")
    study.write("UPDATE turkctl_campaign SET spent_at_end = NULL")
    page = visitor.get("/campaigns/1")
    assert "an unknown amount committed" in words(page)
    assert 'aria-label="An unknown amount committed' in page


def _met(study: Study) -> None:
    study.round()
    study.work(people())
    study.round()


def _exhausted(study: Study) -> None:
    study.write("UPDATE turkctl_campaign SET budget = 1000000")
    study.round()
    study.round()


def _ended(study: Study) -> None:
    study.pass_time(days=40)
    study.round()


def _superseded(study: Study) -> None:
    study.round()
    study.configure({"stroop": "2.0"})


@pytest.mark.parametrize(
    ("reach", "name", "said"),
    [
        (lambda _study: None, "active", "Active. It recruits."),
        (_met, "met", "Met. Its goal is met. With a higher goal it goes on. Why: 3 people completed it."),
        (_exhausted, "exhausted", "It waits for money, and goes on by itself"),
        (_ended, "ended", "Ended. Its end date came before its goal was met. Why: it was set to end at"),
        (_superseded, "superseded", "another code version now; to go on, create another campaign. Why: the experiment"),
    ],
)
def test_each_state_is_said_in_words_with_what_can_be_done(
    study: Study, visitor: Visitor, reach: Callable[[Study], None], name: str, said: str
) -> None:
    ends = study.world.now() + timedelta(days=30) if name == "ended" else None
    study.create(3, end_at=ends)
    reach(study)
    page = visitor.get("/campaigns/1")
    assert status(study) == name
    assert said in words(page)
    running = name in ("active", "exhausted")
    assert ("Run a round now" in page) is running
    assert ("Cancel campaign" in page) is running
    assert ('/campaigns/1/change"' in page) is (running or name == "met")
    assert ("Expire its HITs" in page) is (name == "superseded")


def test_a_paused_campaign_says_so(study: Study, visitor: Visitor) -> None:
    study.create(3)
    pause_task(study.world, "campaign-1")
    page = words(visitor.get("/campaigns/1"))
    assert "Its task is paused" in page
    assert "When it is resumed: post 3 assignments" in page


# Rounds


def test_a_round_is_planned_as_it_would_be_now_and_not_when_it_is_due(study: Study, visitor: Visitor) -> None:
    hour = study.world.now().hour
    study.create(20, hours=f"{(hour + 3) % 24:02}:00-{(hour + 5) % 24:02}:00")
    assert "post 9 assignments in 1 HIT for $5.40" in words(visitor.get("/campaigns/1"))
    page = words(visitor.plan("campaigns-run", campaign="1"))
    assert "Run a round: post nothing" in page
    assert "it only posts during" in page


def test_a_round_runs_once_and_shows_the_hits_that_it_posts(study: Study, visitor: Visitor) -> None:
    study.create(20, per_round=12)
    page = words(visitor.plan("campaigns-run", campaign="1"))
    assert "Run a round: post 12 assignments for $7.20" in page
    assert "HIT 1 9 assignments $5.40" in page
    assert "HIT 2 3 assignments $1.80" in page
    visitor.confirm()
    page = words(visitor.wait())
    assert "campaign 1: 0 of 20 people, posted 12 for $7.20" in page
    assert page.count("created") >= 2
    assert len(show_campaign(study.world, 1)["history"]) == 1


def test_rounds_by_hand_go_on_until_the_goal_is_met(study: Study, visitor: Visitor) -> None:
    study.create(12)
    crowd = people()
    for _ in range(2):
        visitor.act("campaigns-run", campaign="1")
        study.work(crowd)
    assert "12 of 12 people, the goal is met" in words(visitor.act("campaigns-run", campaign="1"))
    assert status(study) == "met"
    page = visitor.plan("campaigns-run", campaign="1")
    assert "Nothing to run: campaign 1 is met" in words(page)
    assert "Run a round</button>" not in page


def test_a_round_without_money_says_why_and_the_campaign_waits(study: Study, visitor: Visitor) -> None:
    study.create(3)
    study.write("UPDATE turkctl_campaign SET budget = 100000")
    page = words(visitor.act("campaigns-run", campaign="1"))
    assert "$0.00 of the campaign's budget of $0.10 is committed" in page
    assert status(study) == "exhausted"


# Changes


def test_a_higher_goal_names_its_exact_cost_and_only_what_differs_is_changed(study: Study, visitor: Visitor) -> None:
    study.create(24)
    page = words(visitor.plan("campaigns-update", campaign="1", goal="60", was_goal="24", every="30m", was_every="30m"))
    assert "Raise the goal to 60 for up to $21.60" in page
    assert "Goal 24 → 60" in page
    assert "turkctl campaigns update 1 --goal 60 Copy" in page
    study.write("UPDATE turkctl_campaign SET every = 3600")
    visitor.confirm()
    assert "campaign 1 changed" in visitor.wait()
    shown = show_campaign(study.world, 1)
    assert (shown["goal"], shown["every"]) == (60, timedelta(hours=1))


def test_a_higher_budget_names_what_it_adds(study: Study, visitor: Visitor) -> None:
    study.create(24, budget=Decimal(20))
    page = words(visitor.plan("campaigns-update", campaign="1", budget="32.50", was_budget="20.00"))
    assert "Raise the budget to $32.50 for up to $12.50" in page
    page = words(visitor.plan("campaigns-update", campaign="1", budget="15", goal="30"))
    assert "Change campaign 1 for up to $3.60" in page
    assert "goal from 24 to 30, budget from $20.00 to $15.00" in page


def test_hours_end_and_pace_are_changed_and_emptied_fields_take_them_away(study: Study, visitor: Visitor) -> None:
    study.create(24)
    fields = {"hours": "09:00-17:00", "timezone": "Europe/Berlin", "end_at": "2099-07-01T12:00", "every": "2h"}
    visitor.act("campaigns-update", campaign="1", **fields, reward="0.70", duration="20m", per_round="3")
    shown = show_campaign(study.world, 1)
    assert (shown["hours"], shown["timezone"], shown["per_round"]) == ("09:00-17:00", "Europe/Berlin", 3)
    assert shown["end_at"].isoformat() == "2099-07-01T10:00:00+00:00"
    assert (str(shown["every"]), str(shown["reward"]), str(shown["duration"])) == ("2:00:00", "0.70", "0:20:00")
    page = visitor.get("/campaigns/1/change")
    assert 'name="was_end_at" value="2099-07-01T12:00"' in page
    was = {f"was_{name}": value for name, value in fields.items()}
    emptied = dict.fromkeys(("hours", "end_at", "timezone"), "") | {"every": "2h"}
    page = words(visitor.plan("campaigns-update", campaign="1", **was, **emptied))
    assert "turkctl campaigns update 1 --end-at never --hours all" in page
    visitor.confirm()
    visitor.wait()
    shown = show_campaign(study.world, 1)
    assert (shown["hours"], shown["timezone"], shown["end_at"]) == (None, None, None)


def test_what_a_change_would_cost_is_shown_while_somebody_types(study: Study, visitor: Visitor) -> None:
    study.create(24)
    plan = live_plan(visitor, "campaigns-update", campaign="1", goal="60", was_goal="24")
    assert "Goal 24 → 60" in plan
    assert "Adds to the bill, commission included $21.60" in plan
    same = live_plan(visitor, "campaigns-update", campaign="1", goal="24", was_goal="24")
    assert "Nothing to change" in same
    assert "Budget is empty" in live_plan(visitor, "campaigns-update", campaign="1", budget="", was_budget="5.00")
    assert show_campaign(study.world, 1)["goal"] == 24


def test_a_change_that_was_made_meanwhile_is_not_made_again(study: Study, visitor: Visitor) -> None:
    study.create(24)
    visitor.plan("campaigns-update", campaign="1", goal="60")
    request = visitor.hidden("request")
    study.write("UPDATE turkctl_campaign SET goal = 60")
    page = words(visitor.post("/runs", {"request": request}))
    assert visitor.status == 409
    assert "Nothing to change: campaign 1 has these values" in page


def test_a_met_campaign_goes_on_with_a_higher_goal(study: Study, visitor: Visitor) -> None:
    study.create(3)
    _met(study)
    page = words(visitor.plan("campaigns-update", campaign="1", goal="5", was_goal="3"))
    assert "Raise the goal to 5 for up to $1.20" in page
    assert "the campaign goes on: it is met now" in page
    visitor.confirm()
    visitor.wait()
    assert status(study) == "active"


# The end


def test_a_campaign_is_cancelled_and_its_hits_stay_open(study: Study, visitor: Visitor) -> None:
    study.create(12)
    study.round()
    page = words(visitor.plan("campaigns-cancel", campaign="1"))
    assert "Cancel campaign 1" in page
    assert "9 assignments stay open for workers" in page
    visitor.confirm()
    visitor.wait()
    assert status(study) == "cancelled"
    assert study.sql("SELECT available FROM turkctl_hit") == [(9,)]
    assert "Nothing to cancel" in words(visitor.plan("campaigns-cancel", campaign="1"))


def test_a_campaign_is_cancelled_and_its_hits_expired(study: Study, visitor: Visitor) -> None:
    study.create(20, per_round=12)
    study.round()
    page = words(visitor.plan("campaigns-cancel", campaign="1", expire_hits="1"))
    assert "Cancel campaign 1 and expire 2 HITs" in page
    assert "turkctl campaigns cancel 1 --expire-hits" in page
    assert status(study) == "active"
    visitor.confirm()
    assert "campaign 1 is cancelled; 2 HITs expired" in words(visitor.wait())
    assert status(study) == "cancelled"
    assert [row["expired"] for row in list_hits(study.world, Selection(campaign=1))] == [True, True]


def test_hits_of_a_cancelled_campaign_are_expired_later(study: Study, visitor: Visitor) -> None:
    study.create(12)
    study.round()
    visitor.act("campaigns-cancel", campaign="1")
    page = visitor.get("/campaigns/1")
    assert "Expire its HITs" in page
    page = words(visitor.act("campaigns-cancel", campaign="1", expire_hits="1"))
    assert "1 HIT expired" in page
    page = words(visitor.plan("campaigns-cancel", campaign="1", expire_hits="1"))
    assert "Nothing to cancel or expire: campaign 1 is cancelled" in page


def test_a_campaign_whose_hits_are_expired_already_is_cancelled_with_expiry_too(study: Study, visitor: Visitor) -> None:
    study.create(12)
    study.round()
    study.apply(prepare_expire(study.world, Selection(campaign=1)))
    page = visitor.plan("campaigns-cancel", campaign="1", expire_hits="1")
    assert "<button>Cancel campaign 1</button>" in page
    visitor.confirm()
    assert "campaign 1 is cancelled; 1 HIT skipped" in words(visitor.wait())
    assert status(study) == "cancelled"


# Viewers


def test_somebody_who_may_only_look_sees_campaigns_and_no_acts(site: DashboardSite, study: Study) -> None:
    study.create(12)
    study.round()
    viewer = site.visitor("viewer")
    pages = viewer.get("/campaigns") + viewer.get("/campaigns/1")
    assert "0 of 12 people completed it, 9 outstanding" in words(pages)
    for act in ("New campaign", "Run a round now", "Cancel campaign", "/change"):
        assert act not in pages
    for path in ("/campaigns/new", "/campaigns/1/change"):
        viewer.get(path)
        assert viewer.status == 403
    viewer.plan("campaigns-cancel", campaign="1")
    assert viewer.status == 403
    assert status(study) == "active"


def test_campaigns_are_for_those_who_have_signed_in(site: DashboardSite, study: Study) -> None:
    study.create(12)
    stranger = site.visitor(None)
    for path in ("/campaigns", "/campaigns/1", "/campaigns/1/progress.json", "/campaigns/new"):
        assert "Sign in" in stranger.get(path)
