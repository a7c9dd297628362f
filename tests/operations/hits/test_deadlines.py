"""What is about to happen by itself, held against what the built-in market then does."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, new_study, worker

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.hits.deadlines import list_deadlines
from turkctl.operations.selection.hits import Selection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.reject import prepare_reject

WEEK = timedelta(days=7)


def deadlines(study: Study, *ids: str, within: timedelta = WEEK, **chosen: Any) -> list[dict[str, Any]]:
    return list_deadlines(study.world, Selection(ids, **chosen), within)


def short(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["what"], row["id"]) for row in rows]


def test_an_open_hit_is_about_to_expire_and_submitted_work_to_be_approved(study: Study) -> None:
    [hit_id] = study.post(3)
    [assignment] = study.submit(hit_id, worker(1))
    sync(study.world)
    expiry, approval = deadlines(study)
    assert short([expiry, approval]) == [("expiry", hit_id), ("auto_approval", assignment)]
    assert (expiry["amount"], expiry["mend"]) == (Decimal("1.20"), f"turkctl hits extend {hit_id} --lifetime 1d")
    assert expiry["in"] == timedelta(hours=23)  # of 24, less what went by: rounded down
    assert (approval["worker_id"], approval["hit_id"], approval["experiment"]) == (worker(1), hit_id, "stroop")
    assert (approval["amount"], approval["mend"]) == (
        Decimal("0.60"),
        f"turkctl workers reject {assignment} --feedback TEXT",
    )
    assert approval["in"] == timedelta(days=2)


def test_the_market_then_does_what_was_foretold_at_that_time(study: Study) -> None:
    [hit_id] = study.post(1)
    [assignment] = study.submit(hit_id, worker(1))
    sync(study.world)
    [row] = deadlines(study)
    study.pass_time(seconds=(row["when"] - study.world.now()).total_seconds() - 5)
    assert study.world.mturk.get_assignment(assignment).status == "Submitted"
    study.pass_time(seconds=10)
    assert study.world.mturk.get_assignment(assignment).status == "Approved"


def test_what_is_past_and_not_heard_of_comes_first_and_is_fixed_by_a_sync(study: Study) -> None:
    [hit_id] = study.post(2)
    [assignment] = study.submit(hit_id, worker(1))
    sync(study.world)
    study.pass_time(days=4)
    [row] = deadlines(study)  # the HIT's expiry is past: nothing is about to happen there
    assert (row["what"], row["id"]) == ("auto_approval", assignment)
    assert (row["in"], row["mend"]) == (timedelta(0), "turkctl sync")
    sync(study.world)
    assert deadlines(study) == []


def test_a_rejection_is_final_thirty_days_after_the_submission(study: Study) -> None:
    [hit_id] = study.post(1)
    [assignment] = study.submit(hit_id, worker(1))
    sync(study.world)
    study.apply(prepare_reject(study.world, [assignment], "No answers"))
    assert short(deadlines(study, within=timedelta(days=29))) == []
    [row] = deadlines(study, within=timedelta(days=31))
    assert (row["what"], row["mend"]) == (
        "final_rejection",
        f"turkctl workers approve {assignment} --override-rejection",
    )
    study.pass_time(days=30, minutes=1)
    assert short(deadlines(study)) == []


def test_a_hit_with_nothing_undecided_is_disposed_of_120_days_after_its_last_change(study: Study) -> None:
    [idle] = study.post(1)
    [busy] = study.post(1)
    study.submit(busy, worker(1))
    sync(study.world)
    [row] = [each for each in deadlines(study, within=timedelta(days=125)) if each["what"] == "disposal"]
    assert (row["id"], row["amount"]) == (idle, None)
    assert row["when"] - study.world.now() > timedelta(days=120)  # it expires a day from now
    study.pass_time(seconds=(row["when"] - study.world.now()).total_seconds() - 60)
    assert study.world.mturk.get_hit(idle).status != "Disposed"
    study.pass_time(seconds=120)
    assert study.world.mturk.get_hit(idle).status == "Disposed"
    first, *_ = deadlines(study)
    assert first["mend"] == "turkctl sync"


def test_a_decision_puts_the_disposal_off(study: Study) -> None:
    [hit_id] = study.post(1)
    [assignment] = study.submit(hit_id, worker(1))
    study.pass_time(days=2)
    sync(study.world)
    study.apply(prepare_reject(study.world, [assignment], "No answers"))
    [row] = [each for each in deadlines(study, within=timedelta(days=125)) if each["what"] == "disposal"]
    assert row["when"] - study.world.now() > timedelta(days=119)


def test_nothing_is_asked_of_the_market(study: Study) -> None:
    study.post(1)
    assert study.requests()
    assert deadlines(study)
    assert study.requests() == {}


def test_selectors_narrow_it(tmp_path: Path) -> None:
    with new_study(tmp_path, experiments={"stroop": "1.0", "flanker": "2.0"}) as study:
        [one], [other] = study.post(1), study.post(1, experiment="flanker")
        assert short(deadlines(study, experiment="flanker")) == [("expiry", other)]
        assert short(deadlines(study, regex="^str")) == [("expiry", one)]
        assert short(deadlines(study, code_version="2.0")) == [("expiry", other)]
        assert short(deadlines(study, one)) == [("expiry", one)]
        assert short(deadlines(study, one, experiment="flanker")) == []
        assert short(deadlines(study, within=timedelta(hours=1))) == []


def test_unknown_ids_and_a_span_of_no_time_are_refused(study: Study) -> None:
    with pytest.raises(NotFoundError, match="3NOSUCHHIT"):
        deadlines(study, "3NOSUCHHIT")
    with pytest.raises(NotFoundError, match="nowhere"):
        deadlines(study, experiment="nowhere")
    with pytest.raises(UsageError, match="--within"):
        deadlines(study, within=timedelta(0))
