"""Tests of what differs between two samples of rows, each with a p-value, and all of them jointly.

Means and correlations are compared by differences in standard errors, which both samples
contribute to. Counts are compared by χ² and, if they are small, by Fisher's exact test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from chainrule.missing import is_flag
from chainrule.rng import generator_from
from chainrule.table import Categorical, Schema
from chainrule.tasks.drifting.figures import (
    FEWEST,
    Cells,
    Figure,
    Sample,
    of_columns,
    of_pairs,
)
from chainrule.tasks.drifting.scales import Scales

SEED = 4  # of the simulated differences
SIMULATED, SIMULATED_ROWS = 4_000, 2_000  # differences, and rows whose dependence they have
FEWEST_EXPECTED = 5.0  # rows of a label in each sample; rarer labels are counted together
# Labels that the fitted table has just often enough to be listed may be rarer in the next one.
# Their share may be so many times larger.
RARE_SLACK = 1.25
# Of scores and bits. Two samples may be constant, and differ: then by more than the least size.
LEAST_VARIANCE, LEAST_SIZE = 1e-6, 1e-3
FLOOR = 1e-300  # least p-value


@dataclass(frozen=True)
class Difference:
    """A test of one difference.

    Attributes:
        change: "surprise", "location", "spread", "levels", "dependence", "missing", "unlisted" or
            "outside".
        columns: numbers of the column, or of both columns.
        before, after: the figure in the reference and in the new rows.
        p_value: the probability of such a difference without drift.
        level: the code of the label whose share changed most, for "levels".
        is_exact: whether the test is exact, so that its p-value takes few values.
        least: the least p-value that such counts can give, for an exact test.
    """

    change: str
    columns: tuple[int, ...]
    before: float
    after: float
    p_value: float
    level: int | None = None
    is_exact: bool = False
    least: float = 0.0


def differences(
    new: Sample, old: Sample, scales: Scales, schema: Schema, *, of_fit: bool
) -> list[Difference]:
    """Returns the tests of all differences that the rows of both samples allow.

    Args:
        new, old: the samples.
        scales: the scales of the model.
        schema: its columns.
        of_fit: whether the old sample is one of the fitted table. All of its rows then say how many
            labels are not listed, and that no value is outside.
    """
    found = []
    for change, figure in new.means.items():
        columns = [(k,) for k in range(len(schema.columns))]
        found += _of_figures(change, columns, figure, old.means[change])
    pairs = [(i, j) for i, j in scales.pairs.tolist()]
    found += _of_figures("dependence", pairs, new.dependence, old.dependence)
    for k, groups in enumerate(_groups(new, old)):
        if len(groups) > 1:
            found.append(_of_levels(k, groups))
    for k in np.flatnonzero(~is_flag(schema)).tolist():
        missing = new.rows - int(new.known[k]), old.rows - int(old.known[k])
        found += _of_counts("missing", k, *missing, new.rows, old.rows, both_sides=True)
        known = int(new.known[k]), int(old.known[k])
        unlisted, outside = int(old.unlisted[k]), int(old.outside[k])
        if of_fit and schema.columns[k].rows:
            column = schema.columns[k]
            known, outside = (known[0], column.rows), 0
            unlisted = column.unlisted_rows if isinstance(column, Categorical) else 0
        found += _of_counts("unlisted", k, int(new.unlisted[k]), unlisted, *known, slack=RARE_SLACK)
        found += _of_counts("outside", k, int(new.outside[k]), outside, *known)
    return found


def joint_p_value(
    tests: Sequence[Difference], cells: Cells, new: Sample, old: Sample, scales: Scales
) -> float:
    """Returns the probability that, without drift, some test has a p-value as small as the least.

    Differences of all means, correlations and shares are simulated together. Rows of the new sample
    get random weights: each row's influences are multiplied by one normal number (Chernozhukov,
    Chetverikov & Kato, "Gaussian approximations and multiplier bootstrap for maxima of sums of
    high-dimensional random vectors", Annals of Statistics 41, 2013). So the differences have the
    rows' own dependence. Exact tests add the probability that one of them is as small.

    Args:
        tests: the tests of both samples.
        cells: what is known of the cells of the new rows.
        new, old: the samples.
        scales: the scales of the model.
    """
    if not tests:
        return 1.0
    least = min(test.p_value for test in tests)
    exact = sum(least for test in tests if test.is_exact and test.least <= least)
    simulated = [test for test in tests if not test.is_exact]
    if not simulated:
        return min(1.0, exact)
    found = _least_p_values(simulated, cells, _groups(new, old), scales)
    share = (1 + int((found <= least).sum())) / (1 + len(found))
    return float(max(FLOOR, min(1.0, min(share, least * len(simulated)) + exact)))


def _of_figures(
    change: str, columns: Sequence[tuple[int, ...]], new: Figure, old: Figure
) -> list[Difference]:
    """Returns the tests of differences of means or correlations."""
    rows = new.count + old.count
    variance = (new.count * new.variance + old.count * old.variance) / np.maximum(rows, 1)
    varies = (variance > LEAST_VARIANCE) | (np.abs(new.value - old.value) > LEAST_SIZE)
    is_told = np.isfinite(variance) & varies & (np.minimum(new.count, old.count) >= FEWEST)
    rows_in_both = 1 / np.maximum(new.count, 1) + 1 / np.maximum(old.count, 1)
    error = np.sqrt(np.maximum(variance, LEAST_VARIANCE) * rows_in_both)
    return [
        Difference(
            change,
            columns[k],
            float(old.value[k]),
            float(new.value[k]),
            _p_of((new.value[k] - old.value[k]) / error[k]),
        )
        for k in np.flatnonzero(is_told).tolist()
    ]


def _p_of(z: float) -> float:
    from scipy.special import ndtr

    return max(FLOOR, float(2 * ndtr(-abs(z))))


def _groups(new: Sample, old: Sample) -> list[dict[int, tuple[int, int]]]:
    """Returns for each column the rows of its labels in the new and the old sample, by code.

    Labels with too few rows are together as −1. Columns of numbers have none.
    """
    found = []
    for k, (mine, yours) in enumerate(zip(new.levels, old.levels, strict=True)):
        listed = {code: (mine[code], yours[code]) for code in mine.keys() & yours.keys()}
        rows = np.array([new.known[k] - new.outside[k], old.known[k] - old.outside[k]])
        if not listed or (rows < FEWEST).any():
            found.append({})
            continue
        share = rows.min() / rows.sum()
        kept = {c: n for c, n in sorted(listed.items()) if sum(n) * share >= FEWEST_EXPECTED}
        rest = rows - np.array([*kept.values()]).reshape(-1, 2).sum(0)
        if rest.sum() * share >= FEWEST_EXPECTED:
            kept[-1] = (int(rest[0]), int(rest[1]))
        found.append(kept)
    return found


def _of_levels(column: int, groups: dict[int, tuple[int, int]]) -> Difference:
    """Returns the χ² test that labels have the same shares; the one that differs most is named."""
    from scipy.special import chdtrc

    counts = np.array(list(groups.values()), dtype=np.float64)  # (L, 2)
    rows = counts.sum(0)
    expected = counts.sum(1, keepdims=True) * rows / rows.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    shares = counts / rows
    named = np.array([code >= 0 for code in groups], dtype=bool)
    most = int(np.where(named, np.abs(shares[:, 0] - shares[:, 1]), -1.0).argmax())
    p = max(FLOOR, float(chdtrc(len(groups) - 1, statistic)))
    after, before = shares[most].tolist()
    return Difference("levels", (column,), before, after, p, level=list(groups)[most])


def _of_counts(
    change: str,
    column: int,
    new: int,
    old: int,
    rows: int,
    old_rows: int,
    *,
    both_sides: bool = False,
    slack: float = 1.0,
) -> Iterator[Difference]:
    """Yields Fisher's exact test that cells are as frequent as in the reference, or not more.

    Args:
        change: what is counted.
        column: the number of the column.
        new, old: how many of the samples' cells there are.
        rows, old_rows: how many cells the samples have.
        both_sides: whether fewer cells are a difference too.
        slack: how many times as frequent they may be.
    """
    if not new + old or not rows or not old_rows or (not new and not both_sides):
        return
    from scipy.stats import hypergeom

    shares = old / old_rows, new / rows
    old = min(round(slack * old), old_rows)
    urn = rows + old_rows, new + old, rows  # all cells, those counted, those of the new rows
    p = float(hypergeom.sf(new - 1, *urn))
    least = float(hypergeom.pmf(min(new + old, rows), *urn))
    if both_sides:
        p = min(1.0, 2 * min(p, float(hypergeom.cdf(new, *urn))))
        least = min(1.0, 2 * min(least, float(hypergeom.pmf(max(0, new + old - old_rows), *urn))))
    p, least = max(FLOOR, p), max(FLOOR, least)
    yield Difference(change, (column,), *shares, p, is_exact=True, least=least)


def _least_p_values(
    tests: Sequence[Difference],
    cells: Cells,
    groups: Sequence[dict[int, tuple[int, int]]],
    scales: Scales,
) -> np.ndarray:
    """Returns the least of the tests' p-values in each simulation, (SIMULATED,)."""
    from scipy.special import chdtrc, ndtr

    generator = generator_from(SEED)
    some = cells
    if len(cells) > SIMULATED_ROWS:
        chosen = torch.randperm(len(cells), generator=generator).numpy()[:SIMULATED_ROWS]
        some = cells.take(chosen)
    weights = torch.randn(SIMULATED, len(some), generator=generator).numpy()  # float32
    asked = {(test.change, test.columns) for test in tests}
    largest, least = np.zeros(SIMULATED), np.ones(SIMULATED)
    for change, numbers in of_columns(some, scales):
        which = [k for k in range(numbers.shape[1]) if (change, (k,)) in asked]
        known = ~np.isnan(numbers[:, which])
        count = np.maximum(known.sum(0), 1)
        centred = np.where(known, numbers[:, which], 0.0)
        centred = np.where(known, centred - centred.sum(0) / count, 0.0)
        np.maximum(largest, _largest(weights, centred), out=largest)
    for which, _, _, influence in of_pairs(some, scales.pairs):
        pairs = np.array([("dependence", (i, j)) in asked for i, j in scales.pairs[which].tolist()])
        np.maximum(largest, _largest(weights, influence[:, pairs]), out=largest)
    for k, group in enumerate(groups):
        if ("levels", (k,)) in asked:
            statistic = _simulated_levels(weights, some.codes[:, k], group)
            np.minimum(least, chdtrc(len(group) - 1, statistic), out=least)
    return np.minimum(least, 2 * ndtr(-largest))


