"""CUBAM: the method behind OpenSurfaces' labels, by alternating Newton steps.

The model is in :mod:`turkctl.labels.signal`. Signals, weights and thresholds are point estimates: thirty rounds, each
first over all items with the workers fixed, then over all workers with the items fixed, from x = 1, w = 1, t = 0. The
schedule is part of the method. The likelihood does not fix the signals' location, and the priors only weakly, so that
the true minimum of the objective splits the items in halves; more rounds, or a joint optimiser, give a better
objective and worse labels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from turkctl.labels.normal import hazard, log_phi
from turkctl.labels.options import MethodOptions, Tick
from turkctl.labels.result import Fit
from turkctl.labels.signal import estimate, log_mix, newton_step, responsibility, worker_columns, worker_flags
from turkctl.labels.votes import Floats, Ints, Votes

STEPS = 10
"""Maximum Newton steps in a block."""
SETTLED = 1e-4
"""An item or worker that moves less than this has converged for its block."""
THIN_OUT = 0.7
"""When less than this share is still moving, the others are left out of the sums."""
LONGEST = 0.7
"""Maximum step of an item: beyond it, the quadratic model does not hold."""
FLAT = 0.2
"""Below this curvature an item is between the two peaks of its density; then the likelihood's own curvature is used."""
ROUNDING = 1e-12
"""Gradients smaller than this are rounding errors: an exact tie remains one, whatever the order of its votes."""
CHUNK = 1 << 14
"""Votes processed at a time, so that intermediate results stay in the cache."""


def fit(votes: Votes, options: MethodOptions, tick: Tick) -> Fit:
    """Fit the model. Score: the item's signal x. Objective: the negative log posterior with all constants."""
    state = Alternation.start(votes, options)
    for done in range(options.rounds):
        state.item_block()
        state.worker_block()
        tick(done + 1, options.rounds)
    columns = worker_columns(state.w, state.t, options.sigx)
    return Fit(
        score=state.x,
        p=estimate(state.x, options),
        worker=columns,
        flags=worker_flags(columns),
        rounds=options.rounds,
        evaluations=state.evaluations,
        objective=state.objective(),
    )


@dataclass
class Rows:
    """Votes grouped by one side: group sizes, the vote's sign (+1 true, -1 false), the index on the other side."""

    sizes: Ints
    sign: Floats
    other: Ints

    def only(self, groups: NDArray[np.bool_]) -> Rows:
        """Return the rows of the selected groups."""
        rows = np.repeat(groups, self.sizes)
        return Rows(self.sizes[groups], self.sign[rows], self.other[rows])

    def chunks(self) -> Iterator[tuple[slice, slice, Ints, Ints]]:
        """Yield pieces of rows: their rows, their groups, the rows in each group, the offset of each group."""
        ends = np.cumsum(self.sizes)
        starts = ends - self.sizes
        for low in range(0, len(self.sign), CHUNK):
            high = min(low + CHUNK, len(self.sign))
            first = int(np.searchsorted(ends, low, "right"))
            last = int(np.searchsorted(starts, high, "left"))
            begin = np.maximum(starts[first:last], low)
            sizes = np.minimum(ends[first:last], high) - begin
            yield slice(low, high), slice(first, last), sizes, begin - low


