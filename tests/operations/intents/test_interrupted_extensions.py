"""An interrupted ``hits extend``, with other commands on the same HIT before it is given again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from study_support import Study

from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend

ADD = "CreateAdditionalAssignmentsForHIT"
MOVE = "UpdateExpirationForHIT"


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
