"""Aggregate many classes by a method for two: each class against the rest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from turkctl.labels.options import MethodOptions, Tick
from turkctl.labels.result import TIE, Fit
from turkctl.labels.votes import Votes

FitTwo = Callable[[Votes, MethodOptions, Tick], Fit]


def against_the_rest(fit: FitTwo) -> FitTwo:
    """Return a fit that asks of each class "this one, or another?"; the best score wins, equal scores tie.

    Probabilities of classes are each against the rest, so that they need not add up to 1.

    It has no numbers of workers, since they would differ for each class.
    """

    def fit_each(votes: Votes, options: MethodOptions, tick: Tick) -> Fit:
        kinds = len(votes.classes)
        fits = []
        for position in range(kinds):

            def part(done: int, most: int, before: int = position) -> None:
                tick(before * most + done, kinds * most)

            fits.append(fit(votes.against(position), options, part))
        scores = np.stack([each.score for each in fits], axis=1)
        best = scores.argmax(axis=1)
        highest = scores.max(axis=1)
        second = np.partition(scores, -2, axis=1)[:, -2]
        by_class = np.stack([each.p for each in fits], axis=1)
        p = np.take_along_axis(by_class, best[:, None], axis=1)[:, 0]
        return Fit(
            score=highest,
            p=p,
            best=np.where(highest - second < TIE, -1, best),
            by_class=by_class,
            cut_score=None if fits[0].cut_score is None else highest,
            rounds=sum(each.rounds for each in fits),
            evaluations=sum(each.evaluations for each in fits),
            objective=sum(each.objective or 0.0 for each in fits),
            converged=None if fits[0].converged is None else all(each.converged for each in fits),
            warnings=[told for each in fits for told in each.warnings],
        )

    return fit_each
