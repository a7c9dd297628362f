"""The acts that a list offers are those that the acts' own plans would do, with the plans' reasons for the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from study_support import Study, everything, worker

from turkctl.errors import UsageError
from turkctl.operations.hits.actions import ACTS, FLAGS, VIEWS, actions_of, view
from turkctl.operations.hits.delete import prepare_delete
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.hits.lists import list_hits
from turkctl.operations.selection.hits import Selection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve_hits


def nothing(study: Study, hit: str) -> None:
    """Nobody takes it."""


def taken(study: Study, hit: str) -> None:
    study.accept(hit, worker(1))


def all_taken(study: Study, hit: str) -> None:
    study.accept(hit, worker(1))
    study.accept(hit, worker(2))


def submitted(study: Study, hit: str) -> None:
    study.submit(hit, worker(1))


def all_submitted(study: Study, hit: str) -> None:
    study.submit(hit, worker(1), worker(2))


def all_decided(study: Study, hit: str) -> None:
    first, second = study.submit(hit, worker(1), worker(2))
    study.world.mturk.approve(first)
    study.world.mturk.reject(second, "empty")


def expired(study: Study, hit: str) -> None:
    study.apply(prepare_expire(study.world, Selection(ids=(hit,))))


def expired_at_work(study: Study, hit: str) -> None:
    taken(study, hit)
    sync(study.world)
    expired(study, hit)


def expired_by_the_clock(study: Study, hit: str) -> None:
    sync(study.world)
    study.pass_time(days=2)


def reviewing(study: Study, hit: str) -> None:
    all_submitted(study, hit)
    study.world.mturk._client.update_hit_review_status(HITId=hit, Revert=False)


def deleted(study: Study, hit: str) -> None:
    expired(study, hit)
    assert study.apply(prepare_delete(study.world, Selection(ids=(hit,)), force=False)).succeeded == 1


STATES = (
    *(nothing, taken, all_taken, submitted, all_submitted, all_decided),
    *(expired, expired_at_work, expired_by_the_clock, reviewing, deleted),
)


def planned(study: Study, hit: str) -> dict[str, str | None]:
    """Why each act's own plan leaves the HIT out; None if it does not."""
    chosen = Selection(ids=(hit,))
    by_hit = {
        "expire": prepare_expire(study.world, chosen)[0],
        "delete": prepare_delete(study.world, chosen, force=False)[0],
        "extend": prepare_extend(study.world, ExtendRequest((hit,), lifetime=timedelta(days=1), new=True))[0],
    }
    found: dict[str, str | None] = {}
    for act, plan in by_hit.items():
        assert len(plan.steps) + len(plan.skipped) == 1
        found[act] = plan.skipped[0].detail if plan.skipped else None
    approval, _act = prepare_approve_hits(study.world, chosen)
    found["approve"] = None if approval.steps else "no steps"
    return found


def offered(study: Study, hit: str) -> dict[str, str | None]:
    return actions_of(list_hits(study.world, Selection(ids=(hit,))), study.world.now())[hit]


@pytest.mark.parametrize("arrive", STATES)
@pytest.mark.parametrize("synced", [True, False])
def test_what_is_offered_is_what_the_plans_would_do(
    study: Study, arrive: Callable[[Study, str], None], synced: bool
) -> None:
    (hit,) = study.post(2)
    arrive(study, hit)
    if synced or arrive not in (expired, expired_at_work, expired_by_the_clock, deleted):
        sync(study.world)
    can = offered(study, hit)
    told = planned(study, hit)
    assert tuple(can) == ACTS
    assert {act: why is None for act, why in can.items()} == {act: why is None for act, why in told.items()}
    for act in ("expire", "extend"):
        assert can[act] == told[act]
    if told["delete"] is not None:
        assert told["delete"].startswith(str(can["delete"])), "the same reason, and what to do about it"


def test_reasons_are_short_and_name_no_flags(study: Study) -> None:
    (hit,) = study.post(2)
    study.submit(hit, worker(1))
    sync(study.world)
    assert offered(study, hit) == {
        "expire": None,
        "approve": None,
        "delete": "1 submitted assignment waits for approval or rejection",
        "extend": None,
    }
    (other,) = study.post(2)
    reason = offered(study, other)["delete"]
    assert reason is not None
    assert (reason.startswith("still open until"), "--force" in reason) == (True, False)


def test_nothing_can_be_done_to_hits_of_another_market(study: Study) -> None:
    (hit,) = study.post(2)
    rows = list_hits(study.world, everything())
    here, there = study.world.place, replace(study.world.place, market="elsewhere")
    assert actions_of(rows, study.world.now(), here) == actions_of(rows, study.world.now())
    reasons = set(actions_of(rows, study.world.now(), there)[hit].values())
    assert reasons == {f"it belongs to the market {here.market} in mode local"}


def test_the_views_have_psiturks_names_and_a_command(study: Study) -> None:
    never, done, gone, opened = study.post(2, hits=4)
    study.submit(done, worker(1), worker(2))
    for hit in (never, gone):
        expired(study, hit)
    sync(study.world)
    study.apply(prepare_delete(study.world, Selection(ids=(gone,)), force=False))

    def listed(name: str) -> set[str]:
        return {row["hit_id"] for row in list_hits(study.world, Selection(), **view(name))}

    assert listed("all") == {never, done, gone, opened}
    assert listed("unexpired") == {done, opened}
    assert listed("reviewable") == {never, done}
    with pytest.raises(UsageError, match="view"):
        view("open")
    assert set(FLAGS) == set(VIEWS)


def test_a_hit_that_was_deleted_before_its_time_is_not_among_the_unexpired(study: Study) -> None:
    (hit,) = study.post(1)
    (work,) = study.submit(hit, worker(1))
    study.world.mturk.approve(work)
    assert study.apply(prepare_delete(study.world, Selection(ids=(hit,)), force=False)).succeeded == 1
    rows: list[dict[str, Any]] = list_hits(study.world, Selection(), expired=False)
    assert rows == []
