"""Campaigns on a market that misbehaves, with people who do as they please, and rounds side by side."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from campaign_support import check, in_play, known_hits, watch
from study_support import Study, market_rows, new_study, people

from turkctl.errors import TurkctlError
from turkctl.market.errors import WorkError
from turkctl.operations.campaigns.rounds import run_round

GOAL = 12
ROUNDS = 80
"""Rounds after which a campaign that is not over never will be."""


def _live(study: Study, rng: random.Random, everybody: Iterator[str]) -> None:
    """Some people come; most submit, some leave, some come twice, some work is turned down."""
    market = study.world.market
    for hit_id, available in market_rows(study.folder, "SELECT id, available FROM market_hit WHERE listed = 1"):
        for _ in range(rng.randint(0, int(available))):
            worker = rng.choice(["ATWICE", "ATHRICE"]) if rng.random() < 0.2 else next(everybody)
            try:
                taken = study.accept(hit_id, worker)
                if rng.random() < 0.8:
                    market.submit("production", worker, taken, {"answer": "red"})
                elif rng.random() < 0.5:
                    market.return_assignment("production", worker, taken)
            except WorkError:
                continue


def _review(study: Study, rng: random.Random) -> None:
    """The requester turns some work down, past turkctl."""
    submitted = market_rows(study.folder, "SELECT id FROM market_assignment WHERE status = 'Submitted'")
    for (assignment_id,) in submitted:
        try:
            if rng.random() < 0.1:
                study.world.mturk.reject(assignment_id, "empty")
            elif rng.random() < 0.3:
                study.world.mturk.approve(assignment_id)
        except TurkctlError:
            continue


SEEDS = [seed if seed < 3 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(20)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_market_that_fails_and_lags_neither_loses_nor_adds_anybody(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    with new_study(tmp_path, turned=True) as study:
        study.create(GOAL, per_round=rng.randint(3, 20))
        watch(study, GOAL)
        study.switch(throttle=5, fault_before=0.05, fault_after=0.05, answer_lost=0.05, lag=60, seed=seed)
        everybody = people()
        for _ in range(ROUNDS):
            try:
                if not study.round().campaign.running:
                    break
            except TurkctlError:
                pass  # the scheduler would try again, too
            _live(study, rng, everybody)
            _review(study, rng)
            check(study, GOAL, "people at work")
            study.pass_time(minutes=rng.choice([1, 31, 31, 24 * 60]))
        seen = in_play(study.folder)
        assert study.round().campaign.status == "met"
        assert seen.completed == GOAL
        assert set(seen.hits) == known_hits(study)


@pytest.mark.parametrize("seed", range(3))
def test_rounds_side_by_side_pass_the_goal_no_more_than_one_after_another(tmp_path: Path, seed: int) -> None:
    """Each process takes all others for gone, so that nothing but the decision itself stands in the way."""
    rng, lock = random.Random(seed), threading.Lock()
    wrong: list[BaseException] = []
    with new_study(tmp_path, turned=True) as study:
        study.create(GOAL, per_round=11)
        watch(study, GOAL)
        later = iter(range(0, 10**9, 10_000))

        def wall() -> float:
            with lock:
                return float(next(later))

        def rounds() -> None:
            try:
                for _ in range(2):
                    run_round(study.world, 1, study.world.now(), wall=wall)
            except TurkctlError:
                pass  # another was quicker
            except BaseException as error:  # noqa: BLE001  # shown by the test's own thread
                wrong.append(error)

        assert study.world.mturk is not None
        for _ in range(2):
            threads = [threading.Thread(target=rounds) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            _live(study, rng, people(f"AX{rng.randint(0, 9)}"))
        assert wrong == []
        everybody = people("AZ")
        while study.round().campaign.running:
            study.work(everybody)
            study.pass_time(hours=1)
        assert in_play(study.folder).completed == GOAL
        assert set(in_play(study.folder).hits) == known_hits(study)
