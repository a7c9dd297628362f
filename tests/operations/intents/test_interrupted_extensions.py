"""An interrupted ``hits extend``, with other commands on the same HIT before it is given again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from study_support import Study

from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.selection.hits import Selection

ADD = "CreateAdditionalAssignmentsForHIT"
MOVE = "UpdateExpirationForHIT"
DAY = timedelta(days=1)


class DiedError(BaseException):
    """Stands for the end of the process."""


def extend(study: Study, hit: str, assignments: int = 0, lifetime: timedelta | None = None, **more: Any) -> BatchResult:
    return study.apply(prepare_extend(study.world, ExtendRequest((hit,), assignments, lifetime, **more)), workers=1)


def die(study: Study, where: str, operation: str, *asked: Any, **more: Any) -> None:
    """Let an extension end with its request about to arrive, or arrived and not recorded."""

    def fall(asked_for: str) -> None:
        if asked_for == operation:
            raise DiedError

    setattr(study.world.endpoint, where, fall)
    with pytest.raises(DiedError):
        extend(study, *asked, **more)
    setattr(study.world.endpoint, where, None)


def assignments(study: Study, hit: str) -> int:
    return study.world.mturk.get_hit(hit).max_assignments


def expiry(study: Study, hit: str) -> datetime:
    found = study.world.mturk.get_hit(hit).expires
    assert found is not None
    return found


@pytest.mark.parametrize("where", ["before", "after"])
def test_one_that_another_extension_followed_is_done_once(study: Study, where: str) -> None:
    (hit,) = study.post(3)
    die(study, where, ADD, hit, 2)
    assert extend(study, hit, 3).succeeded == 1
    assert extend(study, hit, 2).exit_code == 0
    assert assignments(study, hit) == 8
    assert study.sql("SELECT DISTINCT state FROM turkctl_run WHERE act = 'hits extend'") == [("ended",)]


@pytest.mark.parametrize("where", ["before", "after"])
def test_one_that_another_of_the_same_size_followed_is_done_once(study: Study, where: str) -> None:
    (hit,) = study.post(3)
    die(study, where, ADD, hit, 2)
    assert extend(study, hit, 2, new=True).succeeded == 1
    assert extend(study, hit, 2).exit_code == 0
    assert assignments(study, hit) == 7


@pytest.mark.parametrize("where", ["before", "after"])
def test_one_whose_hit_another_program_extended_is_done_once(study: Study, where: str) -> None:
    (hit,) = study.post(3)
    die(study, where, ADD, hit, 2)
    study.world.mturk.extend_hit(hit, 4, "somebody else's")
    assert extend(study, hit, 2).exit_code == 0
    assert assignments(study, hit) == 9


def test_of_two_that_died_neither_is_taken_for_the_other(study: Study) -> None:
    (hit,) = study.post(3)
    die(study, "before", ADD, hit, 2)
    die(study, "after", ADD, hit, 2, new=True)
    assert extend(study, hit, 2).exit_code == 0
    assert extend(study, hit, 2).exit_code == 0
    assert assignments(study, hit) == 7


def test_once_the_market_has_forgotten_the_token_the_number_of_assignments_decides(study: Study) -> None:
    (hit,) = study.post(3)
    die(study, "before", ADD, hit, 2)
    extend(study, hit, 3)
    study.pass_time(hours=23, minutes=5)
    assert extend(study, hit, 2, resume=True).exit_code == 0
    assert assignments(study, hit) == 6, "it may have arrived: nobody pays twice"


def test_time_that_another_command_gave_is_not_taken_away(study: Study) -> None:
    (hit,) = study.post(3)
    die(study, "before", MOVE, hit, 2, DAY)
    assert extend(study, hit, 0, 5 * DAY).succeeded == 1
    until = expiry(study, hit)
    assert extend(study, hit, 2, DAY).succeeded == 1
    assert (assignments(study, hit), expiry(study, hit)) == (5, until)


@pytest.mark.parametrize("asked", [(2, DAY), (0, DAY), (2, None)], ids=["both", "time", "assignments"])
def test_a_hit_that_was_expired_meanwhile_stays_so_and_the_next_command_is_a_new_one(study: Study, asked: Any) -> None:
    (hit,) = study.post(3)
    die(study, "before", MOVE if asked[1] else ADD, hit, *asked)
    study.pass_time(hours=1)
    study.apply(prepare_expire(study.world, Selection(ids=(hit,))))
    (skipped,) = extend(study, hit, *asked).results
    assert (skipped.status, skipped.detail) == (
        "skipped",
        "expired since the run began: to extend it, run the command again",
    )
    assert expiry(study, hit) <= study.world.now()
    assert assignments(study, hit) == 3
    assert extend(study, hit, 2, DAY).succeeded == 1
    assert expiry(study, hit) > study.world.now()


def test_a_hit_whose_time_just_ran_out_is_given_what_the_run_had_fixed(study: Study) -> None:
    (hit,) = study.post(3)
    study.pass_time(seconds=(expiry(study, hit) - study.world.now()).total_seconds() - 3600)
    die(study, "before", MOVE, hit, 2, DAY)
    until = expiry(study, hit).replace(microsecond=0) + DAY
    study.pass_time(hours=2)
    assert extend(study, hit, 2, DAY).succeeded == 1
    assert (assignments(study, hit), expiry(study, hit)) == (5, until)
