"""The signal model that cubam, cubam-marginal and cubam-nd share, and the meaning of its workers' numbers.

Item i has a signal x; worker j sees it with noise of standard deviation 1/|w| and says true if the noisy signal is
above t/w: P(true) = Phi(w x - t). Signals come from two normal distributions around +1 and -1 with spread sigx, a share
beta of them from the upper one; w ~ N(muw, sigw), t ~ N(0, sigt). After Welinder, Branson, Belongie and Perona, "The
multidimensional wisdom of crowds" (NIPS 2010).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from turkctl.labels.normal import logistic, phi
from turkctl.labels.options import MethodOptions
from turkctl.labels.votes import Floats

GUESSING = 1.1
"""A sum of sensitivity and specificity below this is hardly better than a coin, whose sum is 1."""


def prior_odds(options: MethodOptions) -> float:
    """Return the prior log odds of true."""
    return math.log(options.beta) - math.log1p(-options.beta)


def responsibility(x: Floats, options: MethodOptions) -> Floats:
    """Return the probability that a signal at x is of the upper class, by the prior alone."""
    return logistic(2 * x / options.sigx**2 + prior_odds(options))


def log_mix(x: Floats, beta: float, sigx: float) -> Floats:
    """Return the logarithm of the signal's density."""
    constant = math.log(sigx) + math.log(2 * math.pi) / 2
    upper = math.log(beta) - (x - 1) ** 2 / (2 * sigx**2)
    lower = math.log1p(-beta) - (x + 1) ** 2 / (2 * sigx**2)
    result: Floats = np.logaddexp(upper, lower) - constant
    return result


def estimate(score: Floats, options: MethodOptions) -> Floats:
    """Estimate the probability of true from the score; on real labels better calibrated than P(x > 0)."""
    return logistic(2 * score / options.sigx**2)


def worker_columns(w: Floats, t: Floats, sigx: float) -> dict[str, Floats]:
    """Return, per worker, w, t, noise 1/|w|, cut t/w on the signal's scale, sensitivity and specificity."""
    spread = np.sqrt(1 + (w * sigx) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        noise, cut = 1 / np.abs(w), t / w
    return {
        "w": w,
        "t": t,
        "noise": noise,
        "cut": cut,
        "sensitivity": phi((w - t) / spread),
        "specificity": phi((w + t) / spread),
    }


def worker_flags(columns: dict[str, Floats]) -> dict[str, Any]:
    """Flag workers as reversed (wrong way round), guessing (hardly look) or one-sided (same answer to both)."""
    return {
        "reversed": columns["w"] < 0,
        "guessing": columns["sensitivity"] + columns["specificity"] < GUESSING,
        "one-sided": np.abs(columns["t"]) > np.abs(columns["w"]),
    }


def newton_step(h11: Floats, h12: Floats, h22: Floats, g1: Floats, g2: Floats) -> tuple[Floats, Floats]:
    """Solve the workers' 2 x 2 systems; no component of a step is longer than 1."""
    determinant = h11 * h22 - h12 * h12
    d1 = (h22 * g1 - h12 * g2) / determinant
    d2 = (h11 * g2 - h12 * g1) / determinant
    longest = np.maximum(1, np.maximum(np.abs(d1), np.abs(d2)))
    return d1 / longest, d2 / longest
