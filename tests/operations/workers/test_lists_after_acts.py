"""After an act of its own, turkctl's lists are right at once: nobody has to sync first."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from study_support import Study, everything, worker

from turkctl.market.errors import RequestError
from turkctl.market.service import Market
from turkctl.operations.hits.delete import prepare_delete
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.hits.lists import list_hits
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve, prepare_approve_hits
from turkctl.operations.workers.lists import list_workers
from turkctl.operations.workers.reject import prepare_reject

ALL = WorkSelection(everything())
Act = Callable[[Study, list[str], list[str]], tuple[Any, Any]]


def reject_then_override(study: Study, _hits: list[str], made: list[str]) -> tuple[Any, Any]:
    study.apply(prepare_reject(study.world, made, "empty"))
    return prepare_approve(study.world, ALL, override_rejection=True)


ACTS: dict[str, Act] = {
    "workers approve": lambda study, _hits, _made: prepare_approve(study.world, ALL),
    "workers approve ID": lambda study, _hits, made: prepare_approve(
        study.world, WorkSelection(Selection(ids=(made[0],)))
    ),
    "workers reject": lambda study, _hits, made: prepare_reject(study.world, made[:2], "empty"),
    "workers approve --override-rejection": reject_then_override,
    "hits approve": lambda study, _hits, _made: prepare_approve_hits(study.world, everything()),
    "hits expire": lambda study, _hits, _made: prepare_expire(study.world, everything()),
    "hits extend": lambda study, hits, _made: prepare_extend(study.world, ExtendRequest(tuple(hits), 2)),
    "hits delete --force": lambda study, _hits, _made: prepare_delete(study.world, everything(), force=True),
    "workers bonus": lambda study, _hits, _made: prepare_bonus(
        study.world, ALL, BonusRequest("thanks", Decimal("0.10"))
    ),
}


def lists(study: Study) -> tuple[Any, ...]:
    people = study.sql("SELECT uniqueid, status, bonus FROM assignments ORDER BY uniqueid")
    rows = [
        {name: value for name, value in row.items() if name not in ("synced", "expires")}
        for row in list_hits(study.world, everything())
    ]
    return rows, list_workers(study.world, ALL), people


@pytest.mark.parametrize("name", ACTS)
def test_the_lists_after_an_act_are_those_after_a_sync(study: Study, name: str) -> None:
    full, some, none, busy = study.post(3, hits=4)
    made = study.submit(full, worker(1), worker(2), worker(3)) + study.submit(some, worker(4))
    study.accept(some, worker(5))
    study.accept(busy, worker(6))
    assert none
    sync(study.world)
    result = study.apply(ACTS[name](study, [full, some, none, busy], made))
    assert result.failed == 0
    at_once = lists(study)
    sync(study.world, full=True)
    assert at_once == lists(study)


def test_work_that_only_the_market_knew_is_counted_once_it_is_read(study: Study) -> None:
    (hit,) = study.post(3)
    sync(study.world)
    made = study.submit(hit, worker(1), worker(2))
    assert study.apply(prepare_approve(study.world, WorkSelection(Selection(ids=tuple(made))))).succeeded == 2
    (row,) = list_hits(study.world, everything())
    assert (row["available"], row["submitted"]) == (3, 0), "nothing is counted that no counter of the market implies"
    sync(study.world)
    (row,) = list_hits(study.world, everything())
    assert (row["available"], row["completed"], row["submitted"]) == (1, 2, 0)


def test_a_hit_that_was_expired_and_could_not_be_deleted_is_listed_as_expired(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hit,) = study.post(3)

    def refuse(self: Market, requester: Any, request: Any) -> Any:
        raise RequestError("SomethingNew", "Not now.")

    monkeypatch.setattr(Market, "delete_hit", refuse)
    assert study.apply(prepare_delete(study.world, Selection(ids=(hit,)), force=True)).failed == 1
    (row,) = list_hits(study.world, everything())
    assert (row["expired"], row["status"]) == (True, "Reviewable")
