"""The methods by name, and the function that runs them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy

from turkctl import __version__
from turkctl.errors import InterruptedByUserError, UsageError
from turkctl.labels import cubam, dawid_skene, majority, marginal, numeric, rest, signal_nd
from turkctl.labels.cut import Cut, choose_cut, cut_labels, no_cut
from turkctl.labels.options import MethodOptions, Tick
from turkctl.labels.result import MOST_BY_CLASS, Fit, FitRun, Result
from turkctl.labels.votes import Floats, Votes


@dataclass(frozen=True)
class Method:
    """A way to aggregate: its description, its fit, the options it uses, and its own default of ``sigt``."""

    prose: str
    fit: Callable[[Votes, MethodOptions, Tick], Fit]
    many: Callable[[Votes, MethodOptions, Tick], Fit] | None
    """The fit for more than two classes, if there is one."""
    uses: tuple[str, ...] = ()
    sigt: float | None = None
    named_classes: bool = False
    """Whether every value is a class, however few give it."""
    numeric: bool = False
    """Whether the answers are numbers, and the label is one too."""

    @property
    def options(self) -> tuple[str, ...]:
        """Return the names of the options that it uses."""
        return ("min_votes", *(() if self.numeric else ("threshold",)), *self.uses)


SIGNAL = ("sigt", "beta", "sigx", "muw", "sigw")

METHODS: dict[str, Method] = {
    "majority": Method("the share of votes", majority.fit, majority.fit_many, named_classes=True),
    "dawid-skene": Method("two error rates a worker, by EM", dawid_skene.fit, dawid_skene.fit_many, named_classes=True),
    "one-coin": Method("one error rate a worker, by EM", dawid_skene.fit_one_coin, None),
    "cubam": Method(
        "ability and bias of workers, as OpenSurfaces had it",
        cubam.fit,
        rest.against_the_rest(cubam.fit),
        (*SIGNAL, "rounds"),
        3.0,
    ),
    "cubam-marginal": Method(
        "the same model, the items' signal integrated out",
        marginal.fit,
        rest.against_the_rest(marginal.fit),
        SIGNAL,
        1.0,
    ),
    "cubam-nd": Method(
        "the same model in several dimensions, to see kinds of item and groups of workers",
        signal_nd.fit,
        None,
        (*SIGNAL, "rounds", "dimensions"),
        3.0,
    ),
    "mean": Method("the mean of numbers, with an interval", numeric.fit_mean, None, numeric=True),
    "median": Method("the median of numbers, with an interval", numeric.fit_median, None, numeric=True),
}


def aggregate(
    votes: Votes,
    method: str = "cubam",
    options: MethodOptions | None = None,
    progress: Tick | None = None,
    stop: Callable[[], bool] | None = None,
) -> Result:
    """Return one label per item from several votes, and the quality of each worker.

    ``progress`` is called after each round (rounds done, maximum number of rounds); ``stop`` is called as often, and
    ends the run if it returns True. Nothing is random, and one thread does the work. The same votes give the same
    result, whatever the order of rows; renaming items and workers changes it by rounding only.

    Raises:
        UsageError: the method is unknown, an option is out of range, there are no votes, or too many classes.
        InterruptedByUserError: ``stop`` returned True.
    """
    options = options or MethodOptions()
    options.check()
    chosen = find_method(method)
    if not len(votes):
        raise UsageError("there are no votes", hint="give at least one label")
    started = time.perf_counter()
    fit = _fitting(chosen, method, votes)(votes, _with_sigt(options, chosen), _tick(progress, stop))
    cut = no_cut(votes) if chosen.numeric else choose_cut(votes, fit, options)
    n = votes.per_item
    label = _enough(n, options) if chosen.numeric else cut_labels(votes, fit, cut.threshold, options.min_votes)
    run = FitRun(
        method=method,
        parameters=_parameters(options, chosen, fit),
        versions={"turkctl": __version__, "numpy": np.__version__, "scipy": scipy.__version__},
        items=len(votes.items),
        workers=len(votes.workers),
        labels=len(votes),
        duplicates=votes.duplicates,
        threshold=cut.threshold if math.isfinite(cut.threshold) else None,
        threshold_from=cut.source,
        rounds=fit.rounds,
        evaluations=fit.evaluations,
        objective=fit.objective,
        converged=fit.converged,
        seconds=round(time.perf_counter() - started, 3),
        warnings=(*fit.warnings, *_warnings(cut, n, options)),
    )
    if chosen.numeric:
        worker = {"n": votes.per_worker, **fit.worker}
        return Result(votes, label, fit.score, fit.p, n, n, fit.item, worker, fit.flags, run, numeric=True)
    worker = {"n": votes.per_worker, "agreement": _agreement(votes, label), **fit.worker}
    n_true = _n_true(votes, fit)
    by_class = fit.by_class if len(votes.classes) <= MOST_BY_CLASS else None
    return Result(votes, label, fit.score, fit.p, n, n_true, fit.item, worker, fit.flags, run, by_class=by_class)


def options_for(method: str, given: Mapping[str, Any]) -> MethodOptions:
    """Return options from the given values; None counts as not given.

    Raises:
        UsageError: the method is unknown, a value is out of range, or the method does not use an option.
    """
    uses = find_method(method).options
    chosen = {name: value for name, value in given.items() if value is not None}
    idle = next((name for name in chosen if name not in uses), None)
    if idle is not None:
        able = ", ".join(name for name, each in METHODS.items() if idle in each.options)
        raise UsageError(f"{method} does not use {idle}", hint=f"leave it out, or use {able}")
    options = MethodOptions(**chosen)
    options.check()
    return options


def find_method(name: str) -> Method:
    """Return the method with this name.

    Raises:
        UsageError: there is no such method.
    """
    if name not in METHODS:
        raise UsageError(f"there is no method '{name}'", hint="use one of " + ", ".join(METHODS))
    return METHODS[name]


def _fitting(method: Method, name: str, votes: Votes) -> Callable[[Votes, MethodOptions, Tick], Fit]:
    if votes.binary or method.numeric:
        return method.fit
    if method.many is None:
        able = ", ".join(each for each, known in METHODS.items() if known.many is not None)
        raise UsageError(f"{name} takes true and false only, not {len(votes.classes)} classes", hint=f"use {able}")
    return method.many


def _with_sigt(options: MethodOptions, method: Method) -> MethodOptions:
    return options if options.sigt is not None else MethodOptions(**{**asdict(options), "sigt": method.sigt})


def _tick(progress: Tick | None, stop: Callable[[], bool] | None) -> Tick:
    def tick(done: int, most: int) -> None:
        if progress is not None:
            progress(done, most)
        if stop is not None and stop():
            raise InterruptedByUserError("interrupted; the labels stay as they were", hint="run it again")

    return tick


def _parameters(options: MethodOptions, method: Method, fit: Fit) -> dict[str, Any]:
    """Return the options that the method uses, and the parameters it estimated."""
    given = asdict(_with_sigt(options, method))
    return {name: given[name] for name in ("min_votes", *method.uses)} | dict(fit.parameters)


def _warnings(cut: Cut, n: Any, options: MethodOptions) -> list[str]:
    told = [cut.warning] if cut.warning else []
    if int(n.max()) < options.min_votes:
        told.append(f"no item has {options.min_votes} votes (the maximum is {int(n.max())}): no item gets a label")
    return told


def _enough(n: Any, options: MethodOptions) -> Any:
    """Return 0 for each item with enough votes for a label, -1 for the others."""
    return np.where(n < options.min_votes, -1, 0).astype(np.int32)


def _agreement(votes: Votes, label: Any) -> Floats:
    """Return the share of each worker's votes that equal the item's label, over items that have one."""
    final = label[votes.item]
    counted = final >= 0
    same = np.bincount(votes.worker, counted & (final == votes.value), len(votes.workers))
    seen = np.bincount(votes.worker, counted, len(votes.workers))
    agreement: Floats = np.divide(same, seen, out=np.full(len(seen), np.nan), where=seen > 0)
    return agreement


def _n_true(votes: Votes, fit: Fit) -> Any:
    wanted = 1 if fit.best is None else fit.best[votes.item]
    return np.bincount(votes.item, votes.value == wanted, len(votes.items)).astype(np.int64)
