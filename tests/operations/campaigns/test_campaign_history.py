"""A campaign that ended keeps the numbers of its end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from study_support import Study, people

from turkctl.operations.campaigns.lifecycle import CampaignChange, cancel, update
from turkctl.operations.campaigns.lists import list_campaigns, row_of, show_campaign
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.selection.hits import Selection


def _numbers(study: Study, campaign: int = 1) -> dict[str, Any]:
    """The numbers of a campaign, which its list, its row and its page tell alike."""
    names = ("completed", "outstanding", "rounds", "spent", "status")
    rows = (
        next(row for row in list_campaigns(study.world) if row["id"] == campaign),
        row_of(study.world, campaign),
        show_campaign(study.world, campaign),
    )
    (told,) = {tuple(row[name] for name in names) for row in rows}
    return dict(zip(names, told, strict=True))


def _meet(study: Study, goal: int) -> None:
    study.create(goal)
    study.submit(study.round().hits[0], *(f"A{number}" for number in range(goal)))
    assert study.round().outcome == "met"


def test_people_of_a_later_campaign_are_none_of_an_earlier_one(study: Study) -> None:
    _meet(study, 3)
    met = {"completed": 3, "outstanding": 0, "rounds": 2, "spent": Decimal("1.80"), "status": "met"}
    assert _numbers(study) == met
    study.create(8)
    study.submit(study.round(2).hits[0], "AB1", "AB2")
    study.round(2)
    assert _numbers(study, 2)["completed"] == 5
    assert _numbers(study) == met


def test_what_was_out_when_a_campaign_was_cancelled_stays_as_it_was(study: Study) -> None:
    study.create(9)
    hit = study.round().hits[0]
    study.submit(hit, "A1")
    cancel(study.world, 1)
    before = _numbers(study)
    assert (before["completed"], before["outstanding"], before["spent"]) == (0, 9, Decimal("5.40"))
    study.submit(hit, "A2")
    study.apply(prepare_expire(study.world, Selection(campaign=1)))
    study.world.mturk.balance()
    cancel(study.world, 1)
    assert _numbers(study) == before


def test_a_superseded_campaign_keeps_what_it_had_come_to(study: Study) -> None:
    study.create(5)
    study.submit(study.round().hits[0], "A1", "A2")
    study.round()
    assert study.configure({"stroop": "2.0"}) == [1]
    assert _numbers(study) == {
        "completed": 2, "outstanding": 3, "rounds": 2, "spent": Decimal("3.00"), "status": "superseded"
    }  # fmt: skip


def test_a_superseded_campaign_keeps_participants_whose_hit_is_unknown(study: Study) -> None:
    study.create(5)
    study.write(
        "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, codeversion, status, mode)"
        " VALUES ('A1:3X', '3X', 'A1', '3GONE', '1.0', 4, 'local')"
    )
    assert _numbers(study)["completed"] == 1
    study.configure({"stroop": "2.0"})
    assert _numbers(study)["completed"] == 1


def test_a_met_campaign_with_a_higher_goal_counts_again(study: Study) -> None:
    _meet(study, 2)
    update(study.world, 1, CampaignChange(goal=4))
    study.submit(study.round().hits[0], "AB1")
    study.round()
    assert _numbers(study)["completed"] == 3


def test_a_campaign_that_ended_before_its_numbers_were_stored_shows_todays(study: Study) -> None:
    _meet(study, 2)
    study.write("UPDATE turkctl_campaign SET completed_at_end = NULL")
    study.post(2)
    study.work(people("AB"))
    study.create(3)
    study.round(2)
    assert _numbers(study)["completed"] == 4


def test_past_campaigns_cost_no_counting(study: Study) -> None:
    from queries import counted

    def asked() -> int:
        with counted(study.world.database) as seen:
            list_campaigns(study.world)
        return len(seen)

    _meet(study, 2)
    one = asked()
    for goal in (4, 6):
        study.create(goal)
        number = goal // 2
        study.submit(study.round(number).hits[0], f"AB{goal}", f"AC{goal}")
        assert study.round(number).outcome == "met"
    assert asked() == one
