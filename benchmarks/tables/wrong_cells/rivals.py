"""Scores (N, D) of cells by other methods: the higher, the more suspect."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor, IsolationForest
from sklearn.model_selection import KFold

MAD = 1.4826  # of a normal distribution: standard deviation / median absolute deviation
FOLDS = 5


def z_scores(values: np.ndarray, label: np.ndarray, seed: int) -> np.ndarray:
    """Distances from the median in median absolute deviations."""
    apart = np.abs(values - np.median(values, axis=0))
    return apart / (np.median(apart, axis=0) * MAD + 1e-9)


def boosted_residuals(values: np.ndarray, label: np.ndarray, seed: int) -> np.ndarray:
    """Residuals of boosted trees given the other columns, of rows that they were not fitted to."""
    found = np.zeros(values.shape)
    for column in range(values.shape[1]):
        inputs = np.column_stack([np.delete(values, column, axis=1), label])
        target, expected = values[:, column], np.zeros(len(values))
        folds = KFold(FOLDS, shuffle=True, random_state=seed)
        for train, test in folds.split(inputs):
            trees = HistGradientBoostingRegressor(random_state=seed)
            expected[test] = trees.fit(inputs[train], target[train]).predict(inputs[test])
        apart = np.abs(target - expected)
        found[:, column] = apart / (np.median(apart) * MAD + 1e-9)
    return found


def forest_contributions(values: np.ndarray, label: np.ndarray, seed: int) -> np.ndarray:
    """How much less odd an isolation forest finds a row with the cell at its column's median."""
    forest = IsolationForest(random_state=seed).fit(values)
    own, found = forest.score_samples(values), np.zeros(values.shape)
    for column in range(values.shape[1]):
        usual = values.copy()
        usual[:, column] = np.median(values[:, column])
        found[:, column] = forest.score_samples(usual) - own
    return found


RIVALS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "z-score": z_scores,
    "boosted residuals": boosted_residuals,
    "isolation forest, contributions": forest_contributions,
}
