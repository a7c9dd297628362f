"""Where the score is cut into labels: at 0, where the user says, or where the gold items fit best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from turkctl.labels.options import Options
from turkctl.labels.result import TIE, Fit
from turkctl.labels.votes import Floats, Votes


@dataclass(frozen=True)
class Cut:
    """A threshold, whether it is the default, given, or chosen on gold items, and what is odd about it."""

    threshold: float
    source: str
    warning: str | None = None


def choose_cut(votes: Votes, fit: Fit, options: Options) -> Cut:
    """The threshold that is given; else the best on gold items, where there are any; else 0.

    For more than two classes the threshold is a least score, which gold does not choose.
    """
    if options.threshold is not None:
        return Cut(options.threshold, "given")
    known = votes.gold >= 0
    if not votes.binary:
        idle = known.any() and fit.cut_score is None
        return Cut(-np.inf, "default", "gold answers have no effect on this method with classes" if idle else None)
    if not known.any():
        return Cut(0.0, "default")
    truth = votes.gold[known] == 1
    if truth.all() or not truth.any():
        return Cut(0.0, "default", "the gold items are all of one class: the cut stays at 0")
    scores = (fit.score if fit.cut_score is None else fit.cut_score)[known]
    best = best_cut(scores, truth)
    above = int((scores > best).sum())
    if 0 < above < len(scores):
        return Cut(best, "gold")
    side = f"all {len(scores)} on one side of {best:.4g}, {max(truth.sum(), (~truth).sum())} of them right"
    return Cut(best, "gold", f"no cut fits the gold items better than {side}: see whether they agree with the labels")


def best_cut(scores: Floats, truth: NDArray[np.bool_]) -> float:
    """The cut that puts most items on their side; of equally good ones, the nearest to 0.

    Cuts are looked for at 0, midway between neighbouring scores, and beyond the outermost.
    """
    ordered = np.unique(scores)
    middle = (ordered[1:] + ordered[:-1]) / 2
    candidates = np.concatenate(([0.0], middle, [ordered[0] - 2 * TIE, ordered[-1] + 2 * TIE]))
    low, high = np.sort(scores[~truth]), np.sort(scores[truth])
    right = np.searchsorted(low, candidates, "right") + len(high) - np.searchsorted(high, candidates, "right")
    best = candidates[right == right.max()]
    return float(best[np.argmin(np.abs(best))])


def cut_labels(votes: Votes, fit: Fit, threshold: float, min_votes: int) -> NDArray[np.int32]:
    """The class of each item, -1 for a tie, for too few votes, and for a best class under the threshold."""
    if fit.best is None:
        label = (fit.score > threshold).astype(np.int32)
        label[np.abs(fit.score - threshold) < TIE] = -1
    else:
        label = np.where(fit.score >= threshold, fit.best, -1).astype(np.int32)
    label[votes.per_item < min_votes] = -1
    return label
