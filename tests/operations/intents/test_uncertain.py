"""What may have happened is never taken as certain: lost answers, used tokens, old tokens, promised money."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, everything, new_study, worker

from turkctl.errors import FundsError, InterruptedByUserError, RefusedError
from turkctl.market.errors import RequestError, ServiceFault
from turkctl.market.service import Market
from turkctl.mturk.errors import AlreadyExistsError, AnswerLostError, InsufficientFundsError
from turkctl.mturk.types import Balance
from turkctl.operations.engine.batch import Engine
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.intents.outcomes import posted_before, refused
from turkctl.operations.intents.settle import settle
from turkctl.operations.limits.budgets import headroom
from turkctl.operations.payments.bonus import Bonus, prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.store import intents

NINE = CreateRequest("stroop", 9, new=True)


def states(study: Study) -> list[str]:
    return [state for (state,) in study.sql("SELECT state FROM turkctl_intent ORDER BY token")]


def test_a_refusal_after_a_lost_answer_proves_nothing() -> None:
    errors = iter([AnswerLostError("lost"), InsufficientFundsError("no money")])

    def request() -> None:
        raise next(errors)

    with pytest.raises(InsufficientFundsError) as caught:
        Engine(sleep=lambda _seconds: None).call(request)
    assert caught.value.uncertain
    assert not refused(caught.value)


def test_a_refusal_that_follows_on_nothing_but_throttling_is_certain() -> None:
    with pytest.raises(InsufficientFundsError) as caught:
        Engine().call(_refuse)
    assert refused(caught.value)


def _refuse() -> None:
    raise InsufficientFundsError("no money")


def test_a_hit_that_was_made_before_its_answer_was_lost_and_its_repeat_refused_is_entered(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Market.create_hit
    asked: list[str] = []

    def unlucky(self: Market, requester: Any, request: Any) -> Any:
        asked.append(request["UniqueRequestToken"])
        if len(asked) == 1:
            create(self, requester, request)
            raise ServiceFault
        raise RequestError("InsufficientFunds", "No money.")

    with monkeypatch.context() as patch:
        patch.setattr(Market, "create_hit", unlucky)
        result = study.apply(prepare_create(study.world, NINE))
    assert (result.failed, len(asked)) == (1, 2)
    assert states(study) == [intents.SENT], "it is still to be found out"
    sync(study.world)
    assert (states(study), study.sql("SELECT count(*) FROM turkctl_hit")) == ([intents.DONE], [(1,)])


def test_a_hit_that_the_market_names_for_a_token_is_ours_only_if_it_carries_the_token(study: Study) -> None:
    (other,) = study.post(1)
    error = AlreadyExistsError(f'The HIT with ID "{other}" already exists.')
    with pytest.raises(AlreadyExistsError):
        posted_before(study.world.mturk, error, "another token")
    ours = study.world.mturk.get_hit(other).annotation
    assert ours is not None
    assert posted_before(study.world.mturk, error, ours).hit_id == other


def test_a_token_that_somebody_elses_hit_used_enters_nothing(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    create = Market.create_hit

    def annotated(self: Market, requester: Any, request: Any) -> Any:
        return create(self, requester, {**request, "RequesterAnnotation": "of another program"})

    plan, act = prepare_create(study.world, NINE)
    assert plan.run is not None
    with suppress(InterruptedByUserError), plan.run.kept(plan), monkeypatch.context() as patch:
        act.prepare(plan.steps)
        patch.setattr(Market, "create_hit", annotated)
        act.perform(plan.steps[0])
        raise InterruptedByUserError("before it was written down")
    assert settle(study.world, study.world.now()).found == 0
    result = study.apply(prepare_create(study.world, CreateRequest("stroop", 9)))
    assert [item.error.code for item in result.results if item.error] == ["AWS.MechanicalTurk.HITAlreadyExists"]
    assert settle(study.world, study.world.now()).found == 0
    assert study.sql("SELECT count(*) FROM turkctl_hit") == [(0,)]


@pytest.mark.parametrize(("age", "sent"), [({"hours": 22, "minutes": 59}, 1), ({"hours": 23, "minutes": 1}, 0)])
def test_a_bonus_is_not_sent_with_a_token_that_is_older_than_23_hours(
    study: Study, age: dict[str, int], sent: int
) -> None:
    study.submit(*study.post(1), worker(1))
    sync(study.world)
    study.apply(prepare_approve(study.world, WorkSelection(everything())))
    plan, _act = prepare_bonus(study.world, WorkSelection(everything()), BonusRequest("thanks", Decimal("0.10")))
    act = Bonus(study.world)
    act.prepare(plan.steps)
    study.pass_time(**age)
    study.requests()
    again = Bonus(study.world, clock=lambda: 0.0)
    again.prepare(plan.steps)
    if sent:
        assert again.perform(plan.steps[0]).status == "bonused"
    else:
        with pytest.raises(RefusedError, match="too old to be repeated"):
            again.perform(plan.steps[0])
    assert study.requests().get("SendBonus", 0) == sent


@pytest.mark.parametrize(
    ("available", "on_hold", "promised", "kept", "room"),
    [
        ("10.00", None, "8.00", None, "2.00"),
        ("10.00", "0.00", "8.00", None, "2.00"),
        ("10.00", "3.00", "8.00", None, "5.00"),
        ("10.00", "8.00", "8.00", None, "10.00"),
        ("10.00", "9.00", "8.00", "4.00", "6.00"),
    ],
)
def test_what_is_promised_and_not_yet_held_leaves_less_room(
    available: str, on_hold: str | None, promised: str, kept: str | None, room: str
) -> None:
    balance = Balance(Decimal(available), None if on_hold is None else Decimal(on_hold))
    assert headroom(balance, Decimal(promised), None if kept is None else Decimal(kept)) == Decimal(room)


def test_the_balance_is_not_spent_twice_on_hits_that_another_terminal_is_about_to_post(tmp_path: Path) -> None:
    with new_study(tmp_path, settings='[market]\nopening_balance = "8.00"\n') as study:
        plan, act = prepare_create(study.world, NINE)
        act.prepare(plan.steps)  # $5.40 are promised, and the market does not hold them yet
        with pytest.raises(FundsError, match=r"the balance leaves \$2\.60"):
            prepare_create(study.world, NINE)
