from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dispatch_support import ContentStudy
from study_support import everything, worker

from turkctl.errors import UsageError
from turkctl.operations.content.dispatch import prepare_dispatch
from turkctl.operations.content.groups import mixed
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.lists import list_workers
from turkctl.operations.workers.reject import prepare_reject

KEYS = 'contents_per_hit = 3\ngold_per_hit = 2\nanswer_field = "label_{n}"\noutputs = 2\n'
GOLD = "key,url,truth\ng1,x,Cat\ng2,x,dog\ng3,x,cow\nopen,x,\n"


@pytest.fixture
def study(tmp_path: Path) -> Iterator[ContentStudy]:
    """Two groups of three items, two known ones in each; two workers are wanted."""
    made = ContentStudy(tmp_path, KEYS)
    made.add_numbered(5)
    made.add(GOLD, gold="truth")
    yield made
    made.world.close()


def answers(study: ContentStudy, hit: str, known: dict[str, str]) -> dict[str, str]:
    """The fields of a submission that answers what is known so, and all else with a word."""
    keys = enumerate(study.shown()[hit], start=1)
    return {f"label_{place}": known.get(key, "something") for place, key in keys}


def listed(study: ContentStudy, **selection: Any) -> dict[str, tuple[int, float | None]]:
    rows = list_workers(study.world, WorkSelection(Selection(**selection)), gold=True)
    return {row["worker_id"]: (row["gold_n"], row["gold_accuracy"]) for row in rows}


CENTS = Decimal("0.10")
RIGHT = {"g1": " cat ", "g2": "DOG", "g3": "cow"}


def test_each_hit_shows_so_many_known_items_none_twice_and_they_are_never_pending(study: ContentStudy) -> None:
    assert set(study.pending()) == {"i0", "i1", "i2", "i3", "i4", "open"}
    study.dispatch()
    for keys in study.shown().values():
        assert sum(key.startswith("g") for key in keys) == 2
        assert len(set(keys)) == len(keys) == 5
    assert study.pending() == []


def test_known_items_stand_at_places_that_follow_from_the_token_alone() -> None:
    ids, gold = list(range(10)), [101, 102, 103]
    assert mixed(ids, gold, 2, "a token") == mixed(ids, gold, 2, "a token")
    places = {tuple(item > 100 for item in mixed(ids, gold, 2, f"token {n}")) for n in range(200)}
    assert len(places) > 40, "anywhere, the first and the last place included"
    assert {item for n in range(200) for item in mixed(ids, gold, 2, f"token {n}")} == {*ids, *gold}
    assert mixed(ids, [101], 2, "token").count(101) == 1


def test_a_worker_cannot_tell_which_items_are_known(study: ContentStudy) -> None:
    rows = study.sql("SELECT key, data FROM turkctl_content")
    assert {frozenset(json.loads(data)) for key, data in rows if not key.startswith("i")} == {frozenset({"key", "url"})}


def test_too_few_known_items_are_said_and_stop_nothing(tmp_path: Path) -> None:
    study = ContentStudy(tmp_path, KEYS)
    study.add_numbered(3)
    plan, act = prepare_dispatch(study.world, Selection())
    assert plan.notes == ("photos has 0 items with a known answer, but gold_per_hit = 2: its HITs show fewer",)
    assert study.apply((plan, act)).succeeded == 1
    study.world.close()


def test_accuracy_is_the_share_of_known_answers_right_whatever_became_of_the_work(study: ContentStudy) -> None:
    study.dispatch()
    first, second = study.shown()
    study.answer(first, 1, **answers(study, first, RIGHT))
    study.answer(second, 1, **answers(study, second, {}))
    rejected = study.answer(first, 2, **answers(study, first, {}))
    study.answer(second, 3, nothing="at all")
    study.sync()
    study.apply(prepare_reject(study.world, [rejected], "careless"))
    expected = {worker(1): (4, 0.5), worker(2): (2, 0.0), worker(3): (2, 0.0)}
    assert listed(study) == listed(study, experiment="photos") == expected


def test_an_item_that_turns_out_to_be_known_later_counts_and_who_saw_none_has_no_accuracy(tmp_path: Path) -> None:
    study = ContentStudy(tmp_path, 'answer_field = "label"\n')
    study.add("key\na\nb\n")
    study.dispatch()
    one, two = study.shown()
    study.answer(one, 1, label="cat")
    study.answer(two, 2, label="cat")
    study.sync()
    assert listed(study) == {worker(1): (0, None), worker(2): (0, None)}
    study.add("key,truth\na,cat\n", gold="truth")
    assert listed(study) == {worker(1): (1, 1.0), worker(2): (0, None)}
    study.write("UPDATE turkctl_assignment SET answers = NULL")  # as rows of older versions are
    assert listed(study)[worker(1)] == (1, 1.0)
    study.world.close()


def test_work_of_those_above_an_accuracy_alone_is_approved_and_gets_a_bonus(study: ContentStudy) -> None:
    study.dispatch()
    first, second = study.shown()
    good = study.answer(first, 1, **answers(study, first, RIGHT))
    half = {key: RIGHT[key] for key in study.shown()[first] if key in RIGHT}
    half.popitem()
    middling = study.answer(first, 2, **answers(study, first, half))
    bad = study.answer(second, 3, **answers(study, second, {}))
    study.sync()

    def approved(share: float, **selection: Any) -> set[str]:
        chosen = WorkSelection(Selection(**selection), min_gold=share)
        plan, _act = prepare_approve(study.world, chosen.require())
        return {step.id for step in plan.steps}

    assert approved(0.8) == approved(0.8, experiment="photos") == {good}
    assert approved(0.5) == {good, middling}
    assert approved(0.0, everything=True) == {good, middling, bad}
    plan, _act = prepare_approve(study.world, WorkSelection(Selection(ids=(bad, good)), min_gold=0.8))
    assert [(item.id, item.detail) for item in plan.skipped] == [(bad, "0 of 2 known answers right")]
    assert plan.notes == ("left out because of --min-gold: 1; see: turkctl workers list --gold",)
    study.apply(prepare_approve(study.world, WorkSelection(everything())))
    plan, _act = prepare_bonus(study.world, WorkSelection(Selection(), min_gold=0.8), BonusRequest("careful", CENTS))
    assert [step.id for step in plan.steps] == [good]


def test_who_was_asked_for_no_known_answer_is_not_matched(tmp_path: Path) -> None:
    study = ContentStudy(tmp_path, 'answer_field = "label"\n')
    study.add("key\na\n")
    study.dispatch()
    (hit,) = study.shown()
    study.answer(hit, 1, label="cat")
    study.sync()
    plan, _act = prepare_approve(study.world, WorkSelection(everything(), min_gold=0.0))
    assert plan.steps == ()
    study.world.close()


def test_settings_without_an_answer_field_are_named(tmp_path: Path) -> None:
    study = ContentStudy(tmp_path, "gold_per_hit = 1\n")
    study.add("key\na\n")
    study.add("key,truth\ng,cat\n", gold="truth")
    study.dispatch()
    (hit,) = study.shown()
    study.answer(hit, 1, label="cat")
    study.sync()
    with pytest.raises(UsageError, match="photos do not name the field"):
        listed(study)
    study.world.close()
    later = ContentStudy(tmp_path, 'gold_per_hit = 1\nanswer_field = "label_{n}"\n')
    assert listed(later) == {worker(1): (1, 0.0)}
    later.world.close()
