"""The signal model in several dimensions, to see kinds of items and groups of workers; its axes have no meaning.

Signals x and weights w are vectors, P(true) = Phi(w . x - t); signals come from two round normal distributions around
(1, ..., 1) and (-1, ..., -1). In one dimension it equals ``cubam``. If all dimensions start alike they stay alike, so
this starts from the result of ``cubam`` on the diagonal, moved off it. The move is not random: it follows the
directions in which items differ most in what ``cubam`` leaves unexplained.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from turkctl.labels.cubam import FLAT, LONGEST, SETTLED, STEPS, Alternation, Rows
from turkctl.labels.normal import hazard, log_phi, logistic, phi
from turkctl.labels.options import MethodOptions, Tick
from turkctl.labels.result import Fit
from turkctl.labels.signal import GUESSING, estimate, log_mix, prior_odds
from turkctl.labels.votes import Floats, Votes

FARTHEST = 2.0
"""Limit of the starting point, for signals and, in standard deviations, for the move off the diagonal."""
SWEEPS = 30
"""Steps of the power iteration, which needs only a rough direction."""


def fit(votes: Votes, options: MethodOptions, tick: Tick) -> Fit:
    """Fit the model. Score: the signal's mean over dimensions, its position on the diagonal.

    ``x`` and ``w`` are vectors.
    """
    most = 2 * options.rounds
    flat = Alternation.start(votes, options)
    for done in range(options.rounds):
        flat.item_block()
        flat.worker_block()
        tick(done + 1, most)
    space = _Space(flat, options)
    for done in range(options.rounds):
        space.worker_block()
        space.item_block()
        tick(options.rounds + done + 1, most)
    score = space.x.mean(axis=1)
    return Fit(
        score=score,
        p=estimate(score, options),
        item={"x": space.x},
        worker=space.columns(),
        flags=space.flags(),
        rounds=options.rounds,
        evaluations=flat.evaluations + space.evaluations,
        objective=space.objective(),
    )


class _Space:
    """Estimates signals [item, dimension], weights [worker, dimension] and thresholds in turn."""

    def __init__(self, flat: Alternation, options: MethodOptions) -> None:
        self._by_item, self._by_worker = flat.by_item, flat.by_worker
        self._options = options
        self._sigt = flat.sigt
        dimensions = options.dimensions
        self.x = np.clip(flat.x, -FARTHEST, FARTHEST)[:, None] + options.sigx * _off_diagonal(flat, dimensions)
        self._theta = np.concatenate([np.repeat(flat.w[:, None] / dimensions, dimensions, 1), flat.t[:, None]], axis=1)
        self.evaluations = 0

    def item_block(self) -> None:
        """Move all signals, with the workers fixed."""
        options, dimensions = self._options, self._options.dimensions
        rows = self._by_item
        features = self._theta[rows.other] * rows.sign[:, None]
        inverse = options.sigx**-2
        for _ in range(STEPS):
            gradient, own = self._sums(rows, features[:, :-1], -features[:, -1], self.x)
            r = logistic(2 * inverse * self.x.sum(axis=1) + prior_odds(options))
            gradient += ((2 * r - 1)[:, None] - self.x) * inverse
            mixed = (4 * r * (1 - r) * inverse**2)[:, None, None]
            curvature = own + inverse * np.eye(dimensions) - mixed
            between = np.linalg.eigvalsh(curvature)[:, 0] <= FLAT
            curvature[between] = own[between] + 0.1 * np.eye(dimensions)
            step = _solve(curvature, gradient, LONGEST)
            self.x += step
            if np.abs(step).max() < SETTLED:
                return

    def worker_block(self) -> None:
        """Move all workers, with the signals fixed."""
        options, rows = self._options, self._by_worker
        dimensions = options.dimensions
        features = np.concatenate([self.x[rows.other], np.full((len(rows.other), 1), -1.0)], axis=1)
        features *= rows.sign[:, None]
        nothing = np.zeros(len(rows.other))
        precision = np.array([options.sigw**-2] * dimensions + [self._sigt**-2])
        mean = np.array([options.muw] * dimensions + [0.0])
        for _ in range(STEPS):
            gradient, curvature = self._sums(rows, features, nothing, self._theta)
            gradient -= (self._theta - mean) * precision
            step = _solve(curvature + np.diag(precision), gradient, 1.0)
            self._theta += step
            if np.abs(step).max() < SETTLED:
                return

    def _sums(self, rows: Rows, features: Floats, shift: Floats, place: Floats) -> tuple[Floats, Floats]:
        """Return gradient and negative curvature of the log likelihood of every group, in its own coordinates."""
        self.evaluations += 1
        width = features.shape[1]
        gradient, curvature = np.zeros((len(place), width)), np.zeros((len(place), width, width))
        for piece, groups, sizes, starts in rows.chunks():
            seen = features[piece]
            a = np.einsum("vk,vk->v", seen, np.repeat(place[groups], sizes, axis=0)) + shift[piece]
            lam = hazard(a)
            gradient[groups] += np.add.reduceat(lam[:, None] * seen, starts)
            bent = (lam * (lam + a))[:, None] * seen
            curvature[groups] += np.add.reduceat(bent[:, :, None] * seen[:, None, :], starts)
        return gradient, curvature

    def columns(self) -> dict[str, Floats]:
        """Return, per worker, w (a vector), t, noise 1/|w|, sensitivity and specificity."""
        w, t = self._theta[:, :-1], self._theta[:, -1]
        length = np.linalg.norm(w, axis=1)
        spread = np.sqrt(1 + (length * self._options.sigx) ** 2)
        along = w.sum(axis=1)
        with np.errstate(divide="ignore"):
            noise = 1 / length
        sensitivity, specificity = phi((along - t) / spread), phi((along + t) / spread)
        return {"w": w, "t": t, "noise": noise, "sensitivity": sensitivity, "specificity": specificity}

    def flags(self) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """Flag workers as in one dimension, along the diagonal."""
        found = self.columns()
        along = found["w"].sum(axis=1)
        return {
            "reversed": along < 0,
            "guessing": found["sensitivity"] + found["specificity"] < GUESSING,
            "one-sided": np.abs(found["t"]) > np.abs(along),
        }

    def objective(self) -> float:
        """Return the negative log posterior, up to a constant."""
        options, rows = self._options, self._by_item
        features = self._theta[rows.other] * rows.sign[:, None]
        a = np.einsum("vk,vk->v", features[:, :-1], np.repeat(self.x, rows.sizes, axis=0)) - features[:, -1]
        # Off the diagonal both parts of the mixture are alike: it is a mixture along the diagonal only.
        dimensions = options.dimensions
        middle = self.x.mean(axis=1)
        off = ((self.x - middle[:, None]) ** 2).sum() / (2 * options.sigx**2)
        along = log_mix(middle, options.beta, options.sigx / np.sqrt(dimensions)).sum()
        priors = ((self._theta[:, :-1] - options.muw) ** 2).sum() / (2 * options.sigw**2)
        priors += (self._theta[:, -1] ** 2).sum() / (2 * self._sigt**2)
        return float(off - along + priors - log_phi(a).sum())


def _solve(curvature: Floats, gradient: Floats, longest: float) -> Floats:
    step: Floats = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
    size = np.abs(step).max(axis=1, keepdims=True)
    result: Floats = step / np.maximum(1, size / longest)
    return result


def _off_diagonal(flat: Alternation, dimensions: int) -> Floats:
    """Return the items' offsets from the diagonal [item, dimension]: leading singular vectors of the residuals.

    The result does not depend on order or names; each vector's sign is such that its third moment is not negative.
    """
    rows = flat.by_item
    slope, shift = flat.w[rows.other] * rows.sign, flat.t[rows.other] * rows.sign
    residual = rows.sign * hazard(slope * np.repeat(flat.x, rows.sizes) - shift)
    starts = np.concatenate(([0], np.cumsum(rows.sizes)))
    left = csr_array((residual, rows.other, starts), shape=(len(flat.x), len(flat.w)))
    wanted = min(dimensions - 1, *left.shape)
    frequencies = np.arange(1, wanted + 1)
    found = np.cos(np.multiply.outer(1 + 3 * flat.w + 2 * flat.t, frequencies))
    for _ in range(SWEEPS):
        items = np.linalg.qr(left @ found)[0]
        found = np.linalg.qr(left.T @ items)[0]
    spread = items.std(axis=0)
    items = np.divide(items, spread, out=np.zeros_like(items), where=spread > 1e-9)
    items = np.clip(items * np.where((items**3).sum(axis=0) < 0, -1, 1), -FARTHEST, FARTHEST)
    result: Floats = items @ _across(dimensions)[:wanted]
    return result


def _across(dimensions: int) -> Floats:
    """Return orthogonal unit vectors at right angles to the diagonal; in two dimensions (-1, 1) over root 2."""
    rows = np.zeros((dimensions - 1, dimensions))
    for position in range(1, dimensions):
        rows[position - 1, :position] = -1
        rows[position - 1, position] = position
        rows[position - 1] /= np.sqrt(position * (position + 1))
    return rows
