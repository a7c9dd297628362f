"""The people of a crowd."""

from __future__ import annotations

import re
import statistics
from typing import Any

import pytest

from turkctl.errors import UsageError
from turkctl.market.crowd.behaviour import CrowdOptions, parse_locales, people, worker_id


@pytest.mark.parametrize(
    "wrong",
    [
        {"workers": 0},
        {"accuracy": 1.01},
        {"accuracy": float("nan")},
        {"spread": 0.6},
        {"spread": 0.3, "accuracy": 0.95},
        {"speed": 0},
        {"drop_out": -0.1},
        {"drop_out": 0.6, "abandon": 0.5},
        {"repeat": 2},
        {"arrival": -1},
        {"work": float("inf")},
        {"work_share": 0.95},
        {"experience": -1},
        {"approval": 1.5},
        {"masters": -1},
        {"locales": ()},
        {"locales": (("us", 1.0),)},
        {"locales": (("US", 0.0),)},
        {"fields": ()},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as refused:
        CrowdOptions(**wrong)
    assert refused.value.hint


def test_the_same_seed_has_the_same_people_and_another_seed_has_others() -> None:
    def traits(seed: int) -> list[tuple[Any, ...]]:
        return [
            (one.worker_id, one.locale, one.approved, one.pace, one.comes_back, one.rng.random())
            for one in people(CrowdOptions(workers=20, seed=seed))
        ]

    assert traits(1) == traits(1)
    assert not {one[0] for one in traits(1)} & {one[0] for one in traits(2)}


def test_a_larger_crowd_begins_with_the_people_of_a_smaller_one() -> None:
    small, large = (list(people(CrowdOptions(workers=count, spread=0.1))) for count in (5, 9))
    assert [(one.worker_id, one.accuracy) for one in small] == [(one.worker_id, one.accuracy) for one in large[:5]]


def test_worker_ids_look_like_those_of_the_service() -> None:
    ids = {worker_id(seed, index) for seed in range(3) for index in range(300)}
    assert len(ids) == 900
    assert all(re.fullmatch(r"A[A-Z0-9]{13}", one) for one in ids)


def test_shares_of_traits_are_near_what_the_options_say() -> None:
    options = CrowdOptions(
        workers=3000,
        accuracy=0.8,
        spread=0.1,
        repeat=0.3,
        masters=0.2,
        experience=500,
        locales=(("US-NY", 3), ("GB", 1)),
    )
    crowd = list(people(options))
    accuracy = [one.accuracy for one in crowd]
    assert statistics.mean(accuracy) == pytest.approx(0.8, abs=0.01)
    assert statistics.stdev(accuracy) == pytest.approx(0.1, abs=0.01)
    assert all(0 <= one <= 1 for one in accuracy)
    assert statistics.mean(one.comes_back for one in crowd) == pytest.approx(0.3, abs=0.03)
    assert statistics.mean(one.masters for one in crowd) == pytest.approx(0.2, abs=0.03)
    assert statistics.mean(one.locale == "GB" for one in crowd) == pytest.approx(0.25, abs=0.03)
    assert statistics.mean(one.approved + one.rejected for one in crowd) == pytest.approx(500, rel=0.1)
    reviewed = sum(one.approved + one.rejected for one in crowd)
    assert sum(one.approved for one in crowd) / reviewed == pytest.approx(0.98, abs=0.005)
    assert all(one.rejected >= 0 and one.approved >= 0 for one in crowd)


@pytest.mark.parametrize(("options", "mean"), [({"work": 60}, 60), ({"work_share": 0.2}, 120), ({"speed": 3}, 60)])
def test_work_takes_as_long_as_the_options_say(options: dict[str, float], mean: float) -> None:
    chosen = CrowdOptions(workers=1000, **options)  # type: ignore[arg-type]  # numbers only
    times = [person.work_seconds(chosen, 600) for person in people(chosen)]
    assert statistics.mean(times) == pytest.approx(mean, rel=0.1)


def test_nobody_who_submits_works_up_to_the_deadline() -> None:
    chosen = CrowdOptions(workers=200, work=10_000)
    assert max(person.work_seconds(chosen, 600) for person in people(chosen)) == 540


def test_locales_are_written_with_their_weights() -> None:
    assert parse_locales("US=3, GB,IN=0.5") == (("US", 3.0), ("GB", 1.0), ("IN", 0.5))


@pytest.mark.parametrize("text", ["", "us", "US=x", "US=-1", "USA", "US=nan"])
def test_a_bad_list_of_locales_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="locale"):
        parse_locales(text)
