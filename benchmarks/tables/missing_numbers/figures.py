"""Errors of fills, and differences between two methods with standard errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.tables.missing_numbers.fills import Fills
from benchmarks.tables.missing_numbers.task import Task

FIGURES = ("absolute", "squared", "accuracy")


def figures(asked: Task, found: Fills) -> dict[str, Any]:
    """The errors of one method, and the absolute error (accuracy) of each column."""
    absolute, squared, right = _by_cell(asked, found)
    columns = {}
    for k, name in enumerate(asked.truth.names):
        cells = right if asked.truth.is_category[k] else absolute
        if asked.holes[:, k].any():
            columns[name] = float(np.nanmean(cells[:, k]))
    return {
        "absolute": float(np.nanmean(absolute)),
        "squared": float(np.sqrt(np.nanmean(squared))),
        "accuracy": float(np.nanmean(right)),
        "columns": columns,
        "seconds": found.seconds,
    }


def differences(asked: Task, ours: Fills, theirs: Fills) -> dict[str, dict[str, float]]:
    """Ours less theirs for each of ``FIGURES``, with standard errors of rows."""
    found = {}
    pairs = zip(_by_cell(asked, ours), _by_cell(asked, theirs), strict=True)
    for figure, (one, other) in zip(FIGURES, pairs, strict=True):
        if figure == "squared":  # the root, and its first-order change with each cell
            roots = [float(np.sqrt(np.nanmean(cells))) for cells in (one, other)]
            one, other = (
                cells / (2 * root) + root / 2
                for cells, root in zip((one, other), roots, strict=True)
            )
        mean, error = mean_of_rows(one - other)
        found[figure] = {"difference": mean, "standard error": error}
    return found


def mean_of_rows(cells: np.ndarray) -> tuple[float, float]:
    """The mean of all cells (N, D) that are not NaN, and its standard error if rows are drawn.

    >>> mean_of_rows(np.array([[1.0, 1.0], [3.0, 3.0], [np.nan, np.nan]]))
    (2.0, 0.7071067811865476)
    """
    count = (~np.isnan(cells)).sum(1)
    mean = float(np.nansum(cells) / count.sum())
    away = np.nansum(cells, axis=1) - mean * count
    return mean, float(np.sqrt((away**2).sum()) / count.sum())


def _by_cell(asked: Task, found: Fills) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Absolute and squared errors of numbers, whether labels are right; NaN for other cells."""
    truth, labels = asked.truth.values, asked.truth.is_category
    numbers = asked.holes & ~labels
    return (
        np.where(numbers, np.abs(found.best - truth), np.nan),
        np.where(numbers, (found.means - truth) ** 2, np.nan),
        np.where(asked.holes & labels, found.best == truth, np.nan),
    )
