from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dispatch_support import ContentStudy
from hypothesis import given
from hypothesis import strategies as st
from study_support import everything, worker

from turkctl.errors import ConfigError, UsageError
from turkctl.operations.content.dispatch import prepare_dispatch
from turkctl.operations.content.groups import KnownItems, mixed
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.project.experiments import gold_wanted
from turkctl.operations.selection.gold import Accuracy
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.lists import list_workers
from turkctl.operations.workers.reject import prepare_reject
from turkctl.store.contents_gold import Places

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
    ids, gold = list(range(10)), [101, 102]
    assert mixed(ids, gold, "a token") == mixed(ids, gold, "a token")
    places = {tuple(item > 100 for item in mixed(ids, gold, f"token {n}")) for n in range(200)}
    assert len(places) > 40, "anywhere, the first and the last place included"
    assert all(sorted(mixed(ids, gold, f"token {n}")) == [*ids, *gold] for n in range(200))


@given(
    gold=st.lists(st.integers(), unique=True, max_size=12),
    sizes=st.lists(st.integers(1, 9), max_size=40),
    share=st.floats(0.05, 0.5),
)
def test_known_items_have_their_share_of_all_places_and_none_comes_twice_before_all_came(
    gold: list[int], sizes: list[int], share: float
) -> None:
    most = math.ceil(round(gold_wanted(9, share), 6))
    dealer = KnownItems(gold, Places({}), 0, share, most)
    dealt = [dealer.deal(size, f"token {n}") for n, size in enumerate(sizes)]
    uses = Counter(item for items in dealt for item in items)
    assert max(uses.values(), default=0) - min((uses[item] for item in gold), default=0) <= 1
    assert all(len(items) == len(set(items)) <= most for items in dealt)
    if len(gold) >= most:
        assert abs(sum(uses.values()) - gold_wanted(sum(sizes), share)) <= 0.5 + 1e-9


def test_what_earlier_hits_showed_is_taken_into_account() -> None:
    places = Places({1: 5, 2: 4, 3: 5}, known=2, others=9)
    dealer = KnownItems([1, 2, 3], places, 0, 0.1, 1)
    assert [dealer.deal(9, "a"), dealer.deal(9, "b")] == [[], [2]]
    assert dealer.used_up_after == 3
    assert KnownItems([1, 2, 3], Places({}), 1, None, 1).used_up_after is None


def test_a_dispatch_says_from_when_on_people_meet_known_items_again(tmp_path: Path) -> None:
    study = ContentStudy(tmp_path, 'contents_per_hit = 2\ngold_per_hit = 1\nanswer_field = "label_{n}"\n')
    study.add_numbered(8)
    study.add("key,url,truth\ng1,x,cat\ng2,x,cat\n", gold="truth")
    plan, act = prepare_dispatch(study.world, Selection())
    (note,) = plan.notes
    assert note.startswith("photos: whoever does more than 2 HITs meets known items again, as there are 2;")
    study.apply((plan, act), workers=1)
    known = [next(key for key in keys if key.startswith("g")) for keys in study.shown().values()]
    assert Counter(known) == {"g1": 2, "g2": 2}
    assert set(known[:2]) == set(known[2:]) == {"g1", "g2"}
    study.world.close()


def test_a_share_of_places_gives_hits_known_items_by_turns(tmp_path: Path) -> None:
    study = ContentStudy(tmp_path, 'contents_per_hit = 5\ngold_share = 0.1\nanswer_field = "label_{n}"\n')
    study.add_numbered(45)
    study.add("key,url,truth\n" + "".join(f"g{n},x,cat\n" for n in range(9)), gold="truth")
    for _ in range(9):
        study.dispatch(hits=1)
    numbers = [sum(key.startswith("g") for key in keys) for keys in study.shown().values()]
    assert sum(numbers) == 5, "a tenth of 50 places"
    assert set(numbers) == {0, 1}
    study.world.close()


def test_a_number_and_a_share_of_known_items_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exclude each other"):
        ContentStudy(tmp_path, "contents_per_hit = 5\ngold_share = 0.1\ngold_per_hit = 1\n")


def test_an_accuracy_has_an_interval_that_narrows_with_the_number_of_items() -> None:
    assert Accuracy().as_dict() == {"gold_n": 0, "gold_accuracy": None, "gold_low": None, "gold_high": None}
    four, many = Accuracy(4, 4).as_dict(), Accuracy(100, 90).as_dict()
    assert (four["gold_low"], four["gold_high"]) == (0.5101, 1.0)
    assert (many["gold_low"], many["gold_high"]) == (0.8256, 0.9448)


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
    # Of the second HIT, one known item was in the first, too: it counts once, by the first answer.
    expected = {worker(1): (3, 0.6667), worker(2): (2, 0.0), worker(3): (2, 0.0)}
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
