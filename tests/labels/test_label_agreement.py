from __future__ import annotations

import random
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turkctl.labels import agreement
from turkctl.labels.agreement import measure
from turkctl.labels.votes import Votes

OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
"""Krippendorff, Computing Krippendorff's alpha-reliability (2011), example C: four observers, twelve units."""
TWO = ("a a b b d c c c e d d a", "b a b b b c c c e d d d")
"""The same, example B: two observers, nominal."""
BINARY = ("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
"""The same, example A: two observers, binary."""
Row = tuple[int, int, str]


def rows_of(observers: tuple[str, ...]) -> list[Row]:
    return [
        (unit, observer, value)
        for observer, values in enumerate(observers)
        for unit, value in enumerate(values.split())
        if value != "."
    ]


def votes_of(rows: list[Row], **options: str) -> Votes:
    return Votes.of(*zip(*rows, strict=True), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("observers", "alpha"), [(OBSERVERS, 0.743), (TWO, 0.692), (BINARY, 0.095)])
def test_alpha_is_that_of_krippendorffs_examples(observers: tuple[str, ...], alpha: float) -> None:
    found = measure(votes_of(rows_of(observers))).alpha
    assert found is not None
    assert found.value == pytest.approx(alpha, abs=0.0006)


def test_kappa_is_that_of_cohens_formula_and_only_for_two_people() -> None:
    # 50 proposals, two readers: both yes 20, both no 15, only the first yes 5, only the second yes 10.
    pairs = [("y", "y")] * 20 + [("n", "n")] * 15 + [("y", "n")] * 5 + [("n", "y")] * 10
    rows = [(unit, reader, answer) for unit, pair in enumerate(pairs) for reader, answer in enumerate(pair)]
    found = measure(votes_of(rows))
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(0.4)
    assert [each.kappa.value for each in found.classes if each.kappa] == pytest.approx([0.4, 0.4])
    assert measure(votes_of([*rows, (0, 2, "y")])).kappa is None


def direct_alpha(rows: list[Row], rest: str | None = None) -> float | None:
    """Alpha as it is defined: over all ordered pairs of labels on one item, each with weight 1 / (labels - 1)."""
    items: dict[int, list[object]] = {}
    for item, _, value in rows:
        items.setdefault(item, []).append(value if rest is None else value == rest)
    several = [values for values in items.values() if len(values) > 1]
    said = Counter(value for values in several for value in values)
    total = sum(said.values())
    unlike = sum(sum(one != other for one, other in permutations(values, 2)) / (len(values) - 1) for values in several)
    by_chance = sum(said[one] * said[other] for one, other in permutations(said, 2)) / (total - 1) if total else 0
    return 1 - unlike / by_chance if by_chance else None


LABELS = st.dictionaries(
    st.tuples(st.integers(0, 7), st.integers(0, 4)), st.sampled_from(["a", "b", "c"]), min_size=1, max_size=30
)


@settings(max_examples=60, deadline=None)
@given(LABELS)
def test_alpha_equals_its_definition_overall_and_by_class(labels: dict[tuple[int, int], str]) -> None:
    rows = [(*key, value) for key, value in labels.items()]
    found = measure(votes_of(rows, classes=("a", "b", "c")))
    for estimate, expected in [
        (found.alpha, direct_alpha(rows)),
        *((each.alpha, direct_alpha(rows, str(each.name))) for each in found.classes),
    ]:
        assert (None if estimate is None else estimate.value) == (None if expected is None else pytest.approx(expected))


def drawn(items: int, right: float, seed: int, people: int = 3) -> list[Row]:
    rng = random.Random(seed)
    rows = []
    for item in range(items):
        truth = rng.choice("abc")
        rows += [(item, who, truth if rng.random() < right else rng.choice("abc")) for who in range(people)]
    return rows


def test_rows_and_names_of_items_and_workers_make_no_difference() -> None:
    rows = drawn(60, 0.7, 1)
    found = measure(votes_of(rows))
    mixed = [(10**6 - item * 7 % 61, 9 - who, value) for item, who, value in random.Random(2).sample(rows, len(rows))]
    assert measure(votes_of(mixed)) == found


def test_intervals_hold_the_true_value_about_as_often_as_they_say() -> None:
    # Two people who are right with probability r, else say one of three at random, agree beyond chance by r squared.
    held = 0
    for seed in range(60):
        found = measure(votes_of(drawn(80, 0.8, seed))).alpha
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.64 <= found.high
    assert held >= 53


def test_many_items_in_groups_have_the_interval_of_single_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = votes_of(drawn(3000, 0.7, 3))
    grouped = measure(votes).alpha
    monkeypatch.setattr(agreement, "GROUPS", 10_000)
    single = measure(votes).alpha
    assert grouped is not None
    assert single is not None
    assert (grouped.low, grouped.high) == pytest.approx((single.low, single.high), abs=0.004)


def test_what_is_undefined_is_none() -> None:
    alone = measure(votes_of([(0, 0, "a"), (1, 1, "b")]))
    assert (alone.items, alone.alpha, alone.kappa) == (0, None, None)
    same = measure(votes_of([(0, 0, "a"), (0, 1, "a"), (1, 0, "b")]))
    assert (same.items, same.alpha, same.kappa) == (1, None, None)
    one = measure(votes_of([(0, 0, "a"), (0, 1, "b")])).alpha
    assert one is not None
    assert (one.value, one.low, one.high) == (0.0, None, None)


def test_all_agree_is_one_without_doubt() -> None:
    found = measure(votes_of([(item, who, "ab"[item % 2]) for item in range(20) for who in range(2)]))
    assert found.alpha == found.kappa == agreement.Estimate(1.0, 1.0, 1.0)


def test_many_classes_have_one_number_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(item, who, str(item)) for item in range(agreement.MOST_CLASSES + 1) for who in range(2)]
    found = measure(votes_of(rows))
    assert found.classes == ()
    assert found.alpha is not None
    assert found.alpha.value == 1
    monkeypatch.setattr(agreement, "CELLS", 1)
    assert measure(votes_of(rows)) == found


def test_several_labels_of_one_person_are_left_out_of_kappa() -> None:
    rows = [(0, 0, "a"), (0, 1, "a"), (1, 0, "b"), (1, 1, "b"), (2, 0, "a"), (2, 0, "b"), (2, 1, "a")]
    found = measure(votes_of(rows, duplicates="all")).kappa
    assert found is not None
    assert found.value == 1


def test_json_has_numbers_beside_each_other() -> None:
    found = measure(votes_of(rows_of(BINARY))).as_dict()
    names = ["alpha", "alpha_low", "alpha_high", "kappa", "kappa_low", "kappa_high"]
    assert list(found) == ["items", "labels", "workers", *names, "classes"]
    assert [list(each) for each in found["classes"]] == [["class", "share", *names]] * 2
    assert np.isclose(found["classes"][0]["share"], 14 / 20)
