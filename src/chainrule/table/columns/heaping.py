"""Heaping: numbers that people round, or that come from a list, have no smooth distribution.

Hours of work heap at 45 and 50, amounts are those of a price list. A mixture of a few components
gives the numbers between heaps too much. So each frequent value gets a probability of its own.

Source of the term: Heitjan and Rubin, "Inference from Coarse Data via Multiple Imputation with
Application to Age Heaping", Journal of the American Statistical Association 85, 1990.
"""

from __future__ import annotations

import numpy as np

AROUND = np.array([-2, -1, 1, 2])  # grid points that predict the number of rows of one
# Of the logarithms at these points: any cubic is predicted without error.
WEIGHTS = np.array([-1, 4, 4, -1]) / 6
# Nats that chance gives a value over its prediction: half a squared normal deviation, whose
# variance is that of the value, 1, and of the prediction, the sum of the squared weights.
BY_CHANCE = 0.5 * (1 + float(WEIGHTS @ WEIGHTS))
TIMES_CHANCE = 3.0  # least nats of all values, relative to chance
LEAST_GAIN = 0.01  # least nats a row beyond those by chance
NO_ROWS = 0.5  # counts as this many rows, and is added to all counts


def are_heaped(points: np.ndarray, counts: np.ndarray, is_atom: np.ndarray) -> bool:
    """Whether counts differ from those of the grid points around them by more than chance.

    The logarithm of a count is predicted by a cubic through those of the two points on either
    side, so a steep or a curved distribution is not heaped. Points without rows count, and atoms
    are bridged: one pile, such as zeros, is no heaping. The first and the last two points of the
    grid are not predicted.

    Args:
        points: the different values as steps of a grid, ascending integers (V,).
        counts: the number of rows of each, (V,).
        is_atom: marks those that stand out already, (V,).

    >>> points, counts = np.arange(100), np.full(100, 50)
    >>> are_heaped(points, counts, points < 0)
    False
    >>> are_heaped(points, np.where(points % 5, 20, 200), points < 0)
    True
    """
    inner = ~is_atom & (points >= points[0] + 2) & (points <= points[-1] - 2)
    if not inner.any():
        return False
    near = np.unique(points[:, None] + np.arange(-2, 3))
    at = np.searchsorted(near, points)
    rows, bridged = np.zeros(len(near)), np.zeros(len(near), dtype=bool)
    rows[at], bridged[at] = counts, is_atom
    logs = np.log(rows + NO_ROWS)
    logs[bridged] = np.interp(near[bridged], near[~bridged], logs[~bridged])
    around = np.searchsorted(near, points[inner][:, None] + AROUND)
    mean, found = np.exp(logs[around] @ WEIGHTS), counts[inner]
    nats = float((found * np.log(found / mean) - (found - mean)).sum())
    by_chance = BY_CHANCE * int(inner.sum())
    return nats >= max(TIMES_CHANCE * by_chance, by_chance + LEAST_GAIN * int(counts.sum()))
