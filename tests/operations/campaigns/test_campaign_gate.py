"""Nobody does two HITs of an experiment where the market keeps a gate; elsewhere turkctl says what repeaters cost."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, market_rows, new_study

from turkctl.fees import MTURK
from turkctl.market.errors import WorkError
from turkctl.operations.campaigns.lists import show_campaign
from turkctl.operations.campaigns.repeats import may_repeat
from turkctl.operations.campaigns.requests import CampaignRequest, plan_campaign
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.exclude import prepare_exclude
from turkctl.own_market import GRANT_ON_ACCEPT
from turkctl.store.qualifications import GATE, TOOK_PART

_OWN = ", ".join(f'"{letter * 20}"' for letter in "ABCDEFGHI")
NINE = f"qualifications = {{ absent = [{_OWN}] }}"


def purposes(study: Study) -> list[tuple[str, ...]]:
    """Purposes of the types that the experiments have, by experiment."""
    return study.sql("SELECT purpose FROM turkctl_qualification_type ORDER BY experiment_id, id")


def refused(study: Study, hit_id: str, worker: str) -> bool:
    try:
        study.accept(hit_id, worker)
    except WorkError as error:
        return error.code == "DoesNotMeetRequirements"
    return False


def post(study: Study, **request: Any) -> list[str]:
    """HITs posted by ``hits create``."""
    done = study.apply(prepare_create(study.world, CreateRequest("stroop", 1, new=True, **request)))
    return [item.id for item in done.results]


def test_a_round_makes_both_types_once_and_lets_a_person_do_one_hit(study: Study) -> None:
    study.create(36, per_round=18)
    first = study.round()
    assert purposes(study) == [(TOOK_PART,), (GATE,)]
    [(keywords,)] = market_rows(
        study.folder, "SELECT keywords FROM market_qualification_type WHERE name LIKE '%one HIT%'"
    )
    assert keywords == GRANT_ON_ACCEPT
    assignment = study.accept(first.hits[0], "AONE")
    assert refused(study, first.hits[1], "AONE")
    second = study.round()
    assert purposes(study) == [(TOOK_PART,), (GATE,)]
    assert refused(study, second.hits[0], "AONE")
    study.world.market.return_assignment("production", "AONE", assignment)
    study.submit(second.hits[0], "AONE")
    assert refused(study, first.hits[1], "AONE")


def test_as_many_people_come_as_assignments_are_paid(study: Study) -> None:
    """Everybody tries every HIT that is open, as soon as it is."""
    study.create(20, per_round=18)
    done, hits = 0, []
    for turn in range(4):
        hits += study.round().hits
        for hit_id in hits:
            for number in range(9):
                try:
                    study.submit(hit_id, f"AW{turn}{number}")
                    done += 1
                except WorkError:
                    continue
    shown = show_campaign(study.world, 1)
    assert (shown["completed"], done, shown["repeats"]) == (20, 20, None)


def test_the_gate_spans_code_versions_and_leaves_other_experiments_alone(tmp_path: Path) -> None:
    with new_study(tmp_path, experiments={"stroop": "1.0", "flanker": "1.0"}) as study:
        study.create(9, experiment="stroop")
        study.create(9, experiment="flanker")
        [old], [other] = study.round(1).hits, study.round(2).hits
        study.accept(old, "AONE")
        study.configure({"stroop": "2.0", "flanker": "1.0"})
        study.create(9, experiment="stroop")
        [new] = study.round(3).hits
        assert refused(study, new, "AONE")
        assert not refused(study, other, "AONE")


def test_hits_create_asks_for_the_gate_where_it_asks_for_having_taken_part(study: Study) -> None:
    [before] = post(study)
    study.create(9)
    study.round()
    one, two, free = *post(study, hits=2), *post(study, allow_repeat_workers=True)
    study.accept(before, "AONE")  # posted before there was a gate: not granted
    study.accept(one, "AONE")
    assert refused(study, two, "AONE")
    assert not refused(study, free, "AONE")


def test_hits_create_makes_the_gate_that_is_missing_beside_having_taken_part(study: Study) -> None:
    study.create(9)
    study.round()
    study.write("DELETE FROM turkctl_qualification_type WHERE purpose = 'gate'")  # as older versions left it
    one, two = post(study, hits=2)
    assert purposes(study) == [(TOOK_PART,), (GATE,)]
    study.accept(one, "AONE")
    assert refused(study, two, "AONE")


def test_hits_create_makes_having_taken_part_anew_where_the_market_dropped_it(study: Study) -> None:
    study.create(9)
    study.round()
    study.write("DELETE FROM turkctl_qualification_type WHERE purpose <> 'gate'")
    one, two = post(study, hits=2)
    assert sorted(purposes(study)) == [(GATE,), (TOOK_PART,)]
    study.accept(one, "AONE")
    assert refused(study, two, "AONE")


def test_excluding_workers_makes_both_types(study: Study) -> None:
    [hit] = post(study)
    study.submit(hit, "AONE")
    sync(study.world)
    study.apply(prepare_exclude(study.world, WorkSelection(Selection(), (hit,))))
    assert purposes(study) == [(TOOK_PART,), (GATE,)]


def test_with_repeat_workers_allowed_there_is_no_gate(study: Study) -> None:
    study.create(18, per_round=18, allow_repeat_workers=True)
    one, two = study.round().hits
    assert purposes(study) == []
    study.submit(one, "AONE")
    study.submit(two, "AONE")
    study.round()
    repeats = show_campaign(study.world, 1)["repeats"]
    assert (repeats["possible"], repeats["went"], repeats["cost"]) == (0, 1, Decimal("0.60"))


def test_another_market_gets_no_gate_and_turkctl_says_what_repeaters_may_and_do_cost(study: Study) -> None:
    study.on_another_market()
    plan = plan_campaign(study.world, CampaignRequest(64, per_round=18))
    assert plan.as_dict()["repeats"] == {"possible": 55, "cost": Decimal("33.00")}
    assert any("up to 55 of 64 assignments ($33.00) may go to people who did another" in note for note in plan.notes)
    study.create(64, per_round=18)
    one, two = study.round().hits
    assert purposes(study) == [(TOOK_PART,)]
    for hit_id in (one, two):
        study.submit(hit_id, "AONE", "ATWO")
    study.submit(one, "ATHREE")
    study.round()
    shown = show_campaign(study.world, 1)
    assert shown["completed"] == 3
    repeats = shown["repeats"]
    assert (repeats["went"], repeats["cost"], repeats["possible"]) == (2, Decimal("1.20"), 52)


def test_on_turkctls_own_market_the_plan_says_nothing_of_repeaters(study: Study) -> None:
    plan = plan_campaign(study.world, CampaignRequest(64))
    assert (plan.repeats, [note for note in plan.notes if "another" in note]) == (None, [])


def test_a_round_on_another_market_asks_it_nothing_more(study: Study) -> None:
    study.on_another_market()
    study.create(30)
    study.round()
    study.requests()
    study.round()
    assert study.requests()["GetAccountBalance"] == 1


def test_nine_requirements_of_its_own_leave_no_room_for_the_gate(tmp_path: Path) -> None:
    with new_study(tmp_path, more=NINE) as study:
        plan = plan_campaign(study.world, CampaignRequest(18))
        assert plan.repeats == {"possible": 9, "cost": Decimal("5.40")}


@pytest.mark.parametrize(
    ("assignments", "per_round", "possible"), [(64, 9, 55), (64, 18, 55), (9, 9, 0), (5, 9, 0), (6, 2, 4), (0, 9, 0)]
)
def test_all_but_the_largest_hit_may_go_to_repeaters(assignments: int, per_round: int, possible: int) -> None:
    assert may_repeat(assignments, per_round, MTURK) == possible
