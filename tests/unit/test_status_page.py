"""The page of ``turkctl status``, from made-up numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from turkctl.cli.status_page import Page, charts
from turkctl.operations.status.shapes import (
    CampaignStatus,
    ContentStatus,
    DayStatus,
    DeadlineStatus,
    DecisionsStatus,
    ExperimentStatus,
    MoneyStatus,
    OwedStatus,
    PeopleStatus,
    QuietStatus,
    ReviewStatus,
    RunStatus,
    SchedulerStatus,
    Status,
    TaskStatus,
    UnknownStatus,
)

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEXT = {"at": NOW + HOUR, "paused": False, "will_post": 9, "cost": Decimal("5.40"), "outcome": "posted", "why": "some"}
CAMPAIGN = CampaignStatus(
    id=3, status="active", reason=None, created=NOW, ended=None, goal=1200, completed=400, outstanding=9, rounds=1,
    budget=None, spent=Decimal("5.40"), left=None, next_round=NEXT,
)  # fmt: skip
STROOP = ExperimentStatus(
    experiment="stroop", codeversion="1.0", active=True, people=PeopleStatus(400, 9, 1, 0, 2), money=MoneyStatus.of(),
    campaign=CAMPAIGN, content=None, to_review=ReviewStatus(), bonuses_owed=OwedStatus(), deletable_hits=0,
)  # fmt: skip
BLANK = replace(STROOP, people=PeopleStatus(), campaign=None)
QUIET = QuietStatus(NOW - 4 * HOUR, NOW, 8)


def status(*experiments: ExperimentStatus, **changes: Any) -> Status:
    made = Status(
        mode="live",
        now=NOW,
        experiments=experiments,
        money=MoneyStatus.total(each.money for each in experiments),
        decisions=DecisionsStatus(ReviewStatus(), OwedStatus(), 0, None, ()),
        deadlines=(),
        tasks=(),
        scheduler=SchedulerStatus(False, None, None, None, None, ()),
    )
    return replace(made, **changes)


def page(found: Status, width: int | None = None, mode: str = "") -> str:
    return "\n".join(Page(width, UTC, mode).lines(found))


def of(campaign: CampaignStatus | None = CAMPAIGN, **changes: Any) -> str:
    return page(status(replace(STROOP, campaign=campaign, **changes)))


def test_numbers_have_nouns_and_times_are_near() -> None:
    assert page(status(STROOP)).splitlines() == [
        "Mode live, today 12:00 UTC",
        "",
        "stroop, code version 1.0",
        "  people    400 of 1,200 done; 2 HITs with 9 open assignments, 1 at work",
        "  campaign  3, active: 1 round so far",
        "  next      round today 13:00 UTC (in 60 min) posts 9 assignments for $5.40: some",
        "  money     $0.00 paid (rewards $0.00, bonuses $0.00, fees $0.00); $0.00 on hold",
        "",
        "To do",
        "  nothing",
        "",
        "Coming up",
        "  no scheduler is running, and none is needed",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"at": NOW - HOUR}, "round due since today 11:00 UTC (60 min ago) posts 9"),
        ({"paused": True}, "paused; its rounds go on with: turkctl tasks resume campaign-3"),
        ({"will_post": 0, "outcome": "waiting"}, "(in 60 min) posts nothing: some"),
        ({"will_post": 0, "outcome": "met"}, "(in 60 min) ends it (met): some"),
    ],
)
def test_the_next_round_says_when_what_and_why(changes: dict[str, Any], words: str) -> None:
    assert words in of(replace(CAMPAIGN, next_round=NEXT | changes))


def test_a_campaign_that_is_over_says_since_when_and_why() -> None:
    over = replace(CAMPAIGN, status="met", reason="1,200 people completed it", ended=NOW - 30 * HOUR, next_round=None)
    assert "3, met yesterday 06:00 UTC with 400 of 1,200 people: 1,200 people completed it" in of(over)
    assert "  next " not in of(over)


def test_people_who_came_after_a_campaigns_end_are_counted() -> None:
    over = replace(CAMPAIGN, status="cancelled", reason="cancelled by the user", ended=NOW, next_round=None)
    shown = of(over, people=PeopleStatus(completed=409))
    assert "people    409 done; 0 at work" in shown
    assert "3, cancelled today 12:00 UTC with 400 of 1,200 people: cancelled by the user" in shown


def test_work_of_no_experiment_is_not_decided_on_with_all_the_rest() -> None:
    nobodys = replace(BLANK, experiment=None, to_review=ReviewStatus(2, NOW, NOW + HOUR), deletable_hits=3)
    shown = page(status(STROOP, nobodys))
    assert "--all" not in shown
    assert "turkctl hits approve ID" in shown
    assert "turkctl hits delete ID" in shown
    assert "3 HITs of no experiment can be deleted; see: turkctl hits list" in shown


def test_a_stalled_campaign_says_how_it_is_known() -> None:
    guessed = of(replace(CAMPAIGN, quiet=QUIET))
    assert "stalled   nobody took an open assignment in 4 h (8 rounds): probably nobody eligible is left; " in guessed
    known = of(replace(CAMPAIGN, workers=12, eligible=0))
    assert "nobody eligible is left: none of the market's 12 workers may take what is open; " in known
    assert known.split("turkctl campaigns cancel")[1].startswith(" 3")
    slow = of(replace(CAMPAIGN, quiet=QUIET, workers=12, eligible=5))
    assert "nobody took an open assignment in 4 h (8 rounds), although 5 of the market's 12 workers may" in slow
    assert "stalled" not in of(replace(CAMPAIGN, workers=12, eligible=5))


def test_money_has_its_kinds_and_what_is_left() -> None:
    money = MoneyStatus.of(
        rewards=Decimal("10.00"), bonuses=Decimal("2.50"), fees=Decimal("2.50"), on_hold=Decimal("5.40"),
        budget=Decimal("50.00"),
    )  # fmt: skip
    assert (
        "money     $15.00 paid (rewards $10.00, bonuses $2.50, fees $2.50); $5.40 on hold; "
        "$29.60 left of the budget of $50.00"
    ) in of(money=money)


def test_items_have_rate_and_end() -> None:
    content = ContentStatus(1000, 12, 61, 3000, 25.5, NOW + 35 * HOUR, 30, 61, 612.0)
    assert (
        "items     12 of 1,000 finished, 61 of 3,000 answers, 30 today, 612.0 a day, "
        "all there tomorrow 23:00 UTC (in 35 h) at this pace"
    ) in of(content=content)
    assert of(content=replace(content, per_day=None, expected_end=None)).count(" a day") == 0


def test_decisions_come_with_their_commands() -> None:
    experiment = replace(
        STROOP,
        to_review=ReviewStatus(3, NOW - 5 * HOUR, NOW + 67 * HOUR),
        bonuses_owed=OwedStatus(1, Decimal("0.25"), 2),
        deletable_hits=4,
    )
    run = RunStatus(7, "turkctl hits create --hits 20", NOW - HOUR, 20, 12, 0)
    decisions = DecisionsStatus(ReviewStatus(), OwedStatus(), 0, UnknownStatus(2, NOW - 3 * HOUR), (run,) * 7)
    shown = page(status(experiment, decisions=decisions), mode="--mode live").partition("To do\n")[2]
    lines = shown.partition("\n\n")[0].splitlines()
    seven = "today 07:00 UTC"
    assert lines[:8] == [
        f"  3 assignments to review, the oldest of {seven}, the first approves itself 7 May 07:00 UTC (in 2 days)",
        "      turkctl workers approve --experiment stroop --mode live",
        "  1 bonus is owed, $0.25 in all",
        "      turkctl workers bonus --experiment stroop --auto --reason TEXT --mode live",
        "  2 bonuses cannot be paid: no amount in cents",
        "      turkctl participants set ID --bonus A --mode live",
        "  4 HITs can be deleted",
        "      turkctl hits delete --experiment stroop --mode live",
    ]
    assert lines[8:12] == [
        "  2 HITs of the account are unknown here (seen 3 h ago)",
        "      turkctl hits list --all-studies --mode live",
        "  12 of 20 done by a command of today 11:00 UTC that was cut short; for its rest, give it again",
        "      turkctl hits create --hits 20",
    ]
    assert lines[-1] == "  2 more commands did not come to their end"


def test_several_experiments_are_named_and_summed() -> None:
    other = replace(STROOP, experiment="flanker", deletable_hits=1, money=MoneyStatus.of(rewards=Decimal("1.00")))
    nobodys = replace(BLANK, experiment=None, active=False, deletable_hits=2)
    idle = [replace(BLANK, experiment=f"e{number}") for number in range(7)]
    shown = page(status(STROOP, other, nobodys, *idle))
    assert "All experiments\n  money     $1.00 paid" in shown
    assert "1 HIT of flanker can be deleted" in shown
    assert "HITs of no experiment" in shown
    assert "2 HITs of no experiment can be deleted; see: turkctl hits list\n      turkctl hits delete ID" in shown
    assert "Nothing posted yet for e0, e1, e2, e3, e4, 2 more" in shown


def test_a_database_without_experiments_says_what_to_do() -> None:
    assert "run: turkctl experiments configure" in page(status())


def test_what_is_coming_is_told_in_order_of_kind() -> None:
    tasks = tuple(TaskStatus(f"t{number}", "sync", NOW + HOUR, False, number) for number in range(7))
    found = status(
        STROOP,
        deadlines=(
            DeadlineStatus("auto_approval", 3, 0, NOW + HOUR),
            DeadlineStatus("expiry", 1, 9, NOW + 3 * HOUR),
            DeadlineStatus("final_rejection", 2, 0, NOW + 5 * HOUR),
        ),
        tasks=(TaskStatus("campaign-3", "campaign", NOW, False, 0), *tasks),
        scheduler=SchedulerStatus(True, "lab-server", 4711, NOW - 3 * HOUR, NOW, ()),
    )
    assert page(found).partition("Coming up\n")[2].splitlines() == [
        "  3 submitted assignments approve themselves, the first today 13:00 UTC (in 60 min)",
        "  1 HIT expires with 9 open assignments, today 15:00 UTC (in 3 h)",
        "  2 rejections become final, the first today 17:00 UTC (in 5 h)",
        "  task t0 today 13:00 UTC (in 60 min)",
        "  task t1 today 13:00 UTC (in 60 min); failed 1 time in a row",
        *(f"  task t{number} today 13:00 UTC (in 60 min); failed {number} times in a row" for number in (2, 3, 4)),
        "  2 more tasks: turkctl tasks list",
        "  the scheduler is process 4711 on lab-server, since today 09:00 UTC",
    ]


def test_what_nobody_runs_is_a_warning() -> None:
    tasks = tuple(TaskStatus(name, "sync", NOW, True, 0) for name in ("campaign-3", "sync"))
    late = SchedulerStatus(False, None, None, None, None, ("campaign-3", "sync"))
    shown = page(status(STROOP, scheduler=late, tasks=tasks))
    assert "warning: campaign-3, sync are due, and no scheduler is running\n      turkctl scheduler run" in shown
    early = replace(late, overdue=())
    shown = page(status(STROOP, scheduler=early, tasks=tasks))
    assert "no scheduler is running; tasks need one\n      turkctl scheduler run" in shown


def test_a_narrow_page_breaks_between_words_below_its_labels() -> None:
    lines = page(status(STROOP), 50).splitlines()
    assert max(map(len, lines)) <= 50
    place = lines.index("  next      round today 13:00 UTC (in 60 min)")
    assert lines[place + 1] == "            posts 9 assignments for $5.40: some"


def test_charts_fit_and_fill_up_at_the_goal() -> None:
    over = replace(STROOP, campaign=replace(CAMPAIGN, id=12, completed=1300))
    found = status(STROOP, over, days=(DayStatus("stroop", "2026-05-03", 30), DayStatus("stroop", "2026-05-04", 3)))
    lines = charts(found, 60, "utf-8")
    assert max(map(len, lines)) <= 60
    assert lines[1] == "Progress"
    assert lines[2].startswith("  campaign 3     400 of 1,200  |█")
    assert lines[2].endswith(" 33 %")
    assert lines[3].endswith("█|  100 %")
    assert lines[2].index("|") == lines[3].index("|")
    assert lines[4:6] == ["", "People per day (UTC): stroop"]
    assert lines[6].count("█") == 42
    assert lines[7].endswith("   3  ████▎")
    assert "█" not in "".join(charts(found, 60, "ascii"))
    assert "|" not in "".join(charts(found, 30, "utf-8"))
    assert charts(status(BLANK), 80, "utf-8") == []
