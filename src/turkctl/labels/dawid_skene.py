"""Dawid and Skene's model (Applied Statistics 28, 1979), fitted by expectation and maximisation.

A worker who sees an item of class k answers l with probability theta[k, l], whatever the item. It starts from the
shares of votes; every cell of theta and of the class balance gets one vote more than was counted, so that no worker is
ever certain. ``one-coin`` has a single number per worker, the probability of being right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special
from scipy.sparse import csr_array

from turkctl.labels.normal import logistic
from turkctl.labels.options import MethodOptions, Tick
from turkctl.labels.result import TIE, Fit
from turkctl.labels.votes import Floats, Votes

GAIN = 1e-7
"""Rounds end when the log likelihood gains less than this per vote."""
MOST = 1000
"""Maximum number of rounds."""
ONE_SIDED = 0.99
"""A class balance beyond this, in either direction, means that the fit has failed."""

Maximise = Callable[[Floats], Floats]
"""Returns theta from the expected votes, both of shape [worker, answer, class]."""


def fit(votes: Votes, _options: MethodOptions, tick: Tick) -> Fit:
    """Fit two classes. Score: log odds of true. Workers: a1 and a0, the share right on true and on false items."""
    em = _Em(votes, _free)
    em.run(tick)
    score = em.log_joint[:, 1] - em.log_joint[:, 0]
    a1, a0 = em.theta[:, 1, 1], em.theta[:, 0, 0]
    return em.as_fit(score, logistic(score), worker={"a1": a1, "a0": a0}, flags=_flags(a1, a0))


def fit_many(votes: Votes, _options: MethodOptions, tick: Tick) -> Fit:
    """Fit K classes. Score: log odds of the likeliest class; workers: ``confusion[class][answer]``."""
    em = _Em(votes, _free)
    em.run(tick)
    best = em.log_joint.argmax(axis=1)
    others = em.log_joint.copy()
    others[np.arange(len(best)), best] = -np.inf
    highest = em.log_joint.max(axis=1)
    score = highest - special.logsumexp(others, axis=1)
    best[highest - others.max(axis=1) < TIE] = -1
    confusion = np.swapaxes(em.theta, 1, 2)
    return em.as_fit(score, logistic(score), best, by_class=em.posterior, worker={"confusion": confusion})


def fit_one_coin(votes: Votes, _options: MethodOptions, tick: Tick) -> Fit:
    """Fit two classes with one number per worker, a1 = a0. Warn if, on very bad data, it calls all items one class."""
    em = _Em(votes, _one_coin)
    em.run(tick)
    score = em.log_joint[:, 1] - em.log_joint[:, 0]
    a1 = em.theta[:, 1, 1]
    share = float(em.balance[1])
    told = []
    if not 1 - ONE_SIDED <= share <= ONE_SIDED:
        told.append(f"one-coin failed: it calls {share:.1%} of the items true; use another method")
    return em.as_fit(score, logistic(score), worker={"a1": a1, "a0": a1}, flags=_flags(a1, a1), warnings=told)


class _Em:
    """Runs the rounds.

    ``log_joint`` and ``posterior`` are [item, class], ``theta`` [worker, answer, class], ``balance`` [class].
    """

    def __init__(self, votes: Votes, maximise: Maximise) -> None:
        self._kinds = len(votes.classes)
        self._maximise = maximise
        self._labels = len(votes)
        workers = len(votes.workers)
        column = votes.worker * np.int32(self._kinds) + votes.value
        starts = np.concatenate(([0], np.cumsum(votes.per_item)))
        shape = (len(votes.items), workers * self._kinds)
        self._votes = csr_array((np.ones(len(votes)), column, starts), shape=shape)
        self._by_worker = (workers, self._kinds, self._kinds)
        cells = votes.item.astype(np.int64) * self._kinds + votes.value
        counts = np.bincount(cells, minlength=len(votes.items) * self._kinds).reshape(-1, self._kinds)
        self.posterior: Floats = counts / counts.sum(axis=1, keepdims=True)
        self.rounds = 0
        self.objective = -np.inf
        self.converged = False

    def run(self, tick: Tick) -> None:
        """Run rounds until the likelihood stops rising."""
        while self.rounds < MOST and not self.converged:
            before = self.objective
            self._round()
            self.rounds += 1
            self.converged = self.objective - before < GAIN * self._labels
            tick(self.rounds, MOST)

    def _round(self) -> None:
        self.theta = self._maximise((self._votes.T @ self.posterior).reshape(self._by_worker))
        self.balance: Floats = (self.posterior.sum(axis=0) + 1) / (len(self.posterior) + self._kinds)
        self.log_joint: Floats = self._votes @ np.log(self.theta).reshape(-1, self._kinds)
        self.log_joint += np.log(self.balance)
        highest = self.log_joint.max(axis=1, keepdims=True)
        np.exp(self.log_joint - highest, out=self.posterior)
        total = self.posterior.sum(axis=1, keepdims=True)
        self.posterior /= total
        self.objective = float(highest.sum() + np.log(total).sum())

    def as_fit(self, score: Floats, p: Floats, best: Any = None, **columns: Any) -> Fit:
        """Return the result of the rounds as a fit; the objective is the log likelihood."""
        return Fit(
            score,
            p,
            best,
            rounds=self.rounds,
            evaluations=self.rounds,
            objective=self.objective,
            converged=self.converged,
            parameters={"balance": [round(float(share), 6) for share in self.balance]},
            **columns,
        )


def _free(expected: Floats) -> Floats:
    result: Floats = (expected + 1) / (expected.sum(axis=1, keepdims=True) + expected.shape[1])
    return result


def _one_coin(expected: Floats) -> Floats:
    right = (np.trace(expected, axis1=1, axis2=2) + 1) / (expected.sum(axis=(1, 2)) + 2)
    theta = np.empty_like(expected)
    theta[:] = (1 - right)[:, None, None]
    theta[:, [0, 1], [0, 1]] = right[:, None]
    return theta


def _flags(a1: Floats, a0: Floats) -> dict[str, Any]:
    """Flag workers as reversed (right clearly less often than by chance) or guessing (no better than chance)."""
    return {"reversed": a1 + a0 < 0.9, "guessing": np.abs(a1 + a0 - 1) < 0.1}
