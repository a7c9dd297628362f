"""CUBAM with the items' signal integrated out: better ranking, and better with classes of unequal size.

The model is in :mod:`turkctl.labels.signal`; weights, thresholds and the share of true items are point estimates, the
signals are summed over on a grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special
from scipy.sparse import csr_array

from turkctl.labels.normal import hazard, log_phi, logistic
from turkctl.labels.options import MethodOptions, Tick
from turkctl.labels.result import Fit
from turkctl.labels.signal import estimate, log_mix, newton_step, responsibility, worker_columns, worker_flags
from turkctl.labels.votes import Floats, Votes

GRID = np.linspace(-3.9, 3.9, 40)
"""Midpoints, so that no point is at 0."""
EM_ROUNDS = 3
"""Rounds of expectation and maximisation that find a good starting point."""
MOST = 100
"""Maximum number of iterations of the optimiser."""
GAIN = 1e-6
"""With more votes than ``SMALL``: stop if an iteration lowers the objective per item by a smaller share than this."""
SMALL = 20_000
"""With at most this many votes, it runs to convergence in double precision, which costs little there."""
SMALL_GAIN = 1e-9
CORRECTIONS = 20
"""Number of pairs from which the optimiser models the curvature."""
BLOCK = 1 << 12
"""Items processed at a time: posteriors are 40 numbers per item."""

Vector = np.ndarray[tuple[int], np.dtype[np.float64]]
Posterior = Floats
"""[item, grid point]; in single precision if there are many votes, which is enough."""


def fit(votes: Votes, options: MethodOptions, tick: Tick) -> Fit:
    """Fit the model; gold answers are used in the fit. Score: the posterior mean of the item's signal.

    Objective: the logarithm of what is maximised.
    """
    model = Model(votes, options)
    w: Floats = np.ones(len(votes.workers))
    t: Floats = np.zeros(len(votes.workers))
    beta = options.beta
    for done in range(EM_ROUNDS):
        w, t, beta = model.em_round(w, t, beta)
        tick(done + 1, EM_ROUNDS + MOST)
    found = _Search(model, w, t, beta).run(tick)
    w, t, beta = found.w, found.t, found.beta
    score, positive = model.posterior(w, t, beta, model.gold)
    columns = worker_columns(w, t, options.sigx)
    return Fit(
        score=score,
        p=estimate(score, options),
        # The gold items' own scores use the known answer, so a cut must not be chosen on them.
        cut_score=model.posterior(w, t, beta, None)[0] if model.gold is not None else None,
        item={"p_positive": positive},
        worker=columns,
        flags=worker_flags(columns),
        rounds=EM_ROUNDS + found.iterations,
        evaluations=model.evaluations,
        objective=found.objective,
        converged=found.converged,
        parameters={"beta": round(beta, 6), "beta_start": options.beta},
        warnings=[] if found.converged else ["cubam-marginal did not converge: its scores are approximate"],
    )


@dataclass(frozen=True)
class Sums:
    """Sums over one pass over the items: the log likelihood, gradient and curvature, per worker or scalar."""

    likelihood: float
    share: float
    """Mean probability of the upper class over all items."""
    gw: Floats
    gt: Floats
    hww: Floats
    hwt: Floats
    htt: Floats


class Model:
    """The votes as sparse blocks of items, [item, worker and answer]; ``evaluations`` counts passes over them."""

    def __init__(self, votes: Votes, options: MethodOptions) -> None:
        assert options.sigt is not None
        self.options = options
        self.sigt = options.sigt
        self.items = len(votes.items)
        self.workers = len(votes.workers)
        self.gold = votes.gold if (votes.gold >= 0).any() else None
        column = votes.worker + np.int32(self.workers) * (1 - votes.value)
        ends = np.concatenate(([0], np.cumsum(votes.per_item))).astype(np.int32)
        self._kind = np.dtype(np.float64 if len(votes) <= SMALL else np.float32)
        ones = np.ones(len(votes), self._kind)
        self._blocks = []
        for low in range(0, self.items, BLOCK):
            bounds = ends[low : low + BLOCK + 1]
            rows = slice(bounds[0], bounds[-1])
            shape = (len(bounds) - 1, 2 * self.workers)
            self._blocks.append(csr_array((ones[rows], column[rows], bounds - bounds[0]), shape=shape))
        self.evaluations = 0
        self.gain = SMALL_GAIN if len(votes) <= SMALL else GAIN

    def _log_prior(self, beta: float) -> Posterior:
        """Return rows for items of unknown class, known false and known true; the first row's shares sum to 1."""
        shares = [log_mix(GRID, beta, self.options.sigx)]
        for centre in (-1, 1):
            bell = -((GRID - centre) ** 2) / (2 * self.options.sigx**2)
            # Only the class's own part of the mixture, so that gold items count towards beta as well.
            shares.append(bell + (math.log(beta) if centre > 0 else math.log1p(-beta)) - self._bell_constant())
        rows = np.stack(shares)
        rows -= special.logsumexp(rows[0])
        return rows.astype(self._kind)

    def _bell_constant(self) -> float:
        return math.log(self.options.sigx) + math.log(2 * math.pi) / 2

    def _posteriors(
        self, w: Floats, t: Floats, beta: float, gold: NDArray[np.int32] | None
    ) -> Iterator[tuple[int, csr_array, Posterior, float]]:
        """Yield for each block its first item, votes, posterior of the signal [item, grid], log likelihood."""
        b = np.multiply.outer(w, GRID) - t[:, None]
        table = np.concatenate([log_phi(b), log_phi(-b)]).astype(self._kind)
        prior = self._log_prior(beta)
        low = 0
        for block in self._blocks:
            high = low + block.shape[0]
            a: Posterior = block @ table
            a += prior[0] if gold is None else prior[gold[low:high] + 1]
            highest = a.max(axis=1, keepdims=True)
            a -= highest
            np.exp(a, out=a)
            total = a.sum(axis=1, keepdims=True)
            a /= total
            likelihood = float(highest.sum(dtype=np.float64) + np.log(total).sum(dtype=np.float64))
            yield low, block, a, likelihood
            low = high
        self.evaluations += 1

    def sums(self, w: Floats, t: Floats, beta: float) -> Sums:
        """Pass over the votes once: sum expected votes on the grid, then gradient and curvature of every worker."""
        upper = responsibility(GRID, replace(self.options, beta=beta)).astype(self._kind)
        expected = np.zeros((2 * self.workers, len(GRID)))
        likelihood = share = 0.0
        for low, block, a, part in self._posteriors(w, t, beta, self.gold):
            likelihood += part
            expected += block.T @ a
            share += self._share(a, upper, low)
        said_true, said_false = expected[: self.workers], expected[self.workers :]
        b = np.multiply.outer(w, GRID) - t[:, None]
        lam1, lam0 = hazard(b), hazard(-b)
        g = said_true * lam1 - said_false * lam0
        q = said_true * lam1 * (lam1 + b) + said_false * lam0 * (lam0 - b)
        options = self.options
        return Sums(
            likelihood,
            share / self.items,
            g @ GRID - (w - options.muw) / options.sigw**2,
            -g.sum(axis=1) - t / self.sigt**2,
            q @ GRID**2 + options.sigw**-2,
            -(q @ GRID),
            q.sum(axis=1) + self.sigt**-2,
        )

    def _share(self, a: Posterior, upper: Posterior, low: int) -> float:
        """Return the block's sum of probabilities of the upper class; known classes are not estimated."""
        share = a @ upper
        if self.gold is not None:
            gold = self.gold[low : low + len(a)]
            share[gold >= 0] = gold[gold >= 0]
        return float(share.sum(dtype=np.float64))

    def em_round(self, w: Floats, t: Floats, beta: float) -> tuple[Floats, Floats, float]:
        """Take one Newton step for every worker, and update the share of true items."""
        sums = self.sums(w, t, beta)
        dw, dt = newton_step(sums.hww, sums.hwt, sums.htt, sums.gw, sums.gt)
        return w + dw, t + dt, (self.items * sums.share + 1) / (self.items + 2)

    def penalty(self, w: Floats, t: Floats, beta: float) -> float:
        """Return the priors' part of the objective, without constants."""
        options = self.options
        spread = ((w - options.muw) ** 2).sum() / (2 * options.sigw**2) + (t**2).sum() / (2 * self.sigt**2)
        return float(spread) - math.log(beta) - math.log1p(-beta)

    def posterior(self, w: Floats, t: Floats, beta: float, gold: NDArray[np.int32] | None) -> tuple[Floats, Floats]:
        """Return the mean of the signal and the probability that it is above 0, per item."""
        grid, above = GRID.astype(self._kind), (GRID > 0).astype(self._kind)
        parts = [(a @ grid, a @ above) for _, _, a, _ in self._posteriors(w, t, beta, gold)]
        means, shares = zip(*parts, strict=True)
        return np.concatenate(means).astype(np.float64), np.concatenate(shares).astype(np.float64)


