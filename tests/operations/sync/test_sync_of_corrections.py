"""Submissions that can still be corrected: turkctl takes them as at work, and reads the last answers once."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from study_support import new_study

from turkctl.operations.experiments.people import outstanding
from turkctl.operations.sync.run import sync

TEN = timedelta(minutes=10)


def test_it_is_outstanding_until_its_time_is_over_and_never_read_with_old_answers(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        (hit,) = study.post(1)
        market = study.world.market
        taken = study.accept(hit, "AONE")
        market.submit("production", "AONE", taken, {"answer": "red"}, TEN)
        sync(study.world)
        assert study.sql("SELECT count(*) FROM turkctl_assignment") == [(0,)]
        with study.world.database.read() as session:
            assert outstanding(session, study.world.place, 1, "1.0", study.world.now()) == 1
        market.reopen("production", "AONE", taken)
        sync(study.world)
        market.submit("production", "AONE", taken, {"answer": "blue"}, TEN)
        sync(study.world)
        assert study.sql("SELECT count(*) FROM turkctl_assignment") == [(0,)]
        study.pass_time(minutes=11)
        sync(study.world)
        ((status, answers),) = study.sql("SELECT status, answers FROM turkctl_assignment")
        assert (status, json.loads(answers)) == ("Submitted", {"answer": "blue"})


def test_automatic_approval_is_read_with_the_last_answers(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        (hit,) = study.post(1)
        market = study.world.market
        taken = study.accept(hit, "AONE")
        market.submit("production", "AONE", taken, {"answer": "red"}, TEN)
        market.reopen("production", "AONE", taken)
        market.submit("production", "AONE", taken, {"answer": "blue"}, TEN)
        study.pass_time(days=3, minutes=1)
        sync(study.world)
        ((status, answers),) = study.sql("SELECT status, answers FROM turkctl_assignment")
        assert (status, json.loads(answers)) == ("Approved", {"answer": "blue"})
