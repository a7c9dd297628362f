"""Choose where the score is cut into labels: at 0, at the user's threshold, or where the gold items fit best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from turkctl.labels.options import MethodOptions
from turkctl.labels.result import TIE, Fit
from turkctl.labels.votes import Floats, Votes


@dataclass(frozen=True)
class Cut:
    """A threshold, whether it is the default, given, or chosen on gold items, and a warning if it is doubtful."""

    threshold: float
    source: str
    warning: str | None = None


def choose_cut(votes: Votes, fit: Fit, options: MethodOptions) -> Cut:
    """Return the given threshold; else the best cut on gold items, if there are any; else 0.

    For more than two classes the threshold is a minimum score, which gold items do not choose; they still tell how well
    workers do.
    """
    if options.threshold is not None:
        return Cut(options.threshold, "given")
    known = votes.gold >= 0
    if not votes.binary:
        return Cut(-np.inf, "default")
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
    return Cut(best, "gold", f"no cut fits the gold items better than {side}: check whether they agree with the labels")


def no_cut(votes: Votes) -> Cut:
    """Return the cut of a method whose labels are numbers: there is none, and gold items have no effect."""
    idle = bool((votes.gold >= 0).any())
    return Cut(-np.inf, "default", "gold answers do not affect the mean or the median" if idle else None)


def best_cut(scores: Floats, truth: NDArray[np.bool_]) -> float:
    """Return the cut that puts most items on their side; among equally good cuts, the one nearest to 0.

    Candidates are 0, the midpoints between neighbouring scores, and a point beyond each end.
    """
    ordered = np.unique(scores)
    middle = (ordered[1:] + ordered[:-1]) / 2
    candidates = np.concatenate(([0.0], middle, [ordered[0] - 2 * TIE, ordered[-1] + 2 * TIE]))
    low, high = np.sort(scores[~truth]), np.sort(scores[truth])
    right = np.searchsorted(low, candidates, "right") + len(high) - np.searchsorted(high, candidates, "right")
    best = candidates[right == right.max()]
    return float(best[np.argmin(np.abs(best))])


def cut_labels(votes: Votes, fit: Fit, threshold: float, min_votes: int) -> NDArray[np.int32]:
    """Return the class of each item; -1 for a tie, too few votes, or a best class below the threshold."""
    if fit.best is None:
        label = (fit.score > threshold).astype(np.int32)
        label[np.abs(fit.score - threshold) < TIE] = -1
    else:
        label = np.where(fit.score >= threshold, fit.best, -1).astype(np.int32)
    label[votes.per_item < min_votes] = -1
    return label
