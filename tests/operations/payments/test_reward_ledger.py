"""The ledger is whole: rewards of approved work beside bonuses, who approved it, and one sum of what is paid."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from study_support import Study, everything

from turkctl.errors import UsageError
from turkctl.operations.campaigns.lists import row_of
from turkctl.operations.limits.budgets import committed
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.ledger import LedgerQuery, list_payments
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.payments.totals import grouped, in_words, totals
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.reject import prepare_reject
from turkctl.store import experiments
from turkctl.store.base import Scope


@pytest.fixture(params=KINDS)
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Study]:
    """One experiment, and nothing posted, on either kind of database."""
    with new_database(request.param, tmp_path) as url:
        (tmp_path / "turkctl.toml").write_text("")
        made = Study(tmp_path, url)
        made.configure({"stroop": "1.0"})
        try:
            yield made
        finally:
            made.close()


def approve(study: Study) -> None:
    assert study.apply(prepare_approve(study.world, WorkSelection(everything()))).failed == 0


def bonus(study: Study, amount: str) -> None:
    request = BonusRequest("quick", amount=Decimal(amount))
    assert study.apply(prepare_bonus(study.world, WorkSelection(everything()), request)).failed == 0


def ledger(study: Study, **query: Any) -> list[dict[str, Any]]:
    return list_payments(study.world, LedgerQuery(**query))


def test_approved_work_is_in_the_ledger_with_its_fee_apart_and_who_approved_it(study: Study) -> None:
    (hit_id,) = study.post(3)
    ours, late = study.submit(hit_id, "AW1", "AW2")
    sync(study.world)
    study.apply(prepare_approve(study.world, WorkSelection(Selection(ids=(ours,)))))
    study.pass_time(days=4)
    sync(study.world, full=True)
    rows = {row["assignment_id"]: row for row in ledger(study)}
    assert {(row["amount"], row["fee"]) for row in rows.values()} == {(Decimal("0.50"), Decimal("0.10"))}
    assert [rows[each]["approved_by"] for each in (ours, late)] == ["us", "automatically"]
    assert [rows[each]["source"] for each in (ours, late)] == ["ours", "market"]
    assert {row["experiment"] for row in rows.values()} == {"stroop"}


def test_work_approved_with_another_program_has_nobody_s_name(study: Study) -> None:
    (hit_id,) = study.post(2)
    (assignment,) = study.submit(hit_id, "AW1")
    study.world.mturk.approve(assignment)
    sync(study.world)
    assert [row["approved_by"] for row in ledger(study)] == [None]


def test_a_rejection_that_somebody_else_overturned_was_not_approved_by_us(study: Study) -> None:
    (hit_id,) = study.post(2)
    (assignment,) = study.submit(hit_id, "AW1")
    sync(study.world)
    assert study.apply(prepare_reject(study.world, [assignment], "empty")).failed == 0
    assert ledger(study) == []
    study.world.mturk.approve(assignment, override_rejection=True)
    sync(study.world, full=True)
    assert [row["approved_by"] for row in ledger(study)] == [None]


def test_sums_tell_rewards_bonuses_and_fees_apart(study: Study) -> None:
    (hit_id,) = study.post(2)
    study.submit(hit_id, "AW1", "AW2")
    sync(study.world)
    approve(study)
    bonus(study, "0.30")
    rows = ledger(study)
    assert totals(rows) == {
        "payments": 4,
        "rewards": Decimal("1.00"),
        "bonuses": Decimal("0.60"),
        "compensation": Decimal("0.00"),
        "fees": Decimal("0.32"),
        "total": Decimal("1.92"),
        "unknown": 0,
    }
    assert in_words(totals(rows)) == "4 payments: rewards $1.00, bonuses $0.60, fees $0.32, total $1.92"
    assert [row["kind"] for row in ledger(study, kind="bonus")] == ["bonus"] * 2
    assert [row["kind"] for row in ledger(study, kind="reward", worker_id="AW1")] == ["reward"]


def test_groups_add_up_to_the_whole(study: Study) -> None:
    (hit_id,) = study.post(2)
    study.submit(hit_id, "AW1", "AW2")
    sync(study.world)
    approve(study)
    bonus(study, "0.30")
    rows = ledger(study)
    columns, by_worker = grouped(rows, ["worker"])
    assert columns[:3] == ["worker_id", "payments", "rewards"]
    assert {row["worker_id"]: row["total"] for row in by_worker} == dict.fromkeys(["AW1", "AW2"], Decimal("0.96"))
    for by in ("day", "experiment", "campaign"):
        assert sum(row["total"] for row in grouped(rows, [by])[1]) == totals(rows)["total"]
    assert [row["campaign"] for row in grouped(rows, ["campaign"])[1]] == [None]
    with pytest.raises(UsageError, match="there is no group 'week'"):
        grouped(rows, ["week"])


def test_of_a_study_with_nothing_open_all_that_is_committed_is_paid(study: Study) -> None:
    campaign = study.create(2)
    study.round(campaign)
    people = iter(["AW1", "AW2"])
    study.work(people)
    sync(study.world)
    approve(study)
    bonus(study, "0.30")
    row = row_of(study.world, campaign.number)
    assert (row["spent"], row["paid"]) == (Decimal("1.20"), Decimal("1.20"))
    with study.world.database.read() as session:
        (version,) = experiments.list_all(session)
        promised = committed(Scope(session, study.world.place, study.world.now()), experiment_id=version.experiment_id)
    assert promised == totals(ledger(study))["total"]


def test_what_is_open_is_committed_and_not_paid(study: Study) -> None:
    campaign = study.create(2)
    study.round(campaign)
    row = row_of(study.world, campaign.number)
    assert (row["spent"], row["paid"]) == (Decimal("1.20"), Decimal("0.00"))
