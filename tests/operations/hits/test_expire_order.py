"""The emergency brake reaches the market in order: the dearest reward first, whatever its requests take."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from study_support import Study, everything

from turkctl.market.service import Market
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.expire import prepare_expire


def test_nothing_of_a_lower_reward_starts_before_the_last_of_a_higher_one_is_answered(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewards: dict[str, Decimal] = {}
    for reward, assignments in (("0.10", 9), ("1.00", 1), ("0.50", 9), ("1.00", 2)):
        request = CreateRequest("stroop", assignments, 2, reward=Decimal(reward), new=True)
        made = study.apply(prepare_create(study.world, request))
        rewards |= {item.id: Decimal(reward) for item in made.results}
    lock = threading.Lock()
    events: list[tuple[str, Decimal]] = []
    dear = threading.Barrier(4, timeout=20)
    update = Market.update_expiration_for_hit

    def telling(self: Market, requester: Any, request: Any) -> Any:
        reward = rewards[request["HITId"]]
        with lock:
            events.append(("begun", reward))
        if reward == Decimal("1.00"):
            dear.wait()  # HITs of one reward are under way side by side
        done = update(self, requester, request)
        with lock:
            events.append(("done", reward))
        return done

    monkeypatch.setattr(Market, "update_expiration_for_hit", telling)
    assert study.apply(prepare_expire(study.world, everything())).succeeded == 8
    assert [reward for _word, reward in events] == sorted((r for _w, r in events), reverse=True)
    assert len(events) == 16
