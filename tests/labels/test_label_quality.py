from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import pytest
from labels_support import draw, run

from turkctl.labels.votes import Votes

PETS = ("cat", "dog", "other")
SWAPPED = {"cat": "dog", "dog": "cat", "other": "other"}
Answering = Callable[[random.Random, Any], Hashable]


def careful(rng: random.Random, truth: Any) -> Hashable:
    return truth if rng.random() < 0.9 else rng.choice(PETS)


def always(answer: Hashable) -> Answering:
    return lambda rng, truth: answer


def guess(rng: random.Random, truth: Any) -> Hashable:
    return rng.choice(PETS)


def swap(rng: random.Random, truth: Any) -> Hashable:
    return SWAPPED[truth]


def labelled(
    who: dict[str, Answering], items: int = 90, classes: Sequence[Hashable] = PETS, good: int = 4, **options: Any
) -> dict[str, dict[str, Any]]:
    """Rows of workers by name: those given, and some who are careful."""
    rng = random.Random(4)
    people = {f"good{number}": careful for number in range(good)} | who
    truths = [rng.choice(classes) for _ in range(items)]
    rows = [(at, name, answer(rng, truth)) for at, truth in enumerate(truths) for name, answer in people.items()]
    votes = Votes.of(*zip(*rows, strict=True), classes=classes, **options)
    return {row["worker"]: row for row in run(votes, "majority").worker_rows()}


def test_each_worker_has_right_and_wrong_by_class_in_the_order_of_classes() -> None:
    votes = Votes.of(
        [item for item in range(4) for _ in range(3)],
        list("abc") * 4,
        ["dog", "dog", "cat", "dog", "dog", "dog", "cat", "cat", "other", "cat", "cat", "cat"],
        classes=("other", "dog", "cat"),
    )
    rows = {row["worker"]: row for row in run(votes, "majority").worker_rows()}
    assert rows["c"]["classes"] == [
        {"class": "dog", "n": 2, "right": 0.5, "wrong_as": {"cat": 0.5}},
        {"class": "cat", "n": 2, "right": 0.5, "wrong_as": {"other": 0.5}},
    ]
    assert rows["a"]["with_others"] == pytest.approx((0.5 + 1 + 0.5 + 1) / 4)
    assert rows["c"]["with_others"] == pytest.approx((0 + 1 + 0 + 1) / 4)


def test_a_known_answer_is_what_is_right_whatever_the_label_is() -> None:
    votes = Votes.of("xxx", "abc", ["dog", "dog", "cat"], classes=("cat", "dog"), gold={"x": "cat"})
    rows = {row["worker"]: row["classes"] for row in run(votes, "majority").worker_rows()}
    assert rows["a"] == [{"class": "cat", "n": 1, "right": 0.0, "wrong_as": {"dog": 1.0}}]
    assert rows["c"][0]["right"] == 1


def test_who_nobody_else_labelled_with_has_no_agreement_with_others() -> None:
    votes = Votes.of("xxy", "abc", [True, True, False])
    assert [row["with_others"] for row in run(votes, "majority").worker_rows()] == [1, 1, None]


@pytest.mark.parametrize(
    ("answering", "flag", "remark"),
    [
        (always("dog"), "one-answer", "answers 'dog' to nearly everything"),
        (swap, "swaps", "swaps cat and dog"),
        (guess, "guessing", "is hardly better than guessing"),
    ],
)
def test_what_stands_out_is_flagged_and_said_in_words(answering: Answering, flag: str, remark: str) -> None:
    rows = labelled({"bad": answering})
    assert (rows["bad"]["flags"], rows["bad"]["remarks"]) == ([flag], [remark])
    assert not any(row["flags"] for name, row in rows.items() if name != "bad")


@pytest.mark.parametrize("answering", [always("dog"), guess])
def test_nobody_is_flagged_for_a_few_labels(answering: Answering) -> None:
    rows = labelled({"bad": answering}, items=4)
    assert not any(row["flags"] for row in rows.values())


def test_who_says_dog_where_all_are_dogs_is_right() -> None:
    truths = ["dog"] * 97 + ["cat"] * 3
    votes = [(at, who, truth) for at, truth in enumerate(truths) for who in "abc"]
    found = run(Votes.of(*zip(*votes, strict=True)), "majority")
    assert [row["flags"] for row in found.worker_rows()] == [[], [], []]


def test_where_everybody_guesses_nobody_is_singled_out() -> None:
    rows = labelled({f"bad{number}": guess for number in range(6)}, good=0, items=300)
    assert not any("guessing" in row["flags"] for row in rows.values())


def test_a_yes_or_no_question_names_who_answers_the_opposite_and_who_always_says_yes() -> None:
    truths = [number % 2 == 0 for number in range(40)]
    people: dict[str, Callable[[bool], bool]] = {
        **{f"good{number}": bool for number in range(4)},
        "opposite": lambda truth: not truth,
        "yes": lambda truth: True,
    }
    rows = [(at, who, answer(truth)) for at, truth in enumerate(truths) for who, answer in people.items()]
    votes = Votes.of(*zip(*rows, strict=True))
    found = {row["worker"]: row["remarks"] for row in run(votes, "majority").worker_rows() if row["flags"]}
    opposite = ["usually answers the opposite of what is right"]
    assert found == {"opposite": opposite, "yes": ["answers yes to nearly everything"]}
    of_model = {row["worker"]: row for row in run(votes, "cubam").worker_rows()}
    assert of_model["opposite"]["flags"][0] == "reversed"
    assert "says yes too easily" in of_model["yes"]["remarks"]
    assert "one-answer" not in of_model["yes"]["flags"], "the model calls it one-sided"


def test_a_methods_own_flags_stay_as_they_are() -> None:
    found = run(draw(200, 30, spammers=0.2).votes, "cubam")
    for name, flags in found.flags.items():
        np.testing.assert_array_equal(found.quality.flags[name], flags)


def test_repeated_labels_of_one_person_are_not_others() -> None:
    votes = Votes.of("xxx", "aab", [True, True, False], duplicates="all")
    assert [row["with_others"] for row in run(votes, "majority").worker_rows()] == [0, 0]


def test_agreement_with_others_is_its_definition() -> None:
    votes = draw(60, 9, per_item=4).votes
    rows = list(zip(votes.item.tolist(), votes.worker.tolist(), votes.value.tolist(), strict=True))
    for worker, row in enumerate(run(votes, "majority").worker_rows()):
        shares = [
            np.mean([other == value for at, who, other in rows if at == item and who != worker])
            for item, mine, value in rows
            if mine == worker
        ]
        assert row["with_others"] == pytest.approx(np.mean(shares), abs=1e-6)


def test_names_of_workers_make_no_difference_to_flags() -> None:
    one = labelled({"bad": guess, "dogs": always("dog"), "swap": swap})
    other = labelled({"z": guess, "a": always("dog"), "m": swap})
    assert [one[name]["flags"] for name in ("bad", "dogs", "swap")] == [other[name]["flags"] for name in "zam"]
