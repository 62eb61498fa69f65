"""Shares of values in a column: q(v | u) of mistakes that write another value."""

from __future__ import annotations

import numpy as np

LEAST_NEAR, WINDOW = 5, 1.5  # of n values, max(5, √n / 1.5) around each show its share
COPIES = 2  # rows of a value that do not show that it is often written
OTHER_ROWS = 50  # rows that the wide distribution counts for beside those of the table
WIDE = 3.0  # spreads from the center within which half of the wide distribution lies
ANY_LEVEL = 0.5  # share of wrong labels that are any other level, however rare in the table
LOG_LETTERS = float(np.log(27.0))  # of a character of a label that nobody has seen


def log_share_near(values: np.ndarray, known: np.ndarray, width: float | np.ndarray) -> np.ndarray:
    """log of the share of each value (n,), in a rounding cell, by the density of values near it.

    Args:
        values: numbers; NaN where unknown.
        known: the numbers that are counted (m,), ascending.
        width: width of a rounding cell, or of each value's (n,).
    """
    count = len(known)
    if not count:
        return np.full(len(values), -np.inf)
    near = max(LEAST_NEAR, int(np.sqrt(count) / WINDOW)) // 2
    place = np.searchsorted(known, values)
    low = np.minimum(known[np.clip(place - near, 0, count - 1)], values)
    high = np.maximum(known[np.clip(place + near, 0, count - 1)], values)
    inside = np.searchsorted(known, high, "right") - np.searchsorted(known, low, "left")
    return np.log(np.maximum(inside, 1) / count) + np.log(width) - np.log(high - low + width)


def log_repeated(values: np.ndarray, known: np.ndarray, width: float | np.ndarray) -> np.ndarray:
    """log of how many times the share of each value (n,) exceeds that of values near it, from 0.

    People write some numbers more often than their neighbours: 40.5 rather than 40.53. Two rows of
    a value do not count, so that a value copied from another row is not usual for that.

    Args:
        values: numbers among those counted; NaN where unknown.
        known: the numbers that are counted (m,), ascending.
        width: width of a rounding cell, or of each value's (n,).
    """
    if not len(known):
        return np.zeros(len(values))
    count = np.searchsorted(known, values, "right") - np.searchsorted(known, values, "left")
    with np.errstate(divide="ignore"):
        share = np.log(np.maximum(count - COPIES, 0) / len(known))
    return np.maximum(share - log_share_near(values, known, width), 0.0)


def log_share_wide(
    values: np.ndarray, center: float, spread: float, width: float | np.ndarray
) -> np.ndarray:
    """log of the mass of each rounding cell (n,) under a wide Cauchy distribution."""
    scale = np.maximum(WIDE * spread, width)
    return np.log(width / (np.pi * scale)) - np.log1p(((values - center) / scale) ** 2)


def blended(log_share: np.ndarray, log_wide: np.ndarray, rows: int) -> np.ndarray:
    """log of a share in a table of some rows, with the wide distribution for fifty more."""
    return np.logaddexp(log_share + np.log(rows), log_wide + np.log(OTHER_ROWS)) - np.log(
        rows + OTHER_ROWS
    )


def log_share_of_labels(codes: np.ndarray, known: np.ndarray, levels: int) -> np.ndarray:
    """log of the share of each cell's level (n,) among wrong labels; -inf where it has none.

    A wrong label is half the time that of another row, so that frequent levels are frequent
    mistakes. Half the time it is any other level alike, as by a slip in a list of them. By the
    rows alone, a rare level would nearly never be a mistake, and it is the one that shows best.

    Args:
        codes: the codes of the cells.
        known: marks the cells that count.
        levels: how many levels the column lists.
    """
    counts = np.bincount(codes[known].astype(np.int64), minlength=levels)[:levels] + 1.0
    of_rows, alike = counts / counts.sum(), 1.0 / max(levels - 1, 1)
    share = np.log((1 - ANY_LEVEL) * of_rows + ANY_LEVEL * alike)
    found = np.full(len(codes), -np.inf)
    listed = known & (codes < levels)
    found[listed] = share[codes[listed].astype(np.int64)]
    return found


def log_text(labels: np.ndarray) -> np.ndarray:
    """log of the probability of the letters of labels (n,) that no level names.

    Each letter is one of 27. Equal labels of several rows share the probability.
    """
    _, which, counts = np.unique(
        np.array([str(label) for label in labels]), return_inverse=True, return_counts=True
    )
    length = np.array([len(str(label)) for label in labels], dtype=np.float64)
    return -length * LOG_LETTERS / counts[which] if len(labels) else length
