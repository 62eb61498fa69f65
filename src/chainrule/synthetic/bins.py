"""Accuracy in bins, as mostlyai-qa defines it.

Source: mostlyai-qa 1.10.11, https://github.com/mostly-ai/mostlyai-qa, and "Holdout-based empirical
assessment of mixed-type synthetic data" (Platzer & Reutterer 2021). Each column gets about ten
bins; the accuracy of one, two or three columns is 1 − the total variation distance of the shares of
their bins. Missing cells are a bin.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from chainrule.synthetic.tables import NUMBER, Column

BINS = 10
MOST_STEPS = 1000  # of quantiles, until ten bins differ
RARE = 5  # fewer rows make a label rare
MOST_TRIPLES = 10_000  # more are sampled
DECIMALS = 20  # to which ends of bins may be rounded


class Binned(NamedTuple):
    """Real and synthetic rows as numbers of bins (N, D), and the number of bins of each column."""

    real: np.ndarray
    synthetic: np.ndarray
    sizes: tuple[int, ...]


class Overlap(NamedTuple):
    """An accuracy, and the one to expect of as many rows of the real distribution."""

    found: float
    expected: float


def binned(columns: tuple[Column, ...], real: np.ndarray, synthetic: np.ndarray) -> Binned:
    """The bins of tables (N, D) and (M, D): those of the real rows."""
    found = [_bins(column, real[:, k], synthetic[:, k]) for k, column in enumerate(columns)]
    return Binned(
        np.stack([one for one, _, _ in found], axis=1),
        np.stack([other for _, other, _ in found], axis=1),
        tuple(size for _, _, size in found),
    )


def _bins(
    column: Column, real: np.ndarray, synthetic: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    if column.is_label:
        return label_bins(real, synthetic)
    ends = ends_of_bins(real, distinct=column.kind == NUMBER)
    size = max(len(ends) - 1, 1)
    found = []
    for numbers in (real, synthetic):
        inner = np.searchsorted(ends[1:-1], numbers, side="right")
        found.append(np.where(np.isnan(numbers), size, inner))
    return found[0], found[1], size + 1


def ends_of_bins(numbers: np.ndarray, *, distinct: bool = True) -> np.ndarray:
    """The ends of bins with about equally many numbers; each bin begins at its lower end.

    Args:
        numbers: (N,), NaN if unknown.
        distinct: whether each of up to ten different numbers has a bin of its own.

    >>> ends_of_bins(np.array([0.0, 1, 1, 2])).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    ranked = np.sort(numbers[~np.isnan(numbers)])
    if not len(ranked):
        return np.array([])
    different = np.unique(ranked)
    if len(different) == 1 or (distinct and len(different) <= BINS):
        ends = np.append(different, different[-1] + 1)
    else:
        ends = different[[0, -1]]
        for steps in range(BINS, max(BINS + 1, min(MOST_STEPS, len(ranked) + 1))):
            ends = np.unique(ranked[np.linspace(0, len(ranked) - 1, steps).astype(np.int64)])
            if len(ends) > BINS:
                break
    return _rounded(ends) if distinct else ends


def _rounded(ends: np.ndarray) -> np.ndarray:
    """Ends rounded down to the fewest decimals that keep them apart; the last one stays."""
    for decimals in range(DECIMALS):
        with np.errstate(over="ignore", invalid="ignore"):
            lower = np.floor(ends * 10.0**decimals) / 10.0**decimals
        if len(np.unique(lower)) == len(ends):
            return np.append(lower[:-1], ends[-1])
    return ends


def label_bins(real: np.ndarray, synthetic: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The bins of labels, given by number: ten frequent ones, all others, and missing cells.

    A label is frequent if it is one of the ten most frequent, missing cells counted as one, and has
    at least five rows.
    """
    known = real[~np.isnan(real)].astype(np.int64)
    counts = np.bincount(known, minlength=1)
    missing = len(real) - len(known)
    room = BINS - (missing >= np.sort(counts)[::-1][:BINS][-1] if missing else 0)
    ranked = np.argsort(-counts, kind="stable")[:room]
    frequent = ranked[counts[ranked] >= RARE]
    size = len(frequent)
    most = int(np.nanmax(np.concatenate([real, synthetic, [0.0]]))) + 1
    bin_of = np.full(most, size)  # all others
    bin_of[frequent] = np.arange(size)
    found = [
        np.where(np.isnan(each), size + 1, bin_of[np.nan_to_num(each).astype(np.int64)])
        for each in (real, synthetic)
    ]
    return found[0], found[1], size + 2


def accuracy(bins: Binned, columns: tuple[int, ...]) -> Overlap:
    """The accuracy of some columns together, and the expected one of rows of the same source.

    The expected distance of shares of N and M rows that have probabilities p is the sum over bins
    of √(2 p (1 − p) (1/N + 1/M) / π).
    """
    shares = []
    for rows in (bins.real, bins.synthetic):
        both, size = np.zeros(len(rows), dtype=np.int64), 1
        for k in columns:
            both, size = both * bins.sizes[k] + rows[:, k], size * bins.sizes[k]
        shares.append(np.bincount(both, minlength=size) / len(rows))
    p, q = shares
    rest = 1 / len(bins.real) + 1 / len(bins.synthetic)
    expected = np.sqrt(2 * p * (1 - p) * rest / np.pi).sum()
    return Overlap(1 - float(np.abs(p - q).sum()) / 2, 1 - float(expected) / 2)


def some_triples(count: int, generator: np.random.Generator) -> list[tuple[int, ...]]:
    """All sets of three of so many columns, or a sample of ten thousand of them."""
    whole = count * (count - 1) * (count - 2) // 6
    if whole <= MOST_TRIPLES:
        return list(combinations(range(count), 3))
    chosen: set[tuple[int, ...]] = set()
    while len(chosen) < MOST_TRIPLES:
        three = generator.choice(count, 3, replace=False)
        chosen.add(tuple(sorted(three.tolist())))
    return sorted(chosen)