class _Search:
    """The optimiser's view: w, t and logit beta in units of their curvature, and the final result."""

    def __init__(self, model: Model, w: Floats, t: Floats, beta: float) -> None:
        self._model = model
        self.w, self.t, self.beta = w, t, beta
        sums = model.sums(w, t, beta)
        self._scale = np.concatenate([np.sqrt(sums.hww), np.sqrt(sums.htt), [math.sqrt(0.1 * model.items)]])
        self.iterations = 0
        self.objective = -math.inf
        self.converged = False

    def run(self, tick: Tick) -> _Search:
        """Maximise the objective and set the parameters to the result."""
        start = np.concatenate([self.w, self.t, [math.log(self.beta / (1 - self.beta))]]) * self._scale

        def after(intermediate_result: optimize.OptimizeResult) -> None:  # noqa: ARG001  # SciPy calls it by this name
            self.iterations += 1
            tick(EM_ROUNDS + self.iterations, EM_ROUNDS + MOST)

        found = optimize.minimize(
            self._evaluate,
            start,
            jac=True,
            method="L-BFGS-B",
            callback=after,
            options={"maxcor": CORRECTIONS, "ftol": self._model.gain, "gtol": 0.0, "maxiter": MOST},
        )
        self._take(found.x)
        self.objective = -float(found.fun) * self._model.items
        self.converged = bool(found.success)
        return self

    def _take(self, scaled: Floats) -> None:
        plain = scaled / self._scale
        workers = self._model.workers
        self.w, self.t = plain[:workers], plain[workers:-1]
        # Kept away from 0 and 1, where the logarithm is infinite; the prior keeps the solution well inside.
        self.beta = float(np.clip(logistic(plain[-1:]), 1e-9, 1 - 1e-9)[0])

    def _evaluate(self, scaled: Vector) -> tuple[float, Vector]:
        self._take(scaled)
        model, items = self._model, self._model.items
        sums = model.sums(self.w, self.t, self.beta)
        value = sums.likelihood - model.penalty(self.w, self.t, self.beta)
        slope = items * (sums.share - self.beta) + 1 - 2 * self.beta
        gradient = np.concatenate([sums.gw, sums.gt, [slope]]) / self._scale
        return -value / items, -gradient / items