class Alternation:
    """Estimates signals x, weights w and thresholds t in turn; ``evaluations`` counts passes over votes."""

    def __init__(self, by_item: Rows, by_worker: Rows, options: MethodOptions) -> None:
        assert options.sigt is not None
        self.by_item = by_item
        self.by_worker = by_worker
        self.options = options
        self.sigt = options.sigt
        self.x: Floats = np.ones(len(by_item.sizes))
        self.w: Floats = np.ones(len(by_worker.sizes))
        self.t: Floats = np.zeros(len(by_worker.sizes))
        self.evaluations = 0

    @classmethod
    def start(cls, votes: Votes, options: MethodOptions) -> Alternation:
        """Return the starting point: all signals at 1, all workers alike."""
        sign = 2.0 * votes.value - 1
        order = np.argsort(votes.worker, kind="stable")
        by_item = Rows(votes.per_item, sign, votes.worker)
        by_worker = Rows(votes.per_worker, sign[order], votes.item[order])
        return cls(by_item, by_worker, options)

    def item_block(self) -> None:
        """Move all signals to the nearest maximum of their density, with the workers fixed."""
        active, rows = np.arange(len(self.x)), self.by_item
        slope, shift = self._slope_and_shift(rows)
        for _ in range(STEPS):
            self.evaluations += 1
            x = self.x[active]
            step = np.clip(self._item_direction(rows, slope, shift, x), -LONGEST, LONGEST)
            self.x[active] = x + step
            moving = np.abs(step) >= SETTLED
            if not moving.any():
                return
            if moving.mean() < THIN_OUT:
                active, rows = active[moving], rows.only(moving)
                slope, shift = self._slope_and_shift(rows)

    def _slope_and_shift(self, rows: Rows) -> tuple[Floats, Floats]:
        """Return s w and s t of the worker, per vote."""
        slope, shift = self.w[rows.other], self.t[rows.other]
        slope *= rows.sign
        shift *= rows.sign
        return slope, shift

    def _item_direction(self, rows: Rows, slope: Floats, shift: Floats, x: Floats) -> Floats:
        options = self.options
        gradient, own = np.zeros(len(x)), np.zeros(len(x))
        for piece, groups, sizes, starts in rows.chunks():
            a = slope[piece] * np.repeat(x[groups], sizes)
            a -= shift[piece]
            lam = hazard(a)
            a += lam
            a *= lam
            lam *= slope[piece]
            a *= slope[piece] ** 2
            gradient[groups] += np.add.reduceat(lam, starts)
            own[groups] += np.add.reduceat(a, starts)
        r = responsibility(x, options)
        gradient += (2 * r - 1 - x) / options.sigx**2
        gradient[np.abs(gradient) < ROUNDING] = 0
        curvature = own + (1 - 4 * r * (1 - r) / options.sigx**2) / options.sigx**2
        result: Floats = gradient / np.where(curvature <= FLAT, own + 0.1, curvature)
        return result

    def worker_block(self) -> None:
        """Move all workers to their likeliest weight and threshold, signals fixed: a strictly concave problem."""
        active, rows = np.arange(len(self.w)), self.by_worker
        seen = self._seen(rows)
        for _ in range(STEPS):
            self.evaluations += 1
            w, t = self.w[active], self.t[active]
            dw, dt = self._worker_step(rows, seen, w, t)
            self.w[active], self.t[active] = w + dw, t + dt
            moving = np.maximum(np.abs(dw), np.abs(dt)) >= SETTLED
            if not moving.any():
                return
            if moving.mean() < THIN_OUT:
                active, rows = active[moving], rows.only(moving)
                seen = self._seen(rows)

    def _seen(self, rows: Rows) -> Floats:
        """Return s x of the item, per vote."""
        seen = self.x[rows.other]
        seen *= rows.sign
        return seen

    def _worker_step(self, rows: Rows, seen: Floats, w: Floats, t: Floats) -> tuple[Floats, Floats]:
        gw, gt, qxx, qx, q = np.zeros((5, len(w)))
        for piece, groups, sizes, starts in rows.chunks():
            sx, s = seen[piece], rows.sign[piece]
            a = sx * np.repeat(w[groups], sizes)
            a -= s * np.repeat(t[groups], sizes)
            lam = hazard(a)
            a += lam
            a *= lam
            q[groups] += np.add.reduceat(a, starts)
            gt[groups] -= np.add.reduceat(lam * s, starts)
            lam *= sx
            gw[groups] += np.add.reduceat(lam, starts)
            a *= sx
            qxx[groups] += np.add.reduceat(a * sx, starts)
            a *= s
            qx[groups] += np.add.reduceat(a, starts)
        options = self.options
        gw -= (w - options.muw) / options.sigw**2
        gt -= t / self.sigt**2
        return newton_step(qxx + options.sigw**-2, -qx, q + self.sigt**-2, gw, gt)

    def objective(self) -> float:
        """Return the negative log posterior with all constants."""
        rows, options = self.by_item, self.options
        slope, shift = self._slope_and_shift(rows)
        total = 0.0
        for piece, groups, sizes, _ in rows.chunks():
            total -= float(log_phi(slope[piece] * np.repeat(self.x[groups], sizes) - shift[piece]).sum())
        total -= float(log_mix(self.x, options.beta, options.sigx).sum())
        for values, mean, spread in ((self.w, options.muw, options.sigw), (self.t, 0.0, self.sigt)):
            constant = math.log(spread) + math.log(2 * math.pi) / 2
            total += float(((values - mean) ** 2).sum()) / (2 * spread**2) + constant * len(values)
        return total
