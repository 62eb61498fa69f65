"""Distances of columns and of pairs of columns, as the QualityReport of SDMetrics defines them.

Source: SDMetrics 0.32.0, https://docs.sdv.dev/sdmetrics: "column shapes" is the mean over columns
of KSComplement or TVComplement, and "column pair trends" the mean over pairs of
CorrelationSimilarity or ContingencySimilarity. All are 1 for equal tables, and 0 at worst. Earlier
versions, and published tables, average all pairs; this one only those whose real columns are
associated. Both means are given. SDMetrics leaves figures that are not defined out of its means. A
column without a known cell in one of the tables alone counts here as 0, in ``fidelity``.
"""

from __future__ import annotations

import numpy as np

LEAST_CORRELATION, LEAST_ASSOCIATION = 0.5, 0.3  # of associated columns, by SDMetrics
EDGES = 10  # bins of a number beside a label, between the ends of each table itself
LEAST_SQUARES = 1e-28  # mean square of deviations, of numbers up to 1; less is a constant


def ks_complement(real: np.ndarray, synthetic: np.ndarray) -> float:
    """1 − sup |F − G| of two columns of numbers; NaN cells are left out.

    NaN if a column has no number. SDMetrics: KSComplement.

    >>> ks_complement(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6]))
    0.5
    """
    one, other = (np.sort(each[~np.isnan(each)]) for each in (real, synthetic))
    if not len(one) or not len(other):
        return float("nan")
    at = np.concatenate([one, other])
    shares = [np.searchsorted(each, at, side="right") / len(each) for each in (one, other)]
    return 1.0 - float(np.abs(shares[0] - shares[1]).max())


def tv_complement(real: np.ndarray, synthetic: np.ndarray) -> float:
    """1 − half the sum of |p − q| over labels, given by number; missing cells are left out.

    NaN if a column has no label. SDMetrics: TVComplement.

    >>> tv_complement(np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 1, 2]))
    0.75
    """
    one, other = (each[~np.isnan(each)].astype(np.int64) for each in (real, synthetic))
    if not len(one) or not len(other):
        return float("nan")
    return overlap(one, other)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """1 − the total variation distance of the shares of two lists of whole numbers from 0 on."""
    most = int(max(one.max(), other.max())) + 1
    shares = [np.bincount(each, minlength=most) / len(each) for each in (one, other)]
    return 1.0 - 0.5 * float(np.abs(shares[0] - shares[1]).sum())


def correlation_similarity(real: np.ndarray, synthetic: np.ndarray) -> tuple[float, bool]:
    """1 − half the difference of Pearson's correlations of two columns (N, 2).

    Rows with a missing cell are left out. NaN if a column is constant. Also says whether the real
    columns are associated: a correlation beyond 0.5. SDMetrics: CorrelationSimilarity.

    >>> up = np.array([[0.0, 0], [1, 1], [2, 2]])
    >>> correlation_similarity(up, up)
    (1.0, True)
    """
    one, other = correlation(real), correlation(synthetic)
    return 1.0 - abs(one - other) / 2, bool(abs(one) > LEAST_CORRELATION)


def correlation(pair: np.ndarray) -> float:
    """Pearson's correlation of two columns (N, 2), without rows with a missing cell.

    NaN if a column is constant.
    """
    known = pair[~np.isnan(pair).any(axis=1)]
    if len(known) < 2:
        return float("nan")
    largest = np.abs(known).max(axis=0)
    known = known / np.where(largest > 0, largest, 1)  # squares of large numbers overflow
    apart = known - known.mean(axis=0)
    squares = (apart**2).sum(axis=0)
    if (squares <= LEAST_SQUARES * len(known)).any():
        return float("nan")
    product = float((apart[:, 0] / np.sqrt(squares[0])) @ (apart[:, 1] / np.sqrt(squares[1])))
    return float(np.clip(product, -1, 1))


def contingency_similarity(real: np.ndarray, synthetic: np.ndarray) -> tuple[float, bool]:
    """1 − half the sum of |p − q| over pairs of whole numbers (N, 2), such as those of labels.

    NaN, a missing cell, is a value like others. Also says whether the real columns are associated:
    a Cramér's V above 0.3. SDMetrics: ContingencySimilarity.

    >>> one = np.array([[0.0, 0], [1, 1]])
    >>> contingency_similarity(one, np.array([[0.0, 0], [1, 0]]))
    (0.5, True)
    """
    codes = np.nan_to_num(np.concatenate([real, synthetic]), nan=-1.0).astype(np.int64) + 1
    both = codes[:, 0] * (int(codes[:, 1].max()) + 1) + codes[:, 1]
    if int(both.max()) > 4 * len(both) + 1000:  # many possible pairs, few of which occur
        both = np.unique(both, return_inverse=True)[1].reshape(-1)
    found = overlap(both[: len(real)], both[len(real) :])
    return found, cramers_v(codes[: len(real)]) > LEAST_ASSOCIATION


def cramers_v(pairs: np.ndarray) -> float:
    """Cramér's V of pairs of whole numbers (N, 2): √(χ²/N ÷ (levels − 1)) of the shorter side.

    0 if a side has one level.

    >>> cramers_v(np.array([[0, 0], [1, 1]])), cramers_v(np.array([[0, 0], [0, 1]]))
    (1.0, 0.0)
    """
    sides = [np.unique(side, return_inverse=True)[1].reshape(-1) for side in pairs.T]
    counts = [np.bincount(side) for side in sides]
    least = min(map(len, counts))
    if least < 2:
        return 0.0
    cells, both = np.unique(sides[0] * len(counts[1]) + sides[1], return_counts=True)
    product = counts[0][cells // len(counts[1])] * counts[1][cells % len(counts[1])].astype(float)
    squares = float((both.astype(float) ** 2 / product).sum()) - 1
    return float(np.sqrt(max(squares, 0.0) / (least - 1)))


def in_bins(numbers: np.ndarray) -> np.ndarray:
    """The bin (N,) of each number, of ten equal ones from the least to the largest.

    SDMetrics bins each table by its own ends. The largest number and missing cells share a bin of
    their own. Numbers too near to each other for ten bins share the middle one.
    """
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return np.zeros(len(numbers))
    with np.errstate(over="ignore"):
        step = (known.max() - known.min()) / EDGES
    if known.min() + step == known.min() or not np.isfinite(step):
        return np.where(np.isnan(numbers), EDGES + 1, EDGES // 2 + 1).astype(np.float64)
    return np.digitize(numbers, np.histogram_bin_edges(known, bins=EDGES)).astype(np.float64)
