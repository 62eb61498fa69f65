"""Candidates that hold in part of the rows: a copy in one group, a pile at A = B, two tax rates.

The network learns in which rows such a tie holds. Rows with usual values show none: two columns
that are zero in the same rows are no copies of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from chainrule.table.ties.base import USUAL_SHARE
from chainrule.table.ties.evidence import FEWEST_ROWS
from chainrule.table.ties.linear import LinearTie
from chainrule.table.ties.pairs import (
    MOST_DECIMALS,
    covered_most,
    equation_of,
    is_varied,
    rounded,
    short_number,
)
from chainrule.table.ties.sheet import DATE, MONTH, NUMBER, Sheet, Variable

LEAST_PART = 0.1  # of the rows, with unusual values, in which such a tie holds
HEAVY = 0.05  # share of the rows with one value, from which on it is usual
FEWEST_DIFFERENT = 20  # different values of each column in these rows
STANDS_OUT = 4.0  # times as many rows as any other distance from the tie has, or as chance gives
MOST_RATIOS = 3  # of one pair of columns
LARGEST_DENOMINATOR = 60  # of a ratio that is no decimal number


def in_part(
    sheet: Sheet, sample: Sheet, *, fewest: int, skip: Callable[[int, int], bool]
) -> Iterator[LinearTie]:
    """Copies and rounded ratios of two columns that hold in a tenth of the rows or more.

    Args:
        sheet: the rows.
        sample: some of them, in which candidates are sought.
        fewest: smallest number of rows in which a tie holds.
        skip: whether a pair of columns, by their numbers, is tied already.
    """
    unusual = _unusual(sample)
    for measure in (NUMBER, DATE, MONTH):
        variables = [v for v in sample.numbers(measure) if is_varied(sample, v)]
        for at, first in enumerate(variables[:-1]):
            others = variables[at + 1 :]
            for other, may_be in zip(others, _likely(sample, unusual, first, others), strict=True):
                if may_be and not skip(first.number, other.number):
                    rows = unusual[:, first.number] & unusual[:, other.number]
                    found = _of_pair(sample, first, other, rows)
                    yield from (tie for each in found if (tie := _confirmed(each, sheet, fewest)))


def _likely(
    sheet: Sheet, unusual: np.ndarray, first: Variable, others: Sequence[Variable]
) -> np.ndarray:
    """Whether each other column (K,) has about one distance from a column, or one ratio to it, in
    enough of the unusual rows.
    """
    columns = [each.number for each in others]
    own = np.where(unusual[:, first.number], sheet.values[:, first.number], np.nan)[:, None]
    values = np.where(unusual[:, columns], sheet.values[:, columns], np.nan)
    steps = np.array([float(each.step) for each in others])
    known = (~np.isnan(own) & ~np.isnan(values)).sum(axis=0)
    enough = (known >= FEWEST_DIFFERENT) & (known >= LEAST_PART * len(own))
    found = _is_dense(values - own, np.minimum(steps, float(first.step)) / 2)
    if first.measure == NUMBER:
        for top, bottom, step in ((values, own, steps), (own, values, float(first.step))):
            sizes = np.abs(bottom)
            usual = np.nanmedian(np.where(enough, sizes, 1.0), axis=0)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                ratios = np.where((sizes >= usual) & (sizes > 0), top / bottom, np.nan)
                found |= _is_dense(ratios, step / usual)
    return found & enough


def _is_dense(numbers: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """Whether a tenth of the numbers of each column (N, K) lie within a width, bool (K,)."""
    ordered = np.sort(numbers, axis=0)  # NaN come last
    counts = (~np.isnan(ordered)).sum(axis=0)
    found = np.zeros(len(counts), dtype=bool)
    for few in np.unique(counts[counts > 0]).tolist():  # columns with equally many known numbers
        apart = max(int(LEAST_PART * few) - 1, 1)
        some = counts == few
        gaps = ordered[apart:few, some] - ordered[: max(few - apart, 0), some]
        found[some] = (gaps <= np.broadcast_to(width, counts.shape)[some]).any(axis=0)
    return found


def _of_pair(
    sheet: Sheet, first: Variable, other: Variable, rows: np.ndarray
) -> Sequence[LinearTie]:
    """A copy of two columns, or else the ratios of that one of which more rows are explained."""
    tie = _copy(sheet, first, other, rows)
    if tie is not None or first.measure != NUMBER:
        return [] if tie is None else [tie]
    return max(
        _ratios(sheet, other, first, rows),
        _ratios(sheet, first, other, rows),
        key=lambda ties: sum(_rows_of(tie, sheet, rows) for tie in ties),
    )


def _unusual(sheet: Sheet) -> np.ndarray:
    """The known cells (N, D) whose values few other rows have."""
    found = np.zeros(sheet.codes.shape, dtype=bool)
    for variable in sheet.variables:
        codes = sheet.codes[:, variable.number]
        values, at, counts = np.unique(codes, return_inverse=True, return_counts=True)
        known = ~np.isnan(values)
        is_rare = known & (counts <= max(HEAVY * counts[known].sum(), 1))
        found[:, variable.number] = is_rare[at]
    return found


def _copy(sheet: Sheet, first: Variable, other: Variable, rows: np.ndarray) -> LinearTie | None:
    """The other column is the first one, plus a constant."""
    tie = equation_of(sheet, first, other, Fraction(1), rows)
    return tie if tie is not None and _stands_out(tie, sheet, rows) else None


def _ratios(sheet: Sheet, column: Variable, base: Variable, rows: np.ndarray) -> list[LinearTie]:
    """Short numbers that are the ratio in many rows, each in others."""
    left, found = rows & (sheet.values[:, base.number] != 0), list[LinearTie]()
    half = float(column.step) / 2
    while len(found) < MOST_RATIOS and left.sum() >= FEWEST_DIFFERENT:
        numbers, bases = sheet.values[left][:, [column.number, base.number]].T
        # Larger values have more precise ratios.
        large = np.abs(bases) >= np.median(np.abs(bases))
        numbers, bases = numbers[large], bases[large]
        ends = (numbers - half) / bases, (numbers + half) / bases
        regions = covered_most(np.minimum(*ends), np.maximum(*ends), least_share=LEAST_PART)
        ratios = [ratio for region in regions if (ratio := short_number(*region))]
        ratios = [ratio for ratio in ratios if _is_usual(ratio)]
        tie = rounded(sheet, column, base, ratios[0]) if ratios else None
        if tie is None or not _stands_out(tie, sheet, left):
            break
        found.append(tie)
        left = left & (tie.holds(sheet.codes, sheet.known) != 1)
    return found


def _is_usual(ratio: Fraction) -> bool:
    """Whether a ratio is a decimal number, or has a small denominator such as the 12 of a dozen."""
    return ratio.denominator <= LARGEST_DENOMINATOR or 10**MOST_DECIMALS % ratio.denominator == 0


def _rows_of(tie: LinearTie, sheet: Sheet, rows: np.ndarray) -> int:
    return int((tie.holds(sheet.codes, sheet.known)[rows] == 1).sum())


def _stands_out(tie: LinearTie, sheet: Sheet, rows: np.ndarray) -> bool:
    """Whether a tie holds in many of the rows, of different values, and hardly any row is near it.

    Values that are merely related are often equal, and as often nearly equal.
    """
    codes = sheet.codes[rows][:, list(tie.columns)]
    weights = np.array(tie.coefficients, dtype=np.float64)
    size = max(tie.most - tie.least + 1, abs(weights[0]))  # of a step of the first column
    distances = np.floor((codes @ weights - tie.least) / size)
    holds = tie.holds(sheet.codes, sheet.known)[rows] == 1
    beside = np.unique(distances[~holds], return_counts=True)[1].max(initial=0)
    different = min(len(np.unique(each)) for each in codes[holds].T) if holds.any() else 0
    return bool(
        different >= FEWEST_DIFFERENT
        and holds.sum() >= LEAST_PART * sheet.known[:, list(tie.columns)].all(axis=1).sum()
        and holds.sum() >= STANDS_OUT * beside
        and holds.sum() >= STANDS_OUT * _by_chance(tie, codes)
    )


def _by_chance(tie: LinearTie, codes: np.ndarray) -> int:
    """The number of rows in which a tie holds if its first column (of codes (n, 2)) is permuted."""
    mixed = np.column_stack([np.random.default_rng(0).permutation(codes[:, 0]), codes[:, 1]])
    sums = mixed @ np.array(tie.coefficients, dtype=np.float64)
    return int(((tie.least <= sums) & (sums <= tie.most)).sum())


def _confirmed(tie: LinearTie, sheet: Sheet, fewest: int) -> LinearTie | None:
    """The tie with its share of all rows; None if these do not show it, or show it nearly always.

    What holds nearly always and is no tie yet follows from others, or is chance.
    """
    holds = tie.holds(sheet.codes, sheet.known)
    said = ~np.isnan(holds)
    of_tie = sheet.of([each for each in sheet.variables if each.number in tie.columns])
    unusual = np.asarray(_unusual(of_tie)[:, list(tie.columns)].all(axis=1))
    share = float(holds[said].mean()) if said.any() else 0.0
    if (holds[unusual] == 1).sum() < max(FEWEST_ROWS, fewest) or share >= USUAL_SHARE:
        return None
    return replace(tie, share=share) if _stands_out(tie, sheet, unusual) else None
