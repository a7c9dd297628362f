"""What a command on one id asks of the database: nothing twice while it plans, and the market once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from queries import counted
from study_support import Study

from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve

TABLES = ("turkctl_assignment", "assignments", "turkctl_payment", "turkctl_intent")


@pytest.fixture
def named(study: Study) -> WorkSelection:
    """One of three assignments, which the database knows."""
    (hit,) = study.post(3)
    done = study.submit(hit, "AW1", "AW2", "AW3")
    sync(study.world)
    study.requests()
    return WorkSelection(Selection(ids=(done[0],)))


def test_a_bonus_for_one_id_looks_each_thing_up_once(study: Study, named: WorkSelection) -> None:
    """Intents: those left over, those of this assignment, those under way, and what they cost."""
    request = BonusRequest("well done", Decimal("0.10"))
    with counted(study.world.database) as asked:
        prepared = prepare_bonus(study.world, named, request)
    reads = {table: len(asked.reading(table)) for table in TABLES}
    assert reads == {"turkctl_assignment": 3, "assignments": 3, "turkctl_payment": 1, "turkctl_intent": 4}
    assert study.requests() == {"ListBonusPayments": 1, "GetAccountBalance": 1}
    with counted(study.world.database) as asked:
        assert study.apply(prepared).succeeded == 1
    assert len(asked.reading("turkctl_payment")) == 0
    assert study.requests() == {"SendBonus": 1}


def test_approving_one_id_looks_each_thing_up_once(study: Study, named: WorkSelection) -> None:
    with counted(study.world.database) as asked:
        prepared = prepare_approve(study.world, named)
    reads = {table: len(asked.reading(table)) for table in TABLES}
    assert reads == {"turkctl_assignment": 2, "assignments": 2, "turkctl_payment": 1, "turkctl_intent": 1}
    assert study.requests() == {}
    assert study.apply(prepared).succeeded == 1
    assert study.requests() == {"ApproveAssignment": 1}
