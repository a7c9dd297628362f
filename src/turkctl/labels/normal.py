"""Tails of the normal distribution, accurate for every argument."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from turkctl.labels.votes import Floats

_ROOT_HALF = math.sqrt(0.5)
_ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)


def log_phi(a: Floats) -> Floats:
    """Return the logarithm of the distribution function, without cancellation in the left tail."""
    result: Floats = special.log_ndtr(a)
    return result


def phi(a: Floats) -> Floats:
    """Return the distribution function."""
    result: Floats = special.ndtr(a)
    return result


def hazard(a: Floats) -> Floats:
    """Return density over distribution function: the derivative of :func:`log_phi`.

    Uses the scaled complementary error function, which overflows only if the ratio is 0.
    """
    scaled = np.multiply(a, -_ROOT_HALF)
    with np.errstate(over="ignore"):
        special.erfcx(scaled, out=scaled)
    return np.divide(_ROOT_TWO_OVER_PI, scaled, out=scaled)


def logistic(z: Floats) -> Floats:
    """Return 1 / (1 + exp(-z))."""
    result: Floats = special.expit(z)
    return result
