"""Limits on bonuses hold for commands that were planned at the same time, too."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, everything, new_study, worker

from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve

LIMITS = """
[experiments.stroop.limits]
{}
"""


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Any]:
    """Makes a lab with limits and a number of approved submissions; closes it at the end."""
    opened = []

    def make(limits: str, number: int = 3) -> Study:
        opened.append(new_study(tmp_path))
        study = opened[-1].__enter__()
        (hit,) = study.post(9)
        study.submit(hit, *(worker(each) for each in range(number)))
        sync(study.world)
        study.apply(prepare_approve(study.world, WorkSelection(everything())))
        path = tmp_path / "turkctl.toml"
        path.write_text(path.read_text() + LIMITS.format(limits))
        configure(study)
        return study

    yield make
    for each in opened:
        each.__exit__(None, None, None)


def configure(study: Study) -> None:
    from turkctl.operations.configure import apply_configure, plan_configure
    from turkctl.operations.project.files import find

    with study.world.database.read() as session:
        changes = plan_configure(session, find(study.folder / "turkctl.toml", study.folder), whole=True)
    apply_configure(study.world.database, changes, study.world.now())


def planned(study: Study, amount: str, reason: str, *ids: str) -> Any:
    wanted = Selection(ids=ids) if ids else everything()
    return prepare_bonus(study.world, WorkSelection(wanted), BonusRequest(reason, Decimal(amount)))


def paid(study: Study) -> Decimal:
    """Dollars of bonuses that the market has paid, commission aside."""
    hits = [hit for (hit,) in study.sql("SELECT hit_id FROM turkctl_hit")]
    return sum((each.amount for hit in hits for each in study.world.mturk.list_bonuses(hit_id=hit)), Decimal("0.00"))


def codes(result: BatchResult) -> list[str]:
    return [item.error.code for item in result.results if item.error is not None]


def words(result: BatchResult) -> str:
    return " ".join(item.error.message for item in result.results if item.error is not None)


@pytest.mark.parametrize(
    ("limits", "code", "says", "total"),
    [
        (
            'max_bonus_per_worker = "1.00"',
            "refused",
            "already paid to this worker, $1.20 is over limits.max_bonus_per_worker = $1.00",
            "1.80",
        ),
        (
            'max_bonus_per_day = "3.00"',
            "refused",
            "already paid in the last 24 hours, $3.60 is over limits.max_bonus_per_day = $3.00",
            "3.00",
        ),
        ('budget = "8.00"', "funds", "more than the budget of $8.00", "1.80"),
    ],
)
def test_two_commands_that_were_planned_together_do_not_pass_a_limit_together(
    limited: Any, limits: str, code: str, says: str, total: str
) -> None:
    study = limited(limits)
    one, other = planned(study, "0.60", "one"), planned(study, "0.60", "two")
    first, second = study.apply(one), study.apply(other)
    assert (first.succeeded, first.failed) == (3, 0)
    assert second.failed >= 1
    assert set(codes(second)) == {code}
    assert says in words(second)
    assert paid(study) == Decimal(total)
    again = study.apply(planned(study, "0.60", "one"))
    assert (again.skipped, again.failed) == (3, 0)


def test_what_is_over_a_limit_leaves_no_intent_behind(limited: Any) -> None:
    study = limited('max_bonus_per_worker = "1.00"')
    one, other = planned(study, "0.60", "one"), planned(study, "0.60", "two")
    study.apply(one)
    study.apply(other)
    assert study.sql("SELECT DISTINCT state FROM turkctl_intent WHERE kind = 'bonus'") == [("done",)]
    assert study.sql("SELECT count(*) FROM turkctl_intent WHERE kind = 'bonus'") == [(3,)]


def test_what_was_begun_goes_on_although_the_limit_is_full(limited: Any) -> None:
    study = limited('max_bonus_per_day = "1.80"')
    plan, act = planned(study, "0.60", "one")
    act.prepare(plan.steps)  # killed here: intents are committed, nobody is paid
    result = study.apply(planned(study, "0.60", "one"))
    assert (result.succeeded, result.failed) == (3, 0)
    assert paid(study) == Decimal("1.80")


def test_two_commands_for_the_same_purpose_pay_once_and_neither_fails(limited: Any) -> None:
    study = limited('max_bonus_per_worker = "0.60"')
    one, other = planned(study, "0.60", "one"), planned(study, "0.60", "one")
    assert study.apply(one).succeeded == 3
    second = study.apply(other)
    assert (second.failed, {item.status for item in second.results}) == (0, {"already_done"})
    assert paid(study) == Decimal("1.80")


def test_a_dry_run_does_not_count_what_a_limit_refuses_as_what_it_would_do(limited: Any) -> None:
    study = limited('max_bonus_per_day = "1.00"')
    plan, _act = planned(study, "0.60", "one")
    assert plan.preview().summary() == "would bonus 1 of 3 assignments (mode local), 2 failed, cost $0.72"