def _largest(weights: np.ndarray, influence: np.ndarray) -> np.ndarray:
    """Returns the largest difference in standard errors of each simulation, (B,).

    Args:
        weights: of the rows in each simulation, (B, n).
        influence: of each row on each estimate, (n, F), of mean 0.
    """
    size = np.sqrt(np.nansum(influence**2, axis=0))
    unit = np.where(size > 0, influence / np.where(size > 0, size, 1.0), 0.0)
    z = weights @ np.nan_to_num(unit).astype(np.float32)
    return np.abs(z).max(1, initial=0.0)


def _simulated_levels(
    weights: np.ndarray, codes: np.ndarray, group: dict[int, tuple[int, int]]
) -> np.ndarray:
    """Returns the χ² statistic of a column's labels in each simulation, (B,)."""
    named = np.array([code for code in group if code >= 0])
    members: np.ndarray = np.equal.outer(codes, named)
    if -1 in group:
        others = ~(np.isnan(codes) | members.any(1))
        members = np.concatenate([members, others[:, None]], axis=1)
    counted = members.sum(1) > 0
    rows = max(int(counted.sum()), 1)
    shares = members.sum(0) / rows
    centred = np.where(counted[:, None], members - shares, 0.0)
    z = weights @ (centred / np.sqrt(np.maximum(shares * rows, 1e-9))).astype(np.float32)
    return (z.astype(np.float64) ** 2).sum(1)
