"""The mass of intervals of values under a distribution of codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

POINTS = 16  # of the Gauss–Legendre rule; an even number, so that no node is the middle
ENOUGH = 1e-8  # a difference of distribution functions of float64 has eight digits from here on

Function = Callable[[np.ndarray], np.ndarray]


def masses_between(
    low: np.ndarray, high: np.ndarray, below: np.ndarray, upto: np.ndarray, density: Function
) -> np.ndarray:
    """The mass (N,) of each interval from ``low`` to ``high``, (N,) each.

    It is the difference of the distribution functions ``below`` and ``upto`` at the ends. If that
    is small, it is the integral of the density.

    Args:
        low, high: the ends.
        below, upto: the distribution function at the ends, (N,) each.
        density: maps values (N,) to their densities (N,), without atoms; 0 outside the support.

    Examples:
        The far tail of an exponential distribution, whose distribution function is 1 there:

        >>> low, high = np.array([50.0]), np.array([51.0])
        >>> one = np.ones(1)
        >>> float(masses_between(low, high, one, one, lambda x: np.exp(-x))[0] / np.exp(-50))
        0.63212...
    """
    found = upto - below
    if (found >= ENOUGH).all():
        return found
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    middle, half = (low + high) / 2, (high - low) / 2
    parts = [w * density(middle + half * t) for t, w in zip(nodes, weights, strict=True)]
    return np.where(found >= ENOUGH, found, half * np.sum(parts, axis=0))
